"""How long records took to arrive, as an aggregate: row by row it would give the event's day back (privacy, hole 6)."""

import polars as pl

from pipelines.edge.accepted import Accepted
from pipelines.records.parcel import LAG_CLASSES, LAG_SCHEMA, LONGEST_LAG


def arrival_lag(accepted: list[Accepted]) -> pl.DataFrame:
    """Rows per record, event month, entry channel and class of days from event to record; schema LAG_SCHEMA."""
    told = [_lags(a) for a in accepted]
    columns = [c for c in LAG_SCHEMA if c != "n"]
    rows = pl.concat([pl.DataFrame(schema={c: LAG_SCHEMA[c] for c in columns}), *told])
    return rows.group_by(columns).agg(pl.len().cast(pl.Int32).alias("n")).sort(columns)


def _lags(accepted: Accepted) -> pl.DataFrame:
    event = pl.col(accepted.record.event)
    days = (pl.col("recorded_date") - event).dt.total_days()
    return accepted.rows.filter(days >= 0).select(
        pl.lit(accepted.record.name).alias("record"), event.dt.truncate("1mo").alias("event_month"),
        "entry_channel_code", _class(days).alias("lag_class"),
    )  # fmt: skip


def _class(days: pl.Expr) -> pl.Expr:
    named = pl.lit(LONGEST_LAG)
    for most, name in reversed(LAG_CLASSES):
        named = pl.when(days <= most).then(pl.lit(name)).otherwise(named)
    return named
