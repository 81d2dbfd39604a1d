"""Accepted rows of one record in one feed, as they go from step to step."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import polars as pl

from pipelines.declaration import Record
from pipelines.feeds import Feed


@dataclass(frozen=True)
class Accepted:
    """rows: typed fields of the record; later also `record_key`."""

    feed: Feed
    record: Record
    rows: pl.DataFrame

    def with_rows(self, rows: pl.DataFrame) -> "Accepted":
        return replace(self, rows=rows)


def beside(parts: Sequence[Accepted], columns: pl.DataFrame) -> list[Accepted]:
    """The parts with `columns` beside their rows; `columns` has a row for every row of all parts, in their order."""
    heights = [part.rows.height for part in parts]
    if columns.height != sum(heights):
        raise ValueError("columns must have a row for every row of the parts")
    stretches = [columns.slice(end - height, height) for end, height in zip(accumulate(heights), heights, strict=True)]
    return [p.with_rows(p.rows.with_columns(s.get_columns())) for p, s in zip(parts, stretches, strict=True)]
