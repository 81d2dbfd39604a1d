"""A town's own indicators, unsuppressed, from its own feeds: for the eyes of the town hall alone.

The statements of the centre, run on an in-memory database that holds what this one town would send. A figure differs
from the centre's only where the centre knows more: the registry's years, other submitters of the same town, and rows
of earlier deliveries that these files no longer hold.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipelines.declaration import TOTAL, Indicator, Record
from pipelines.edge.at_home import at_home, earlier
from pipelines.edge.own_figures import figures_of, last_month, over, table_text, with_completeness
from pipelines.edge.own_rows import own_rows, residents
from pipelines.edge.private import refuse_parcel_folder, write_private
from pipelines.edge.summary_page import page
from pipelines.feeds import FEEDS
from pipelines.indicators import COUNTS, INDICATORS, SUMS
from pipelines.records import RECORDS
from pipelines.records.parcel import OUTREACH_SCHEMA
from pipelines.reference import municipalities

TABLE, PAGE = "summary.csv", "summary.html"
SETTINGS = (
    "autoinstall_known_extensions=false", "autoload_known_extensions=false", "temp_directory=''",
    "max_temp_directory_size='0B'", "enable_external_access=false", "lock_configuration=true",
)  # fmt: skip


@dataclass(frozen=True)
class SummaryResult:
    """warnings: what a reader must know (ja, en). Counts and names of files, no values."""

    submitter: str
    indicators: int
    years: tuple[int, ...]
    warnings: list[tuple[str, str]]
    files: list[Path]

    def summary(self) -> dict[str, Any]:
        told = {"submitter": self.submitter, "indicators": self.indicators, "fiscal_years": self.years}
        return {**told, "warnings": [en for _, en in self.warnings], "files": self.files}

    def lines(self) -> Iterator[str]:
        yield f"{self.submitter} 指標 {self.indicators} 件、{len(self.years)} 年度 / indicators, fiscal years"
        yield from (f"{ja} / {en}" for ja, en in self.warnings)
        yield from (f"内部資料・公表不可 / not for publication: {path}" for path in self.files)


def summarize(
    feeds: Path, protected: Path, out: Path, core: Sequence[str], layout: Path | None = None,
    state: Path | None = None, keys: Sequence[Path] = (),
) -> SummaryResult:  # fmt: skip
    """Writes `summary.csv` and `summary.html`, 0600. core: the centre's statements of `core`, in their order.

    state, keys: the submitter's state and the directory of its local key; who was tied to whom in earlier deliveries then
    counts too. Raises EdgeProblem (2, 64, 75), KeyProblem (77), OSError; then nothing was made.
    """
    refuse_parcel_folder(out)
    with earlier(state, keys) as before:
        home = at_home(feeds, protected, layout, before)
    rows = own_rows(home.departure)
    connection = in_memory()
    _land(connection, home.folder.submitter, rows, residents(home.departure, rows))
    for statement in core:
        connection.execute(statement)
    counted = figures_of(measured(connection), INDICATORS, SUMS)
    connection.close()
    figures = with_completeness(counted, INDICATORS, COUNTS, SUMS, last_month(rows))
    written = [
        write_private(out / TABLE, table_text(figures, INDICATORS)),
        write_private(out / PAGE, page(home.folder.submitter, figures, INDICATORS, home.told)),
    ]
    years = tuple(sorted(figures["fiscal_year"].unique()))
    return SummaryResult(home.folder.submitter, len(INDICATORS), years, home.told, written)


def in_memory() -> duckdb.DuckDBPyConnection:
    """A database that no file backs, that spills nowhere, and that reaches nothing outside."""
    connection = duckdb.connect(":memory:")
    for setting in SETTINGS:
        connection.execute(f"SET {setting}")
    return connection


def put(connection: duckdb.DuckDBPyConnection, table: str, rows: pl.DataFrame) -> None:
    """Makes `table` out of the rows."""
    connection.register("rows_to_put", rows.to_arrow())
    connection.execute(f"CREATE TABLE {table} AS SELECT * FROM rows_to_put")
    connection.unregister("rows_to_put")


def measured(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Every count and sum by year and category: `breakdown_id, fiscal_year, category_code, id, value`."""
    asked = {(_grain(i), b.id): b for i in INDICATORS.values() for b in (TOTAL, *i.breakdowns)}
    found = []
    for (grain, _), breakdown in asked.items():
        columns = ", ".join(f'{sql} AS "{name}"' for name, sql in _measures(grain).items())
        rows = connection.sql(
            f"SELECT fiscal_year, {breakdown.column} AS category_code, {columns} FROM core.{grain} "
            "WHERE fiscal_year IS NOT NULL GROUP BY 1, 2"
        ).pl()
        long = rows.unpivot(index=["fiscal_year", "category_code"], variable_name="id")
        found.append(long.with_columns(pl.col("value").cast(pl.Int64), breakdown_id=pl.lit(breakdown.id)))
    return pl.concat(found)


def _grain(indicator: Indicator) -> str:
    return COUNTS[over(indicator.numerator, SUMS)].grain


def _measures(grain: str) -> dict[str, str]:
    """Id -> SQL of every count and sum of one grain, written as the centre measures them."""
    counts = {c.id: f"COUNT(*) FILTER (WHERE {c.where})" for c in COUNTS.values() if c.grain == grain}
    sums = {
        s.id: f"coalesce(SUM(LEAST(GREATEST({s.expression}, {s.low}), {s.high})) FILTER (WHERE {COUNTS[s.over].where}), 0)"
        for s in SUMS.values()
        if COUNTS[s.over].grain == grain
    }
    return counts | sums


def _land(
    connection: duckdb.DuckDBPyConnection, submitter: str, rows: Mapping[str, pl.DataFrame], people: pl.DataFrame
) -> None:
    """What `core` is made of: current rows, who they are, municipalities (the centre's names for them)."""
    for schema in ("landing", "state", "core"):
        connection.execute(f"CREATE SCHEMA {schema}")
    for name, frame in rows.items():
        put(connection, f"landing.current_{name}", _as_landed(frame, RECORDS[name], submitter))
    own = pl.lit(submitter)
    whose = people.with_columns(municipality_code=own, submitter=own, person_id=pl.col("resident_id"))
    put(connection, "core.resident", whose)
    counted = {"municipality_code": pl.String, "fiscal_year": pl.Int32, **OUTREACH_SCHEMA}
    put(connection, "landing.current_outreach", pl.DataFrame(schema=counted))  # its counts leave, and are not kept
    city = pl.coalesce(pl.col("parent_city_code6").replace("", None), "code6")
    put(connection, "state.municipality", municipalities().select(code="code6", city_code=city))


def _as_landed(rows: pl.DataFrame, record: Record, submitter: str) -> pl.DataFrame:
    month = pl.col(record.fields[record.event].leaves_as(record.event) or "")
    trust = {feed.name: feed.trust for feed in FEEDS.values()}
    registers = [feed.name for feed in FEEDS.values() if feed.is_register]
    return rows.with_columns(
        submitter=pl.lit(submitter), municipality_code=pl.col("residence_municipality_code"),
        fiscal_year=month.dt.offset_by("-3mo").dt.year(), calendar_year=month.dt.year(), is_authority=pl.lit(True),
        trust=pl.col("feed").replace_strict(trust, return_dtype=pl.Int32), is_register=pl.col("feed").is_in(registers),
    )  # fmt: skip
