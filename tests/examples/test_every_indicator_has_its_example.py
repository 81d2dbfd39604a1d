"""A small table and its answer per indicator, readable by a midwife; without one an indicator is not done.

`<indicator_id>.txt` holds rows of a grain of `core` (`times` repeats a row, `-` is missing or not shown) and the expected answers.
"""

from dataclasses import replace
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines.declaration import Indicator
from pipelines.indicators import COUNTS, INDICATORS, SUMS
from pipelines.release.areas import registered_tree
from pipelines.release.measure import CELL, measure
from pipelines.release.observations import observe
from pipelines.release.policy import load_policy

FOLDER = Path(__file__).parent
TYPES = {"int": "BIGINT", "bool": "BOOLEAN", "": "VARCHAR"}
LEVELS = ("nation", "prefecture", "medical_area", "municipality")
YEARS = (2022, 2023, 2024)


def sections(indicator_id: str) -> dict[str, list[list[str]]]:
    """Section name -> its lines as lists of cells, the heading first."""
    found: dict[str, list[list[str]]] = {}
    rows: list[list[str]] = []
    for line in (FOLDER / f"{indicator_id}.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            rows = found.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            rows.append([cell.strip() for cell in line.split("|")])
    return found


def core_with(grain: str, lines: list[list[str]]) -> duckdb.DuckDBPyConnection:
    """An in-memory `core.<grain>` that holds the rows of the example."""
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA core")
    columns = [heading.partition(":") for heading in lines[0]]
    sql = ", ".join(f"{name} {TYPES[kind]}" for name, _, kind in columns)
    connection.execute(f"CREATE TABLE core.{grain} ({sql})")
    marks = ", ".join("?" for _ in columns)
    for row in lines[1:]:
        values = [None if cell == "-" else cell for cell in row]
        connection.execute(f"INSERT INTO core.{grain} SELECT {marks} FROM range(?)", [*values, int(row[0])])
    return connection


@pytest.mark.parametrize("indicator_id", INDICATORS)
def test_the_example_gives_its_answer(indicator_id: str) -> None:
    indicator = INDICATORS[indicator_id]
    parts = sections(indicator_id)
    (grain,) = set(parts) - {"answer"}
    areas = registered_tree(["312011"])
    policy = load_policy("standard")
    only = {indicator_id: indicator}
    everywhere = {i: _everywhere(only[i]) for i in only}
    measured = measure(core_with(grain, parts[grain]), COUNTS, SUMS, everywhere, areas, YEARS, LEVELS, policy)
    shown = measured.cells.with_columns(status=pl.lit("observed"), vintage=pl.lit(None, pl.Int64))
    frame = shown.select(CELL).unique()
    found = observe(indicator, frame, shown, measured.sums, areas, policy)
    answers = parts["answer"][1:]
    assert answers
    for municipality, period, breakdown, category, *expected in answers:
        key = {"area_code": municipality, "period": period, "breakdown_id": breakdown, "category_code": category}
        row = found.filter(pl.col(k) == v for k, v in key.items()).row(0, named=True)
        for name, wanted in zip(("numerator", "denominator", "value"), expected, strict=True):
            answer = None if wanted == "-" else pytest.approx(float(wanted))
            assert row[name] == answer, (period, breakdown, category, name)


def _everywhere(indicator: Indicator) -> Indicator:
    """The indicator with every level open: the example asks for the arithmetic, not for the publication."""
    open_to_all = tuple(replace(b, lowest_level="municipality") for b in indicator.breakdowns)
    return replace(indicator, lowest_level="municipality", lowest_level_pooled="municipality", breakdowns=open_to_all)


def test_every_indicator_has_an_example() -> None:
    assert {f.stem for f in FOLDER.glob("*.txt")} == set(INDICATORS)
