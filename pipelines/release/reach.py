"""How much of a release can be seen: watched as closely as its safety."""

import polars as pl

from pipelines.release.primary import Reason
from pipelines.release.system import TOTAL, Rows, System


def reach(system: System, n: int, first: Rows, last: Rows) -> pl.DataFrame:
    """Of the first `n` cells, per count and single or pooled years, of municipalities: cells, share shown by the primary rule alone and in the
    end (0..1); municipalities, and how many show their total at least once, likewise."""
    rows = system.frame.head(n).with_columns(
        is_pooled=pl.col("period_kind").str.starts_with("pooled"),
        before=pl.Series(first[:n] == Reason.SHOWN),
        after=pl.Series(last[:n] == Reason.SHOWN),
    )
    towns = rows.filter(pl.col("level") == "municipality")
    total = pl.col("breakdown_id") == TOTAL
    return (
        towns.group_by("count_id", "is_pooled")
        .agg(
            cells=pl.len(),
            shown_before=pl.col("before").mean(),
            shown_after=pl.col("after").mean(),
            municipalities=pl.col("area_code").n_unique(),
            municipalities_before=pl.col("area_code").filter(total & pl.col("before")).n_unique(),
            municipalities_after=pl.col("area_code").filter(total & pl.col("after")).n_unique(),
        )
        .sort("count_id", "is_pooled")
    )
