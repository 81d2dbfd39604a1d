"""Rows as a handbook hands them on: the writer of the exchange between apps, by reading the declaration of the feed.

What it writes is read back as it was: every value is text, flags are truth values, what is empty is null.
"""

import polars as pl

from pipelines.declaration import Record
from pipelines.feeds.feed import Column, Feed
from synthetic.faults import as_text


def written(rows: pl.DataFrame, record: Record, feed: Feed) -> bytes:
    """A whole file: rows with a column of text per field of the record."""
    lines = objects(rows, record, feed).removesuffix(b",\n")
    return b"[" + (b"\n" if lines else b"") + lines + b"\n]\n"


def objects(rows: pl.DataFrame, record: Record, feed: Feed) -> bytes:
    """An object a line, nested by the dots of the declared keys, each followed by a comma."""
    tree: dict[str, list[pl.Expr]] = {}
    for column in feed.columns(record):
        outer, _, inner = column.header.rpartition(".")
        tree.setdefault(outer, []).append(_value(column).alias(inner))
    nested = [pl.struct(values).alias(outer) for outer, values in tree.items() if outer]
    lines = as_text(rows).select(pl.struct(*nested, *tree.get("", [])).struct.json_encode()).to_series()
    return "".join(line + ",\n" for line in lines).encode()


def _value(column: Column) -> pl.Expr:
    text = pl.col(column.field)
    return (
        text.replace_strict({"1": True, "0": False}, default=None, return_dtype=pl.Boolean)
        if column.conversion
        else text
    )
