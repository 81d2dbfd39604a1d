"""Makes a warehouse, or gives the one there is another registry; nothing landed is touched by either."""

from collections.abc import Sequence
from pathlib import Path

import duckdb
import polars as pl

from pipelines.warehouse.database import DATABASE, attached, locked, make_folder, told_plainly, transaction
from pipelines.warehouse.keyring import warehouse_key
from pipelines.warehouse.refresh import STALE
from pipelines.warehouse.registry import feeds, places, read_registry
from pipelines.warehouse.schema import prepare


def init(folder: Path, keys: Sequence[Path], registry: Path) -> None:
    """Creates the encrypted warehouse in `folder`, or renews the registry of the one that is there.

    The registry is a CSV: submitter, signing_key, municipality, record, from_fy, to_fy, is_authority.
    Raises WarehouseProblem: 64 registry (naming the line), 74 disk, 75 busy, 77 key.
    """
    key, lines = warehouse_key(keys), read_registry(registry)
    make_folder(folder)
    with locked(folder), told_plainly():
        connection = attached(folder, key)
        try:
            prepare(connection)
            renew(connection, lines)
        finally:
            connection.close()
        (folder / DATABASE).chmod(0o600)


def renew(connection: duckdb.DuckDBPyConnection, registry: pl.DataFrame) -> None:
    """Registry, municipalities and feeds as they are now declared; the current state is counted anew."""
    with transaction(connection):
        for table, rows in (("registry", registry), ("municipality", places()), ("feed", feeds())):
            connection.register("given", rows.to_arrow())
            connection.execute(f"DELETE FROM state.{table}")
            connection.execute(f"INSERT INTO state.{table} BY NAME SELECT * FROM given")
            connection.unregister("given")
        connection.execute(STALE)
