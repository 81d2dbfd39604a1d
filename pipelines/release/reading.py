"""Opens a release the way a stranger would: attached read-only to an engine that reaches nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import polars as pl

from pipelines.release.errors import UnsafeError, UsageError
from pipelines.release.symbols import SHOWN, STATUSES

Release = duckdb.DuckDBPyConnection


@contextmanager
def opened(published: Path) -> Iterator[Release]:
    """A connection whose default tables are those of `published`; no other file, no network, settings locked.

    Raises UsageError when the file is missing or is not a release.
    """
    if not published.is_file():
        raise _not_a_release(published)
    with duckdb.connect(":memory:", config={"autoinstall_known_extensions": False}) as connection:
        try:
            path = str(published).replace("'", "''")
            connection.execute(f"ATTACH '{path}' AS published (READ_ONLY)")
            connection.execute("USE published")
            connection.execute("SET enable_external_access = false")
            connection.execute("SET lock_configuration = true")
            connection.execute("SELECT release_id FROM release")
        except duckdb.Error:
            raise _not_a_release(published) from None
        yield connection


def table(connection: Release, sql: str, *values: object) -> pl.DataFrame:
    """The rows of a query. Raises UsageError when the file lacks a table or column of the published schema."""
    try:
        return connection.execute(sql, list(values)).pl()
    except (duckdb.CatalogException, duckdb.BinderException):
        raise UsageError(
            "公表ファイルに、この版が読む表または列がありません。この版で作った公表ファイルを指定してください。",
            "The published file lacks a table or column that this version reads; name a release made by this version.",
        ) from None


def refuse_values_beside_hidden(cells: pl.DataFrame, columns: tuple[str, ...]) -> None:
    """Raises UnsafeError when a cell that is not shown holds a number; UsageError for a status that nobody knows."""
    hidden = cells.filter(~pl.col("status").is_in(SHOWN))
    if hidden.select(pl.any_horizontal(pl.col(c).is_not_null().any() for c in columns)).item():
        raise UnsafeError(
            "公表しない状態のセルに値があります。このファイルは配布せず、mchdb audit で確かめてください。",
            "A cell that is not shown holds a value; do not hand this file on, and check it with mchdb audit.",
        )
    if not cells["status"].is_in(STATUSES).all():
        raise UsageError(
            "公表ファイルに、定義されていない状態のセルがあります。この版で作った公表ファイルを指定してください。",
            "The published file has a cell of an unknown status; name a release made by this version.",
        )


def _not_a_release(published: Path) -> UsageError:
    return UsageError(
        f"公表ファイル(mchdb release が作る DuckDB ファイル)が必要ですが、{published.name} はそうではありません。",
        f"A published file (made by mchdb release) is required, but {published.name} is not one; name its path.",
    )
