"""Promise: kill -9 or a full disk leaves the last complete state; loading twice changes nothing (design, promise 9)."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.records import RECORDS
from pipelines.warehouse.database import opened
from pipelines.warehouse.init import init
from pipelines.warehouse.keyring import warehouse_key
from pipelines.warehouse.load import load_parcels
from tests.warehouse.parcels import ANAMIZU, SUZU, Centre, Row, new_centre
from tests.warehouse.shelf import antenatal, birth, delivery, notification

pytestmark = pytest.mark.usefixtures("linkage_in_a_thread")
ROOT = Path(__file__).parents[2]
State = dict[str, list[tuple[object, ...]]]

LOAD = """
import os, signal, sys
from pathlib import Path
from pipelines.warehouse import apply, load, receipt, refresh
from pipelines.warehouse.problem import WarehouseProblem

point, root = sys.argv[1], Path(sys.argv[2])
modules = {"apply": apply, "load": load, "refresh": refresh}

def die_at(module, name, call):
    real, calls = getattr(module, name), []
    def dying(*arguments, **options):
        calls.append(1)
        if len(calls) == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **options)
    setattr(module, name, dying)

if point != "none":
    module, name, call = point.split(":")
    die_at(modules[module], name, int(call))
try:
    load.load_parcels(root / "parcels", root / "warehouse", [root / "keys" / k for k in ("load", "warehouse", "linkage", "centre")])
except WarehouseProblem as problem:
    print(problem.sentence_en)
    sys.exit(problem.exit_code)
"""


def rows(first: int, n: int) -> list[Row]:
    return [
        row
        for i in range(first, first + n)
        for row in (
            notification(f"m{i}/1"), delivery(f"m{i}/1"), birth(f"c{i}", f"m{i}/1"),
            *(antenatal(f"m{i}/1", v, f"2023-0{v}") for v in (1, 2, 3)),
        )
    ]  # fmt: skip


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Centre:
    """A warehouse that holds one parcel, and two more that wait."""
    centre = new_centre(tmp_path_factory.mktemp("ready"))
    suzu, anamizu = centre.town(SUZU), centre.town(ANAMIZU)
    init(centre.folder, centre.warehouse_keys, centre.registry(suzu, anamizu))
    suzu.send(rows(0, 5), centre.root / "parcels")
    load_parcels(centre.root / "parcels", centre.folder, centre.load_keys)
    suzu.send([*rows(5, 40), birth("c1", "m1/1", is_cancelled=True, tokens={})], centre.root / "parcels")
    anamizu.send(rows(0, 40), centre.root / "parcels")
    return centre


@pytest.fixture(scope="module")
def states(ready: Centre, tmp_path_factory: pytest.TempPathFactory) -> tuple[State, State]:
    """Before and after the two parcels, without any accident."""
    centre = copy_of(ready, tmp_path_factory.mktemp("whole"))
    before = state(centre)
    load_parcels(centre.root / "parcels", centre.folder, centre.load_keys)
    return before, state(centre)


def copy_of(ready: Centre, root: Path) -> Centre:
    shutil.copytree(ready.root, root / "centre", symlinks=True)
    return Centre(root / "centre")


def state(centre: Centre) -> State:
    landing = [f"landing.{name}" for name in RECORDS]
    tables = [
        *landing,
        "landing.token",
        "state.parcel",
        "state.tombstone",
        "core.birth",
        "core.delivery",
        "core.antenatal_visit",
    ]
    with opened(centre.folder, warehouse_key(centre.warehouse_keys)) as connection:
        return {table: connection.execute(f"SELECT * FROM {table} ORDER BY ALL").fetchall() for table in tables}


def landed(found: State) -> State:
    return {table: content for table, content in found.items() if not table.startswith("core")}


def run(centre: Centre, point: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", LOAD, point, str(centre.root)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def receipts(centre: Centre) -> dict[str, bytes]:
    return {
        f.name: f.read_bytes() for f in sorted((centre.folder / "receipts").glob("*.json")) if "refused" not in f.name
    }


@pytest.mark.parametrize(
    "point",
    [
        "apply:_cancel:1",  # before the first row
        "apply:_insert:4",  # half the rows are there
        "apply:_write_line:2",  # all but the last line
        "load:write_accepted:1",  # committed, no receipt file yet
        "refresh:judge:1",
        "refresh:core_sql:5",  # half of the current state
    ],
)
def test_killed_in_the_middle(ready: Centre, states: tuple[State, State], tmp_path: Path, point: str) -> None:
    centre, (before, after) = copy_of(ready, tmp_path), states
    assert run(centre, point).returncode == -9, "the accident did not happen"
    left = state(centre)
    assert landed(left) in (landed(before), landed(after))
    assert {t: left[t] for t in before if t.startswith("core")} == {
        t: before[t] for t in before if t.startswith("core")
    }
    load_parcels(centre.root / "parcels", centre.folder, centre.load_keys)
    assert state(centre) == after
    assert len(receipts(centre)) == 3


@pytest.mark.parametrize("share", [0.0, 0.01, 0.2, 0.5, 0.9, 0.999])
def test_a_log_cut_short_by_a_dead_machine(
    ready: Centre, states: tuple[State, State], tmp_path: Path, share: float
) -> None:
    """What was being written when the power went is there whole or not at all, and the rest can be loaded again."""
    centre, (before, after) = copy_of(ready, tmp_path), states
    run(centre, "load:write_accepted:1")
    log = centre.folder / "warehouse.duckdb.wal"
    log.write_bytes(log.read_bytes()[: int(log.stat().st_size * share)])
    assert landed(state(centre)) in (landed(before), landed(after))
    load_parcels(centre.root / "parcels", centre.folder, centre.load_keys)
    assert state(centre) == after


@pytest.mark.parametrize("kilobytes_left", [5, 80, 150])
def test_a_full_disk(ready: Centre, states: tuple[State, State], disk: Path, kilobytes_left: int) -> None:
    """Too little for the first byte of the log, for the parcels, for the current state."""
    centre, (before, after) = copy_of(ready, disk), states
    room = shutil.disk_usage(disk).free - kilobytes_left * 1024
    (disk / "filled").write_bytes(bytes(room))
    done = run(centre, "none")
    assert (done.returncode, done.stderr) == (74, "")
    assert "free disk space" in done.stdout
    (disk / "filled").unlink()
    left = state(centre)
    assert landed(left) in (landed(before), landed(after))
    assert left["core.birth"] == before["core.birth"]
    load_parcels(centre.root / "parcels", centre.folder, centre.load_keys)
    assert state(centre) == after


def test_loading_twice_changes_nothing(ready: Centre, states: tuple[State, State], tmp_path: Path) -> None:
    centre, (_, after) = copy_of(ready, tmp_path), states
    load_parcels(centre.root / "parcels", centre.folder, centre.load_keys)
    told = receipts(centre)
    again = load_parcels(centre.root / "parcels", centre.folder, centre.load_keys)
    assert {o.reason for o in again.outcomes} == {"replay"}
    assert state(centre) == after
    assert receipts(centre) == told


def test_the_receipt_tells_every_row(ready: Centre, tmp_path: Path) -> None:
    """What is accepted in the receipt is what the manifest signed for, and what lies in the landing or is cancelled."""
    centre = copy_of(ready, tmp_path)
    load_parcels(centre.root / "parcels", centre.folder, centre.load_keys)
    told = [json.loads(r) for r in receipts(centre).values()]
    found = state(centre)
    for record in RECORDS:
        said = sum(r["rows"].get(record, 0) for r in told)
        cancelled = 2 if record == "birth" else 0  # the row that goes, and the row that takes it away
        assert len(found[f"landing.{record}"]) + cancelled == said
    assert len(found["state.tombstone"]) == 1


def test_a_second_loader_waits_its_turn(ready: Centre, tmp_path: Path) -> None:
    centre = copy_of(ready, tmp_path)
    with opened(centre.folder, warehouse_key(centre.warehouse_keys)):
        done = run(centre, "none")
    assert done.returncode == 75
    assert "Only one process" in done.stdout


def test_a_parcel_is_judged_by_those_that_are_being_applied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each parcel is a batch here: the copy comes up while its original is on its way into the landing."""
    monkeypatch.setattr("pipelines.warehouse.load.BATCH_ROWS", 1)
    centre = new_centre(tmp_path)
    suzu = centre.town(SUZU)
    init(centre.folder, centre.warehouse_keys, centre.registry(suzu))
    parcel = suzu.send(rows(0, 2), centre.root / "parcels")
    shutil.copy(parcel, parcel.with_name("again.parcel"))
    suzu.send(rows(2, 2), centre.root / "parcels")
    outcomes = load_parcels(centre.root / "parcels", centre.folder, centre.load_keys).outcomes
    assert sorted(str(o.reason) for o in outcomes) == ["None", "None", "replay"]
