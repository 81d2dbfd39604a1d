"""A dry run: what each policy would show, and what would change, before anything is published."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines.declaration import Indicator
from pipelines.release.changes import change_lines, changes
from pipelines.release.preview import Previewed, preview
from pipelines.release.run import Released
from pipelines.release.shown import BY, births_of, shown_share
from tests.release import made_tables as t
from tests.release.made_source import DAY, YEARS, made_core, new_ledger, opened_ledger, released, source
from tests.release.test_vintage import published

RATE = t.proportion("low_birth_weight", "live_births")


@pytest.fixture(scope="module")
def core() -> Iterator[duckdb.DuckDBPyConnection]:
    with made_core() as connection:
        yield connection


@pytest.fixture(scope="module")
def folder(core: duckdb.DuckDBPyConnection, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("releases")
    new_ledger(folder)
    return folder


def tried(core: duckdb.DuckDBPyConnection, folder: Path, status: str = "final", batch: int = 1) -> Previewed:
    return preview(source(core, batch), opened_ledger(folder), status, "standard", (YEARS[0], YEARS[-1]), DAY)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def both(core: duckdb.DuckDBPyConnection, folder: Path) -> tuple[Previewed, Released]:
    """A dry run, which changed nothing, and then the release."""
    before = contents(folder)
    seen = tried(core, folder)
    assert contents(folder) == before
    return seen, released(core, folder)


def test_it_says_what_the_release_then_shows(both: tuple[Previewed, Released]) -> None:
    seen, done = both
    own = seen.shown.filter(policy_id="standard").drop("policy_id")
    assert own.equals(done.shown)
    assert own.height == len(done.summary()["shown_by_indicator"]) > 100
    assert {"nation", "prefecture", "medical_area", "municipality"} == set(own["level"])


def test_both_policies_stand_side_by_side(both: tuple[Previewed, Released]) -> None:
    seen, _ = both
    by = seen.shown.pivot(on="policy_id", index=BY, values="areas_shown")
    assert by.null_count().sum_horizontal().item() == 0
    assert by["official_parity"].sum() > by["standard"].sum()
    line = next(one for one in seen.lines() if one.startswith("low_birth_weight_rate · municipality · 2022-2024: "))
    assert "official_parity" in line and "standard" in line


def test_a_second_dry_run_tells_what_would_change(
    both: tuple[Previewed, Released], core: duckdb.DuckDBPyConnection, folder: Path
) -> None:
    assert both[0].changes.is_empty() and both[1].changes.is_empty()
    again = tried(core, folder, "revised", 2)
    assert set(again.changes["kind"]) == {"unchanged"}
    assert change_lines(again.changes) == []


def test_the_share_of_births_is_that_of_the_areas_shown() -> None:
    """Two of three towns by hand; breakdowns count as cells, not as areas."""
    codes = ["172014", "172022", "172031"]
    rows: list[tuple[str, str, str | None]] = [
        ("170003", "prefecture", None),
        *((c, "municipality", "170003") for c in codes),
    ]
    areas = pl.DataFrame(rows, schema=["area_code", "level", "parent_code"], orient="row")
    births = dict(births_of(areas).iter_rows())
    assert births["170003"] == sum(births[c] for c in codes) > 0
    seen = [(codes[0], "all", "observed"), (codes[1], "all", "suppressed"), (codes[2], "all", "revised")]
    seen += [(codes[0], "sex", "suppressed"), ("999999", "all", "not_collected")]
    table = pl.DataFrame(seen, schema=["area_code", "breakdown_id", "status"], orient="row").with_columns(
        indicator_id=pl.lit("i"), period=pl.lit("2024"), period_kind=pl.lit("fiscal_year")
    )
    (row,) = shown_share(table, areas).to_dicts()
    assert (row["areas"], row["areas_shown"], row["cells"], row["cells_shown"]) == (3, 2, 4, 2)
    assert row["births_shown"] == pytest.approx((births[codes[0]] + births[codes[2]]) / births["170003"])


NATION, EAST, WEST, NORTH = "000000", "010000", "020000", "030000"
AREAS = pl.DataFrame({"area_code": [NATION, EAST, WEST, NORTH], "level": ["nation", *["prefecture"] * 3]})


def now(values: dict[str, dict[str, int | None]], held: tuple[str, ...] = ()) -> pl.DataFrame:
    rows = [
        (c, "2024", "fiscal_year", area, "all", "all", value, area in held) for c, of in values.items() for area, value in of.items()
    ]  # fmt: skip
    names = ["count_id", "period", "period_kind", "area_code", "breakdown_id", "category_code", "value", "is_held"]
    return pl.DataFrame(rows, schema=names, orient="row")


def counted(
    indicators: dict[str, Indicator], cells: pl.DataFrame, *then: pl.DataFrame
) -> dict[tuple[str, str], tuple[int, int | None]]:
    from pipelines.indicators import COUNTS

    found = changes(cells, pl.concat(then), indicators.values(), COUNTS, AREAS)
    return {(r["level"], r["kind"]): (r["cells"], r["smallest_change"]) for r in found.iter_rows(named=True)}


def test_kinds_of_change_by_level() -> None:
    """Births up by 20 in the east; the numerator of the north was hidden before; the west keeps what it had."""
    then = published(
        {"live_births": (1000, 2000, 3000), "low_birth_weight": (100, 200, 300)}, hidden=(("low_birth_weight", NORTH),)
    )
    cells = now(
        {
            "live_births": {NATION: 6020, EAST: 1020, WEST: 2000, NORTH: 3000},
            "low_birth_weight": {NATION: 600, EAST: 100, WEST: 200, NORTH: 300},
        },
        held=(WEST,),
    )
    assert counted(RATE, cells, then) == {
        ("nation", "changed"): (1, 20), ("prefecture", "changed"): (1, 20), ("prefecture", "kept_earlier"): (1, None),
        ("prefecture", "newly_shown"): (1, None),
    }  # fmt: skip


def test_what_is_no_longer_shown_and_what_is_no_longer_asked() -> None:
    then = published({"live_births": (1000, 2000, 3000)})
    cells = now({"live_births": {NATION: 6000, EAST: None, WEST: 2000}})
    count = {
        "i": Indicator(
            "i", "count", "i", "i", "", "", numerator="live_births", denominator=None, unit="", official_source=""
        )
    }
    assert counted(count, cells, then) == {
        ("nation", "unchanged"): (1, None), ("prefecture", "unchanged"): (1, None), ("prefecture", "withdrawn"): (1, None),
        ("prefecture", "left_out"): (1, None),
    }  # fmt: skip


def test_the_release_before_is_compared_with_not_all_of_them() -> None:
    first = published({"live_births": (1000, 2000, 3000)}, 1)
    second = published({"live_births": (1100, 2000, 3000)}, 2)
    cells = now({"live_births": {NATION: 6100, EAST: 1100, WEST: 2000, NORTH: 3000}})
    count = {
        "i": Indicator(
            "i", "count", "i", "i", "", "", numerator="live_births", denominator=None, unit="", official_source=""
        )
    }
    assert counted(count, cells, first, second) == {
        ("nation", "unchanged"): (1, None),
        ("prefecture", "unchanged"): (3, None),
    }
