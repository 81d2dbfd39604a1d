"""Accepted rows of one record in one feed, as they go from step to step."""

from dataclasses import dataclass, field, replace

import polars as pl

from pipelines.declaration import Record
from pipelines.feeds import Feed


@dataclass(frozen=True)
class Accepted:
    """rows: typed fields of the record, and WHO; later also `record_key`. people: whose rows they are (`edge.whose`)."""

    feed: Feed
    record: Record
    rows: pl.DataFrame
    people: pl.DataFrame = field(default_factory=pl.DataFrame)

    def with_rows(self, rows: pl.DataFrame) -> "Accepted":
        return replace(self, rows=rows)
