"""Times that may leave: months and month differences only (privacy, holes 6 and 8).

Whatever is computed here is the same for every day of the two months it is made of.
"""

from functools import partial

import polars as pl

from pipelines.declaration import Classes, Field

MOTHER_AGE = Classes(5, 15, 45)


def months_between(earlier: str, later: str) -> pl.Expr:
    """Calendar months from the month of `earlier` to the month of `later`."""

    def index(name: str) -> pl.Expr:
        return pl.col(name).dt.year().cast(pl.Int32) * 12 + pl.col(name).dt.month().cast(pl.Int32)

    return index(later) - index(earlier)


def age_months(event: str) -> dict[str, Field]:
    """The field `age_months` of a child at an event."""
    return {
        "age_months": Field(
            int, "月齢(月の差)", "age by months", unit="月", derive=partial(months_between, "birth_date", event)
        )
    }


def mother_age_class(event: str) -> pl.Expr:
    """Five-year class of the mother's age by months: `-19`, `20-24`, ..., `45-`."""
    low = MOTHER_AGE.of(months_between("birth_date", event) // 12)
    return (
        pl.when(low <= 15)
        .then(pl.lit("-19"))
        .when(low >= 45)
        .then(pl.lit("45-"))
        .otherwise(pl.concat_str(low, pl.lit("-"), low + 4))
    )


def gestation_class(weeks: str) -> pl.Expr:
    """Class of completed weeks at a visit: `-11`, `12-19`, `20-27`, `28-35`, `36-`."""
    week = pl.col(weeks)
    return (
        pl.when(week < 12).then(pl.lit("-11"))
        .when(week < 20).then(pl.lit("12-19"))
        .when(week < 28).then(pl.lit("20-27"))
        .when(week < 36).then(pl.lit("28-35"))
        .when(week >= 36).then(pl.lit("36-"))
    )  # fmt: skip


WINDOWS = {
    "31": (3, 6),
    "34": (18, 24),
    "36": (36, 48),
}  # months: programme -> from, below (施行規則2条; report column)


def window_class() -> pl.Expr:
    """`early`, `in` or `late` against the programme's window; `in` where any day of the two months allows it."""
    age = months_between("birth_date", "visit_date")
    low = pl.col("programme_code").replace_strict({p: w[0] for p, w in WINDOWS.items()}, default=None)
    below = pl.col("programme_code").replace_strict({p: w[1] for p, w in WINDOWS.items()}, default=None)
    return (
        pl.when(age < low).then(pl.lit("early"))
        .when(age > below).then(pl.lit("late"))
        .when(low.is_not_null()).then(pl.lit("in"))
    )  # fmt: skip
