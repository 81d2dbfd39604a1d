"""The frame of the dashboards: the file that is read, navigation, language, banner and footer."""

import os
import sys
from collections.abc import Callable
from html import escape
from pathlib import Path

import streamlit as st

from dashboards.choice import keep, read_choice
from dashboards.components.page_language import page_language
from dashboards.published import NotARelease, NotPublished, Published, Release
from dashboards.view import View
from dashboards.views import definitions, map_ranking, overview, trend
from dashboards.words import LANGUAGES, PAGE_NAMES, WORDS, Words

RENDERS = (overview.render, map_ranking.render, trend.render, definitions.render)
PAGES: dict[str, Callable[[View], None]] = dict(zip(PAGE_NAMES, RENDERS, strict=True))
STYLE = Path(__file__).parent / "style.css"


@st.cache_resource
def _published(path: str) -> Published:
    return Published(Path(path))


def published_path() -> str:
    """The release to read: the environment's MCHDB_PUBLISHED, else the argument, else ./published.duckdb."""
    return os.environ.get("MCHDB_PUBLISHED") or (sys.argv[1] if len(sys.argv) > 1 else "published.duckdb")


def main() -> None:
    st.set_page_config(page_title=WORDS["title"][0], layout="wide")
    st.html(STYLE)
    try:
        release = _published(published_path()).current()
        _show(release)
    except NotARelease as failure:
        _failed(failure.word)
    except NotPublished:
        _failed("part_missing")


def _failed(word: str) -> None:
    st.title(WORDS["title"][0], anchor=False)
    st.warning("\n\n".join(WORDS[word]))


def _show(release: Release) -> None:
    if release.indicators().is_empty() or not release.periods():
        raise NotPublished
    choice = read_choice(release)
    words = Words(choice.lang)
    view = View(release, choice, words)
    for name, render in PAGES.items():
        view.pages[name] = st.Page(_page(view, render), title=words(name), url_path=name, default=name == PAGE_NAMES[0])
    page = st.navigation(list(view.pages.values()), position="hidden")
    st.set_page_config(page_title=f"{page.title} | {words('title')}")
    page_language(choice.lang)
    _header(view)
    page.run()
    _footer(view)


def _page(view: View, render: Callable[[View], None]) -> Callable[[], None]:
    def run() -> None:
        try:
            render(view)
        except NotPublished:
            st.info(view.words("part_missing"))

    return run


def _header(view: View) -> None:
    words = view.words
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="header"):
        st.html(f'<p class="brand">{escape(words("title"))}</p>', width="content")
        st.session_state["lang_box"] = view.choice.lang
        st.segmented_control(
            words("language"), LANGUAGES, format_func={"ja": "日本語", "en": "English"}.__getitem__, key="lang_box", required=True,
            label_visibility="collapsed", on_change=lambda: keep(lang=st.session_state["lang_box"]),
        )  # fmt: skip
    with st.container(horizontal=True, gap="xsmall", key="pages"):
        for name in PAGES:
            view.link(name, words(name))
    if view.release.info.is_synthetic:
        st.html(f'<p class="synthetic" role="note">{escape(words("synthetic"))}</p>')


def _footer(view: View) -> None:
    words, info = view.words, view.release.info
    facts = {
        "footer_release": info.release_id,
        "footer_status": words.known("release", info.status),
        "footer_created": info.created_on.isoformat(),
        "footer_years": info.fiscal_years,
        "footer_policy": words.known("policy", info.policy_id),
        "footer_software": f"mchdb {info.software_version}",
    }
    rows = "".join(f"<div><dt>{escape(words(k))}</dt><dd>{escape(v)}</dd></div>" for k, v in facts.items())
    st.html(f"<footer><dl>{rows}</dl><p>{escape(words('footer_note'))}</p></footer>")


if __name__ == "__main__":
    main()
