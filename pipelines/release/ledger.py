"""The ledger of everything ever published: an append-only chain beside the warehouse (privacy, hole 9).

A release is compared with all earlier ones; without them a difference of two vintages tells of one
person. So a release needs the whole chain: absent, behind, forked or altered, nothing is released.

The order of writing, each step whole on the disk before the next:

1. the published values of the release (Parquet), 2. the intended line's hash beside the head,
3. the line, 4. the head.

Killed before 3, the last release stands. Killed between 3 and 4, the head is one behind and the intent
beside it names the last line: the release had been written whole, and the head is moved up. A copy of
the warehouse has no such intent, so its head is simply behind, and it may not release.

The ledger is written before `published.duckdb` is renamed into place: what may have been seen is known.
"""

import io
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from pathlib import Path

import polars as pl

from pipelines.declaration import Count
from pipelines.release.chain import (
    Entry,
    count_identity,
    head_of,
    intent_beside,
    lines_of,
    read_chain,
    sealed,
    sha256,
    stands_at,
)
from pipelines.release.errors import Busy, LedgerError
from pipelines.release.symbols import SHOWN
from pipelines.release.writing import replace_file

CELL_KEY = ("count_id", "period", "period_kind", "area_code", "breakdown_id", "category_code")
CELLS = {**dict.fromkeys(CELL_KEY, pl.String()), "value": pl.Int64(), "status": pl.String()}
EARLIER = {
    "release_id": pl.String(), "sequence": pl.Int64(), "count_identity": pl.String(), **CELLS
}  # fmt: skip
POPULATIONS = {"area_code": pl.String(), "year": pl.Int32(), "population": pl.Int64()}


class Ledger:
    """The chain in file `path`, its values beside it, and the head that this installation keeps at `head_path`."""

    def __init__(self, path: Path, head_path: Path | None, entries: tuple[Entry, ...]) -> None:
        self.path, self.head_path, self.entries = path, head_path, entries
        self._is_locked = False

    @classmethod
    def create(cls, path: Path, head_path: Path) -> "Ledger":
        """Begin the ledger of a new installation. Raises LedgerError when one is there already."""
        if path.exists() or head_path.exists():
            raise LedgerError(
                "台帳は新規に作る必要がありますが、既にあります。既存の台帳を使ってください。",
                "A ledger is begun only where there is none, but one is there already; use the existing one.",
            )
        first = sealed(Entry(0, "", "", "", "", "", {}, secrets.token_hex(16), "", "", ""))
        replace_file(path, lines_of((first,)))
        replace_file(head_path, head_of(first))
        return cls(path, head_path, (first,))

    @classmethod
    def open(cls, path: Path, head_path: Path | None) -> "Ledger":
        """Read and verify chain, values and head (`head_path` None: a reader without an installation, no appending).

        Raises LedgerError when anything of it is absent, behind, forked or altered.
        """
        entries = read_chain(path)
        if head_path:
            stands_at(entries, head_path)
        return cls(path, head_path, entries)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only writer, verify again, and finish a release that was killed before its head moved.

        The lock is the operating system's, held by SQLite on an empty file: it works alike on Windows, and a
        killed process holds nothing. Raises Busy (never waits), LedgerError.
        """
        held = sqlite3.connect(self.path.with_name(self.path.name + ".lock"), timeout=0, isolation_level=None)
        try:
            try:
                held.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError:
                raise Busy from None
            self._is_locked = True
            self._reread()
            yield
        finally:
            self._is_locked = False
            held.close()

    def append(
        self, release_id: str, status: str, policy_id: str, fiscal_years: str, created_on: date,
        cells: pl.DataFrame, counts: Mapping[str, Count], populations: pl.DataFrame | None = None,
    ) -> Entry:  # fmt: skip
        """Write down a release; `cells` as in `count_cell`, `populations` as in `area_population`, of which only what
        is new is written. The same release again changes nothing.

        Raises LedgerError when not locked, when the release was published before with other values, or when
        a cell that is not shown holds a value; DiskError when the disk does not take it.
        """
        values = _published_only(cells)
        earlier = self.entry(release_id)
        if earlier:
            return _the_same(earlier, _digest(values))
        return self._write(
            values,
            Entry(
                len(self.entries), release_id, status, policy_id, fiscal_years, created_on.isoformat(),
                {name: count_identity(counts[name]) for name in sorted(values["count_id"].unique())},
                _digest(values), f"{self.path.stem}.{len(self.entries):06d}.parquet", "", self.entries[-1].hash,
                populations=self._new(populations),
            ),
        )  # fmt: skip

    def entry(self, release_id: str) -> Entry | None:
        """The line of a release, or None."""
        return next((entry for entry in self.entries[1:] if entry.release_id == release_id), None)

    def earlier_cells(self, before: str | None = None, *, with_hidden: bool = False) -> pl.DataFrame:
        """Every value ever shown: release_id, sequence, count_identity, cell key, value, status of the cell.

        `before`: leave out this release and all later ones (a release is not compared with itself). with_hidden: the
        cells that were not shown too, without a value.
        """
        past = [_cells(self.path, entry) for entry in self._until(before)]
        every = pl.concat([pl.DataFrame(schema=EARLIER), *past])
        return every if with_hidden else every.filter(pl.col("value").is_not_null())

    def populations(self, before: str | None = None) -> pl.DataFrame:
        """Every population ever published with a release: area_code, year, population; each as it was first."""
        rows = [
            (area, int(year), people)
            for entry in self._until(before)
            for year, of_areas in entry.populations.items()
            for area, people in of_areas.items()
        ]
        return pl.DataFrame(rows, schema=POPULATIONS, orient="row").unique(
            ["area_code", "year"], keep="first", maintain_order=True
        )

    def _until(self, before: str | None) -> list[Entry]:
        own = self.entry(before) if before else None
        return [entry for entry in self.entries[1:] if own is None or entry.sequence < own.sequence]

    def _new(self, populations: pl.DataFrame | None) -> dict[str, dict[str, int]]:
        """Of the populations those that no line has yet, by year."""
        if populations is None:
            return {}
        new = populations.join(self.populations(), on=["area_code", "year"], how="anti").sort("year", "area_code")
        return {
            str(year): dict(rows.select("area_code", "population").iter_rows())
            for (year,), rows in new.group_by("year", maintain_order=True)
        }

    def _reread(self) -> None:
        self.entries = read_chain(self.path)
        if self.head_path and stands_at(self.entries, self.head_path) == "interrupted":
            replace_file(self.head_path, head_of(self.entries[-1]))

    def _write(self, values: pl.DataFrame, draft: Entry) -> Entry:
        if not self._is_locked or self.head_path is None:
            raise LedgerError(
                "台帳への追記には台帳の占有が必要です。", "Appending to the ledger requires its lock and its head."
            )
        parquet = _parquet(values)
        entry = sealed(Entry(**{**asdict(draft), "values_file_sha256": sha256(parquet)}))
        replace_file(self.path.with_name(entry.values_file), parquet)
        replace_file(intent_beside(self.head_path), head_of(entry))
        replace_file(self.path, lines_of((*self.entries, entry)))
        replace_file(self.head_path, head_of(entry))
        self.entries = (*self.entries, entry)
        return entry


def _published_only(cells: pl.DataFrame) -> pl.DataFrame:
    values = cells.select(pl.col(name).cast(kind) for name, kind in CELLS.items()).sort(CELL_KEY)
    beside_hidden = pl.col("value").is_not_null() != pl.col("status").is_in(SHOWN)
    if values.select(beside_hidden.any()).item():
        raise LedgerError(
            "値は公表する状態のセルだけが持つ必要がありますが、そうでないセルがあります。公表を中止しました。",
            "A cell holds a value exactly when its status is a shown one, but some do not; the release was stopped.",
        )
    return values


def _digest(values: pl.DataFrame) -> str:
    return sha256(values.write_csv().encode())


def _parquet(values: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    values.write_parquet(buffer, statistics=False)
    return buffer.getvalue()


def _the_same(entry: Entry, digest: str) -> Entry:
    if entry.values_digest != digest:
        raise LedgerError(
            "同じ公表IDの値は一度しか公表できませんが、以前と異なります。新しい公表として実行してください。",
            "A release id is published once, but its values now differ from those in the ledger; make a new release.",
        )
    return entry


def _cells(path: Path, entry: Entry) -> pl.DataFrame:
    identities = pl.DataFrame(
        {"count_id": list(entry.counts), "count_identity": list(entry.counts.values())},
        schema={"count_id": pl.String(), "count_identity": pl.String()},
    )
    values = pl.read_parquet(path.with_name(entry.values_file))
    return (
        values.join(identities, on="count_id")
        .with_columns(release_id=pl.lit(entry.release_id), sequence=pl.lit(entry.sequence, pl.Int64))
        .select(*EARLIER)
    )
