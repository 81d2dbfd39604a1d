"""A town's counts as indicators: numerator, denominator and value of every year and category, as a table for its staff."""

from collections.abc import Mapping
from datetime import date

import polars as pl

from pipelines.declaration import TOTAL, Count, Indicator, Sum
from pipelines.records import RECORDS

CELL = ["fiscal_year", "breakdown_id", "category_code"]
MARK_JA, MARK_EN = "内部資料・公表不可", "not for publication"
LISTS = ("child_checkup_target",)  # dated by what is planned, not by what happened


def over(count_id: str, sums: Mapping[str, Sum]) -> str:
    """The count itself, or the count whose members a sum is made over."""
    return sums[count_id].over if count_id in sums else count_id


def figures_of(cube: pl.DataFrame, indicators: Mapping[str, Indicator], sums: Mapping[str, Sum]) -> pl.DataFrame:
    """`indicator_id`, CELL, `numerator, denominator, value` out of CELL, `id, value`; no row where nobody is counted."""
    found = [_figures(cube, i, sums) for i in indicators.values()]
    return pl.concat(found).sort("indicator_id", *CELL)


def _figures(cube: pl.DataFrame, indicator: Indicator, sums: Mapping[str, Sum]) -> pl.DataFrame:
    wanted = [b.id for b in (TOTAL, *indicator.breakdowns)]
    own = cube.filter(pl.col("breakdown_id").is_in(wanted))
    numerator = own.filter(pl.col("id") == indicator.numerator).select(*CELL, numerator="value")
    below = own.filter(pl.col("id") == (indicator.denominator or "")).select(*CELL, denominator="value")
    n, d = pl.col("numerator"), pl.col("denominator")
    value = n * indicator.scale if indicator.kind == "count" else indicator.scale * n / d
    counted = n if indicator.denominator is None else d
    rows = numerator.join(below, on=CELL, how="left").filter(counted > 0)
    told = pl.lit(None, pl.Int64) if indicator.numerator in sums else n  # a sum is no count of anybody
    return rows.select(
        pl.lit(indicator.id).alias("indicator_id"), *CELL, told.alias("numerator"), d,
        value.cast(pl.Float64).round(indicator.decimals).alias("value"),
    )  # fmt: skip


def last_month(rows: Mapping[str, pl.DataFrame]) -> date | None:
    """The latest month in which these rows tell of an event."""
    columns = {name: r.fields[r.event].leaves_as(r.event) or "" for name, r in RECORDS.items() if name not in LISTS}
    months = pl.concat([rows[name].select(month=column) for name, column in columns.items()])["month"]
    last = months.max()
    return last if isinstance(last, date) else None


def with_completeness(
    figures: pl.DataFrame,
    indicators: Mapping[str, Indicator],
    counts: Mapping[str, Count],
    sums: Mapping[str, Sum],
    last: date | None,
) -> pl.DataFrame:
    """Adds `is_complete`: the year, and the months its cohort takes to mature, lie behind the last event told of."""
    months = {i.id: counts[over(i.numerator, sums)].mature_after_months for i in indicators.values()}
    end = pl.date(pl.col("fiscal_year") + 1, 3, 1).dt.offset_by(
        pl.format("{}mo", pl.col("indicator_id").replace_strict(months, return_dtype=pl.Int32))
    )
    return figures.with_columns(is_complete=(end <= pl.lit(last, pl.Date)).fill_null(False))


def table_text(figures: pl.DataFrame, indicators: Mapping[str, Indicator]) -> str:
    """The figures as CSV, each row with its words and its mark; a byte order mark, for spreadsheets."""
    about = [
        (i.id, i.label_ja, i.label_en, i.unit, i.definition_ja, i.official_source) for i in indicators.values()
    ]  # fmt: skip
    words = ["indicator_id", "label_ja", "label_en", "unit", "definition_ja", "official_source"]
    named = figures.join(pl.DataFrame(about, words, orient="row"), on="indicator_id", maintain_order="left")
    said = named.join(_categories(indicators), on=["breakdown_id", "category_code"], how="left", maintain_order="left")
    return "\ufeff" + said.select(
        "indicator_id", "label_ja", "label_en", *CELL, "breakdown_ja", "category_ja", "numerator", "denominator", "value",
        "unit", "is_complete", "definition_ja", "official_source", pl.lit(MARK_JA).alias("mark_ja"),
        pl.lit(MARK_EN).alias("mark_en"),
    ).write_csv(line_terminator="\r\n")  # fmt: skip


def _categories(indicators: Mapping[str, Indicator]) -> pl.DataFrame:
    breakdowns = {b.id: b for i in indicators.values() for b in (TOTAL, *i.breakdowns)}
    rows = [(b.id, c.code, b.label_ja, c.label_ja) for b in breakdowns.values() for c in b.categories]
    return pl.DataFrame(rows, ["breakdown_id", "category_code", "breakdown_ja", "category_ja"], orient="row")
