"""Whose rows they are: a file tells of one person on row after row, so what names people is looked at once per stretch.

A stretch is rows that follow each other and name the same people in the same way. Where rows come in no order, each
row is a stretch of its own: slower, and the same.
"""

import polars as pl

from pipelines.declaration import Record, Role
from pipelines.records.head import PERSON
from pipelines.records.linkage import TOKEN_RULES

WHO = "who"  # of a row: the place of its stretch among the people of its file
PARTS = tuple(dict.fromkeys(part for rule in TOKEN_RULES for part in rule.parts))


def naming(record: Record) -> list[str]:
    """The arriving fields that name people or tell who they are, the row's own person or another."""
    return [n for n, f in record.arriving.items() if n in PERSON or f.role is Role.LOCAL_KEY]


def begins(rows: pl.DataFrame, record: Record) -> pl.Series:
    """True where a row does not name the same people in the same way as the row above it."""
    changes = (pl.col(name).ne_missing(pl.col(name).shift()) for name in naming(record))
    return rows.select(pl.any_horizontal(pl.int_range(pl.len()) == 0, *changes).alias(WHO)).to_series()


def places(begun: pl.Series) -> pl.Series:
    """WHO of each row."""
    return (begun.cum_sum() - 1).cast(pl.UInt32).alias(WHO)


def people(firsts: pl.DataFrame, record: Record) -> pl.DataFrame:
    """`person_local` and PARTS as text, a row for each stretch; null for a record of no person."""
    names = ("person_local", *PARTS)
    return firsts.select((pl.col(n) if record.is_of_person else pl.lit(None)).cast(pl.String).alias(n) for n in names)
