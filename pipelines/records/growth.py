"""Growth as a class, never as a score: a z-score gives the age in days back (privacy, hole 6)."""

from functools import cache

import polars as pl

from pipelines.records.months import months_between


def growth_class(measure: str, table: str) -> pl.Expr:
    """`-2`, `in` or `2-`: below, within or above 2 SD of the official table for completed months.

    The day of birth decides between two completed months; a child is outside only where it is outside for
    both of them, so the class is the same for every day of the month-pair.
    Source of the table: 2000 national growth survey, monthly mean and SD.
    """
    months = months_between("birth_date", "visit_date")
    younger, older = (_side(measure, table, age) for age in (months - 1, months))
    agreed = pl.mean_horizontal(younger, older).cast(pl.Int8)  # cut towards 0: where the two differ, 0
    return agreed.replace_strict({-1: "-2", 0: "in", 1: "2-"}, return_dtype=pl.String)


def _side(measure: str, table: str, age_months: pl.Expr) -> pl.Expr:
    """-1, 0 or 1: below, within or above 2 SD; null where the table has no such age."""
    key = pl.col("sex_code").cast(pl.Int32, strict=False) * 1000 + age_months
    mean, sd = (pl.lit(by_key).gather(key.clip(0), null_on_oob=True) for by_key in _by_key(table))
    deviation = (pl.col(measure) - mean) / sd
    return (deviation > 2).cast(pl.Int8) - (deviation < -2).cast(pl.Int8)


@cache
def _by_key(table: str) -> tuple[pl.Series, pl.Series]:
    """Mean and SD of a table, each at the place of its key."""
    from pipelines.reference import growth_table

    rows = pl.DataFrame(growth_table(table))
    places = pl.DataFrame({"key": range(1 + max(rows["key"]))}, schema={"key": rows.schema["key"]})
    placed = places.join(rows, on="key", how="left", maintain_order="left")
    return placed["mean"], placed["sd"]
