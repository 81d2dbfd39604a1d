"""What a row says after the edge: months for dates, classes for numbers, derived fields instead of items.

A field leaves only by its role; a cancelled row says nothing but that it is cancelled, whatever the cause.
"""

from functools import cache

import polars as pl

from pipelines.declaration import MONTHED, Field, Record, parcel_type
from pipelines.records import RECORDS
from pipelines.records.parcel import record_schema


def coarsen(rows: pl.DataFrame, record: Record) -> pl.DataFrame:
    """Typed rows with `record_key` and `feed` to the schema of the parcel (`record_schema`)."""
    derived, leaving = _expressions(record.name)
    return rows.with_columns(derived).select("record_key", "feed", *leaving)


def cancellations(record_keys: pl.Series, feeds: pl.Series, record: Record) -> pl.DataFrame:
    """Rows that take back what was sent before."""
    gone = pl.DataFrame(
        {"record_key": record_keys, "feed": feeds, "is_cancelled": True}, schema_overrides={"feed": pl.String}
    )
    columns = record_schema(record)
    return gone.select(n if n in gone.columns else pl.lit(None, dtype).alias(n) for n, dtype in columns.items())


@cache
def _expressions(record_name: str) -> tuple[list[pl.Expr], list[pl.Expr]]:
    record = RECORDS[record_name]
    derived = [f.derive().alias(n) for n, f in record.fields.items() if f.derive]
    return derived, [_coarse(n, f).cast(parcel_type(f)).alias(left) for left, (n, f) in record.leaving.items()]


def _coarse(name: str, field: Field) -> pl.Expr:
    if field.role in MONTHED:
        return pl.col(name).dt.truncate("1mo")
    return field.classes.of(pl.col(name)) if field.classes else pl.col(name)
