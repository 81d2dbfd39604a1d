"""A warehouse's core as a release reads it, filled with made rows of one prefecture: true values known to the test."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from pipelines.records import RECORDS
from pipelines.reference import units
from pipelines.release.assemble import Source
from pipelines.release.coverage import RECORD_OF_GRAIN
from pipelines.release.ledger import Ledger
from pipelines.release.quality import quality_rows
from pipelines.release.run import Released, release

PREFECTURE, YEARS, DAY = "31", (2022, 2023, 2024), date(2026, 11, 1)
AGES = ("-19", "20-24", "25-29", "30-34", "35-39", "40-44", "45-", "unknown")
AGE_SHARES = (0.005, 0.07, 0.26, 0.37, 0.233, 0.058, 0.003, 0.001)
SECRET = b"of the warehouse"


def made_core(seed: int = 1, n_towns: int = 1_741) -> duckdb.DuckDBPyConnection:
    """The core tables that counts are measured on; a birth, its delivery, notification and questionnaires at a time.
    n_towns: only so many, the first of the prefecture."""
    rng = np.random.default_rng(seed)
    towns = units().filter(pl.col("pref_code") == PREFECTURE).sort("code6").select("code6", "births_2024").head(n_towns)
    births = [
        (code, year) for code, n in towns.iter_rows() for year in YEARS for _ in range(int(rng.poisson(n)))
    ]  # fmt: skip
    n = len(births)
    lives = pl.DataFrame(births, schema={"municipality_code": pl.String, "fiscal_year": pl.Int32}, orient="row").with_columns(
        birth_weight_g_class=pl.Series(rng.normal(3000, 400, n).clip(400, 4400).astype(int) // 100 * 100),
        gestation_weeks_class=pl.Series(rng.normal(39, 1.7, n).clip(22, 42).astype(int)),
        sex_code=pl.Series(rng.choice(["1", "2"], n)),
        mother_age_class=pl.Series(rng.choice(AGES, n, p=AGE_SHARES)),
        birth_order_class=pl.Series(rng.choice(["1", "2", "3-", "unknown"], n, p=(0.46, 0.36, 0.178, 0.002))),
        plurality_class=pl.Series(rng.choice(["1", "2-"], n, p=(0.98, 0.02))),
        resident_type_class=pl.Series(rng.choice(["1", "2"], n, p=(0.965, 0.035))),
        place_class=pl.Series(rng.choice(["municipality", "prefecture", "outside"], n, p=(0.35, 0.5, 0.15))),
        antenatal_visits=pl.Series(rng.normal(12, 2.5, n).clip(0, 20).astype(int)),
        epds_total=pl.Series([e if known else None for e, known in zip(rng.poisson(4, n).tolist(), rng.random(n) < 0.85, strict=True)]),
        is_notified_early=pl.Series(rng.random(n) < 0.95),
        is_seen_postpartum_1m=pl.Series(rng.random(n) < 0.86),
        smoking_pregnancy_code=pl.Series(rng.choice(["1", "2", "9"], n, p=(0.92, 0.03, 0.05))),
        relaxed_code=pl.Series(rng.choice(["1", "2", "3", "9"], n, p=(0.82, 0.1, 0.03, 0.05))),
        is_seen=pl.Series(rng.random(n) < 0.96),
    )  # fmt: skip
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA core; CREATE SCHEMA state")
    connection.register("lives", lives.to_arrow())
    for table, rows in {
        "birth": "SELECT * FROM lives",
        "delivery": "SELECT * FROM lives",
        "notification": "SELECT *, '1' AS notification_reason_code, "
        "CASE WHEN is_notified_early THEN '1' ELSE '2' END AS notification_stage_code FROM lives",
        "questionnaire": "SELECT * FROM lives, (SELECT unnest(['31', '34', '36']) AS programme_code)",
        "checkup_person": "SELECT *, TRUE AS is_target FROM lives, (SELECT unnest(['31', '34', '36']) AS programme_code)",
        "claim": "SELECT *, '1' AS contract_kind_code, CASE WHEN is_seen THEN '0' ELSE '1' END AS returned_code FROM lives",
        "outreach": "SELECT municipality_code, fiscal_year, 'infant_visit_due' AS rule_id, is_seen AS is_reached FROM lives "
        "WHERE birth_order_class = '1'",
        "link_quality": "SELECT count(*) AS movers_in, count(*) AS movers_linked FROM lives",
    }.items():
        connection.execute(f"CREATE TABLE core.{table} AS {rows}")
    connection.execute("CREATE TABLE state.parcel_record AS SELECT 'birth' AS record, 12 AS refusals")
    connection.unregister("lives")
    return connection


def source(connection: duckdb.DuckDBPyConnection, batch: int = 1) -> Source:
    """What a release takes from the warehouse; `batch` names what was loaded."""
    grains = " UNION ALL ".join(
        f"SELECT municipality_code, fiscal_year, '{record}' AS record, count(*) AS rows FROM core.{grain} GROUP BY ALL"
        for grain, record in RECORD_OF_GRAIN.items()
    )
    arrival = connection.sql(f"SELECT * FROM ({grains}) ORDER BY ALL").pl()
    return Source(
        connection, SECRET, f"{batch:016x}", arrival["municipality_code"].unique().sort().to_list(), YEARS, arrival,
        quality_rows(connection, arrival), RECORDS, True, 1,
    )  # fmt: skip


def new_ledger(folder: Path) -> Ledger:
    folder.mkdir(exist_ok=True)
    Ledger.create(folder / "ledger.jsonl", folder / "head")
    return opened_ledger(folder)


def opened_ledger(folder: Path) -> Ledger:
    """The ledger that `new_ledger` began in `folder`."""
    return Ledger.open(folder / "ledger.jsonl", folder / "head")


def released(
    connection: duckdb.DuckDBPyConnection, folder: Path, *, status: str = "final", batch: int = 1,
    certificate: Path | None = None,
) -> Released:  # fmt: skip
    """The release `folder/<batch>.duckdb` beside the ledger that `new_ledger` began there."""
    ledger = opened_ledger(folder)
    years = (YEARS[0], YEARS[-1])
    out = folder / f"{batch}.duckdb"
    return release(source(connection, batch), ledger, out, status, "standard", years, DAY, certificate)


def rows_of(path: Path, tables: Sequence[str] = ()) -> dict[str, pl.DataFrame]:
    """Every published table, or the named ones, in order."""
    with duckdb.connect(str(path), read_only=True) as connection:
        names = tables or [n for (n,) in connection.sql("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall()]
        return {name: connection.sql(f"SELECT * FROM {name} ORDER BY ALL").pl() for name in names}
