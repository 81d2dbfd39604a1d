"""Whether a version change split people: persons of closed birth cohorts before it and now (privacy, hole 20).

Nobody is born into a closed cohort any more. Whoever is split counts twice, so its number of persons grows. So it does by
rows that came late, once their year is opened for them; but of the parts of a person who is split at most one is found
under the version in use, so no more can be split than there are persons left behind.
"""

import duckdb
import polars as pl

from pipelines.warehouse.applied import CURRENT, FORMER
from pipelines.warehouse.schema import CLOSED_YEARS, fiscal_year

PERSONS = f"""SELECT person_id, {fiscal_year("min(birth_month)")} AS fiscal_year
    FROM core.resident GROUP BY person_id HAVING min(birth_month) IS NOT NULL"""
WATCHED = (
    f"SELECT person_id, fiscal_year FROM ({PERSONS}) WHERE fiscal_year IN (SELECT fiscal_year FROM state.cohort_before)"
)
# One of their residents at least is not found under the version in use by a rule by which it was: whoever is known by that
# rule alone, as that submitter knows it, would not be linked.
LEFT_BEHIND = f"""SELECT DISTINCT person_id FROM (
    SELECT r.person_id, bool_or(d.status IS NOT NULL OR b.former IS NOT NULL) AS is_found
    FROM landing.token t
    JOIN (SELECT person_id, resident_key FROM core.resident SEMI JOIN ({WATCHED}) USING (person_id)) r
        ON r.resident_key = t.resident_key
    LEFT JOIN state.linkage_domain d ON d.key_version = t.key_version AND d.canon_version = t.canon_version
        AND d.status = '{CURRENT}'
    LEFT JOIN state.bridge b ON b.rule = t.rule AND b.former = t.pseudonym
    GROUP BY r.person_id, r.resident_key, t.rule) WHERE NOT is_found"""


def remember(connection: duckdb.DuckDBPyConnection) -> None:
    """Persons of every closed cohort, as the last thing before a version changes. The current state must be fresh.

    A cohort still watched since an earlier change keeps its number: whoever that change split is in today's.
    """
    connection.execute(
        f"""INSERT INTO state.cohort_before BY NAME SELECT fiscal_year, count(*) AS persons FROM ({PERSONS})
        WHERE fiscal_year IN ({CLOSED_YEARS}) AND fiscal_year NOT IN (SELECT fiscal_year FROM state.cohort_before)
        GROUP BY fiscal_year"""
    )


def compared(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """fiscal_year, before, now, left_behind: persons of the cohorts remembered, and those of now whom the version in use
    does not find; empty where no version change is watched."""
    return connection.execute(
        f"""SELECT b.fiscal_year, any_value(b.persons) AS before, count(p.person_id) AS now, count(l.person_id) AS left_behind
        FROM state.cohort_before b LEFT JOIN ({WATCHED}) p ON p.fiscal_year = b.fiscal_year
        LEFT JOIN ({LEFT_BEHIND}) l ON l.person_id = p.person_id
        GROUP BY b.fiscal_year ORDER BY b.fiscal_year"""
    ).pl()


def settle(connection: duckdb.DuckDBPyConnection) -> None:
    """Ends the watch after a release that passed; while a bridge is open, people can still be split."""
    connection.execute(
        "DELETE FROM state.cohort_before WHERE NOT EXISTS (SELECT 1 FROM state.linkage_domain WHERE status = ?)",
        [FORMER],
    )
