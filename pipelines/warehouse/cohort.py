"""Whether a version change split people: persons of closed birth cohorts before it and now (privacy, hole 20).

Nobody is born into a closed cohort any more. Whoever is split counts twice, so its number of persons grows.
"""

import duckdb
import polars as pl

from pipelines.warehouse.applied import FORMER
from pipelines.warehouse.schema import CLOSED_YEARS, fiscal_year

COHORTS = f"""SELECT {fiscal_year("birth_month")} AS fiscal_year, count(*) AS persons
    FROM (SELECT person_id, min(birth_month) AS birth_month FROM core.resident GROUP BY person_id)
    WHERE birth_month IS NOT NULL GROUP BY ALL"""


def remember(connection: duckdb.DuckDBPyConnection) -> None:
    """Persons of every closed cohort, as the last thing before a version changes. The current state must be fresh.

    A cohort still watched since an earlier change keeps its number: whoever that change split is in today's.
    """
    connection.execute(
        f"""INSERT INTO state.cohort_before BY NAME SELECT * FROM ({COHORTS})
        WHERE fiscal_year IN ({CLOSED_YEARS}) AND fiscal_year NOT IN (SELECT fiscal_year FROM state.cohort_before)"""
    )


def compared(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """fiscal_year, before, now: persons of the cohorts remembered; empty where no version change is watched."""
    return connection.execute(
        f"""SELECT b.fiscal_year, b.persons AS before, coalesce(c.persons, 0) AS now
        FROM state.cohort_before b LEFT JOIN ({COHORTS}) c ON c.fiscal_year = b.fiscal_year ORDER BY ALL"""
    ).pl()


def settle(connection: duckdb.DuckDBPyConnection) -> None:
    """Ends the watch after a release that passed; while a bridge is open, people can still be split."""
    connection.execute(
        "DELETE FROM state.cohort_before WHERE NOT EXISTS (SELECT 1 FROM state.linkage_domain WHERE status = ?)",
        [FORMER],
    )
