"""One parcel into the landing: in one transaction with its receipt, so that it is there whole or not at all."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import duckdb
import polars as pl

from pipelines.declaration import Record
from pipelines.records import RECORDS
from pipelines.warehouse.manifest import Manifest
from pipelines.warehouse.refresh import STALE
from pipelines.warehouse.schema import CLOSED_YEARS, event_month, fiscal_year, landing_columns


@dataclass(frozen=True)
class Before:
    """What is there of this submitter: nothing at all makes the usual first parcel a plain insert."""

    parcels: int
    tombstones: int
    closed_years: int

    @property
    def is_nothing(self) -> bool:
        return not (self.parcels or self.tombstones or self.closed_years)


def apply_parcel(
    connection: duckdb.DuckDBPyConnection, manifest: Manifest, frames: Mapping[str, pl.DataFrame],
    tokens: pl.DataFrame, lags: pl.DataFrame, file_name: str, receipt: bytes,
) -> None:  # fmt: skip
    """Rows, tokens, lags, tombstones and the parcel's own line; all of it or, on any fault, none of it."""
    connection.execute("BEGIN")
    try:
        before = _before(connection, manifest.submitter)
        for name, frame in frames.items():
            _apply_rows(connection, RECORDS[name], manifest, frame, before)
        _apply_tokens(connection, manifest.submitter, tokens, before)
        _insert(connection, "landing.arrival_lag", lags.with_columns(**_whose(manifest)))
        _write_line(connection, manifest, frames, file_name, receipt)
        connection.execute(STALE)
        connection.execute("COMMIT")
    except BaseException:
        _roll_back(connection)
        raise


def _roll_back(connection: duckdb.DuckDBPyConnection) -> None:
    try:
        connection.execute("ROLLBACK")
    except duckdb.Error:
        return  # a failed COMMIT has rolled back already


def _before(connection: duckdb.DuckDBPyConnection, submitter: str) -> Before:
    found = connection.execute(
        f"""SELECT (SELECT count(*) FROM state.parcel WHERE submitter = $1),
            (SELECT count(*) FROM state.tombstone WHERE submitter = $1), (SELECT count(*) FROM ({CLOSED_YEARS}))""",
        [submitter],
    ).fetchone()
    return Before(*(found or (0, 0, 0)))


def _apply_rows(
    connection: duckdb.DuckDBPyConnection, record: Record, manifest: Manifest, frame: pl.DataFrame, before: Before
) -> None:
    rows = frame.with_columns(**_whose(manifest), is_held=False).select(*landing_columns(record))
    gone = rows.filter("is_cancelled").select("submitter", "row_key", "sequence").unique("row_key")
    _cancel(connection, record, gone, before)
    kept = _highest_revisions(rows.filter(~pl.col("row_key").is_in(gone["row_key"].implode())))
    if before.is_nothing:
        _insert(connection, f"landing.{record.name}", kept)
        return
    connection.register("incoming", kept.to_arrow())
    _choose(connection, record)
    _insert_fresh(connection, record)
    connection.unregister("incoming")


def _highest_revisions(rows: pl.DataFrame) -> pl.DataFrame:
    """One version of each row: within a parcel the highest revision wins."""
    if not rows["row_key"].is_duplicated().any():
        return rows
    return rows.sort(pl.col("revision_no").fill_null(0), descending=True).unique(
        "row_key", keep="first", maintain_order=True
    )


def _cancel(connection: duckdb.DuckDBPyConnection, record: Record, gone: pl.DataFrame, before: Before) -> None:
    """Removes every version of a cancelled row, of closed years too, and leaves a tombstone that no older parcel passes."""
    if gone.is_empty():
        return
    connection.register("gone", gone.to_arrow())
    for table in (f"landing.{record.name}", "state.tombstone") if before.parcels else ():
        connection.execute(
            f"""DELETE FROM {table} o USING gone g WHERE o.submitter = g.submitter AND o.row_key = g.row_key"""
        )
    connection.unregister("gone")
    _insert(connection, "state.tombstone", gone)


def _choose(connection: duckdb.DuckDBPyConnection, record: Record) -> None:
    """Makes `fresh`: of the incoming rows those that win over their row in the landing, whose losers it takes out.

    A higher revision wins, then the later parcel. A row that says nothing new is left alone. Where the old or the new
    version belongs to a closed year, the old one stays current and the new one is held beside it.
    """
    table, whose = f"landing.{record.name}", "o.submitter = n.submitter AND o.row_key = n.row_key"
    columns = ", ".join(f"i.{c}" for c in landing_columns(record) if c != "is_held")
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE fresh AS
        SELECT {columns}, coalesce({fiscal_year(f"i.{event_month(record)}")} IN ({CLOSED_YEARS}), FALSE) AS is_held
        FROM incoming i
        WHERE NOT EXISTS (SELECT 1 FROM state.tombstone t
            WHERE t.submitter = i.submitter AND t.row_key = i.row_key AND t.sequence >= i.sequence)""")
    same = " AND ".join(
        f"o.{c} IS NOT DISTINCT FROM n.{c}" for c in landing_columns(record) if c not in ("sequence", "is_held")
    )
    newest = (
        f"NOT EXISTS (SELECT 1 FROM {table} h WHERE h.submitter = o.submitter AND h.row_key = o.row_key AND h.is_held)"
    )
    connection.execute(f"""DELETE FROM fresh n USING {table} o WHERE {whose} AND (
        coalesce(o.revision_no, 0) > coalesce(n.revision_no, 0) OR ({same} AND (o.is_held OR {newest})))""")
    connection.execute(f"""UPDATE fresh n SET is_held = TRUE FROM {table} o WHERE {whose} AND NOT o.is_held
        AND {fiscal_year(f"o.{event_month(record)}")} IN ({CLOSED_YEARS})""")
    connection.execute(f"DELETE FROM {table} o USING fresh n WHERE {whose} AND (o.is_held OR NOT n.is_held)")


def _insert_fresh(connection: duckdb.DuckDBPyConnection, record: Record) -> None:
    names = ", ".join(landing_columns(record))
    connection.execute(f"INSERT INTO landing.{record.name} ({names}) SELECT {names} FROM fresh")
    connection.execute("DROP TABLE fresh")


def _apply_tokens(connection: duckdb.DuckDBPyConnection, submitter: str, tokens: pl.DataFrame, before: Before) -> None:
    """Adds tokens not there yet; a person without a row left keeps none."""
    rows = tokens.with_columns(submitter=pl.lit(submitter))
    if before.is_nothing:
        _insert(connection, "landing.token", rows)
    else:
        connection.register("incoming", rows.to_arrow())
        columns = "submitter, feed, resident_key, rule, pseudonym"
        connection.execute(
            f"""INSERT INTO landing.token ({columns}) SELECT {columns} FROM incoming
            EXCEPT SELECT {columns} FROM landing.token WHERE submitter = ?""",
            [submitter],
        )
        connection.unregister("incoming")
        people = " UNION ".join(f"SELECT resident_key FROM landing.{r} WHERE submitter = $1" for r in RECORDS)
        connection.execute(
            f"DELETE FROM landing.token WHERE submitter = $1 AND resident_key NOT IN ({people})", [submitter]
        )


def _write_line(
    connection: duckdb.DuckDBPyConnection, manifest: Manifest, frames: Mapping[str, pl.DataFrame],
    file_name: str, receipt: bytes,
) -> None:  # fmt: skip
    connection.execute(
        "INSERT INTO state.parcel VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [manifest.submitter, manifest.sequence, bytes.fromhex(manifest.digest), file_name,
         date.today().replace(day=1), *(manifest.span or (None, None)), receipt],
    )  # fmt: skip
    told = [name for name in RECORDS if name in frames or name in manifest.refusals]
    counts = {"record": told, "rows": [frames[n].height if n in frames else 0 for n in told],
              "refusals": [manifest.refusals.get(n, 0) for n in told]}  # fmt: skip
    _insert(connection, "state.parcel_record", pl.DataFrame(counts, schema=COUNTS).with_columns(**_whose(manifest)))


COUNTS = {"record": pl.String, "rows": pl.Int64, "refusals": pl.Int64}


def _insert(connection: duckdb.DuckDBPyConnection, table: str, frame: pl.DataFrame) -> None:
    connection.register("rows_to_insert", frame.to_arrow())
    connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM rows_to_insert")
    connection.unregister("rows_to_insert")


def _whose(manifest: Manifest) -> dict[str, pl.Expr]:
    return {"submitter": pl.lit(manifest.submitter), "sequence": pl.lit(manifest.sequence, pl.Int64)}
