"""What a submitter remembers between two sendings: sequence number, chain, the tokens of what it sent, and of whom it listed.

A parcel appears by one rename, between two entries of the state, so that kill -9 anywhere loses nothing and doubles
nothing:

1. `pending` names the file to come    - dies here: the file is not there or unfinished, it is removed, nothing was sent
2. the sealed file is written under its temporary name, `pending` is marked sealed
                                       - dies here: the temporary file is still there, so it never appeared: removed
3. the file is renamed into the parcels' folder
                                       - dies here: the temporary name is gone, so it appeared: the next start commits it
4. the state takes over sequence and chain, and `pending` is gone
"""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

import polars as pl

from pipelines.edge.listed import LISTED_SCHEMA
from pipelines.edge.private import ONLY_ITS_OWNER
from pipelines.edge.problem import BUSY, EdgeProblem
from pipelines.edge.seal import Sealed

STATE, SENT, SENT_NEXT, LOCK = "state.json", "sent.parquet", "sent.next.parquet", "lock"
LISTED, LISTED_NEXT, LISTED_LEFT = "outreach.parquet", "outreach.next.parquet", "outreach.left.parquet"
TOKEN_COLUMNS = ("local_row", "local_person", "local_pregnancy", "local_identity")
SENT_SCHEMA = {
    "record": pl.String, "feed": pl.String, **dict.fromkeys(TOKEN_COLUMNS, pl.Binary), "is_there": pl.Boolean,
}  # fmt: skip


@dataclass(frozen=True)
class Pending:
    temporary: str  # path of the sealed file before its rename
    manifest_hash: str
    is_sealed: bool = False
    counted_before: str = ""


@dataclass(frozen=True)
class State:
    """sequence: number of the last parcel that appeared (0: none). previous: SHA-256 of its manifest, or empty.

    counted_before: the day (ISO) before which the counts of outreach have left; empty: none did.
    """

    sequence: int = 0
    previous: str = ""
    pending: Pending | None = None
    counted_before: str = ""


@contextmanager
def held(directory: Path) -> Iterator[State]:
    """The state under a lock, with what a dead process left behind cleared up. Raises EdgeProblem (75) when in use."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (directory / LOCK).open("a+b") as lock:
        if not _locked(lock.fileno()):
            raise EdgeProblem(
                "この提出者の送付は別の処理が実行中です。終わってから、もう一度実行してください。",
                "another process is sending for this submitter; run this command again when it has ended.", BUSY,
            )  # fmt: skip
        yield _recovered(directory, _read(directory))


def already_sent(directory: Path) -> pl.DataFrame:
    """Tokens of every row that ever left, and whether it was not taken back since; schema SENT_SCHEMA. Tokens only: no
    number, no name. A state of before rows were marked says that all are there."""
    path = directory / SENT
    if not path.exists():
        return pl.DataFrame(schema=SENT_SCHEMA)
    sent = pl.read_parquet(path)
    return sent if "is_there" in sent.columns else sent.with_columns(is_there=True)


def listed_before(directory: Path) -> pl.DataFrame:
    """Lines of the lists of outreach whose counts have not left; schema LISTED_SCHEMA."""
    path = directory / LISTED
    return pl.read_parquet(path) if path.exists() else pl.DataFrame(schema=LISTED_SCHEMA)


def remember(directory: Path, listed: pl.DataFrame) -> None:
    """Puts the lines in the place of those there. Raises OSError with the last state untouched."""
    _write_parquet(directory / LISTED_NEXT, listed)
    (directory / LISTED_NEXT).replace(directory / LISTED)
    _sync_directory(directory)


def publish(
    directory: Path, state: State, sealed: Sealed, sent: pl.DataFrame, listed: pl.DataFrame, counted_before: date, target: Path
) -> State:  # fmt: skip
    """Lets a parcel appear at `target` and remembers it. Raises OSError with the last state untouched.

    listed: the lines of outreach that are still to be counted, those before the day `counted_before` being in the parcel.
    """
    temporary = target.with_name(f".{target.stem}.sealing")
    pending = Pending(str(temporary.absolute()), sealed.manifest_hash, counted_before=counted_before.isoformat())
    _write(directory, replace(state, pending=pending))
    _write_parquet(directory / SENT_NEXT, sent)
    if listed.height or (directory / LISTED).exists():
        _write_parquet(directory / LISTED_LEFT, listed)
    _write_synced(temporary, sealed.content)
    _write(directory, replace(state, pending=replace(pending, is_sealed=True)))
    temporary.replace(target)
    _sync_directory(target.parent)
    return _committed(directory, replace(state, pending=pending))


def _recovered(directory: Path, state: State) -> State:
    (directory / LISTED_NEXT).unlink(missing_ok=True)  # of a `remember` that did not end
    pending = state.pending
    if pending is None:
        return state
    temporary = Path(pending.temporary)
    if pending.is_sealed and not temporary.parent.is_dir():
        raise EdgeProblem(
            "前回の出力先フォルダが見つからず、前回の提出物が出たか確かめられません。フォルダを戻してから実行してください。",
            "the folder of the last parcel is not there, so it cannot be known whether that parcel appeared; "
            "bring the folder back and run this command again.",
        )
    if pending.is_sealed and not temporary.exists():
        return _committed(directory, state)
    temporary.unlink(missing_ok=True)
    for name in (SENT_NEXT, LISTED_LEFT):
        (directory / name).unlink(missing_ok=True)
    return _write(directory, replace(state, pending=None))


def _committed(directory: Path, state: State) -> State:
    if state.pending is None:
        raise RuntimeError("a parcel without a pending entry cannot be taken over")
    for made, name in ((SENT_NEXT, SENT), (LISTED_LEFT, LISTED)):
        if (directory / made).exists():
            (directory / made).replace(directory / name)
    counted_before = max(state.counted_before, state.pending.counted_before)
    return _write(directory, State(state.sequence + 1, state.pending.manifest_hash, counted_before=counted_before))


def _read(directory: Path) -> State:
    path = directory / STATE
    if not path.exists():
        return State()
    try:
        told = json.loads(path.read_text("utf-8"))
        pending = Pending(**told["pending"]) if told["pending"] else None
        return State(int(told["sequence"]), str(told["previous"]), pending, str(told.get("counted_before", "")))
    except (ValueError, KeyError, TypeError):
        raise EdgeProblem(
            f"送付の状態 {STATE} が壊れています。控えから戻してください。何も送りません。",
            f"the state file {STATE} is damaged; bring it back from a copy. Nothing is sent.",
        ) from None


def _write(directory: Path, state: State) -> State:
    temporary = directory / f"{STATE}.next"
    _write_synced(temporary, [json.dumps(asdict(state), sort_keys=True).encode()])
    temporary.replace(directory / STATE)
    _sync_directory(directory)
    return state


def _write_parquet(path: Path, table: pl.DataFrame) -> None:
    with path.open("wb") as file:
        path.chmod(ONLY_ITS_OWNER)
        table.write_parquet(file, statistics=False, compression="uncompressed")
        file.flush()
        os.fsync(file.fileno())


def _write_synced(path: Path, pieces: Iterable[bytes]) -> None:
    with path.open("wb") as file:
        file.writelines(pieces)
        file.flush()
        os.fsync(file.fileno())


def _sync_directory(directory: Path) -> None:
    if sys.platform == "win32":
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    """An exclusive lock that the system gives back when the process ends, however it ends."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
