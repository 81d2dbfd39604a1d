"""How long records took to arrive, as an aggregate: row by row it would give the event's day back (privacy, hole 6)."""

import polars as pl

from pipelines.edge.accepted import Accepted
from pipelines.records.parcel import LAG_CLASSES, LAG_SCHEMA, LONGEST_LAG


def arrival_lag(accepted: list[Accepted]) -> pl.DataFrame:
    """Rows per record, event month, entry channel and class of days from event to record; schema LAG_SCHEMA."""
    told = pl.concat([pl.DataFrame(schema=_TOLD), *(a.rows.select(_told(a)) for a in accepted)])
    columns = [c for c in LAG_SCHEMA if c != "n"]
    classed = told.lazy().filter(pl.col("days") >= 0).with_columns(_class(pl.col("days")).alias("lag_class"))
    return classed.group_by(columns).agg(pl.len().cast(pl.Int32).alias("n")).sort(columns).collect()


_TOLD = {**{c: LAG_SCHEMA[c] for c in ("record", "event_month", "entry_channel_code")}, "days": pl.Int64}


def _told(accepted: Accepted) -> list[pl.Expr]:
    event = pl.col(accepted.record.event)
    return [
        pl.lit(accepted.record.name).alias("record"), event.dt.truncate("1mo").alias("event_month"),
        pl.col("entry_channel_code"), (pl.col("recorded_date") - event).dt.total_days().alias("days"),
    ]  # fmt: skip


def _class(days: pl.Expr) -> pl.Expr:
    named = pl.lit(LONGEST_LAG)
    for most, name in reversed(LAG_CLASSES):
        named = pl.when(days <= most).then(pl.lit(name)).otherwise(named)
    return named
