"""The ledger: what was published once is never forgotten, and nobody releases past it."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from shutil import copytree

import polars as pl
import pytest

from pipelines.declaration import Count
from pipelines.indicators import COUNTS
from pipelines.release.chain import Entry, count_identity
from pipelines.release.errors import Busy, LedgerError
from pipelines.release.ledger import CELLS, Ledger

DAY = date(2026, 4, 1)


def cells(*values: int | None) -> pl.DataFrame:
    rows = [
        (
            "live_births",
            "2024",
            "fiscal_year",
            f"{i:02d}0000",
            "all",
            "all",
            v,
            "suppressed" if v is None else "observed",
        )
        for i, v in enumerate(values)
    ]
    return pl.DataFrame(rows, schema=CELLS, orient="row")


def places(folder: Path) -> tuple[Path, Path]:
    """The ledger, and the head of an installation."""
    (folder / "warehouse").mkdir(exist_ok=True)
    return folder / "ledger.jsonl", folder / "warehouse" / "ledger_head"


def release(path: Path, head: Path, release_id: str, *values: int | None) -> Entry:
    ledger = Ledger.open(path, head)
    with ledger.lock():
        return ledger.append(release_id, "final", "standard", "2024", DAY, cells(*values), COUNTS)


@pytest.fixture
def begun(tmp_path: Path) -> tuple[Path, Path]:
    path, head = places(tmp_path)
    Ledger.create(path, head)
    return path, head


def test_every_shown_value_of_every_release_is_remembered(begun: tuple[Path, Path]) -> None:
    release(*begun, "r1", 120, None)
    release(*begun, "r2", 130, 45)
    earlier = Ledger.open(*begun).earlier_cells()
    assert earlier.select("release_id", "sequence", "area_code", "value").rows() == [
        ("r1", 1, "000000", 120),
        ("r2", 2, "000000", 130),
        ("r2", 2, "010000", 45),
    ]
    assert earlier["count_identity"].unique().to_list() == [count_identity(COUNTS["live_births"])]


def test_a_release_is_not_compared_with_itself_or_later_ones(begun: tuple[Path, Path]) -> None:
    for name in ("r1", "r2", "r3"):
        release(*begun, name, 120)
    assert Ledger.open(*begun).earlier_cells(before="r2")["release_id"].to_list() == ["r1"]
    assert Ledger.open(*begun).earlier_cells(before="new")["release_id"].to_list() == ["r1", "r2", "r3"]


def test_the_same_release_again_changes_no_byte(begun: tuple[Path, Path]) -> None:
    first = release(*begun, "r1", 120)
    before = {p.name: p.read_bytes() for p in begun[0].parent.rglob("*") if p.is_file()}
    assert release(*begun, "r1", 120) == first
    assert {p.name: p.read_bytes() for p in begun[0].parent.rglob("*") if p.is_file()} == before


def test_a_release_id_is_never_given_to_other_values(begun: tuple[Path, Path]) -> None:
    release(*begun, "r1", 120)
    with pytest.raises(LedgerError, match="release id"):
        release(*begun, "r1", 121)


def test_a_hidden_value_is_refused_and_never_written(begun: tuple[Path, Path]) -> None:
    ledger = Ledger.open(*begun)
    leaking = cells(120).with_columns(status=pl.lit("suppressed"))
    with ledger.lock(), pytest.raises(LedgerError, match="shown"):
        ledger.append("r1", "final", "standard", "2024", DAY, leaking, COUNTS)
    assert not list(begun[0].parent.glob("*.parquet"))


def test_no_ledger_no_release(begun: tuple[Path, Path]) -> None:
    release(*begun, "r1", 120)
    begun[0].unlink()
    with pytest.raises(LedgerError, match="absent") as refused:
        Ledger.open(*begun)
    assert refused.value.exit_code == 3


def test_no_head_no_release(begun: tuple[Path, Path]) -> None:
    begun[1].unlink()
    with pytest.raises(LedgerError, match="absent"):
        Ledger.open(*begun)


def test_an_older_ledger_does_not_fit(begun: tuple[Path, Path]) -> None:
    release(*begun, "r1", 120)
    kept = begun[0].read_bytes()
    release(*begun, "r2", 130)
    begun[0].write_bytes(kept)
    with pytest.raises(LedgerError, match="does not hold"):
        Ledger.open(*begun)


def test_the_ledger_of_another_installation_does_not_fit(begun: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = places(tmp_path / "other")
    Ledger.create(*other)
    with pytest.raises(LedgerError, match="another installation"):
        Ledger.open(other[0], begun[1])


def test_a_new_ledger_is_not_begun_over_an_old_one(begun: tuple[Path, Path]) -> None:
    with pytest.raises(LedgerError, match="already"):
        Ledger.create(*begun)
    begun[0].unlink()
    with pytest.raises(LedgerError, match="already"):
        Ledger.create(*begun)


@pytest.mark.parametrize("field", ["release_id", "status", "policy_id", "fiscal_years", "values_digest", "counts"])
def test_an_altered_line_is_found(begun: tuple[Path, Path], field: str) -> None:
    release(*begun, "r1", 120)
    lines = begun[0].read_text("utf-8").splitlines()
    line = json.loads(lines[1])
    line[field] = {"live_births": "0"} if field == "counts" else "changed"
    begun[0].write_text("\n".join([lines[0], json.dumps(line)]) + "\n", "utf-8")
    with pytest.raises(LedgerError, match="not as they were written"):
        Ledger.open(*begun)


def test_a_line_taken_out_is_found(begun: tuple[Path, Path]) -> None:
    for name in ("r1", "r2"):
        release(*begun, name, 120)
    lines = begun[0].read_bytes().splitlines(keepends=True)
    begun[0].write_bytes(lines[0] + lines[2])
    with pytest.raises(LedgerError, match="not as they were written"):
        Ledger.open(*begun)


def test_altered_or_missing_values_are_found(begun: tuple[Path, Path]) -> None:
    entry = release(*begun, "r1", 120)
    values = begun[0].with_name(entry.values_file)
    cells(121).write_parquet(values)
    with pytest.raises(LedgerError, match="values"):
        Ledger.open(*begun)
    values.unlink()
    with pytest.raises(LedgerError, match="values"):
        Ledger.open(*begun)


def test_a_copied_warehouse_may_not_release_once_the_other_has(begun: tuple[Path, Path], tmp_path: Path) -> None:
    release(*begun, "r1", 120)
    copytree(begun[1].parent, tmp_path / "copy")
    release(*begun, "r2", 130)
    with pytest.raises(LedgerError, match="behind") as refused:
        release(begun[0], tmp_path / "copy" / "ledger_head", "r2 of the copy", 131)
    assert refused.value.exit_code == 3
    release(*begun, "r3", 130)


def test_an_edited_condition_is_another_quantity() -> None:
    count = COUNTS["low_birth_weight"]
    assert count_identity(count) != count_identity(replace(count, condition="birth_weight_class_g < 2400"))
    assert count_identity(count) != count_identity(replace(count, grain="delivery"))
    assert count_identity(count) == count_identity(replace(count, condition=count.condition.replace(" ", "\n  ")))


def test_every_count_has_its_own_identity() -> None:
    def means(count: Count) -> tuple[str, str, str]:
        return count.grain, count.population, count.condition

    assert len({count_identity(c) for c in COUNTS.values()}) == len({means(c) for c in COUNTS.values()})


def test_one_writer_and_the_other_does_not_wait(begun: tuple[Path, Path]) -> None:
    first, second = Ledger.open(*begun), Ledger.open(*begun)
    with first.lock(), pytest.raises(Busy) as refused, second.lock():
        pass
    assert refused.value.exit_code == 75
    with second.lock():
        pass


def test_appending_needs_the_lock(begun: tuple[Path, Path]) -> None:
    with pytest.raises(LedgerError, match="lock"):
        Ledger.open(*begun).append("r1", "final", "standard", "2024", DAY, cells(120), COUNTS)


def test_a_release_in_between_is_seen_under_the_lock(begun: tuple[Path, Path]) -> None:
    early = Ledger.open(*begun)
    release(*begun, "r1", 120)
    with early.lock():
        assert early.earlier_cells()["value"].to_list() == [120]


KILLED = """
import os, signal, sys
from pathlib import Path
from pipelines.release import ledger, writing
from tests.release import test_ledger

step, moment = int(sys.argv[2]), sys.argv[3]
written = 0
def killing(path, data):
    global written
    written += 1
    if written == step and moment == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    if written == step and moment == "half":
        path.with_name(path.name + writing.PART).write_bytes(data[: len(data) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
    writing.replace_file(path, data)
    if written == step and moment == "after":
        os.kill(os.getpid(), signal.SIGKILL)
ledger.replace_file = killing
test_ledger.release(*test_ledger.places(Path(sys.argv[1])), "r2", 130)
"""
VALUES, INTENT, LINE, HEAD = 1, 2, 3, 4
ROOT = Path(__file__).parents[2]


def killed(folder: Path, step: int, moment: str) -> None:
    """Another process releases r2 and is killed at one of the four writes."""
    command = [sys.executable, "-c", KILLED, str(folder), str(step), moment]
    ended = subprocess.run(command, capture_output=True, check=False, cwd=ROOT)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL on Windows")
@pytest.mark.parametrize("moment", ["before", "half", "after"])
@pytest.mark.parametrize("step", [VALUES, INTENT, LINE, HEAD])
def test_killed_anywhere_the_last_complete_state_stands(begun: tuple[Path, Path], step: int, moment: str) -> None:
    release(*begun, "r1", 120)
    killed(begun[0].parent, step, moment)
    was_written = (step, moment) in {(LINE, "after"), (HEAD, "before"), (HEAD, "half"), (HEAD, "after")}
    assert [e.release_id for e in Ledger.open(*begun).entries[1:]] == (["r1", "r2"] if was_written else ["r1"])
    release(*begun, "r2", 130)
    release(*begun, "r3", 140)
    assert [e.release_id for e in Ledger.open(*begun).entries[1:]] == ["r1", "r2", "r3"]


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL on Windows")
def test_a_copy_is_behind_even_beside_an_interrupted_release(begun: tuple[Path, Path], tmp_path: Path) -> None:
    release(*begun, "r1", 120)
    copytree(begun[1].parent, tmp_path / "copy")
    killed(begun[0].parent, HEAD, "before")
    with pytest.raises(LedgerError, match="behind"):
        release(begun[0], tmp_path / "copy" / "ledger_head", "r2", 130)
    release(*begun, "r2", 130)


def test_a_reader_without_installation_reads_and_cannot_append(begun: tuple[Path, Path]) -> None:
    release(*begun, "r1", 120)
    reader = Ledger.open(begun[0], None)
    assert reader.earlier_cells()["value"].to_list() == [120]
    with reader.lock(), pytest.raises(LedgerError, match="head"):
        reader.append("r2", "final", "standard", "2024", DAY, cells(130), COUNTS)
