"""The load process: load identity and warehouse key. Verifies parcels and applies them in order, one transaction each.

It starts the linkage process on its own keys and reads neither of them (privacy, holes 1 and 17).
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from pipelines.warehouse.applied import check_scope, check_sequence, check_versions, scope_of, signing_keys
from pipelines.warehouse.apply import Taken, apply_parcels
from pipelines.warehouse.database import opened
from pipelines.warehouse.keyring import apart, load_keys
from pipelines.warehouse.linkage_client import Linkage, linkage_process
from pipelines.warehouse.manifest import Manifest
from pipelines.warehouse.memory import leave_no_core
from pipelines.warehouse.open_parcel import Recipient, open_records
from pipelines.warehouse.problem import USAGE, WarehouseProblem
from pipelines.warehouse.receipt import accepted_receipt, parcel_name, refused_receipt, write_accepted, write_refused
from pipelines.warehouse.refresh import refresh_if_stale
from pipelines.warehouse.refusal import REASONS, Refused
from pipelines.warehouse.schema import prepare
from pipelines.warehouse.tables import check_rows, composite_tokens, read_lags, read_records, with_pseudonyms

BATCH_ROWS = 250_000  # two row groups of DuckDB: written once, to the file; smaller ones pass the log first


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
    """A parcel whose records member verified, in the order of its submitter's sequence."""

    path: Path
    manifest: Manifest
    signing_key: str


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
        opened(folder, own.text("warehouse")) as connection,
    ):
        return _load(connection, folder, files, Recipient(own.text("load")), linkage)


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
    connection: duckdb.DuckDBPyConnection, folder: Path, files: list[Path], recipient: Recipient, linkage: Linkage
) -> LoadResult:
    result = LoadResult()
    prepare(connection)
    started = time.perf_counter()
    waiting = _in_order(connection, folder, files, recipient, result)
    result.seconds["verify"] = time.perf_counter() - started
    started = time.perf_counter()
    _apply_in_batches(connection, folder, waiting, recipient, linkage, result)
    result.seconds["load"] = time.perf_counter() - started
    write_accepted(connection, folder)
    result.seconds |= refresh_if_stale(connection)
    return result


def _apply_in_batches(
    connection: duckdb.DuckDBPyConnection, folder: Path, waiting: list[Waiting], recipient: Recipient,
    linkage: Linkage, result: LoadResult,
) -> None:  # fmt: skip
    """Small parcels share a transaction: each is in it whole, and none of a batch counts before all of it is there."""
    batch: list[Taken] = []
    for place, parcel in enumerate(waiting):
        for asked in waiting[place and place + 1 : place + 2]:
            _ask(linkage, asked)  # one ahead: the linkage process works on the next parcel meanwhile
        if any(taken.manifest.submitter == parcel.manifest.submitter for taken in batch):
            _apply_batch(connection, batch, result)  # a parcel is judged by what is applied before it
        try:
            batch.append(_take(connection, parcel, recipient, linkage))
        except Refused as refused:
            _refuse(folder, parcel.path, refused, result)
        if sum(taken.rows for taken in batch) >= BATCH_ROWS:
            _apply_batch(connection, batch, result)
    _apply_batch(connection, batch, result)


def _apply_batch(connection: duckdb.DuckDBPyConnection, batch: list[Taken], result: LoadResult) -> None:
    if batch:
        apply_parcels(connection, batch)
        result.outcomes += [Outcome(t.file_name, None, t.receipt, t.rows) for t in batch]
        batch.clear()


def _ask(linkage: Linkage, parcel: Waiting) -> None:
    linkage.ask(parcel.path.resolve(), {parcel.manifest.submitter: parcel.signing_key})


def _in_order(
    connection: duckdb.DuckDBPyConnection, folder: Path, files: list[Path], recipient: Recipient, result: LoadResult
) -> list[Waiting]:
    """Verified parcels by submitter and sequence number; the others are refused here."""
    known = signing_keys(connection)
    waiting = []
    for path in files:
        try:
            manifest = open_records(path, recipient, known).manifest
            waiting.append(Waiting(path, manifest, known[manifest.submitter]))
        except Refused as refused:
            _refuse(folder, path, refused, result)
    return sorted(waiting, key=lambda w: (w.manifest.submitter, w.manifest.sequence, w.manifest.digest))


def _take(connection: duckdb.DuckDBPyConnection, parcel: Waiting, recipient: Recipient, linkage: Linkage) -> Taken:
    """A parcel checked to its last row. Raises Refused.

    Takes the answer of the linkage process first, so that question and answer stay in step.
    """
    pseudonyms = linkage.pseudonyms(parcel.manifest.digest)
    check_sequence(connection, parcel.manifest)
    member = open_records(parcel.path, recipient, {parcel.manifest.submitter: parcel.signing_key})
    manifest, scope = member.manifest, scope_of(connection, parcel.manifest.submitter)
    if manifest.digest != parcel.manifest.digest:
        raise Refused("altered")
    check_versions(connection, manifest)
    check_scope(manifest, scope)
    frames = read_records(member, _feeds(connection))
    check_rows(frames, manifest.municipalities, scope, manifest.years)
    frames, name = with_pseudonyms(frames, pseudonyms), parcel_name(parcel.path)
    tokens = composite_tokens(frames, pseudonyms)
    return Taken(manifest, frames, tokens, read_lags(member), name, accepted_receipt(name, manifest))


def _feeds(connection: duckdb.DuckDBPyConnection) -> set[str]:
    return {feed for (feed,) in connection.execute("SELECT feed FROM state.feed").fetchall()}


def _refuse(folder: Path, path: Path, refused: Refused, result: LoadResult) -> None:
    name = parcel_name(path)
    receipt = refused_receipt(name, refused)
    write_refused(folder, name, receipt)
    result.outcomes.append(Outcome(name, refused.reason, receipt))
