"""What a town's own summary says is what the centre counts for it, before anything is suppressed."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from pipelines.declaration import LEVELS, Indicator
from pipelines.demo import FISCAL_YEARS, Places
from pipelines.edge.summary import summarize
from pipelines.indicators import COUNTS, INDICATORS, SUMS
from pipelines.release.areas import registered_tree
from pipelines.release.measure import measure
from pipelines.release.policy import load_policy
from pipelines.warehouse.core import ORDER, core_sql
from pipelines.warehouse.database import opened
from pipelines.warehouse.keyring import warehouse_key

pytestmark = pytest.mark.alone

YEARS = tuple(range(FISCAL_YEARS[0], FISCAL_YEARS[1] + 1))
CELL = ["area_code", "fiscal_year", "breakdown_id", "category_code"]


def everywhere(indicator: Indicator) -> Indicator:
    """The indicator with every level open: the centre's true cells, whatever may be published of them."""
    open_to_all = tuple(replace(b, lowest_level="municipality") for b in indicator.breakdowns)
    return replace(indicator, lowest_level="municipality", lowest_level_pooled="municipality", breakdowns=open_to_all)


@pytest.fixture(scope="module")
def centre(places: Places) -> pl.DataFrame:
    """CELL, count_id, value of every town and year, as measured at the centre; nothing where nobody is counted."""
    indicators = {i: everywhere(indicator) for i, indicator in INDICATORS.items()}
    with opened(places.out / "warehouse", warehouse_key([places.keys("warehouse")])) as connection:
        measured = measure(
            connection, COUNTS, SUMS, indicators, registered_tree(places.submitters), YEARS,
            LEVELS[:4], load_policy("standard"),
        )  # fmt: skip
    cells = measured.cells.filter(pl.col("area_code").is_in(places.submitters), pl.col("period").str.len_chars() == 4)
    return cells.filter(pl.col("value") > 0).select(
        "count_id",
        pl.col("period").cast(pl.Int64).alias("fiscal_year"),
        *(c for c in CELL if c != "fiscal_year"),
        "value",
    )


@pytest.fixture(scope="module")
def towns(places: Places, tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """CELL, count_id, value of every town's own summary.csv."""
    out = tmp_path_factory.mktemp("own")
    core = [core_sql(table) for table in ORDER]
    for code in places.submitters:
        summarize(places.feeds / code, places.feeds / code / "protected.csv", out / code, core)
    told = pl.concat(
        [written(out / code / "summary.csv").with_columns(area_code=pl.lit(code)) for code in places.submitters]
    )
    sides = [("numerator", {i.id: i.numerator for i in INDICATORS.values()})]
    sides.append(("denominator", {i.id: i.denominator for i in INDICATORS.values() if i.denominator}))
    counts = [
        told.with_columns(count_id=pl.col("indicator_id").replace_strict(ids, default=None), value=pl.col(side))
        for side, ids in sides
    ]  # fmt: skip
    rows = pl.concat(counts).drop_nulls(["count_id", "value"]).filter(pl.col("fiscal_year").is_in(YEARS))
    return rows.filter(pl.col("value") > 0).select("count_id", *CELL, "value").unique()


def written(file: Path) -> pl.DataFrame:
    return pl.read_csv(file, schema_overrides={"category_code": pl.String, "denominator": pl.Int64})


def test_every_count_of_every_town_is_the_centres(centre: pl.DataFrame, towns: pl.DataFrame) -> None:
    both = towns.join(centre, on=["count_id", *CELL], how="full", coalesce=True, suffix="_of_centre")
    differs = both.filter(pl.col("value").ne_missing(pl.col("value_of_centre")))
    assert towns.height > 3000
    assert differs.rows() == []
