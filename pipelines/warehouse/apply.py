"""Parcels into the landing: in one transaction with their receipts, so that each is there whole or not at all."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import duckdb
import polars as pl
import pyarrow as pa

from pipelines.declaration import Record
from pipelines.records import RECORDS
from pipelines.records.parcel import TOKEN_BYTES
from pipelines.warehouse.database import transaction
from pipelines.warehouse.manifest import Manifest
from pipelines.warehouse.refresh import STALE
from pipelines.warehouse.schema import CLOSED_YEARS, event_month, fiscal_year, landing_columns
from pipelines.warehouse.tables import PAIRS, number

TOKEN_COLUMNS = "submitter, resident_key, rule, pseudonym, key_version, canon_version"


@dataclass(frozen=True)
class Taken:
    """A verified parcel, ready for the landing: rows by record with their keys, tokens, counts (arrival lags, outreach),
    its receipt.

    pairs: pseudonyms of two versions (schema PAIRS), of a parcel in a bridging period.
    """

    manifest: Manifest
    frames: Mapping[str, pl.DataFrame]
    tokens: pl.DataFrame
    lags: pl.DataFrame
    outreach: pl.DataFrame
    file_name: str
    receipt: bytes
    pairs: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=PAIRS))

    @property
    def versioned_tokens(self) -> pl.DataFrame:
        """The columns TOKEN_COLUMNS."""
        current = self.manifest.version
        told = zip(("key_version", "canon_version"), current, self.manifest.bridge_from or current, strict=True)
        version = {name: pl.when("is_former").then(former).otherwise(now) for name, now, former in told}
        return self.tokens.with_columns(submitter=self.whose["submitter"], **version).select(TOKEN_COLUMNS.split(", "))

    @property
    def rows(self) -> int:
        return sum(frame.height for frame in self.frames.values())

    @property
    def whose(self) -> dict[str, pl.Expr]:
        return {"submitter": pl.lit(self.manifest.submitter), "sequence": pl.lit(self.manifest.sequence, pl.Int64)}


def apply_parcels(connection: duckdb.DuckDBPyConnection, parcels: Sequence[Taken]) -> None:
    """Applies parcels of different submitters together: all of them or, on any fault, none."""
    if len({p.manifest.submitter for p in parcels}) < len(parcels):
        raise ValueError("parcels of one submitter are applied one after the other")
    with transaction(connection):
        first = [p for p in parcels if _is_first(connection, p.manifest.submitter)]
        _apply(connection, first, is_first=True)
        _apply(connection, [p for p in parcels if p not in first], is_first=False)
        connection.execute(STALE)


def _is_first(connection: duckdb.DuckDBPyConnection, submitter: str) -> bool:
    """Nothing of this submitter is there and no year is closed: its rows have nothing to win over."""
    found = connection.execute(
        f"SELECT (SELECT count(*) FROM state.parcel WHERE submitter = ?) + (SELECT count(*) FROM ({CLOSED_YEARS}))",
        [submitter],
    ).fetchone()
    return found == (0,)


def _apply(connection: duckdb.DuckDBPyConnection, parcels: Sequence[Taken], *, is_first: bool) -> None:
    for record in RECORDS.values():
        frames = [
            p.frames[record.name].with_columns(**p.whose, is_held=False) for p in parcels if record.name in p.frames
        ]
        if frames:
            _apply_rows(connection, record, pl.concat(f.select(*landing_columns(record)) for f in frames), is_first)
    _apply_tokens(connection, parcels, is_first)
    for parcel in parcels:
        _write_line(connection, parcel)
    _insert(connection, "state.parcel_record", [_counts(p) for p in parcels])
    _insert(connection, "landing.arrival_lag", [p.lags.with_columns(**p.whose) for p in parcels])
    closed = [year for (year,) in connection.execute(CLOSED_YEARS).fetchall()]
    is_held = (pl.col("listed_quarter").dt.offset_by("-3mo").dt.year()).is_in(closed)
    _insert(connection, "landing.outreach", [p.outreach.with_columns(**p.whose, is_held=is_held) for p in parcels])


def _apply_rows(connection: duckdb.DuckDBPyConnection, record: Record, rows: pl.DataFrame, is_first: bool) -> None:
    gone = rows.filter("is_cancelled").select("submitter", "row_key", "sequence").unique()
    _cancel(connection, record, gone, is_first)
    kept = _highest_revisions(rows.join(gone, on=["submitter", "row_key"], how="anti") if gone.height else rows)
    if is_first:
        _insert(connection, f"landing.{record.name}", [kept])
        return
    connection.register("incoming", _handed(kept))
    _choose(connection, record)
    connection.execute(f"INSERT INTO landing.{record.name} BY NAME SELECT * FROM fresh")
    connection.execute("DROP TABLE fresh")
    connection.unregister("incoming")


def _highest_revisions(rows: pl.DataFrame) -> pl.DataFrame:
    """One version of each row: within a parcel the highest revision wins."""
    if rows.select(number("row_key").n_unique()).item() == rows.height:
        return rows
    ranked = rows.sort(pl.col("revision_no").fill_null(0), descending=True)
    return ranked.unique(["submitter", "row_key"], keep="first", maintain_order=True)


def _cancel(connection: duckdb.DuckDBPyConnection, record: Record, gone: pl.DataFrame, is_first: bool) -> None:
    """Removes every version of a cancelled row, of closed years too; a tombstone lets no older parcel pass."""
    if gone.is_empty():
        return
    connection.register("gone", _handed(gone))
    for table in () if is_first else (f"landing.{record.name}", "state.tombstone"):
        connection.execute(
            f"DELETE FROM {table} o USING gone g WHERE o.submitter = g.submitter AND o.row_key = g.row_key"
        )
    connection.unregister("gone")
    _insert(connection, "state.tombstone", [gone])


def _choose(connection: duckdb.DuckDBPyConnection, record: Record) -> None:
    """Makes `fresh`: of the incoming rows those that win over their row in the landing, whose losers it takes out.

    A higher revision wins, then the later parcel. A row that says nothing new is left alone. Where the old or the new
    version belongs to a closed year, the old one stays current and the new one is held beside it.
    """
    for statement in _choice(record):
        connection.execute(statement)


def _choice(record: Record) -> Iterator[str]:
    table, whose = f"landing.{record.name}", "o.submitter = n.submitter AND o.row_key = n.row_key"
    columns = ", ".join(f"i.{c}" for c in landing_columns(record) if c != "is_held")
    yield f"""CREATE OR REPLACE TEMP TABLE fresh AS
        SELECT {columns}, coalesce({fiscal_year(f"i.{event_month(record)}")} IN ({CLOSED_YEARS}), FALSE) AS is_held
        FROM incoming i
        WHERE NOT EXISTS (SELECT 1 FROM state.tombstone t
            WHERE t.submitter = i.submitter AND t.row_key = i.row_key AND t.sequence >= i.sequence)"""
    told = [c for c in landing_columns(record) if c not in ("sequence", "is_held")]
    same = " AND ".join(f"o.{c} IS NOT DISTINCT FROM n.{c}" for c in told)
    held_beside = "h.submitter = o.submitter AND h.row_key = o.row_key AND h.is_held"
    yield f"""DELETE FROM fresh n USING {table} o WHERE {whose} AND (
        coalesce(o.revision_no, 0) > coalesce(n.revision_no, 0)
        OR ({same} AND (o.is_held OR NOT EXISTS (SELECT 1 FROM {table} h WHERE {held_beside}))))"""
    yield f"""UPDATE fresh n SET is_held = TRUE FROM {table} o WHERE {whose} AND NOT o.is_held
        AND {fiscal_year(f"o.{event_month(record)}")} IN ({CLOSED_YEARS})"""
    yield f"DELETE FROM {table} o USING fresh n WHERE {whose} AND (o.is_held OR NOT n.is_held)"


def _apply_tokens(connection: duckdb.DuckDBPyConnection, parcels: Sequence[Taken], is_first: bool) -> None:
    told = [p.versioned_tokens for p in parcels]
    _insert(connection, "state.bridge", [p.pairs for p in parcels])
    if is_first:
        _insert(connection, "landing.token", told)
        return
    for parcel, rows in zip(parcels, told, strict=True):
        _renew_tokens(connection, parcel.manifest.submitter, rows)


def _renew_tokens(connection: duckdb.DuckDBPyConnection, submitter: str, rows: pl.DataFrame) -> None:
    """Adds tokens not there yet; a person without a row left keeps none."""
    connection.register("incoming", _handed(rows))
    there = f"SELECT {TOKEN_COLUMNS} FROM landing.token WHERE submitter = $1"
    connection.execute(
        f"INSERT INTO landing.token ({TOKEN_COLUMNS}) SELECT {TOKEN_COLUMNS} FROM incoming EXCEPT {there}", [submitter]
    )
    connection.unregister("incoming")
    of_people = [name for name, record in RECORDS.items() if record.is_of_person]
    people = " UNION ".join(f"SELECT resident_key FROM landing.{name} WHERE submitter = $1" for name in of_people)
    connection.execute(
        f"DELETE FROM landing.token WHERE submitter = $1 AND resident_key NOT IN ({people})", [submitter]
    )


def _write_line(connection: duckdb.DuckDBPyConnection, parcel: Taken) -> None:
    """The parcel's own line, with its receipt."""
    manifest, month = parcel.manifest, date.today().replace(day=1)
    connection.execute(
        "INSERT INTO state.parcel VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [manifest.submitter, manifest.sequence, bytes.fromhex(manifest.digest), parcel.file_name, month,
         *(manifest.span or (None, None)), parcel.receipt, manifest.synthetic_seed],
    )  # fmt: skip


def _counts(parcel: Taken) -> pl.DataFrame:
    """Rows and refusals of a parcel by record."""
    refusals = parcel.manifest.refusals
    told = [name for name in RECORDS if name in parcel.frames or name in refusals]
    rows = [parcel.frames[name].height if name in parcel.frames else 0 for name in told]
    counts = {"record": told, "rows": rows, "refusals": [refusals.get(name, 0) for name in told]}
    schema = {"record": pl.String, "rows": pl.Int64, "refusals": pl.Int64}
    return pl.DataFrame(counts, schema=schema).with_columns(**parcel.whose)


def _insert(connection: duckdb.DuckDBPyConnection, table: str, frames: Sequence[pl.DataFrame]) -> None:
    filled = [frame for frame in frames if frame.height]
    if filled:
        connection.register("rows_to_insert", _handed(pl.concat(filled)))
        connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM rows_to_insert")
        connection.unregister("rows_to_insert")


def _handed(frame: pl.DataFrame) -> pa.Table:
    """The frame as DuckDB reads it: its keys of 16 bytes as UUID, its texts without a copy."""
    table = frame.to_arrow(compat_level=pl.CompatLevel.newest())
    for place, (name, kind) in enumerate(frame.schema.items()):
        if kind == pl.Binary:
            table = table.set_column(place, name, _uuid(frame[name]))
    return table


def _uuid(keys: pl.Series) -> pa.Array:
    return pa.ExtensionArray.from_storage(pa.uuid(), keys.rechunk().to_arrow().cast(pa.binary(TOKEN_BYTES)))
