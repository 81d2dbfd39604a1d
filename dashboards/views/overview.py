"""One area: a card for every indicator, with its interval, its meaning and its comparators."""

from html import escape
from typing import Any

import polars as pl
import streamlit as st

from dashboards.downloads import offer
from dashboards.published import NATION
from dashboards.sparkline import sparkline
from dashboards.view import View
from dashboards.views.controls import choose_area, choose_period

Row = dict[str, Any]


def render(view: View) -> None:
    area = view.release.area(view.choice.area)
    st.title(view.words("overview_of", name=_full_name(view, area)), anchor=False)
    first, second = st.columns([2.4, 1])
    with first:
        choose_area(view)
    with second:
        period = choose_period(view, area["level"])
    cells = view.release.of_area(area["area_code"], period)
    _summary(view, area, cells)
    _cards(view, area, period, cells)
    offer(view, cells.with_columns(pl.lit(area["area_code"]).alias("area_code"), pl.lit(period).alias("period")))


def _full_name(view: View, area: Row) -> str:
    name = view.area_name(area)
    if not area["prefecture_code"]:
        return name
    prefecture = view.words.of(area, "prefecture")
    return f"{prefecture} {name}" if view.words.lang == "ja" else f"{name}, {prefecture}"


def _summary(view: View, area: Row, cells: pl.DataFrame) -> None:
    shown = cells["value"].is_not_null().sum()
    hidden = (cells["status"] == "suppressed").sum()
    says = view.words("n_shown", shown=shown, all=cells.height) + (
        view.words("n_hidden", hidden=hidden) if hidden else ""
    )
    if area["area_code"] == NATION and view.release.n_registered() < view.release.n_municipalities():
        says += view.words.stop + view.words(
            "nation_is_sum", n=view.release.n_registered(), all=f"{view.release.n_municipalities():,}"
        )
    st.html(f'<p class="lead">{escape(says)}</p>')


def _cards(view: View, area: Row, period: str, cells: pl.DataFrame) -> None:
    indicators = {row["indicator_id"]: row for row in view.release.indicators().iter_rows(named=True)}
    around = _around(view, area, period)
    grid = st.grid(columns=3, min_column_width=310, border=True, gap=16, key="cards")
    for cell in cells.iter_rows(named=True):
        indicator = indicators[cell["indicator_id"]]
        with grid.cell():
            if cell["value"] is None:
                _hidden_card(view, indicator, cell, area, period)
            else:
                _shown_card(view, indicator, cell, area, period, around)


def _around(view: View, area: Row, period: str) -> list[tuple[str, dict[str, Row]]]:
    """The comparators: name and cells of the prefecture and the nation, as far as they lie above the area."""
    codes = {
        "municipality": [area["prefecture_code"], NATION],
        "medical_area": [area["prefecture_code"], NATION],
        "prefecture": [NATION],
    }
    above = [code for code in codes.get(area["level"], []) if code]
    return [
        (
            view.area_name(view.release.area(code)),
            {r["indicator_id"]: r for r in view.release.of_area(code, period).iter_rows(named=True)},
        )
        for code in above
    ]


def _shown_card(
    view: View, indicator: Row, cell: Row, area: Row, period: str, around: list[tuple[str, dict[str, Row]]]
) -> None:
    words, decimals = view.words, indicator["decimals"]
    interval = words.interval(cell["ci_low"], cell["ci_high"], decimals)
    lines = [
        f"<h2>{escape(words.of(indicator, 'label'))}</h2>",
        f'<p class="value"><span class="number">{words.number(cell["value"], decimals)}</span>'
        f'<span class="unit">{escape(words.unit(indicator["unit"]))}</span></p>',
        f'<p class="interval">{words("interval")} {interval}</p>' if interval else "",
        f'<p class="made">{escape(_made_of(view, indicator, cell))}</p>',
        f'<p class="made">{escape(_when_and_how(view, indicator, cell, period))}</p>',
        _target(view, indicator),
        _compared(view, indicator, cell, around),
        _years(view, indicator, area),
    ]
    st.html(f'<div class="card">{"".join(lines)}</div>')
    with st.container(horizontal=True, gap="small"):
        view.link("trend", words("see_trend"), indicator=indicator["indicator_id"], area=area["area_code"])
        view.link("definitions", words("see_definition"), indicator=indicator["indicator_id"])


def _made_of(view: View, indicator: Row, cell: Row) -> str:
    words = view.words
    numerator, denominator = words.of(indicator, "numerator"), words.of(indicator, "denominator")
    n, d = words.number(cell["numerator"]), words.number(cell["denominator"])
    if cell["denominator"] is None:
        return words("counted", numerator=numerator)
    if cell["numerator"] is None:
        return words("mean_over", denominator=denominator, d=d)
    return words("divided", numerator=numerator, n=n, denominator=denominator, d=d)


def _when_and_how(view: View, indicator: Row, cell: Row, period: str) -> str:
    words = view.words
    direction = indicator["direction"] if indicator["direction"] in ("higher", "lower") else "no_direction"
    says = [words.period(period, indicator["basis"]), words.known("status", cell["status"]), words(direction)]
    if cell["n_areas_expected"] and cell["n_areas_reporting"] is not None and cell["n_areas_expected"] > 1:
        says.append(words("reporting", n=cell["n_areas_reporting"], expected=cell["n_areas_expected"]))
    if cell["coverage_births"] is not None and cell["coverage_births"] < 1:
        says.append(words("coverage", share=words.number(100 * cell["coverage_births"], 1)))
    return words.separator.join(says)


def _target(view: View, indicator: Row) -> str:
    """The newest target, with its year and plan."""
    targets = view.release.targets(indicator["indicator_id"])
    if targets.is_empty():
        return ""
    words, last = view.words, targets.row(-1, named=True)
    value = words.number(last["value"], indicator["decimals"])
    says = words("target", value=value, unit=words.unit(indicator["unit"]), year=last["target_year"], plan=last["plan"])
    return f'<p class="made">{escape(says)}</p>'


def _compared(view: View, indicator: Row, cell: Row, around: list[tuple[str, dict[str, Row]]]) -> str:
    """Comparators in words; an area differs clearly where its interval leaves the other's value out."""
    if indicator["kind"] == "count":
        return ""
    items = []
    for name, cells in around:
        other = cells[indicator["indicator_id"]]["value"]
        if other is None:
            continue
        key = "alike"
        if cell["ci_low"] is not None and cell["ci_high"] is not None:
            key = "above" if cell["ci_low"] > other else "below" if cell["ci_high"] < other else "alike"
        says = f"{name} {view.words.quantity(other, indicator['decimals'], indicator['unit'])}"
        sign = {"above": "▲", "below": "▼", "alike": "≈"}[key]
        items.append(
            f'<li><span class="sign {_judged(key, indicator["direction"])}" aria-hidden="true">{sign}</span>'
            f"<span>{escape(says)}<small>{escape(view.words(key, name=name))}</small></span></li>"
        )
    return f'<ul class="compared" aria-label="{view.words("comparators")}">{"".join(items)}</ul>' if items else ""


def _judged(key: str, direction: str | None) -> str:
    """Colour only where the release says which way is better."""
    if key == "alike" or direction not in ("higher", "lower"):
        return "plain"
    return "better" if (key == "above") == (direction == "higher") else "worse"


def _years(view: View, indicator: Row, area: Row) -> str:
    series = view.release.series(indicator["indicator_id"], (area["area_code"],))
    symbols = view.symbols()
    rows = series.select("value", "ci_low", "ci_high").to_dicts()
    marks = [symbols.get(s, "…") for s in series["status"]]
    return sparkline(series["period"].to_list(), rows, marks, view.words("trend_of_years"))


def _hidden_card(view: View, indicator: Row, cell: Row, area: Row, period: str) -> None:
    words, status = view.words, cell["status"]
    near = view.release.nearest(indicator["indicator_id"], area["area_code"], period)
    lines = [
        f"<h2>{escape(words.of(indicator, 'label'))}</h2>",
        f'<p class="hidden-value"><span class="symbol {"hatch" if status in ("suppressed", "withheld_quality") else ""}">'
        f"{escape(view.symbols().get(status, '…'))}</span>{escape(words.known('status', status))}</p>",
        f'<p class="made">{escape(words.known("why", status))}</p>',
        _near(view, indicator, near) if near else f'<p class="made">{escape(words("no_nearest"))}</p>',
    ]
    st.html(f'<div class="card">{"".join(lines)}</div>')
    if near:
        label = words("see_nearest", name=view.area_name(near), period=words.period(near["period"], indicator["basis"]))
        view.link("overview", label, area=near["area_code"], period=near["period"])


def _near(view: View, indicator: Row, near: Row) -> str:
    words, decimals = view.words, indicator["decimals"]
    interval = words.interval(near["ci_low"], near["ci_high"], decimals)
    return (
        f'<p class="near"><small>{escape(words("nearest"))}</small>'
        f"<strong>{escape(words.quantity(near['value'], decimals, indicator['unit']))}</strong>"
        + (f"<small>{words('interval')} {interval}</small>" if interval else "")
        + f"<small>{escape(view.area_name(near))}{words.separator}{escape(words.period(near['period'], indicator['basis']))}</small></p>"
    )
