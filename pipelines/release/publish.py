"""Writes `published.duckdb`: created new from suppressed frames, then renamed into place (privacy, hole 7).

DuckDB keeps the bytes of an overwritten value in its file, so a hidden value must never have been in it.
"""

import os
from importlib.resources import files
from pathlib import Path

import duckdb
import polars as pl

from pipelines.release.errors import DiskError


def publish(tables: dict[str, pl.DataFrame], to: Path) -> None:
    """Writes every frame to its table of the published schema; `to` appears whole or not at all."""
    draft = to.with_name(f".{to.name}.draft")
    draft.unlink(missing_ok=True)
    try:
        write_draft(tables, draft)
        settle(draft, to)
    except OSError as problem:
        raise DiskError(to.name) from problem
    finally:
        draft.unlink(missing_ok=True)


def write_draft(tables: dict[str, pl.DataFrame], draft: Path) -> None:
    """A new database file with the published schema and these rows, checkpointed and synced."""
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
    with draft.open("rb+") as file:
        os.fsync(file.fileno())


def settle(draft: Path, to: Path) -> None:
    """Renames the finished draft into place; open readers keep the file they have."""
    draft.replace(to)
