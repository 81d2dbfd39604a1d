"""The tree of areas: every municipality once, and what lies above it."""

import polars as pl

from pipelines.reference import units
from pipelines.release.areas import area_table, population_table, registered_tree


def test_every_area_stands_once_with_a_parent_that_stands_too() -> None:
    table = area_table()
    assert table["area_code"].is_duplicated().sum() == 0
    counted = dict(table.group_by("level").len().iter_rows())
    assert counted["municipality"] == 1741 and counted["prefecture"] == 47 and counted["nation"] == 1
    parents = table.filter(pl.col("level") != "nation")["parent_code"]
    assert parents.null_count() == 0 and set(parents) <= set(table["area_code"])


def test_populations_add_up() -> None:
    total = population_table().filter(pl.col("area_code") == "000000")["population"].item()
    assert total == units()["population_20250101"].sum()


def test_the_registered_tree_holds_only_what_lies_above_the_registered() -> None:
    tree = registered_tree(["312011", "172014"])
    assert set(tree["area_code"]) == {"000000", "310000", "170000", "31M01", "17M01", "312011", "172014"}
