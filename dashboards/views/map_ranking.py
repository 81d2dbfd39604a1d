"""Where is it high, where is it low: the hexagon map, the ranking with intervals, and the table that says the same."""

import os
from html import escape
from itertools import pairwise
from typing import Any

import polars as pl
import streamlit as st

from dashboards import figures
from dashboards.choice import MAP_LEVELS, SHAPES, keep
from dashboards.classes import ColourClasses, colour_classes
from dashboards.components.hexmap import hexmap, tiles
from dashboards.downloads import offer
from dashboards.published import NATION
from dashboards.view import View
from dashboards.views.controls import choose_area, choose_indicator, choose_period

ROWS_PER_PART = 30
STATIC_CHART = {"displayModeBar": False, "scrollZoom": False}
Row = dict[str, Any]


def render(view: View) -> None:
    heading = st.container()
    indicator, level, period = _controls(view)
    rows = view.release.of_level(indicator["indicator_id"], period, level)
    title = view.words(
        "map_title", indicator=view.words.of(indicator, "label"), level=view.words(f"level_{level}"), period=view.words.period(period, indicator["basis"])
    )  # fmt: skip
    with heading:
        st.title(title, anchor=False)
        st.html(f'<p class="lead">{escape(_reach(view, rows, level))}</p>')
    if rows["value"].is_null().all():
        _nothing(view, indicator)
    ranked = _ranked(view, rows, indicator)
    left, right = st.columns([1.15, 1], gap="medium")
    with left:
        _map(view, rows, indicator, level, title)
    with right:
        _ranking(view, ranked, indicator, period, level, title)
    _table(view, ranked, indicator, period, title)


def _controls(view: View) -> tuple[Row, str, str]:
    first, second, third = st.columns([1.6, 1, 1.3])
    with first:
        indicator = choose_indicator(view)
    with second:
        st.session_state["level_box"] = view.choice.level
        level = st.selectbox(
            view.words("level"), MAP_LEVELS, format_func=lambda x: view.words(f"level_{x}"), key="level_box",
            on_change=lambda: keep(level=st.session_state["level_box"]),
        )  # fmt: skip
    with third:
        period = choose_period(view, level)
    return indicator, level, period


def _reach(view: View, rows: pl.DataFrame, level: str) -> str:
    shown = rows["value"].is_not_null().sum()
    expected = (rows["status"] != "not_collected").sum()
    if level == "municipality":
        expected = view.release.n_registered() or expected
    return view.words(
        "map_reach_municipality" if level == "municipality" else "map_reach",
        all=f"{rows.height:,}",
        expected=expected,
        shown=shown,
    )


def _nothing(view: View, indicator: Row) -> None:
    """No value at this level: say what there is."""
    words = view.words
    levels = view.release.published_levels(indicator["indicator_id"])
    there = words.separator.join(
        f"{words.known('level', row['level'])} {words.period(row['period'], indicator['basis'])}"
        for row in levels.iter_rows(named=True)
    )
    says = words("nothing_at_level", indicator=words.of(indicator, "label"))
    st.info(says + " " + (words("available", list=there) if there else words("available_nowhere")))


def _ranked(view: View, rows: pl.DataFrame, indicator: Row) -> pl.DataFrame:
    """Registered areas: shown ones from high to low with a rank, the others after them by code, without one."""
    symbols = view.symbols()
    shown = rows.filter(pl.col("value").is_not_null()).sort(["value", "area_code"], descending=[True, False])
    ranks = shown["value"].round(indicator["decimals"]).rank("min", descending=True).cast(pl.Int64)
    hidden = rows.filter(pl.col("value").is_null() & (pl.col("status") != "not_collected")).sort("area_code")
    both = pl.concat([shown.with_columns(rank=ranks), hidden.with_columns(rank=pl.lit(None, pl.Int64))])
    return both.with_columns(
        label=pl.Series([view.words.of(r, "name") for r in both.iter_rows(named=True)], dtype=pl.String),
        symbol=pl.Series([symbols.get(s, "…") for s in both["status"]], dtype=pl.String),
        status_word=pl.Series([view.words.known("status", s) for s in both["status"]], dtype=pl.String),
    )


def _tile_area(view: View, level: str) -> dict[str, str]:
    """Tile's code -> code of the area of this level in which it lies."""
    areas = view.release.areas()
    if level == "municipality":
        return {code: code for code in tiles()}
    if level == "prefecture":
        of_prefecture = {c[:2]: c for c in areas.filter(pl.col("level") == "prefecture")["area_code"]}
        return {code: of_prefecture[code[:2]] for code in tiles() if code[:2] in of_prefecture}
    medical = areas.filter((pl.col("level") == "municipality") & pl.col("medical_area_code").is_not_null())
    return dict(zip(medical["area_code"], medical["medical_area_code"], strict=True))


def _map(view: View, rows: pl.DataFrame, indicator: Row, level: str, title: str) -> None:
    words = view.words
    classes = colour_classes(rows["value"], indicator["decimals"])
    cells = {row["area_code"]: row for row in rows.iter_rows(named=True)}
    area_of = _tile_area(view, level)
    digits, texts = [], {}
    for code in tiles():
        cell = cells.get(area_of.get(code, ""))
        digits.append(classes.digit(cell["value"], cell["status"]) if cell else "8")
        if cell and cell["status"] != "not_collected":
            texts[code] = _tip(view, cell, indicator, level)
    chosen = [code for code, area in area_of.items() if view.choice.area != NATION and _is_chosen(view, area, level)]
    spoken = {
        "label": words("map_label", title=title), "back": words("map_back"), "zoom": words("map_zoom", name="{name}"), "wait": words("map_wait"),
        "7": words("legend_other"), "8": words("status_not_collected"), "9": words("status_suppressed"),
    }  # fmt: skip
    shape = _choose_shape(view)
    _legend(view, classes, indicator, set(digits))
    picked = hexmap("".join(digits), texts, chosen, spoken, words.lang, level == "prefecture", shape)
    st.html(
        f'<p class="note">{escape(_note(view, shape))}<br>{escape(words("map_hint"))}<span class="narrow-only"> {escape(words("map_hint_narrow"))}</span></p>'
    )
    if picked and area_of.get(picked) and area_of[picked] != view.choice.area:
        keep(area=area_of[picked])
        st.rerun()


def _choose_shape(view: View) -> str:
    """Hexagons; true borders too, where the reader brought a file of them."""
    if not os.environ.get("MCHDB_BORDERS"):
        return SHAPES[0]
    st.session_state["shape_box"] = view.choice.shape
    chosen = st.segmented_control(
        view.words("shape"), SHAPES, format_func=lambda s: view.words(f"shape_{s}"), key="shape_box", required=True,
        label_visibility="collapsed", on_change=lambda: keep(shape=st.session_state["shape_box"]),
    )  # fmt: skip
    return chosen or SHAPES[0]


def _note(view: View, shape: str) -> str:
    if shape == SHAPES[0]:
        return view.words("map_note")
    return view.words("map_note_borders", file=os.environ["MCHDB_BORDERS"])


def _is_chosen(view: View, area: str, level: str) -> bool:
    return area == _chosen_at(view, level)


def _chosen_at(view: View, level: str) -> str | None:
    """The chosen area, or the one of this level that holds it."""
    own = view.release.area(view.choice.area)
    if own["level"] == level:
        return str(own["area_code"])
    return {"prefecture": own["prefecture_code"], "medical_area": own["medical_area_code"]}.get(level)


def _tip(view: View, cell: Row, indicator: Row, level: str) -> str:
    words, decimals = view.words, indicator["decimals"]
    name = "" if level == "municipality" else words.of(cell, "name") + "\n"
    if cell["value"] is None:
        return name + words.known("status", cell["status"])
    interval = words.interval(cell["ci_low"], cell["ci_high"], decimals)
    return name + words.quantity(cell["value"], decimals, indicator["unit"]) + (f" ({interval})" if interval else "")


def _legend(view: View, classes: ColourClasses, indicator: Row, looks: set[str]) -> None:
    words, d = view.words, indicator["decimals"]
    marks = [words.number(b, d) for b in classes.breaks]
    says = (
        [words("class_below", high=marks[0]), *(words("class_range", low=a, high=b) for a, b in pairwise(marks)),
         words("class_from", low=marks[-1])] if marks else []
    )  # fmt: skip
    swatches = [
        f'<li><i style="background:{c}"></i>{escape(s)}</li>' for c, s in zip(classes.colours, says, strict=False)
    ]
    if "9" in looks:
        swatches.append(f'<li><i class="hatch"></i>{escape(words("status_suppressed"))}</li>')
    if "7" in looks:
        swatches.append(f'<li><i class="dots"></i>{escape(words("legend_other"))}</li>')
    if "8" in looks:
        swatches.append(f'<li><i class="none"></i>{escape(words("status_not_collected"))}</li>')
    if view.choice.area != NATION:
        swatches.append(f'<li><i class="chosen"></i>{escape(words("legend_chosen"))}</li>')
    unit = words.unit(indicator["unit"])
    st.html(
        f'<ul class="legend" aria-label="{words("legend")}">{f"<li>{escape(unit)}</li>" if unit else ""}{"".join(swatches)}</ul>'
    )


def _ranking(view: View, ranked: pl.DataFrame, indicator: Row, period: str, level: str, title: str) -> None:
    words = view.words
    st.subheader(words("ranking"), anchor=False)
    note = words("ranking_count_note" if indicator["kind"] == "count" else "ranking_note")
    st.html(f'<p class="note">{escape(note)}</p>')
    if ranked.is_empty():
        return
    chosen = _chosen_at(view, level)
    part = _part(view, ranked, chosen)
    lines = {} if indicator["kind"] == "count" else _comparators(view, indicator, period, level)
    figure = figures.ranking(part, words, indicator["decimals"], indicator["unit"], chosen, lines)
    st.plotly_chart(figure, theme=None, config=STATIC_CHART, alt=words("ranking_alt", title=title), key="ranking")


def _part(view: View, ranked: pl.DataFrame, chosen: str | None) -> pl.DataFrame:
    """The rows of one page of the ranking; it opens where the chosen area is."""
    n_parts = -(-ranked.height // ROWS_PER_PART)
    if n_parts == 1:
        return ranked
    places = ranked["area_code"].to_list()
    start = places.index(chosen) // ROWS_PER_PART + 1 if chosen in places else 1
    number = st.pagination(n_parts, default=start, key=f"part_{chosen}_{ranked.height}")
    first = (number - 1) * ROWS_PER_PART
    part = ranked.slice(first, ROWS_PER_PART)
    st.html(
        f'<p class="note">{view.words("ranking_part", first=first + 1, last=first + part.height, n=ranked.height)}</p>'
    )
    return part


def _comparators(view: View, indicator: Row, period: str, level: str) -> dict[str, float]:
    """Labelled values of the nation, and of the chosen area's prefecture where the level lies below it."""
    own = view.release.area(view.choice.area)
    codes = (
        [NATION]
        if level == "prefecture"
        else [NATION, own["prefecture_code"] or (own["area_code"] if own["level"] == "prefecture" else None)]
    )
    found: dict[str, float] = {}
    for code in filter(None, codes):
        cell = view.release.of_area(code, period).row(
            by_predicate=pl.col("indicator_id") == indicator["indicator_id"], named=True
        )
        if cell["value"] is not None:
            says = view.words.quantity(cell["value"], indicator["decimals"], indicator["unit"])
            found[f"{view.area_name(view.release.area(code))} {says}"] = cell["value"]
    return found


def _table(view: View, ranked: pl.DataFrame, indicator: Row, period: str, title: str) -> None:
    words = view.words
    st.subheader(words("table"), anchor=False)
    st.html(f'<p class="note">{escape(words("table_note"))}</p>')
    format_ = f"%.{indicator['decimals']}f"
    unit = words.unit(indicator["unit"])
    columns = {
        "rank": st.column_config.NumberColumn(words("rank"), width="small"),
        "area_code": st.column_config.TextColumn(words("code"), width="small"),
        "label": st.column_config.TextColumn(words("area_name")),
        "value": st.column_config.NumberColumn(f"{words('value')}({unit})" if unit else words("value"), format=format_),
        "ci_low": st.column_config.NumberColumn(words("interval_low"), format=format_),
        "ci_high": st.column_config.NumberColumn(words("interval_high"), format=format_),
        "numerator": st.column_config.NumberColumn(words("numerator"), format="localized"),
        "denominator": st.column_config.NumberColumn(words("denominator"), format="localized"),
        "symbol": st.column_config.TextColumn(words("symbol"), width="small"),
        "status_word": st.column_config.TextColumn(words("status")),
    }
    st.dataframe(
        ranked.select(list(columns)).to_arrow(), column_config=columns, hide_index=True, height=460 if ranked.height > 12 else "auto",
        alt=words("table_alt", title=title), key="table",
    )  # fmt: skip
    with st.container(key="area_choice"):
        choose_area(view)
        own = view.release.area(view.choice.area)
        view.link("overview", words("see_overview", name=view.area_name(own)), area=own["area_code"], period=period)
    offer(
        view,
        ranked.with_columns(pl.lit(indicator["indicator_id"]).alias("indicator_id"), pl.lit(period).alias("period")),
    )
