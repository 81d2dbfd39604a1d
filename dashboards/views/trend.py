"""Did it change: an indicator over the years, for several areas or for the parts of one."""

from html import escape
from typing import Any

import polars as pl
import streamlit as st

from dashboards import figures
from dashboards.choice import AREAS_COMPARED, keep
from dashboards.downloads import offer
from dashboards.published import NATION
from dashboards.view import View
from dashboards.views.controls import choose, choose_area, choose_indicator

Row = dict[str, Any]


def render(view: View) -> None:
    heading = st.container()
    first, second = st.columns([1.4, 1])
    with first:
        indicator = choose_indicator(view)
    title = view.words("trend_title", indicator=view.words.of(indicator, "label"))
    with heading:
        st.title(title, anchor=False)
        st.html(f'<p class="lead">{escape(view.words.of(indicator, "definition"))}</p>')
    with second:
        breakdown = _choose_breakdown(view, indicator)
    areas = _choose_areas(view) if breakdown == "all" else (choose_area(view),)
    rows = _lines(view, view.release.series(indicator["indicator_id"], areas, breakdown), breakdown)
    if rows["value"].is_null().all():
        st.info(view.words("trend_empty"))
    if rows.height:
        figure = figures.trend(rows, view.words, indicator["decimals"], indicator["unit"], indicator["basis"])
        st.plotly_chart(
            figure, theme=None, config={"displayModeBar": False}, alt=view.words("trend_alt", title=title), key="trend"
        )
        st.html(f'<p class="note">{escape(view.words("trend_note"))}</p>')
        _table(view, rows, indicator, title)
    offer(
        view,
        rows.with_columns(
            pl.lit(indicator["indicator_id"]).alias("indicator_id"), pl.lit(breakdown).alias("breakdown_id")
        ),
    )


def _choose_breakdown(view: View, indicator: Row) -> str:
    options = ["all", *view.release.breakdowns(indicator["indicator_id"])]
    current = view.choice.breakdown if view.choice.breakdown in options else "all"
    return choose(view.words("compare_by"), "breakdown", options, current, lambda b: _says_breakdown(view, b))


def _says_breakdown(view: View, breakdown_id: str) -> str:
    """A breakdown is named by its parts."""
    if breakdown_id == "all":
        return view.words("by_areas")
    parts = [view.words.of(row, "label") for row in view.release.categories(breakdown_id).iter_rows(named=True)]
    more = "…" if len(parts) > 3 else ""
    return view.words("by_categories", labels=("・" if view.words.lang == "ja" else ", ").join(parts[:3]) + more)


def _choose_areas(view: View) -> tuple[str, ...]:
    """The chosen area with its prefecture and the nation, until the reader composes another set."""
    areas = {row["area_code"]: row for row in view.release.areas().iter_rows(named=True)}
    own = view.release.area(view.choice.area)
    usual = [code for code in (own["area_code"], own["prefecture_code"], NATION) if code]
    current = list(view.choice.compared or dict.fromkeys(usual))
    options = [code for code, row in areas.items() if row["is_collected"] or code in current]
    st.session_state["compared_box"] = current
    chosen = st.multiselect(
        view.words("areas"), options, format_func=lambda code: view.area_name(areas[code]), key="compared_box",
        max_selections=AREAS_COMPARED, on_change=lambda: keep(compared=",".join(st.session_state["compared_box"] or [NATION])),
    )  # fmt: skip
    return tuple(chosen)


def _lines(view: View, series: pl.DataFrame, breakdown: str) -> pl.DataFrame:
    symbols = view.symbols()
    named = [
        view.area_name(r) if breakdown == "all" else view.words.of(r, "category") or r["category_code"]
        for r in series.iter_rows(named=True)
    ]
    return series.with_columns(
        line=pl.Series(named, dtype=pl.String),
        symbol=pl.Series([symbols.get(s, "…") for s in series["status"]], dtype=pl.String),
        status_word=pl.Series([view.words.known("status", s) for s in series["status"]], dtype=pl.String),
    )


def _table(view: View, rows: pl.DataFrame, indicator: Row, title: str) -> None:
    words = view.words
    format_, unit = f"%.{indicator['decimals']}f", words.unit(indicator["unit"])
    columns = {
        "line": st.column_config.TextColumn(
            words("area_name") if rows["category_code"].eq("all").all() else words("category")
        ),
        "period": st.column_config.TextColumn(words("fiscal_year"), width="small"),
        "value": st.column_config.NumberColumn(f"{words('value')}({unit})" if unit else words("value"), format=format_),
        "ci_low": st.column_config.NumberColumn(words("interval_low"), format=format_),
        "ci_high": st.column_config.NumberColumn(words("interval_high"), format=format_),
        "numerator": st.column_config.NumberColumn(words("numerator"), format="localized"),
        "denominator": st.column_config.NumberColumn(words("denominator"), format="localized"),
        "symbol": st.column_config.TextColumn(words("symbol"), width="small"),
        "status_word": st.column_config.TextColumn(words("status")),
    }
    st.subheader(words("table"), anchor=False)
    st.dataframe(
        rows.select(list(columns)).to_arrow(), column_config=columns, hide_index=True,
        alt=words("table_alt", title=title), key="trend_table",
    )  # fmt: skip
