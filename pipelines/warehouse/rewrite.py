"""Another warehouse file made of the one there is: what is left out, or replaced on the way, is in no byte of it.

DuckDB leaves deleted values in the free blocks of its file (reference: engineering, chapter 3), so what must be gone is
never deleted but not copied. The new file takes its place by one rename: kill -9 anywhere leaves the one or the other.
"""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb

from pipelines.warehouse.database import DATABASE, attached, locked, require_warehouse, told_plainly
from pipelines.warehouse.refresh import STALE
from pipelines.warehouse.schema import prepare

DRAFT = "warehouse.next.duckdb"
KEPT_SCHEMAS = ("main", "state", "landing")  # core is made anew from them


@contextmanager
def rewritten(folder: Path, warehouse_key: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A new file with empty tables as `warehouse`, the old one beside it as `before`, read only.

    When the block ends the new one takes the old one's place, to be refreshed by whoever opens it; on any fault the old
    one stays. Raises WarehouseProblem (64, 74, 75, 77).
    """
    require_warehouse(folder)
    with locked(folder), told_plainly():
        _brought_up_to_date(folder, warehouse_key)
        _clear(folder)
        try:
            with closing(attached(folder, warehouse_key, draft=DRAFT)) as connection:
                prepare(connection)
                for table in tables(connection, "warehouse"):
                    connection.execute(f"DELETE FROM {table}")
                yield connection
                connection.execute(STALE)
                connection.execute("CHECKPOINT")
            _take_its_place(folder)
        finally:
            _clear(folder)


def copy(connection: duckdb.DuckDBPyConnection, table: str, select: str | None = None) -> None:
    """A table from `before`: its own rows, or those of the SELECT that stands for them."""
    connection.execute(f"INSERT INTO {table} BY NAME {select or f'SELECT * FROM before.{table}'}")


def tables(connection: duckdb.DuckDBPyConnection, database: str = "before") -> list[str]:
    """`schema.table` of everything that is not made anew."""
    schemas = ", ".join(f"'{schema}'" for schema in KEPT_SCHEMAS)
    found = connection.execute(
        f"SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = ? AND schema_name IN ({schemas}) ORDER BY ALL",
        [database],
    ).fetchall()
    return [f"{schema}.{table}" for schema, table in found]


def _brought_up_to_date(folder: Path, warehouse_key: str) -> None:
    """The old file with every migration, and nothing waiting in its log."""
    with closing(attached(folder, warehouse_key)) as connection:
        prepare(connection)
        connection.execute("CHECKPOINT")


def _clear(folder: Path) -> None:
    for left in folder.glob(f"{DRAFT}*"):
        left.unlink()


def _take_its_place(folder: Path) -> None:
    if any((folder / f"{name}.wal").exists() for name in (DATABASE, DRAFT)):
        raise RuntimeError("a write-ahead log would be read into another file than its own")
    (folder / DRAFT).chmod(0o600)
    _synced(folder / DRAFT)
    (folder / DRAFT).replace(folder / DATABASE)
    _synced(folder)


def _synced(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
