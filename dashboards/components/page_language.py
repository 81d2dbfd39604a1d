"""The language of the document (WCAG 3.1.1): Streamlit writes lang="en" and has no option for it."""

import streamlit as st

_JS = """
export default function ({ data }) {
  document.documentElement.lang = data.lang;
}
"""


def page_language(lang: str) -> None:
    """Sets `<html lang>`; Japanese line breaking and glyphs follow it."""
    component = st.components.v2.component("mchdb_page_language", html="<span hidden></span>", js=_JS)
    component(data={"lang": lang}, key="page_language", height=0)
