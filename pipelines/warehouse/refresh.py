"""The current state: links, then `core` in its order. Rebuilt whole, in one transaction."""

import time

import duckdb

from pipelines.warehouse.core import ORDER, core_sql
from pipelines.warehouse.database import transaction
from pipelines.warehouse.link import link
from pipelines.warehouse.quarantine import judge

STALE = "UPDATE state.refreshed SET is_current = FALSE"
CURRENT = "UPDATE state.refreshed SET is_current = TRUE"


def refresh(connection: duckdb.DuckDBPyConnection) -> dict[str, float]:
    """Rebuilds quarantine, links and core from the landing; seconds by stage. On any fault the former state stays."""
    seconds: dict[str, float] = {}
    with transaction(connection):
        started = time.perf_counter()
        judge(connection)
        link(connection)
        seconds["link"] = time.perf_counter() - started
        started = time.perf_counter()
        for table in ORDER:
            connection.execute(core_sql(table))
        connection.execute(CURRENT)
    seconds["core"] = time.perf_counter() - started
    return seconds


def refresh_if_stale(connection: duckdb.DuckDBPyConnection) -> dict[str, float]:
    """Refreshes where parcels, periods or the registry changed since, or where a refresh was cut short."""
    is_current = connection.execute("SELECT is_current FROM state.refreshed").fetchone()
    return {} if is_current == (True,) else refresh(connection)
