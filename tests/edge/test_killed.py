"""kill -9 at any moment of a sending, and a disk that fills up at any byte: no half parcel, no plain text left.

MCHDB_KILLS and MCHDB_FULL_DISKS set how many moments are tried; each is drawn from its number.
"""

import os
import shutil
import time
from multiprocessing import get_context
from pathlib import Path
from random import Random

import polars as pl

from pipelines.edge.send import send
from pipelines.edge.state import LISTED_NEXT, held
from tests.edge.made_feeds import Town
from tests.edge.opened_parcel import Opened, opened
from tests.promises.test_nothing_that_names_a_person_leaves import leaks

KILLS, FULL_DISKS = (int(os.environ.get(name, "5")) for name in ("MCHDB_KILLS", "MCHDB_FULL_DISKS"))
PROCESSES = get_context("forkserver")
PROCESSES.set_forkserver_preload(["pipelines.edge.send"])
NEEDED = 3 * 1024**2  # two sealed members of at least 1 MiB, the state, and room to spare


def send_of(town: Town) -> None:
    send(town.feeds.path, town.keys, town.protected, town.state, town.out)


def seconds_until_killed(town: Town, seconds: float) -> float:
    """Sends in a process of its own that is killed after `seconds`, if it still runs; how long it lived."""
    process = PROCESSES.Process(target=send_of, args=(town,))
    started = time.perf_counter()
    process.start()
    process.join(seconds)
    process.kill()
    process.join()
    return time.perf_counter() - started


def content(parcel: Opened) -> dict[str, pl.DataFrame]:
    """The rows of a parcel without their keys, which are drawn anew each time."""
    tables = {name: table.drop("record_key", strict=False) for name, table in parcel.tables.items()}
    return {name: table.sort(table.columns) for name, table in tables.items()}


def named_in(*folders: Path) -> list[str]:
    """Files beside the parcels that hold anything of a person."""
    files = [
        f for folder in folders if folder.exists() for f in folder.rglob("*") if f.is_file() and f.suffix != ".parcel"
    ]
    return [file.name for file in files if leaks(file.read_bytes())]


def assert_whole(parcels_folder: Path, centre: Path) -> None:
    """Every parcel that can be seen is whole, the chain has no gap, and all say the same."""
    seen = (opened(p, centre) for p in parcels_folder.glob("*.parcel"))
    parcels = sorted(seen, key=lambda p: int(p.manifest["sequence"]))
    assert [p.manifest["sequence"] for p in parcels] == list(range(1, len(parcels) + 1))
    first = content(parcels[0])
    for parcel in parcels[1:]:
        again = content(parcel)
        assert again.keys() == first.keys()
        assert all(again[name].equals(table) for name, table in first.items())


def test_killed_at_any_moment(town: Town, centre: Path, tmp_path: Path) -> None:
    town.whole_family()
    seconds_until_killed(town, 60)
    whole = seconds_until_killed(town, 60)
    cut_short = 0
    for number in range(KILLS):
        sent = len(list(town.out.glob("*.parcel")))
        seconds_until_killed(town, Random(number).uniform(0, whole))
        cut_short += len(list(town.out.glob("*.parcel"))) == sent
        assert named_in(town.state, town.out) == []
        town.send()
    assert_whole(town.out, centre)
    assert [p for p in town.out.iterdir() if p.suffix != ".parcel"] == []
    assert cut_short > KILLS / 3, "most of the sendings must not have got to their end"


def test_lines_of_a_list_that_was_killed_while_it_was_kept_do_not_stay(tmp_path: Path) -> None:
    """They are tokens of people; nothing else would ever come to clear them away."""
    (tmp_path / LISTED_NEXT).write_bytes(b"tokens")
    with held(tmp_path):
        assert not (tmp_path / LISTED_NEXT).exists()


def test_a_disk_that_fills_up_at_any_byte(town: Town, centre: Path, disk: Path, tmp_path: Path) -> None:
    town.whole_family()
    (tmp_path / "taken").mkdir()
    town.state, town.out = disk / "state", disk / "parcels"
    town.send()
    failed = 0
    for number in range(FULL_DISKS):
        filled = disk / "filled"
        left = Random(number).choice((Random(number).randrange(60_000), Random(number).randrange(NEEDED)))
        stat = os.statvfs(disk)
        filled.write_bytes(bytes(max(0, stat.f_bavail * stat.f_frsize - left)))
        try:
            town.send()
        except OSError:
            failed += 1
        filled.unlink()
        assert named_in(town.state, town.out) == []
        town.send()
        for parcel in town.out.glob("*.parcel"):  # the courier
            shutil.move(parcel, tmp_path / "taken" / parcel.name)
    assert_whole(tmp_path / "taken", centre)
    assert failed > FULL_DISKS / 3, "most of the disks must have been too small"
