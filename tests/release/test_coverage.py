"""Who reported, and for which share of births."""

import polars as pl
import pytest

from pipelines.release.areas import registered_tree
from pipelines.release.coverage import completeness_class, reporting
from pipelines.release.policy import load_policy

AREAS = registered_tree(["312011", "312029"])


def arrival(*rows: tuple[str, int]) -> pl.DataFrame:
    return pl.DataFrame(
        [(code, year, "birth", 50) for code, year in rows],
        schema=["municipality_code", "fiscal_year", "record", "rows"], orient="row",
    )  # fmt: skip


def test_a_municipality_that_sent_nothing_leaves_the_coverage() -> None:
    told = reporting(arrival(("312011", 2024)), AREAS, "fiscal_year", "birth", (2024,), load_policy("standard"))
    nation = told.filter(pl.col("area_code") == "000000").row(0, named=True)
    assert (nation["n_areas_reporting"], nation["n_areas_expected"]) == (1, 2)
    assert 0.3 < nation["coverage_births"] < 0.7


def test_pooled_years_need_every_year() -> None:
    rows = arrival(("312011", 2022), ("312011", 2023), ("312029", 2022), ("312029", 2023), ("312029", 2024))
    told = reporting(rows, AREAS, "fiscal_year", "birth", (2022, 2023, 2024), load_policy("standard"))
    pooled = told.filter(pl.col("period_kind") == "pooled_3y", pl.col("area_code") == "310000").row(0, named=True)
    assert pooled["n_areas_reporting"] == 1


@pytest.mark.parametrize(
    ("rows", "expected", "found"),
    [(100, 100, "95-"), (94, 100, "80-94"), (50, 100, "50-79"), (1, 100, "-49"), (0, 100, "none"), (99, 99, None)],
)
def test_completeness_is_a_class_of_a_hundred_or_more(rows: int, expected: int, found: str | None) -> None:
    frame = pl.DataFrame({"r": [rows], "e": [expected]})
    assert frame.select(completeness_class(pl.col("r"), pl.col("e"))).item() == found
