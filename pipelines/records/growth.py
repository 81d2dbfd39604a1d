"""Growth as a class, never as a score: a z-score gives the age in days back (privacy, hole 6)."""

import polars as pl

from pipelines.records.months import months_between


def growth_class(measure: str, table: str) -> pl.Expr:
    """`-2`, `in` or `2-`: below, within or above 2 SD of the official table for completed months.

    The day of birth decides between two completed months; a child is outside only where it is outside for
    both of them, so the class is the same for every day of the month-pair.
    Source of the table: 2000 national growth survey, monthly mean and SD.
    """
    months = months_between("birth_date", "visit_date")
    sides = [_side(measure, table, age) for age in (months - 1, months)]
    return (
        pl.when(sides[0] == sides[1]).then(sides[0])
        .when(sides[0].is_not_null() & sides[1].is_not_null()).then(pl.lit("in"))
        .otherwise(pl.coalesce(*sides))
    )  # fmt: skip


def _side(measure: str, table: str, age_months: pl.Expr) -> pl.Expr:
    from pipelines.reference import growth_table

    rows = growth_table(table)
    key = pl.col("sex_code").cast(pl.Int32, strict=False) * 1000 + age_months
    mean = key.replace_strict(rows["key"], rows["mean"], default=None, return_dtype=pl.Float64)
    sd = key.replace_strict(rows["key"], rows["sd"], default=None, return_dtype=pl.Float64)
    deviation = (pl.col(measure) - mean) / sd
    return (
        pl.when(deviation < -2).then(pl.lit("-2"))
        .when(deviation > 2).then(pl.lit("2-"))
        .when(deviation.is_not_null()).then(pl.lit("in"))
    )  # fmt: skip
