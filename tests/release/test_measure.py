"""From rows of `core` to every cell of the plan, and no further."""

from dataclasses import replace

import duckdb
import polars as pl
import pytest

from pipelines.indicators import COUNTS, INDICATORS, SUMS
from pipelines.release.areas import registered_tree
from pipelines.release.errors import ReleaseError
from pipelines.release.measure import declared_pairs, measure, refuse_undeclared_nesting
from pipelines.release.policy import load_policy

BIRTHS = {i: INDICATORS[i] for i in ("live_birth_count", "low_birth_weight_rate", "preterm_birth_rate")}
LEVELS = ("nation", "prefecture", "medical_area", "municipality")
POLICY = load_policy("standard")


def births(*rows: tuple[int, str, int, int, int]) -> duckdb.DuckDBPyConnection:
    """core.birth with (times, municipality, year, weight class, weeks) as its rows."""
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA core")
    connection.execute(
        "CREATE TABLE core.birth (municipality_code VARCHAR, fiscal_year INTEGER, birth_weight_g_class INTEGER, "
        "gestation_weeks_class INTEGER, sex_code VARCHAR DEFAULT '1', mother_age_class VARCHAR DEFAULT '30-34', "
        "birth_order_class VARCHAR DEFAULT '1', plurality_class VARCHAR DEFAULT '1', resident_type_class VARCHAR DEFAULT '1')"
    )
    for times, *row in rows:
        connection.execute(
            "INSERT INTO core.birth BY NAME SELECT ? AS municipality_code, ? AS fiscal_year, ? AS birth_weight_g_class, "
            "? AS gestation_weeks_class FROM range(?)",
            [*row, times],
        )
    return connection


def value(cells: pl.DataFrame, **key: str) -> int:
    full = {"breakdown_id": "all", "category_code": "all", **key}
    return int(cells.filter(pl.col(k) == v for k, v in full.items())["value"].item())


@pytest.fixture
def measured():  # type: ignore[no-untyped-def]
    connection = births(
        (90, "312011", 2024, 3000, 39), (10, "312011", 2024, 2400, 39), (5, "312011", 2023, 2500, 36),
        (20, "312029", 2024, 3000, 36), (7, "172014", 2022, 2400, 40), (3, "172014", 2019, 2400, 40),
    )  # fmt: skip
    areas = registered_tree(["312011", "312029", "172014"])
    return measure(connection, COUNTS, SUMS, BIRTHS, areas, (2022, 2023, 2024), LEVELS, POLICY)


def test_areas_and_years_add_up(measured) -> None:  # type: ignore[no-untyped-def]
    at = {"count_id": "live_births"}
    assert value(measured.cells, **at, area_code="312011", period="2024") == 100
    assert value(measured.cells, **at, area_code="312011", period="2022-2024") == 105
    assert value(measured.cells, **at, area_code="310000", period="2024") == 120
    assert value(measured.cells, **at, area_code="000000", period="2022-2024") == 132
    assert value(measured.cells, count_id="low_birth_weight", area_code="000000", period="2022-2024") == 17


def test_a_cell_without_rows_is_a_zero_of_the_plan(measured) -> None:  # type: ignore[no-untyped-def]
    assert value(measured.cells, count_id="preterm_births", area_code="172014", period="2024") == 0
    assert measured.cells["value"].null_count() == 0
    key = [c for c in measured.cells.columns if c != "value"]
    assert measured.cells.select(key).is_duplicated().sum() == 0


def test_the_rows_come_in_one_order(measured) -> None:  # type: ignore[no-untyped-def]
    """Suppression chooses row by row: an order that the processor's threads decide would decide what is hidden."""
    for frame in (measured.cells, measured.nested):
        assert frame.equals(frame.sort([c for c in frame.columns if c != "value"]))


def test_a_pair_nested_in_one_cell_only_is_told_with_its_difference() -> None:
    connection = births((5, "312011", 2024, 2400, 36), (2, "312011", 2024, 2400, 39), (9, "312029", 2024, 3000, 36))
    areas = registered_tree(["312011", "312029"])
    found = measure(connection, COUNTS, SUMS, BIRTHS, areas, (2024,), LEVELS, POLICY).nested
    here = found.filter(pl.col("area_code") == "312011", pl.col("breakdown_id") == "all")
    assert here.select("inner", "outer", "difference").rows() == [("preterm_births", "low_birth_weight", 2)]


def test_undeclared_nesting_stops_the_release_and_names_the_two_counts() -> None:
    connection = births((5, "312011", 2024, 2400, 36), (2, "312011", 2024, 3000, 39))
    hidden = {i: replace(COUNTS[i], within=None) for i in ("live_births", "low_birth_weight")}
    with pytest.raises(ReleaseError) as caught:
        refuse_undeclared_nesting(connection, hidden, declared_pairs(hidden, {}))
    assert caught.value.exit_code == 3
    assert "low_birth_weight" in caught.value.sentence_en and "live_births" in caught.value.sentence_en


def test_declared_nesting_and_partners_of_a_rate_do_not_stop_it() -> None:
    pairs = declared_pairs(COUNTS, INDICATORS)
    assert ("very_low_birth_weight", "live_births") in pairs
    assert ("very_low_birth_weight", "preterm_births") in pairs
    assert ("checkup_3y_seen", "checkup_3y_target") in pairs
    assert ("low_birth_weight", "preterm_births") not in pairs


def test_counts_stop_at_their_lowest_level() -> None:
    connection = births((5, "312011", 2024, 1400, 30), (95, "312011", 2024, 3000, 39))
    only = {"very_low_birth_weight_rate": INDICATORS["very_low_birth_weight_rate"]}
    cells = measure(
        connection, COUNTS, SUMS, only, registered_tree(["312011"]), (2022, 2023, 2024), LEVELS, POLICY
    ).cells  # fmt: skip
    codes = cells.filter(pl.col("count_id") == "very_low_birth_weight").group_by("period_kind").agg("area_code")
    found = {kind: set(areas) for kind, areas in codes.iter_rows()}
    assert found == {"fiscal_year": {"000000", "310000"}, "pooled_3y": {"000000", "310000", "31M01"}}
