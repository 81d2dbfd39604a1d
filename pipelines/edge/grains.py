"""What the rules of outreach are asked of: tables `own.<grain>` in memory, made of a town's own rows with their days."""

import re
from importlib.resources import files

import duckdb
import polars as pl

from pipelines.edge.summary import in_memory, put
from pipelines.edge.told import Known
from pipelines.records.months import WINDOWS

# Grain -> what tells its rows of one person apart, in the order in which they are made.
GRAINS: dict[str, tuple[str, ...]] = {
    "resident": (), "helped": (), "pregnancy": ("pregnancy_no",), "notification": ("pregnancy_no",),
    "screen": ("pregnancy_no", "visit_date"), "checkup_list": ("programme_code",), "child": (),
    "referral": ("programme_code",),
}  # fmt: skip


def grains(told: dict[str, pl.DataFrame], facts: Known) -> duckdb.DuckDBPyConnection:
    """The grains of the rules as `own.<grain>`, in memory."""
    connection = in_memory()
    for schema in ("told", "known", "own"):
        connection.execute(f"CREATE SCHEMA {schema}")
    selects = {grain: (files(__package__) / "own" / f"{grain}.sql").read_text("utf-8") for grain in GRAINS}
    for name in sorted({name for select in selects.values() for name in re.findall(r"told\.(\w+)", select)}):
        put(connection, f"told.{name}", told[name])
    windows = [(programme, below) for programme, (_, below) in WINDOWS.items()]
    put(connection, "known.deceased", facts.deceased)
    put(connection, "known.lost", facts.lost)
    columns = {"programme_code": pl.String, "below_months": pl.Int32}
    put(connection, "known.programme_window", pl.DataFrame(windows, columns, orient="row"))
    for grain, select in selects.items():
        connection.execute(f"CREATE TABLE own.{grain} AS\n{select}")
    return connection


def subject(grain: str) -> str:
    """SQL: what a row of the grain is about, as one text that is the same in every delivery."""
    parts = ", ".join(f"coalesce(CAST({part} AS VARCHAR), '')" for part in ("local_number", *GRAINS[grain]))
    return f"concat_ws('\x1f', {parts})"
