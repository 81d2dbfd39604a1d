"""What the reader has chosen: in the URL, so that a view can be shared, and on an allow-list, so that nothing else can."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import streamlit as st

from dashboards.published import NATION, Release
from dashboards.words import LANGUAGES

MAP_LEVELS = ("municipality", "medical_area", "prefecture")
SHAPES = ("hexagons", "borders")
AREAS_COMPARED = 6
_KEPT = "kept_"


@dataclass(frozen=True)
class Choice:
    """`area` is NATION where nothing was chosen; `compared` are further areas of the trend, comma-separated in the URL."""

    lang: str
    area: str
    compared: tuple[str, ...] | None
    indicator: str
    period: str | None
    level: str
    breakdown: str
    shape: str = "hexagons"


def keep(**chosen: str) -> None:
    """Remembers choices in the session and in the URL."""
    for name, value in chosen.items():
        st.session_state[_KEPT + name] = value
        st.query_params[name] = value


def _raw(name: str) -> str | None:
    """The URL stands before the session, whose memory carries a choice from page to page."""
    return st.query_params.get(name) or st.session_state.get(_KEPT + name)


def _one_of(name: str, allowed: Callable[[str], bool], otherwise: Any) -> Any:
    raw = _raw(name)
    if raw is None or not allowed(raw):
        _forget(name)
        return otherwise
    keep_if_changed(name, raw)
    return raw


def _forget(name: str) -> None:
    st.session_state.pop(_KEPT + name, None)
    if name in st.query_params:
        del st.query_params[name]


def keep_if_changed(name: str, value: str) -> None:
    if st.session_state.get(_KEPT + name) != value or st.query_params.get(name) != value:
        keep(**{name: value})


def read_choice(release: Release) -> Choice:
    """The choices that this release allows; anything else in the URL is dropped and its default taken."""
    areas = set(release.areas()["area_code"])
    indicators = release.indicators()["indicator_id"].to_list()
    periods = release.periods()
    indicator = _one_of("indicator", indicators.__contains__, indicators[0])
    compared = _one_of(
        "compared", lambda raw: len(raw.split(",")) <= AREAS_COMPARED and set(raw.split(",")) <= areas, None
    )
    return Choice(
        lang=_one_of("lang", LANGUAGES.__contains__, LANGUAGES[0]),
        area=_one_of("area", areas.__contains__, NATION),
        compared=tuple(compared.split(",")) if compared else None,
        indicator=indicator,
        period=_one_of("period", periods.__contains__, None),
        level=_one_of("level", MAP_LEVELS.__contains__, MAP_LEVELS[0]),
        breakdown=_one_of("breakdown", release.breakdowns(indicator).__contains__, "all"),
        shape=_one_of("shape", SHAPES.__contains__, SHAPES[0]),
    )


def in_url(choice: Choice, **changed: str) -> dict[str, str]:
    """The query of a link to this view with some choices changed; defaults stay out."""
    kept = {f.name: st.query_params.get(f.name) for f in fields(choice)}
    return {name: value for name, value in (kept | changed).items() if value}
