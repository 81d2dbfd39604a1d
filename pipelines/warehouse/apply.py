"""One parcel into the landing: in one transaction with its receipt, so that it is there whole or not at all."""

from collections.abc import Mapping
from datetime import date

import duckdb
import polars as pl

from pipelines.declaration import Record
from pipelines.records import RECORDS
from pipelines.warehouse.manifest import Manifest
from pipelines.warehouse.refresh import STALE
from pipelines.warehouse.schema import CLOSED_YEARS, event_month, fiscal_year, landing_columns


def apply_parcel(
    connection: duckdb.DuckDBPyConnection, manifest: Manifest, frames: Mapping[str, pl.DataFrame],
    tokens: pl.DataFrame, lags: pl.DataFrame, file_name: str, receipt: bytes,
) -> None:  # fmt: skip
    """Rows, tokens, lags, tombstones and the parcel's own line; all of it or, on any fault, none of it."""
    connection.execute("BEGIN")
    try:
        is_first = not _scalar(connection, "SELECT count(*) FROM state.parcel WHERE submitter = ?", manifest.submitter)
        for name, frame in frames.items():
            _apply_rows(connection, RECORDS[name], manifest, frame, is_first)
        _apply_tokens(connection, manifest.submitter, tokens)
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


def _apply_rows(
    connection: duckdb.DuckDBPyConnection, record: Record, manifest: Manifest, frame: pl.DataFrame, is_first: bool
) -> None:
    rows = frame.with_columns(**_whose(manifest), is_held=False).select(*landing_columns(record))
    connection.register("incoming", rows.to_arrow())
    _cancel(connection, record, manifest)
    columns = ", ".join(f"i.{c}" for c in landing_columns(record) if c != "is_held")
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE fresh AS
        SELECT {columns}, coalesce({fiscal_year(f"i.{event_month(record)}")} IN ({CLOSED_YEARS}), FALSE) AS is_held
        FROM incoming i
        WHERE NOT coalesce(i.is_cancelled, FALSE) AND NOT EXISTS (
            SELECT 1 FROM state.tombstone t
            WHERE t.submitter = i.submitter AND t.row_key = i.row_key AND t.sequence >= i.sequence)
        QUALIFY row_number() OVER (PARTITION BY i.row_key ORDER BY coalesce(i.revision_no, 0) DESC) = 1""")
    if not is_first:
        _replace(connection, record)
    names = ", ".join(landing_columns(record))
    connection.execute(f"INSERT INTO landing.{record.name} ({names}) SELECT {names} FROM fresh")
    connection.execute("DROP TABLE fresh")
    connection.unregister("incoming")


def _cancel(connection: duckdb.DuckDBPyConnection, record: Record, manifest: Manifest) -> None:
    """Removes every version of a cancelled row, of closed years too, and leaves a tombstone that no older parcel passes."""
    gone = "SELECT row_key FROM incoming WHERE is_cancelled"
    where = f"submitter = ? AND row_key IN ({gone})"
    connection.execute(f"DELETE FROM landing.{record.name} WHERE {where}", [manifest.submitter])
    connection.execute(f"DELETE FROM state.tombstone WHERE {where}", [manifest.submitter])
    connection.execute(
        f"INSERT INTO state.tombstone SELECT DISTINCT submitter, row_key, sequence FROM incoming WHERE row_key IN ({gone})"
    )


def _replace(connection: duckdb.DuckDBPyConnection, record: Record) -> None:
    """Keeps of the fresh rows those that win over their row in the landing, and takes the losers out of it.

    A higher revision wins, then the later parcel. A row that says nothing new is left alone. Where the old or the new
    version belongs to a closed year, the old one stays current and the new one is held beside it.
    """
    table, whose = f"landing.{record.name}", "o.submitter = n.submitter AND o.row_key = n.row_key"
    same = " AND ".join(f"o.{c} IS NOT DISTINCT FROM n.{c}" for c in landing_columns(record) if c not in ("sequence", "is_held"))
    newest = f"NOT EXISTS (SELECT 1 FROM {table} h WHERE h.submitter = o.submitter AND h.row_key = o.row_key AND h.is_held)"
    connection.execute(f"""DELETE FROM fresh n USING {table} o WHERE {whose} AND (
        coalesce(o.revision_no, 0) > coalesce(n.revision_no, 0) OR ({same} AND (o.is_held OR {newest})))""")
    connection.execute(f"""UPDATE fresh n SET is_held = TRUE FROM {table} o WHERE {whose} AND NOT o.is_held
        AND {fiscal_year(f"o.{event_month(record)}")} IN ({CLOSED_YEARS})""")
    connection.execute(f"DELETE FROM {table} o USING fresh n WHERE {whose} AND (o.is_held OR NOT n.is_held)")


def _apply_tokens(connection: duckdb.DuckDBPyConnection, submitter: str, tokens: pl.DataFrame) -> None:
    """Adds tokens not there yet; a person without a row left keeps none."""
    connection.register("incoming_token", tokens.with_columns(submitter=pl.lit(submitter)).to_arrow())
    columns = "submitter, feed, resident_key, rule, pseudonym"
    connection.execute(f"""INSERT INTO landing.token ({columns}) SELECT {columns} FROM incoming_token
        EXCEPT SELECT {columns} FROM landing.token WHERE submitter = ?""", [submitter])
    connection.unregister("incoming_token")
    people = " UNION ".join(f"SELECT resident_key FROM landing.{r} WHERE submitter = $1" for r in RECORDS)
    connection.execute(f"DELETE FROM landing.token WHERE submitter = $1 AND resident_key NOT IN ({people})", [submitter])


def _write_line(
    connection: duckdb.DuckDBPyConnection, manifest: Manifest, frames: Mapping[str, pl.DataFrame],
    file_name: str, receipt: bytes,
) -> None:  # fmt: skip
    connection.execute(
        "INSERT INTO state.parcel VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [manifest.submitter, manifest.sequence, bytes.fromhex(manifest.digest), file_name,
         date.today().replace(day=1), *manifest.span, receipt],
    )  # fmt: skip
    counts = [
        (manifest.submitter, manifest.sequence, name, frames[name].height if name in frames else 0, manifest.refusals.get(name, 0))
        for name in RECORDS if name in frames or name in manifest.refusals
    ]  # fmt: skip
    for line in counts:
        connection.execute("INSERT INTO state.parcel_record VALUES (?, ?, ?, ?, ?)", line)


def _insert(connection: duckdb.DuckDBPyConnection, table: str, frame: pl.DataFrame) -> None:
    connection.register("incoming_rows", frame.to_arrow())
    connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM incoming_rows")
    connection.unregister("incoming_rows")


def _whose(manifest: Manifest) -> dict[str, pl.Expr]:
    return {"submitter": pl.lit(manifest.submitter), "sequence": pl.lit(manifest.sequence, pl.Int64)}


def _scalar(connection: duckdb.DuckDBPyConnection, query: str, *values: object) -> int:
    row = connection.execute(query, list(values)).fetchone()
    return int(row[0]) if row else 0
