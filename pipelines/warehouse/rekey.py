"""Re-keying: every stored pseudonym once more under a new centre key, new = HMAC(k2, HMAC(k1, token)) (privacy, hole 20).

First tokens are kept nowhere, so a key cannot be replaced, only laid over. Loads go through the same chain afterwards. Two
processes, as in a load: the one that opens the warehouse never reads the centre key.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import duckdb
import polars as pl

from pipelines.warehouse.applied import FORMER, centre_chain, versions
from pipelines.warehouse.database import opened
from pipelines.warehouse.keyring import apart, warehouse_key
from pipelines.warehouse.linkage_client import REKEYING, Linkage, linkage_process
from pipelines.warehouse.memory import leave_no_core
from pipelines.warehouse.problem import KEY, USAGE, WarehouseProblem
from pipelines.warehouse.refresh import refresh_if_stale
from pipelines.warehouse.rewrite import copy, rewritten, tables
from pipelines.warehouse.tables import LOCAL_KEYS

BATCH_ROWS = 500_000
# Column of keys -> SQL of its rule.
RULE_OF = {column: f"'{rule}'" for rule, column in LOCAL_KEYS.items()} | {"pseudonym": "t.rule"}
EMPTY_WITHOUT_A_BRIDGE = "state.bridge"


def rekey(folder: Path, keys: Sequence[Path]) -> int:
    """Lays the newest centre key over every stored pseudonym; returns its version. Joins, and so counts, stay as they are.

    keys: directories of the warehouse and centre keys. Raises WarehouseProblem: 64 while a bridge is open, 77 where the
    newest centre key lies over the pseudonyms already, 74, 75 (KeyProblem likewise).
    """
    leave_no_core()
    for_load, for_centre = apart(keys)
    key = warehouse_key(for_load)
    with linkage_process(for_centre, REKEYING) as centre, rewritten(folder, key) as connection:
        _refuse_unless_newer(connection, centre.centre_version)
        for table in tables(connection):
            _copy_renamed(connection, table, centre)
        connection.execute("INSERT INTO state.centre_key VALUES (?)", [centre.centre_version])
    with opened(folder, key) as connection:
        refresh_if_stale(connection)
    return centre.centre_version


def _refuse_unless_newer(connection: duckdb.DuckDBPyConnection, version: int) -> None:
    if FORMER in versions(connection, "before").values():
        raise WarehouseProblem(
            "橋渡しの期間中は鍵を掛け替えられません。先に mchdb bridge close で閉じてください。",
            "A warehouse is not re-keyed while a bridge is open. Close it first with mchdb bridge close.",
            USAGE,
        )
    last = centre_chain(connection, "before")[-1]
    if version <= last:
        raise WarehouseProblem(
            f"版 {last} より新しい centre の鍵が必要です。mchdb keys centre --version {last + 1} で同じフォルダに作ってください。",
            f"A centre key newer than version {last} is required. Make it in the same directory: "
            f"mchdb keys centre --version {last + 1}.",
            KEY,
        )


def _copy_renamed(connection: duckdb.DuckDBPyConnection, table: str, centre: Linkage) -> None:
    """A table of `before` with every pseudonym in it under the new key."""
    columns = _pseudonyms(connection, table)
    if not columns:
        copy(connection, table)
        return
    connection.execute("CREATE TEMP TABLE renamed (rule VARCHAR, former UUID, current UUID)")
    for batch in _distinct(connection, table, columns):
        connection.register("answered", centre.renamed(batch).to_arrow())
        connection.execute(
            "INSERT INTO renamed SELECT rule, CAST(pseudonym AS UUID), CAST(current AS UUID) FROM answered"
        )
        connection.unregister("answered")
    replaced = ", ".join(f"of_{c}.current AS {c}" for c in columns)
    joins = "".join(
        f" LEFT JOIN renamed of_{c} ON of_{c}.rule = {RULE_OF[c]} AND of_{c}.former = t.{c}" for c in columns
    )
    copy(connection, table, f"SELECT t.* REPLACE ({replaced}) FROM before.{table} t{joins}")
    connection.execute("DROP TABLE renamed")


def _distinct(connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str]) -> Iterable[pl.DataFrame]:
    """rule, pseudonym (hex text), once each, in batches."""
    told = " UNION ALL ".join(f"SELECT {RULE_OF[c]} AS rule, t.{c} AS held FROM before.{table} t" for c in columns)
    reader = connection.cursor().execute(
        f"SELECT DISTINCT rule, replace(CAST(held AS VARCHAR), '-', '') AS pseudonym FROM ({told}) WHERE held IS NOT NULL"
    )
    for batch in reader.to_arrow_reader(BATCH_ROWS):
        frame = pl.from_arrow(batch)
        if isinstance(frame, pl.DataFrame) and frame.height:
            yield frame


def _pseudonyms(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    """Columns of keys. RuntimeError for one whose rule is not known: it would keep its old pseudonyms."""
    found = connection.execute(
        """SELECT column_name FROM duckdb_columns() WHERE database_name = 'before' AND data_type = 'UUID'
        AND schema_name || '.' || table_name = ? ORDER BY column_index""",
        [table],
    ).fetchall()
    columns = [name for (name,) in found] if table != EMPTY_WITHOUT_A_BRIDGE else []
    if strange := set(columns) - set(RULE_OF):
        raise RuntimeError(f"no rule is known for the pseudonyms of {table}: {', '.join(sorted(strange))}")
    return columns
