"""Cells to text: a number as it is typed, a date as YYYY-MM-DD, also where a sheet holds it as a number of days."""

from datetime import date, datetime
from typing import Any

import polars as pl

ERRORS = ("#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#GETTING_DATA", "#SPILL!", "#CALC!")
DAY_NUMBER = r"^([2-7][0-9]{4})(?:\.[0-9]+)?$"  # 1954 to 2119: a smaller number may be a year
TYPED = (r"^([12][0-9]{3})[/.年-]([0-9]{1,2})[/.月-]([0-9]{1,2})日?$", r"^([12][0-9]{3})([0-9]{2})([0-9]{2})$")


def text_of(value: Any) -> str | None:
    """A cell's value as text; None where nothing is seen in it."""
    if value is None:
        return None
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, datetime):
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, date) else str(value)


def as_dates(first_day: datetime, *columns: str) -> list[pl.Expr]:
    """Each column with what is a date in it as YYYY-MM-DD, all else as it is."""
    return [_as_date(pl.col(column), first_day.date()).alias(column) for column in columns]


def _as_date(text: pl.Expr, first_day: date) -> pl.Expr:
    days = text.str.extract(DAY_NUMBER).cast(pl.Int32)
    counted = pl.lit(first_day) + pl.duration(days=days)
    year, month, day = (pl.coalesce(text.str.extract(form, i) for form in TYPED) for i in (1, 2, 3))
    typed = pl.concat_str(year, month.str.zfill(2), day.str.zfill(2), separator="-")
    return pl.when(days.is_not_null()).then(counted.dt.strftime("%Y-%m-%d")).otherwise(pl.coalesce(typed, text))
