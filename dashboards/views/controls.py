"""The choices that several pages offer; each writes the URL when it changes."""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from dashboards.choice import keep
from dashboards.published import NATION
from dashboards.view import View


def choose(label: str, name: str, options: Sequence[str], current: str, says: Callable[[str], str], **more: Any) -> str:
    """A select box whose value is the choice `name`."""
    key = f"{name}_box"
    st.session_state[key] = current
    chosen = st.selectbox(
        label, options, format_func=says, key=key, on_change=lambda: keep(**{name: st.session_state[key]}), **more
    )
    return chosen or current


def choose_indicator(view: View) -> dict[str, Any]:
    """The chosen indicator as a row of the release."""
    rows = {row["indicator_id"]: row for row in view.release.indicators().iter_rows(named=True)}
    chosen = choose(
        view.words("indicator"),
        "indicator",
        list(rows),
        view.choice.indicator,
        lambda i: view.words.of(rows[i], "label"),
    )
    return rows[chosen]


def choose_period(view: View, level: str) -> str:
    return choose(view.words("period"), "period", view.release.periods(), view.period(level), view.words.period)


def choose_area(view: View) -> str:
    """Two boxes: the prefecture, then the medical areas and municipalities within it."""
    areas = {row["area_code"]: row for row in view.release.areas().iter_rows(named=True)}
    chosen = areas[view.choice.area]
    prefectures = {row["area_code"][:2]: code for code, row in areas.items() if row["level"] == "prefecture"}
    own = NATION if chosen["level"] == "nation" else prefectures.get(chosen["area_code"][:2], NATION)
    first, second = st.columns([1, 1.4])
    with first:
        _choose_prefecture(view, areas, own, list(prefectures.values()))
    with second:
        _choose_within(view, areas, own)
    return view.choice.area


def _choose_prefecture(view: View, areas: dict[str, Any], own: str, prefectures: list[str]) -> None:
    ordered = sorted(prefectures, key=lambda code: (not areas[code]["is_collected"], code))

    def says(code: str) -> str:
        name = view.area_name(areas[code])
        return name if areas[code]["is_collected"] else view.words("not_registered", name=name)

    st.session_state["prefecture_box"] = own
    st.selectbox(
        view.words("prefecture"), [NATION, *ordered], format_func=says, key="prefecture_box",
        on_change=lambda: keep(area=st.session_state["prefecture_box"]),
    )  # fmt: skip


def _choose_within(view: View, areas: dict[str, Any], prefecture: str) -> None:
    within = (
        [c for c, row in areas.items() if row["depth"] > 1 and c[:2] == prefecture[:2]] if prefecture != NATION else []
    )

    def says(code: str) -> str:
        if code == NATION:
            return view.words("none_chosen")
        name = view.words.of(areas[code], "name")
        return view.words("whole_prefecture", name=name) if code == prefecture else name

    choose(view.words("area"), "area", [prefecture, *within], view.choice.area, says, disabled=prefecture == NATION)
