"""Promise 7, privacy holes 11 and 24: a status, and all else that is published, is the same whatever was hidden.

True values of hidden cells are exchanged among each other behind suppression's back: which cells are hidden stays, what
they hold does not. Whoever writes a status from a value, or computes from a hidden one, publishes another file then.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from pipelines.release import decide
from pipelines.release.suppress import Protected
from tests.release.made_source import made_core, new_ledger, released, rows_of

STATUSES = {"count_cell", "observation", "coverage", "quality"}


@pytest.fixture(scope="module")
def core() -> Iterator[duckdb.DuckDBPyConnection]:
    with made_core() as connection:
        yield connection


@pytest.fixture(scope="module")
def honest(core: duckdb.DuckDBPyConnection, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pl.DataFrame]:
    return published(core, tmp_path_factory.mktemp("honest"))


def published(core: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, pl.DataFrame]:
    new_ledger(folder)
    released(core, folder)
    return rows_of(folder / "1.duckdb")


def exchanging(protect: Callable[..., Protected]) -> Callable[..., Protected]:
    """`protect`, after which the hidden values stand in another order."""

    def protected(*arguments: Any) -> Protected:
        done = protect(*arguments)
        hidden = ~pl.col("is_shown")
        other = done.cells.filter(hidden)["value"].shuffle(seed=7)
        at = done.cells.select(hidden.cum_sum().cast(pl.Int64) - 1).to_series().clip(0)
        cells = done.cells.with_columns(pl.when(hidden).then(other.gather(at)).otherwise("value").alias("value"))
        assert (cells["value"] != done.cells["value"]).sum() > 1000
        return replace(done, cells=cells)

    return protected


def test_exchanged_hidden_values_leave_every_table_as_it_was(
    core: duckdb.DuckDBPyConnection, honest: dict[str, pl.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decide, "protect", exchanging(decide.protect))
    other = published(core, tmp_path / "other")
    assert other.keys() == honest.keys() > STATUSES
    for name, rows in honest.items():
        assert other[name].equals(rows), name


def test_there_is_something_to_tell(honest: dict[str, pl.DataFrame]) -> None:
    """Hidden cells and several statuses: else nothing was compared."""
    told = honest["observation"]["status"].value_counts()
    assert {"observed", "suppressed", "not_collected", "not_applicable"} <= set(told["status"])
    assert honest["count_cell"].filter(status="suppressed").height > 1000
