"""What a row says after the edge: months for dates, classes for numbers, derived fields instead of items.

A field leaves only by its role; a cancelled row says nothing but that it is cancelled, whatever the cause.
"""

from functools import cache

import polars as pl

from pipelines.declaration import MONTHED, Field, Record, parcel_type
from pipelines.records import RECORDS
from pipelines.records.parcel import record_schema


def coarsen(rows: pl.DataFrame, record: Record, feed: str) -> pl.DataFrame:
    """Typed rows with `record_key` to the schema of the parcel (`record_schema`)."""
    return rows.select("record_key", pl.lit(feed).alias("feed"), *_leaving(record.name))


def cancellations(record_keys: pl.Series, feeds: pl.Series, record: Record) -> pl.DataFrame:
    """Rows that take back what was sent before."""
    gone = pl.DataFrame(
        {"record_key": record_keys, "feed": feeds, "is_cancelled": True}, schema_overrides={"feed": pl.String}
    )
    columns = record_schema(record)
    return gone.select(n if n in gone.columns else pl.lit(None, dtype).alias(n) for n, dtype in columns.items())


@cache
def _leaving(record_name: str) -> list[pl.Expr]:
    leaving = RECORDS[record_name].leaving
    return [_coarse(name, field).cast(parcel_type(field)).alias(left) for left, (name, field) in leaving.items()]


def _coarse(name: str, field: Field) -> pl.Expr:
    made = field.told_as or field.derive
    value = made() if made else pl.col(name)
    if field.role in MONTHED:
        return value.dt.truncate("1mo")
    return field.classes.of(value) if field.classes else value
