"""How much of each indicator a release shows: areas, and the births they stand for, by level and period.

Read from the finished observations, so it tells nothing that the release does not.
"""

import polars as pl

from pipelines.reference import units
from pipelines.release.plan import TOTAL
from pipelines.release.symbols import SHOWN

BY = ("indicator_id", "level", "period", "period_kind")


def shown_share(observations: pl.DataFrame, areas: pl.DataFrame) -> pl.DataFrame:
    """BY, areas, areas_shown, births_shown (share of the registered births of 2024, 0 to 1) of the totals, and cells,
    cells_shown of totals and breakdowns; of registered areas.

    observations: as in the published table. areas: area_code, level, parent_code.
    """
    rows = observations.join(areas.select("area_code", "level"), on="area_code").join(births_of(areas), on="area_code")
    is_shown, is_total = pl.col("status").is_in(SHOWN), pl.col("breakdown_id") == TOTAL.id
    births = pl.col("births").filter(is_total)
    return (
        rows.group_by(BY)
        .agg(
            areas=is_total.sum(),
            areas_shown=(is_total & is_shown).sum(),
            births_shown=pl.col("births").filter(is_total & is_shown).sum() / births.sum(),
            cells=pl.len(),
            cells_shown=is_shown.sum(),
        )
        .with_columns(pl.col("births_shown").fill_nan(0.0))
        .sort(BY)
    )


def births_of(areas: pl.DataFrame) -> pl.DataFrame:
    """area_code, births: the births of 2024 (住基) of every area, summed from the registered municipalities."""
    parent = dict(areas.select("area_code", "parent_code").iter_rows())
    rows = areas.select("area_code").join(units().select(area_code="code6", births="births_2024"), on="area_code")
    found = []
    while not rows.is_empty():
        found.append(rows)
        above = pl.col("area_code").replace_strict(parent, default=None, return_dtype=pl.String)
        rows = rows.with_columns(above).drop_nulls().group_by("area_code").agg(pl.col("births").sum())
    return pl.concat(found).group_by("area_code").agg(pl.col("births").sum())
