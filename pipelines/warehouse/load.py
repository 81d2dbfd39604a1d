"""The load process: load identity and warehouse key. Verifies parcels and applies them in order, in
transactions that hold whole parcels of different submitters.

It starts the linkage process on its own keys and reads neither of them (privacy, holes 1 and 17).
"""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from pipelines.warehouse.applied import Standing, check_scope, check_sequence, check_versions, standing
from pipelines.warehouse.apply import Taken, apply_parcels
from pipelines.warehouse.database import opened
from pipelines.warehouse.keyring import apart, load_keys
from pipelines.warehouse.linkage_client import Linkage, linkage_process
from pipelines.warehouse.manifest import Manifest
from pipelines.warehouse.memory import leave_no_core
from pipelines.warehouse.open_parcel import Identity, Opened, open_records
from pipelines.warehouse.problem import USAGE, WarehouseProblem
from pipelines.warehouse.receipt import accepted_receipt, parcel_name, refused_receipt, write_accepted, write_refused
from pipelines.warehouse.refresh import refresh_if_stale
from pipelines.warehouse.refusal import REASONS, Refused
from pipelines.warehouse.schema import prepare
from pipelines.warehouse.tables import (
    bridge_pairs,
    check_rows,
    composite_tokens,
    read_lags,
    read_outreach,
    read_records,
    with_pseudonyms,
)

BATCH_ROWS = 500_000  # the larger, the fewer row groups are begun in one batch and written again in the next
KEPT_BYTES = 64 << 20  # of verified members, until their turn comes
# The other half prepares parcels meanwhile; hyperthreads of one core only slow each other down in here.
THREADS = max(1, (os.cpu_count() or 1) // 2)


@dataclass(frozen=True)
class Outcome:
    """What became of one parcel; `reason` is None where it was applied, else a key of refusal.REASONS."""

    parcel: str
    reason: str | None
    receipt: bytes
    rows: int = 0


@dataclass
class LoadResult:
    """Outcomes in the order of application, and seconds by stage."""

    outcomes: list[Outcome] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def accepted(self) -> int:
        return sum(o.reason is None for o in self.outcomes)

    @property
    def refused(self) -> int:
        return sum(o.reason is not None for o in self.outcomes)

    @property
    def rows(self) -> int:
        return sum(o.rows for o in self.outcomes)

    def summary(self) -> dict[str, object]:
        refusals = [{"parcel": o.parcel, "reason": o.reason} for o in self.outcomes if o.reason]
        return {
            "accepted": self.accepted, "refused": self.refused, "rows": self.rows, "refusals": refusals,
            "seconds": {stage: round(s, 2) for stage, s in self.seconds.items()},
        }  # fmt: skip

    def lines(self) -> Iterator[str]:
        yield f"受理 {self.accepted} 件({self.rows:,} 行)、拒否 {self.refused} 件 / {self.accepted} applied, {self.refused} refused"
        for outcome in self.outcomes:
            if outcome.reason:
                ja, en = REASONS[outcome.reason]
                yield f"{outcome.parcel}: {ja} / {en} ({outcome.reason})"
        yield " · ".join(f"{stage} {seconds:.1f} s" for stage, seconds in self.seconds.items())


@dataclass(frozen=True)
class Waiting:
    """A parcel whose records member verified, in the order of its submitter's sequence.

    The member itself is kept while memory for it lasts; else it is opened, and verified, once more.
    """

    path: Path
    manifest: Manifest
    signing_key: str
    member: Opened | None


def load_parcels(parcels: Path, folder: Path, keys: Sequence[Path]) -> LoadResult:
    """Applies the parcels of a folder (or one file) and refreshes the current state; a receipt for each in W/receipts.

    Raises WarehouseProblem: 64 no parcels or no warehouse, 74 disk, 75 busy, 77 keys (KeyProblem likewise).
    """
    leave_no_core()
    files = _parcel_files(parcels)
    for_load, for_linkage = apart(keys)
    own = load_keys(for_load)
    with (
        linkage_process(for_linkage) as linkage,
        opened(folder, own.text("warehouse"), threads=THREADS) as connection,
    ):
        return _load(connection, folder, files, Identity(own.text("load")), linkage)


def _parcel_files(parcels: Path) -> list[Path]:
    files = sorted(parcels.glob("*.parcel")) if parcels.is_dir() else [parcels]
    if not all(f.is_file() for f in files) or not files:
        raise WarehouseProblem(
            "提出物(.parcel)のあるフォルダが必要ですが、見つかりません。フォルダを確かめてください。",
            "A folder with .parcel files is required; none was found. Check the folder.",
            USAGE,
        )
    return files


def _load(
    connection: duckdb.DuckDBPyConnection, folder: Path, files: list[Path], identity: Identity, linkage: Linkage
) -> LoadResult:
    result = LoadResult()
    prepare(connection)
    started = time.perf_counter()
    waiting = _in_order(standing(connection).signing_keys, folder, files, identity, result)
    result.seconds["verify"] = time.perf_counter() - started
    started = time.perf_counter()
    with ThreadPoolExecutor(1) as thread:
        _apply_in_batches(Applying(connection, thread, result), folder, waiting, identity, linkage, result)
    result.seconds["load"] = time.perf_counter() - started
    write_accepted(connection, folder)
    result.seconds |= refresh_if_stale(connection)
    return result


class Applying:
    """Applies one batch after the other in a thread of its own, which alone uses the connection meanwhile."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, thread: Executor, result: LoadResult) -> None:
        self._connection, self._thread, self._result = connection, thread, result
        self._batch: list[Taken] = []
        self._done: Future[None] | None = None
        self.standing = standing(connection)

    def start(self, batch: list[Taken]) -> None:
        """Waits for the batch before, whose fault it raises, and begins to apply this one."""
        self.finish()
        if batch:
            self._batch, self._done = batch, self._thread.submit(apply_parcels, self._connection, batch)

    def finish(self) -> None:
        if self._done:
            self._done.result()
            self._result.outcomes += [Outcome(t.file_name, None, t.receipt, t.rows) for t in self._batch]
            self._batch, self._done, self.standing = [], None, standing(self._connection)

    def holds(self, submitter: str) -> bool:
        return any(taken.manifest.submitter == submitter for taken in self._batch)


def _apply_in_batches(
    applying: Applying, folder: Path, waiting: list[Waiting], identity: Identity, linkage: Linkage, result: LoadResult,
) -> None:  # fmt: skip
    """Small parcels share a transaction: each is in it whole, and none of a batch counts before all of it is there.

    The next parcels are prepared while a batch is applied.
    """
    batch: list[Taken] = []
    for place, parcel in enumerate(waiting):
        for asked in waiting[place and place + 1 : place + 2]:  # one ahead: it works on the next parcel meanwhile
            _ask(linkage, asked, applying.standing.centre_chain)
        if any(taken.manifest.submitter == parcel.manifest.submitter for taken in batch):
            applying.start(batch)
            batch = []
        if applying.holds(parcel.manifest.submitter):
            applying.finish()  # a parcel is judged by what is applied before it
        try:
            batch.append(_take(applying.standing, parcel, identity, linkage))
        except Refused as refused:
            _refuse(folder, parcel.path, refused, result)
        if sum(taken.rows for taken in batch) >= BATCH_ROWS:
            applying.start(batch)
            batch = []
    applying.start(batch)
    applying.finish()


def _ask(linkage: Linkage, parcel: Waiting, centre_chain: Sequence[int]) -> None:
    linkage.ask(parcel.path.resolve(), {parcel.manifest.submitter: parcel.signing_key}, centre_chain)


def _in_order(
    known: Mapping[str, str], folder: Path, files: list[Path], identity: Identity, result: LoadResult
) -> list[Waiting]:
    """Verified parcels by submitter and sequence number; the others are refused here."""
    waiting, kept = [], 0
    for path in files:
        try:
            member = open_records(path, identity, known)
        except Refused as refused:
            _refuse(folder, path, refused, result)
            continue
        size, manifest = sum(map(len, member.tables.values())), member.manifest
        is_kept = kept + size <= KEPT_BYTES
        kept += size if is_kept else 0
        waiting.append(Waiting(path, manifest, known[manifest.submitter], member if is_kept else None))
    return sorted(waiting, key=lambda w: (w.manifest.submitter, w.manifest.sequence, w.manifest.digest))


def _take(standing: Standing, parcel: Waiting, identity: Identity, linkage: Linkage) -> Taken:
    """A parcel checked to its last row. Raises Refused.

    Takes the answer of the linkage process first, so that question and answer stay in step.
    """
    pseudonyms = linkage.pseudonyms(parcel.manifest.digest)
    submitter = parcel.manifest.submitter
    check_sequence(standing.applied.get(submitter, ()), parcel.manifest)
    member = parcel.member or open_records(parcel.path, identity, {submitter: parcel.signing_key})
    manifest, scope = member.manifest, standing.scopes[submitter]
    if manifest.digest != parcel.manifest.digest:
        raise Refused("altered")
    check_versions(standing.versions, manifest)
    check_scope(manifest, scope)
    frames = read_records(member, standing.feeds)
    check_rows(frames, manifest.municipalities, scope, manifest.years)
    frames, name = with_pseudonyms(frames, pseudonyms), parcel_name(parcel.path)
    tokens = composite_tokens(frames, pseudonyms)
    lags, outreach, receipt = read_lags(member), read_outreach(member), accepted_receipt(name, manifest)
    return Taken(manifest, frames, tokens, lags, outreach, name, receipt, bridge_pairs(pseudonyms))


def _refuse(folder: Path, path: Path, refused: Refused, result: LoadResult) -> None:
    name = parcel_name(path)
    receipt = refused_receipt(name, refused)
    write_refused(folder, name, receipt)
    result.outcomes.append(Outcome(name, refused.reason, receipt))
