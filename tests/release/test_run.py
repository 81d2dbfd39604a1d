"""Releases after a release: a small correction ends in a release in which more keeps its earlier value, never in a stop."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from pipelines.release import decide, run
from pipelines.release.audit import audit_published
from pipelines.release.errors import ReleaseError
from pipelines.release.findings import Finding
from pipelines.release.vintage import against_earlier
from tests.release.made_source import DAY, made_core, new_ledger, opened_ledger, released, rows_of, source

TOTTORI = "312011"
Begun = tuple[duckdb.DuckDBPyConnection, Path]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Begun]:
    """A core, and the folder of a first release of it with its ledger."""
    folder = tmp_path_factory.mktemp("first")
    new_ledger(folder)
    with made_core() as core:
        released(core, folder)
        yield core, folder


@pytest.fixture
def begun(first: Begun, tmp_path: Path) -> Iterator[Begun]:
    """The same for one test: its own copy of the folder, and a core that is as it was afterwards."""
    core, folder = first
    core.execute("BEGIN")
    try:
        yield core, Path(shutil.copytree(folder, tmp_path / "releases"))
    finally:
        core.execute("ROLLBACK")


def test_a_delivery_that_came_late_is_held_back_and_the_release_goes_out(begun: Begun) -> None:
    """The town knows its own change; what it could subtract it from keeps its earlier value too."""
    core, folder = begun
    core.execute(f"INSERT INTO core.delivery SELECT * FROM core.delivery WHERE municipality_code = '{TOTTORI}' LIMIT 1")
    second_release = released(core, folder, status="revised", batch=2)
    assert second_release.n_held > 0 and "keep the value of an earlier release" in "".join(second_release.lines())
    assert "changed" not in set(second_release.changes["kind"])
    assert second_release.changes.filter(kind="kept_earlier")["cells"].sum() > 0
    assert any("kept at the earlier value" in line for line in second_release.lines())
    first, second = (rows_of(folder / f"{n}.duckdb", ["count_cell"])["count_cell"] for n in (1, 2))
    assert "provisional" in set(second["status"])
    assert first["value"].equals(second["value"]), "one person changes no published value"
    assert audit_published(folder / "2.duckdb", folder / "ledger.jsonl") == []


CELL = ("live_births", "2024", "fiscal_year", "310000", "all", "all")


@pytest.mark.parametrize(
    ("rule", "cell", "attempts"),
    [("exactly_told", CELL, 1 + len(run.HELD_PIECES)), ("half_shown", CELL, 1), ("contradiction", (), 1)],
)
def test_what_holding_does_not_relieve_stops_the_release(
    rule: str, cell: tuple[str, ...], attempts: int, begun: Begun, monkeypatch: pytest.MonkeyPatch
) -> None:
    core, folder = begun
    asked: list[Path] = []

    def unsafe(draft: Path, *_: object, **__: object) -> list[Finding]:
        asked.append(draft)
        return [Finding(rule, cell)]

    monkeypatch.setattr(run, "audit_published", unsafe)
    with pytest.raises(ReleaseError) as stopped:
        released(core, folder, status="revised", batch=2)
    assert (stopped.value.exit_code, len(asked)) == (3, attempts)
    assert not (folder / "2.duckdb").exists()


def test_a_change_of_one_person_that_slipped_through_is_stopped_at_the_gate(
    begun: Begun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comparison forgets what was published before: the audit of the finished file, with the ledger, does not."""
    core, folder = begun

    def forgetful(cells: pl.DataFrame, earlier: pl.DataFrame, *rest: object) -> pl.DataFrame:
        return against_earlier(cells, earlier.clear(), *rest)  # type: ignore[arg-type]

    core.execute(f"INSERT INTO core.delivery SELECT * FROM core.delivery WHERE municipality_code = '{TOTTORI}' LIMIT 1")
    monkeypatch.setattr(decide, "against_earlier", forgetful)
    monkeypatch.setattr(run, "HELD_PIECES", ())
    with pytest.raises(ReleaseError) as stopped:
        released(core, folder, status="revised", batch=2)
    assert (stopped.value.exit_code, "earlier release tells" in stopped.value.sentence_en) == (3, True)
    assert len(opened_ledger(folder).entries) == 2
    assert not (folder / "2.duckdb").exists()


def test_years_that_a_release_leaves_out_are_known_to_its_readers_all_the_same(
    begun: Begun, monkeypatch: pytest.MonkeyPatch
) -> None:
    core, folder = begun
    asked: list[set[str]] = []

    def spied(*given: Any, **_: Any) -> None:
        known, beside = given[-2:]
        asked.append(set(beside["period"]) & set(known["period"]))
        raise Halted

    monkeypatch.setattr(decide, "protect", spied)
    with pytest.raises(Halted):
        run.release(source(core, 2), opened_ledger(folder), folder / "2.duckdb", "final", "standard", (2023, 2024), DAY)
    assert asked == [{"2022", "2022-2024"}]


class Halted(Exception):
    """Seen what was to be seen."""
