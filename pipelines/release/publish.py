"""Writes `published.duckdb`: created new from suppressed frames, then renamed into place (privacy, hole 7).

DuckDB keeps the bytes of an overwritten value in its file, so a hidden value must never have been in it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import duckdb
import polars as pl

from pipelines.release.errors import DiskError


@contextmanager
def draft_beside(to: Path) -> Iterator[Path]:
    """A name beside `to` for the release in the making; gone afterwards unless it was renamed into place."""
    draft = to.with_name(f".{to.name}.draft")
    draft.unlink(missing_ok=True)
    try:
        yield draft
    except (OSError, duckdb.IOException):
        raise DiskError(to.name) from None
    finally:
        draft.unlink(missing_ok=True)


def write_draft(tables: dict[str, pl.DataFrame], draft: Path) -> None:
    """A new database file with the published schema and these rows, checkpointed; never an older draft written over."""
    draft.unlink(missing_ok=True)
    connection = duckdb.connect(str(draft), config={"autoinstall_known_extensions": False})
    try:
        connection.execute(files(__package__).joinpath("published.sql").read_text(encoding="utf-8"))
        for name, frame in tables.items():
            connection.register("incoming", frame.to_arrow())
            connection.execute(f"INSERT INTO {name} BY NAME SELECT * FROM incoming")
            connection.unregister("incoming")
        connection.execute("CHECKPOINT")
    finally:
        connection.close()
