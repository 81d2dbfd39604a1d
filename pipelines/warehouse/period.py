"""The life of a fiscal year: while it is closed, late and corrected rows wait for the next revised release.

Cancellations are taken in closed years too (privacy, hole 5): whoever must not be in it leaves at once.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import duckdb

from pipelines.declaration import Record
from pipelines.records import RECORDS
from pipelines.warehouse.database import opened, transaction
from pipelines.warehouse.keyring import warehouse_key
from pipelines.warehouse.problem import USAGE, WarehouseProblem
from pipelines.warehouse.refresh import STALE, refresh_if_stale
from pipelines.warehouse.schema import CLOSED_YEARS, event_month, fiscal_year, prepare

FIRST, LAST = 2000, 2100


def close_year(year: int, folder: Path, keys: Sequence[Path]) -> None:
    """Closes a fiscal year: what arrives for it from now on is held. Closing twice changes nothing."""
    _set(year, "closed", folder, keys)


def open_year(year: int, folder: Path, keys: Sequence[Path]) -> None:
    """Opens a fiscal year: what was held for it takes its place. Opening twice changes nothing."""
    _set(year, "open", folder, keys)


def _set(year: int, status: str, folder: Path, keys: Sequence[Path]) -> None:
    if not FIRST <= year <= LAST:
        raise WarehouseProblem(
            f"年度は {FIRST} から {LAST} までの西暦4桁が必要です。",
            f"A fiscal year from {FIRST} to {LAST} is required.",
            USAGE,
        )
    with opened(folder, warehouse_key(keys)) as connection:
        prepare(connection)
        with transaction(connection):
            connection.execute("DELETE FROM state.period WHERE fiscal_year = ?", [year])
            connection.execute("INSERT INTO state.period VALUES (?, ?, ?)", [year, status, date.today().replace(day=1)])
            released = [_release_held(connection, r) for r in RECORDS.values()] if status == "open" else []
            released += [_release_outreach(connection)] if status == "open" else []
            if sum(released):
                connection.execute(STALE)
        refresh_if_stale(connection)


def _release_held(connection: duckdb.DuckDBPyConnection, record: Record) -> int:
    """Held rows become current where neither they nor the row they replace belong to a year still closed; how many."""
    table, year = f"landing.{record.name}", fiscal_year(event_month(record))
    shut = f"SELECT row_key FROM {table} WHERE coalesce({year} IN ({CLOSED_YEARS}), FALSE)"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE due AS SELECT DISTINCT submitter, row_key FROM {table} WHERE is_held AND row_key NOT IN ({shut})"
    )
    of_due = "EXISTS (SELECT 1 FROM due d WHERE d.submitter = o.submitter AND d.row_key = o.row_key)"
    connection.execute(f"DELETE FROM {table} o WHERE NOT o.is_held AND {of_due}")
    released = connection.execute(f"UPDATE {table} o SET is_held = FALSE WHERE o.is_held AND {of_due}").fetchone()
    connection.execute("DROP TABLE due")
    return int(released[0]) if released else 0


def _release_outreach(connection: duckdb.DuckDBPyConnection) -> int:
    """Held counts of outreach become current where their year is open; how many."""
    year = fiscal_year("listed_quarter")
    released = connection.execute(
        f"UPDATE landing.outreach SET is_held = FALSE WHERE is_held AND {year} NOT IN ({CLOSED_YEARS})"
    ).fetchone()
    return int(released[0]) if released else 0
