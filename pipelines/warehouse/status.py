"""What arrived and what is missing, by submitter, record and fiscal year: for the centre's own staff, never published."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from pipelines.records import RECORDS
from pipelines.warehouse.bridge import Bridge, open_one
from pipelines.warehouse.database import opened
from pipelines.warehouse.keyring import warehouse_key
from pipelines.warehouse.refresh import refresh_if_stale
from pipelines.warehouse.schema import event_month, fiscal_year, prepare


@dataclass(frozen=True)
class Status:
    """expected: submitter, municipality_code, record, fiscal_year, has_arrived. parcels: submitter, parcels, sequence.

    quarantined: submitter, municipality_code, fiscal_year. held: record, rows. periods: fiscal_year, status.
    """

    expected: pl.DataFrame
    parcels: pl.DataFrame
    quarantined: pl.DataFrame
    held: pl.DataFrame
    periods: pl.DataFrame
    bridge: Bridge | None = None

    @property
    def missing(self) -> pl.DataFrame:
        return self.expected.filter(~pl.col("has_arrived"))

    def summary(self) -> dict[str, object]:
        return {
            "expected": self.expected.height, "missing": self.missing.drop("has_arrived").to_dicts(),
            "parcels": self.parcels.to_dicts(), "quarantined": self.quarantined.to_dicts(),
            "held": self.held.to_dicts(), "periods": self.periods.to_dicts(),
            "bridge": self.bridge and self.bridge.summary(),
        }  # fmt: skip

    def lines(self) -> Iterator[str]:
        arrived = self.expected.height - self.missing.height
        yield f"届いた報告 {arrived} / {self.expected.height} · reports arrived {arrived} of {self.expected.height}"
        for submitter, n, sequence in self.parcels.iter_rows():
            yield f"{submitter}: 提出物 {n} 件、送付番号 {sequence} / {n} parcels, last sequence {sequence}"
        for submitter, municipality, record, year, _ in self.missing.iter_rows():
            yield f"未着 / missing: {submitter} {municipality} {RECORDS[record].label_ja} ({record}) {year}"
        for submitter, municipality, year in self.quarantined.iter_rows():
            yield f"数えない(出生数が見込みと大きく違う) / quarantined, births out of proportion: {submitter} {municipality} {year}"
        for record, rows in self.held.iter_rows():
            yield f"閉じた年度のため保留 / held for a closed year: {RECORDS[record].label_ja} ({record}) {rows:,}"
        yield from self.bridge.lines() if self.bridge else ()
        for year, said in self.periods.iter_rows():
            yield f"{year} 年度: {'閉' if said == 'closed' else '開'} / {said}"


def status(folder: Path, keys: Sequence[Path]) -> Status:
    """Reads the warehouse. Raises WarehouseProblem 64, 75, 77."""
    with opened(folder, warehouse_key(keys)) as connection:
        prepare(connection)
        refresh_if_stale(connection)
        return Status(
            _expected(connection),
            connection.execute(
                "SELECT submitter, count(*) AS parcels, max(sequence) AS sequence FROM state.parcel GROUP BY ALL ORDER BY ALL"
            ).pl(),
            connection.execute(
                "SELECT submitter, municipality_code, fiscal_year FROM state.quarantine ORDER BY ALL"
            ).pl(),
            _held(connection),
            connection.execute("SELECT fiscal_year, status FROM state.period ORDER BY ALL").pl(),
            open_one(connection),
        )


def _expected(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Reports that the registry expects, for the years in which that record arrived from anybody."""
    arrived = " UNION ".join(_arrived(name) for name in RECORDS)
    return connection.execute(f"""
        WITH arrived AS ({arrived}),
        years AS (SELECT DISTINCT record, fiscal_year FROM arrived WHERE fiscal_year IS NOT NULL)
        SELECT g.submitter, g.municipality_code, g.record, y.fiscal_year, a.submitter IS NOT NULL AS has_arrived
        FROM state.registry g
        JOIN years y ON y.record = g.record AND y.fiscal_year BETWEEN g.from_fy AND g.to_fy
        LEFT JOIN arrived a ON a.submitter = g.submitter AND a.municipality_code = g.municipality_code
            AND a.record = g.record AND a.fiscal_year = y.fiscal_year ORDER BY ALL""").pl()


def _arrived(name: str) -> str:
    year = fiscal_year(event_month(RECORDS[name]))
    return f"SELECT DISTINCT submitter, residence_municipality_code AS municipality_code, '{name}' AS record, {year} AS fiscal_year FROM landing.{name}"


def _held(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    parts = " UNION ALL ".join(
        f"SELECT '{name}' AS record, count(*) AS rows FROM landing.{name} WHERE is_held" for name in RECORDS
    )
    return connection.execute(f"SELECT * FROM ({parts}) WHERE rows > 0 ORDER BY ALL").pl()
