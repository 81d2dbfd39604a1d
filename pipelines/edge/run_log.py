"""The run log of a source, for its security officer: who ran what, when, with which keys, and how it ended.

A line when a command begins and one when it ends (a begin without an end was killed). Counts of files, versions and
fingerprints of keys: no value, no name of a person, no digest of what the files hold.
"""

import csv
import getpass
import io
import os
import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pipelines.edge.folder import CODE
from pipelines.edge.private import ONLY_ITS_OWNER, refuse_parcel_folder
from pipelines.edge.problem import DISK
from pipelines.feeds import FEEDS
from pipelines.keys import fingerprints
from pipelines.records.linkage import CANON_VERSION
from pipelines.records.parcel import FORMAT_VERSION

COLUMNS = ("at", "event", "command", "user", "machine", "submitter", "files", "versions", "keys", "exit_code")
UNEXPECTED = 70


@dataclass
class Run:
    """What the command says of its own end: its exit code, where it did not stop by a problem."""

    exit_code: int = 0


@contextmanager
def logged(log: Path | None, command: str, feeds: Path, keys: Sequence[Path] = ()) -> Iterator[Run]:
    """Writes the two lines around a command; without a log it does nothing.

    Raises EdgeProblem (64) for a log beside parcels, OSError where it cannot be written; then the command did not begin.
    """
    run = Run()
    if log is None:
        yield run
        return
    refuse_parcel_folder(log.parent)
    about = _about(command, feeds, keys)
    _append(log, "begin", about, "")
    try:
        yield run
    except BaseException as problem:
        _append(log, "end", about, str(_code_of(problem)))
        raise
    _append(log, "end", about, str(run.exit_code))


def _about(command: str, feeds: Path, keys: Sequence[Path]) -> tuple[str, ...]:
    submitter = feeds.resolve().name
    named = [f"{name}:{told}" for name, told in fingerprints(keys).items()]
    versions = f"mchdb {_software()}; parcel {FORMAT_VERSION}; canonical {CANON_VERSION}"
    who = (getpass.getuser(), platform.node())
    return (command, *who, submitter if CODE.match(submitter) else "?", _files(feeds), versions, "; ".join(named))


def _files(feeds: Path) -> str:
    """How many files each source system's folder holds."""
    counts = {name: sum(f.is_file() for f in feeds.glob(f"{name}/*")) for name in FEEDS}
    return "; ".join(f"{name} {n}" for name, n in counts.items() if n)


def _software() -> str:
    try:
        return version("mchdb")
    except PackageNotFoundError:
        return "?"


def _code_of(problem: BaseException) -> int:
    """The exit code as the command line gives it."""
    told = getattr(problem, "exit_code", None)
    return told if isinstance(told, int) else DISK if isinstance(problem, OSError) else UNEXPECTED


def _append(log: Path, event: str, about: Sequence[str], exit_code: str) -> None:
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    line = io.StringIO(newline="")
    writer = csv.writer(line, lineterminator="\r\n")
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), ONLY_ITS_OWNER)
    with os.fdopen(handle, "ab") as file:
        if not os.fstat(file.fileno()).st_size:
            line.write("\ufeff")
            writer.writerow(COLUMNS)
        writer.writerow((datetime.now().astimezone().isoformat(timespec="seconds"), event, *about, exit_code))
        file.write(line.getvalue().encode())
        file.flush()
        os.fsync(file.fileno())
