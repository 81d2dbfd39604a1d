"""No number without its meaning: indicators, publication policy, symbols, records and fields."""

from html import escape
from typing import Any

import polars as pl
import streamlit as st

from dashboards.published import NotPublished
from dashboards.view import View
from dashboards.views.controls import choose_indicator

Row = dict[str, Any]


def render(view: View) -> None:
    words = view.words
    st.title(words("definitions"), anchor=False)
    parts = (
        ("tab_indicator", _indicator),
        ("tab_policy", _policy),
        ("tab_symbols", _symbols),
        ("tab_records", _records),
    )
    for tab, (_, part) in zip(st.tabs([words(name) for name, _ in parts]), parts, strict=True):
        with tab:
            try:
                part(view)
            except NotPublished:
                st.info(words("part_missing"))


def _indicator(view: View) -> None:
    words, indicator = view.words, choose_indicator(view)
    st.subheader(words.of(indicator, "label"), anchor=False)
    facts = {
        "definition": words.of(indicator, "definition"),
        "numerator": words.of(indicator, "numerator"),
        "denominator": words.of(indicator, "denominator"),
        "kind": words.known("kind", indicator["kind"]),
        "unit": words.unit(indicator["unit"]) or "—",
        "basis": words.known("basis", indicator["basis"]),
        "direction": words(indicator["direction"] if indicator["direction"] in ("higher", "lower") else "no_direction"),
        "targets": _targets(view, indicator),
        "official_source": indicator["official_source"],
        "caution": words.of(indicator, "caution"),
        "breakdowns": _breakdowns(view, indicator),
        "levels_published": _levels(view, indicator),
    }
    rows = "".join(f"<dt>{escape(words(k))}</dt><dd>{escape(v)}</dd>" for k, v in facts.items() if v)
    st.html(f'<dl class="facts">{rows}</dl>')
    with st.expander(words("sql")):
        _sql(view, indicator)
    with st.container(horizontal=True, gap="small"):
        view.link("map", words("map"), indicator=indicator["indicator_id"])
        view.link("trend", words("see_trend"), indicator=indicator["indicator_id"])


def _targets(view: View, indicator: Row) -> str:
    words = view.words
    says = [
        words("target", value=words.number(t["value"], indicator["decimals"]), unit=words.unit(indicator["unit"]), year=t["target_year"], plan=t["plan"])
        for t in view.release.targets(indicator["indicator_id"]).iter_rows(named=True)
    ]  # fmt: skip
    return words.separator.join(says) or words("no_target")


def _breakdowns(view: View, indicator: Row) -> str:
    words = view.words
    parts = [
        ("・" if words.lang == "ja" else ", ").join(
            words.of(c, "label") for c in view.release.categories(b).iter_rows(named=True)
        )
        for b in view.release.breakdowns(indicator["indicator_id"])
    ]
    return " / ".join(parts) or words("no_breakdown")


def _levels(view: View, indicator: Row) -> str:
    words = view.words
    rows = view.release.published_levels(indicator["indicator_id"]).group_by("level", maintain_order=True).agg("period")
    says = [
        f"{view.level_name(r['level'])}({words.separator.join(words.period(p, indicator['basis']) for p in r['period'])})"
        for r in rows.iter_rows(named=True)
    ]
    return ("、" if words.lang == "ja" else "; ").join(says) or words("available_nowhere")


def _sql(view: View, indicator: Row) -> None:
    counts = {row["count_id"]: row for row in view.release.counts().iter_rows(named=True)}
    words = view.words
    for part in ("numerator", "denominator"):
        count = counts.get(indicator[f"{part}_id"] or "")
        if count is None:
            continue
        says = (
            f"{words(part)}：{words.of(count, 'label')}"
            if words.lang == "ja"
            else f"{words(part)}: {words.of(count, 'label')}"
        )
        st.html(
            f"<p><strong>{escape(says)}</strong>　{escape(words('sensitivity'))} {escape(count['sensitivity'] or '')}</p>"
        )
        st.code(
            f"-- {words('population_sql')}\n{count['population_sql']}\n-- {words('condition_sql')}\n{count['condition_sql']}",
            language="sql",
            wrap_lines=True,
        )


def _policy(view: View) -> None:
    words, rows = view.words, view.release.policy()
    st.subheader(words.known("policy", view.release.info.policy_id), anchor=False)
    if rows.is_empty():
        st.info(words("nothing_here"))
        return
    _grid(
        rows,
        {
            "key": words("policy_item"),
            "value": words("value"),
            f"meaning_{words.lang}": words("policy_meaning"),
            "guideline": words("policy_guideline"),
        },
    )


def _symbols(view: View) -> None:
    words = view.words
    rows = view.release.symbols()
    named = rows.with_columns(word=pl.Series([words.known("status", s) for s in rows["status"]], dtype=pl.String))
    _grid(
        named,
        {
            "symbol": words("symbol"),
            "word": words("status"),
            f"meaning_{words.lang}": words("policy_meaning"),
            "status": words("code"),
        },
    )


def _records(view: View) -> None:
    words, records = view.words, view.release.records()
    if records.is_empty():
        st.info(words("nothing_here"))
        return
    known = {row["record"]: row for row in records.iter_rows(named=True)}
    chosen = st.selectbox(
        words("record"), list(known), format_func=lambda r: words.of(known[r], "label"), key="record_box"
    )
    st.html(
        f'<p class="note">{escape(words("record_grain", grain=known[chosen]["grain"] or "", version=known[chosen]["version"]))}</p>'
    )
    lang = words.lang
    _grid(
        view.release.fields(chosen),
        {"field": words("field"), f"label_{lang}": words("label"), "type": words("type"), "unit": words("unit"), "role": words("role"),
         f"rule_{lang}": words("rule"), "code_list": words("code")},
    )  # fmt: skip


def _grid(rows: pl.DataFrame, columns: dict[str, str]) -> None:
    """A plain table that wraps its text and can be read by a screen reader."""
    head = "".join(f"<th scope='col'>{escape(says)}</th>" for says in columns.values())
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(row[c] if row[c] is not None else ''))}</td>" for c in columns) + "</tr>"
        for row in rows.iter_rows(named=True)
    )
    st.html(
        f'<div class="scroll" tabindex="0"><table class="plain"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )
