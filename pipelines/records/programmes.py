"""Checkups and services by their code (list mchdb-L22): whose they are, and which of them tell the day of birth."""

from collections.abc import Callable

import polars as pl

from pipelines.declaration import Field, OneOf

ANTENATAL = "10"
OF_MOTHERS = (ANTENATAL, "20", "21", "50")
OF_CHILDREN = ("30", "31", "32", "33", "34", "35", "36", "37")


def programme(*, among: tuple[str, ...] = (), required: bool = True) -> dict[str, Field]:
    """The field `programme_code`, of these codes alone where some are named."""
    field = Field(str, "健診の種類", "programme", rule=OneOf("mchdb-L22", among), required=required)
    return {"programme_code": field}


DAYS_AFTER_BIRTH = ("30", "40")  # of a child, by days or weeks: 1-month checkup (27 to 41 days), hearing (3 days)
DAYS_AFTER_DELIVERY = ("20", "21")  # of a mother: 2 weeks, 1 month


def month_without_a_day(event: str, months_after_birth: int) -> Callable[[], pl.Expr]:
    """The date whose month leaves for an event of a programme (privacy, hole 8).

    What follows a birth by days would tell on which side of a month's end it was: of a child it leaves as the month so
    many after the birth, whenever it was; of a mother, whose delivery another record tells, it does not leave.
    """

    def told() -> pl.Expr:
        programme = pl.col("programme_code")
        usual = pl.col("birth_date").dt.truncate("1mo").dt.offset_by(f"{months_after_birth}mo")
        return (
            pl.when(programme.is_in(DAYS_AFTER_BIRTH)).then(usual)
            .when(~programme.is_in(DAYS_AFTER_DELIVERY).fill_null(False)).then(pl.col(event))
        )  # fmt: skip

    return told
