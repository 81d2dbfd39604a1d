"""Whose rows they are: a file tells of one person on row after row, so what names people is looked at once per stretch.

A stretch is rows that follow each other and name the same people in the same way. Where rows come in no order, each
row is a stretch of its own: slower, and the same.
"""

import polars as pl

from pipelines.declaration import Record, Role
from pipelines.records import RECORDS
from pipelines.records.head import PERSON
from pipelines.records.linkage import TOKEN_RULES

WHO = "who"  # of a row: the place of its stretch among the people of its file
PARTS = tuple(dict.fromkeys(part for rule in TOKEN_RULES for part in rule.parts))
LOCAL_PARTS = tuple(dict.fromkeys(p for r in RECORDS.values() for parts in r.local_tokens.values() for p in parts))


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
    """LOCAL_PARTS and PARTS as text, a row for each stretch; null for a record of no person, or what it has not."""
    here = {*naming(record)} if record.is_of_person else set()
    named = (pl.col(name) if name in here else pl.lit(None).alias(name) for name in (*LOCAL_PARTS, *PARTS))
    return firsts.select("line", *(name.cast(pl.String) for name in named)).drop("line")
