"""Promise 9: kill -9 at any moment of a release leaves a file and a ledger that agree, and the same command completes it.

A second release replaces the first one's file. Half of the moments are just before something of it is opened, renamed
or removed on the disk, the others fall anywhere in its time. MCHDB_KILLS says how many (200 for a thorough run).
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines.release.certificate import check_certificate
from pipelines.release.ledger import CELL_KEY, Ledger
from pipelines.release.run import release
from tests.release.made_source import DAY, YEARS, made_core, new_ledger, opened_ledger, rows_of, source

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("MCHDB_KILLS", "4"))
IN_TIME = KILLS // 2
ON_DISK = KILLS - IN_TIME
FILE, CERTIFICATE = "published.duckdb", "published.certificate.parquet"
TOWNS = 3

SECOND_RELEASE = f"""
import os, signal, sys
from pathlib import Path
from tests.promises.{Path(__file__).stem} import changed_core, released
folder, at = Path(sys.argv[1]), int(sys.argv[2])
core, seen = changed_core(), 0
def watch(event, arguments):
    global seen
    if event in ("open", "os.rename", "os.remove", "sqlite3.connect") and str(folder) in str(arguments[0]):
        seen += 1
        if seen == at:
            os.kill(os.getpid(), signal.SIGKILL)
print("ready", flush=True)
sys.addaudithook(watch)
released(core, folder, 2, "revised")
print(seen, flush=True)
"""


def changed_core() -> duckdb.DuckDBPyConnection:
    """Of three towns, with so many deliveries more than the first release counted that little has to be held back: a
    release that is decided once goes to the disk in all the same ways."""
    core = made_core(n_towns=TOWNS)
    core.execute("INSERT INTO core.delivery SELECT * FROM core.delivery WHERE fiscal_year = 2024 LIMIT 550")
    return core


def released(core: duckdb.DuckDBPyConnection, folder: Path, batch: int, status: str) -> None:
    years = (YEARS[0], YEARS[-1])
    release(
        source(core, batch), opened_ledger(folder), folder / FILE, status, "standard", years, DAY, folder / CERTIFICATE
    )  # fmt: skip


def start(folder: Path, at: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", SECOND_RELEASE, str(folder), str(at)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a first release, its certificate and its ledger."""
    folder = tmp_path_factory.mktemp("first")
    new_ledger(folder)
    with made_core(n_towns=TOWNS) as core:
        released(core, folder, 1, "final")
    return folder


@pytest.fixture(scope="module")
def core() -> Iterator[duckdb.DuckDBPyConnection]:
    with changed_core() as connection:
        yield connection


@pytest.fixture(scope="module")
def whole(first: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, float]:
    """The second release without an accident, how often it went to the disk, and how many seconds it took."""
    folder = copied(first, tmp_path_factory.mktemp("whole"))
    process = start(folder, 0)
    began = time.monotonic()
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    return folder, int(out), time.monotonic() - began


def copied(folder: Path, to: Path) -> Path:
    return Path(shutil.copytree(folder, to / "releases"))


def told(folder: Path) -> pl.DataFrame:
    return rows_of(folder / FILE, ("count_cell",))["count_cell"].sort(CELL_KEY)


def assert_agreement(folder: Path, ledger: Ledger) -> None:
    """The published file is whole, and the ledger has every value that it shows, under its id."""
    release_id = str(rows_of(folder / FILE, ("release",))["release"]["release_id"].item())
    entry = ledger.entry(release_id)
    assert entry is not None, "published, but not written down"
    written = pl.read_parquet(folder / entry.values_file).sort(CELL_KEY)
    assert told(folder).select(*CELL_KEY, "value", "status").equals(written.select(*CELL_KEY, "value", "status"))


def assert_whole_and_completed(folder: Path, whole: Path, core: duckdb.DuckDBPyConnection) -> None:
    """After a kill: as before or as after, never in between; and the same release again gives what it should."""
    ledger = opened_ledger(folder)
    with ledger.lock():
        assert len(ledger.entries) in (2, 3)
        assert_agreement(folder, ledger)
    released(core, folder, 2, "revised")
    done = opened_ledger(folder)
    assert len(done.entries) == 3, "once, not twice"
    assert_agreement(folder, done)
    assert told(folder).equals(told(whole))
    assert (folder / CERTIFICATE).read_bytes() == (whole / CERTIFICATE).read_bytes()
    assert check_certificate(folder / FILE, folder / CERTIFICATE) == []
    left = {path.name for path in folder.iterdir()}
    assert not [name for name in left if name.endswith((".part", ".draft", ".wal"))]


@pytest.mark.parametrize("nth", range(ON_DISK))
def test_killed_before_it_goes_to_the_disk(
    nth: int, first: Path, whole: tuple[Path, int, float], core: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    undisturbed, n_moments, _ = whole
    assert n_moments > 20
    folder = copied(first, tmp_path)
    process = start(folder, 1 + (nth + 1) * (n_moments - 1) // (ON_DISK + 1))
    process.communicate(timeout=300)
    assert process.returncode == -signal.SIGKILL, "the accident did not happen"
    assert_whole_and_completed(folder, undisturbed, core)


@pytest.mark.parametrize("nth", range(IN_TIME))
def test_killed_at_some_time(
    nth: int, first: Path, whole: tuple[Path, int, float], core: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    undisturbed, _, seconds = whole
    folder = copied(first, tmp_path)
    process = start(folder, 0)
    time.sleep(seconds * (nth + 0.5) / IN_TIME)
    process.kill()
    process.communicate(timeout=300)
    assert_whole_and_completed(folder, undisturbed, core)
