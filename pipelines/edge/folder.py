"""A submitter's folder `feeds/<code6>/<feed>/<record>.<format>`: every file read and checked, every row accounted for."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from pipelines.declaration import Record
from pipelines.edge.check import Checked, check
from pipelines.edge.problem import USAGE, EdgeProblem
from pipelines.edge.protect import only_who
from pipelines.edge.read import read_file
from pipelines.feeds import FEEDS
from pipelines.records.parcel import SYNTHETIC_MARK

CODE = re.compile(r"^\d{6}$")


@dataclass(frozen=True)
class Folder:
    """submitter: 6-digit code. files: each file as checked. warnings: sentences (ja, en).

    synthetic_seed: the seed of a made-up cohort, None for the records of real people.
    """

    submitter: str
    files: list[Checked]
    warnings: list[tuple[str, str]]
    synthetic_seed: int | None = None

    @property
    def refusals(self) -> pl.DataFrame:
        return pl.concat([f.refusals for f in self.files])

    def unseen(self) -> list[str]:
        """Files in which flagged people cannot be seen."""
        return [f.arrived.file for f in self.files if not f.arrived.shows_protected]


def read_folder(feeds: Path) -> Folder:
    """Reads and checks a submitter's folder. Raises EdgeProblem (64, 2) where there is none, or nothing in it."""
    submitter = feeds.resolve().name
    if not feeds.is_dir() or not CODE.match(submitter):
        raise EdgeProblem(
            "6桁の団体コードを名とするフォルダ(feeds/<コード>)を指定してください。",
            "name a submitter's folder, called by its 6-digit municipality code (feeds/<code>).",
            USAGE,
        )
    files = [_checked(path, feed, record, submitter) for path, feed, record in _expected(feeds)]
    if not files:
        raise EdgeProblem(
            "このフォルダに、受け取るファイル(<システム>/<記録>.csv または .json)が1つもありません。何も送りません。",
            "this folder holds no file to take (<feed>/<record>.csv or .json); nothing is sent.",
        )
    warnings = [*_strangers(feeds), *(w for f in files for w in f.arrived.warnings)]
    return Folder(submitter, files, warnings, _synthetic_seed(feeds))


def _checked(path: Path, feed: str, record: Record, submitter: str) -> Checked:
    checked = check(read_file(path, FEEDS[feed], record), submitter)
    return replace(checked, arrived=only_who(checked.arrived))


def _synthetic_seed(feeds: Path) -> int | None:
    """The mark of a made-up cohort; a folder without it holds real people."""
    try:
        seed = json.loads((feeds / SYNTHETIC_MARK).read_text("utf-8"))["seed"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return seed if type(seed) is int and seed >= 0 else None


def _expected(feeds: Path) -> Iterator[tuple[Path, str, Record]]:
    for feed in FEEDS.values():
        for record in feed.records:
            if (path := feeds / feed.name / feed.file_name(record)).is_file():
                yield path, feed.name, record


def _strangers(feeds: Path) -> list[tuple[str, str]]:
    """Files of a feed's folder that no declaration asks for."""
    taken = {path for path, _, _ in _expected(feeds)}
    found = [p for p in sorted(feeds.glob("*/*")) if p.is_file() and p not in taken]
    return [
        (f"{len(found)} 個のファイルは、受け取る名前でないため読みませんでした", f"{len(found)} files have no expected name and were not read")
    ] if found else []  # fmt: skip
