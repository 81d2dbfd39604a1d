"""What a page is given: one release, the reader's choice, the words, and the links to the other pages."""

from dataclasses import dataclass, field
from typing import Any

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from dashboards.choice import Choice, in_url
from dashboards.published import NATION, Release
from dashboards.words import Words


@dataclass(frozen=True)
class View:
    release: Release
    choice: Choice
    words: Words
    pages: dict[str, StreamlitPage] = field(default_factory=dict)

    def area_name(self, row: dict[str, Any]) -> str:
        """The name of an area; the nation is what it is: the sum of those registered, while some are not."""
        return self.level_name("nation") if row["area_code"] == NATION else self.words.of(row, "name")

    def level_name(self, level: str) -> str:
        """The name of a level; the nation is the sum of the registered prefectures while some areas are not registered."""
        if level == "nation" and self.release.n_registered() < self.release.n_municipalities():
            return self.words("sum_of_registered")
        return self.words.known("level", level)

    def period(self, level: str) -> str:
        """The chosen period; else pooled years where numbers are small, and the latest year above them."""
        if self.choice.period:
            return self.choice.period
        periods = self.release.periods()
        single = [p for p in periods if "-" not in p]
        return periods[0] if level in ("municipality", "medical_area", "ward") or not single else single[0]

    def symbols(self) -> dict[str, str]:
        known = self.release.symbols()
        return dict(zip(known["status"], known["symbol"], strict=True)) | {"not_published": "…"}

    def link(self, page: str, label: str, **changed: str) -> None:
        """A link to a page with this view's choices, some of them changed."""
        if page in self.pages:
            st.page_link(self.pages[page], label=label, query_params=in_url(self.choice, **changed))
