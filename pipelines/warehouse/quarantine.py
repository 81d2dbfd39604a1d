"""Years whose births are out of all proportion: landed, not counted (privacy, hole 4).

Forged rows could lift a small cell over its threshold; a year so padded counts for nothing until it is explained.
Judged on the births current after the parcel, not on the parcel alone: a later parcel holds corrections only.
"""

import duckdb

from pipelines.records import RECORDS
from pipelines.warehouse.link import TOKENS
from pipelines.warehouse.schema import fiscal_year

EXPECTED_FROM = 50
LOW_PERCENT, HIGH_PERCENT = 50, 200
STANDARD_ERRORS = 4


def judge(connection: duckdb.DuckDBPyConnection) -> None:
    """Rewrites state.quarantine from the births of the years that the submitter's parcels span.

    A birth of another feed that shares a token with one of the register is the same birth, told twice; also
    across an open bridge.
    """
    births = RECORDS["birth"].name
    connection.execute("DELETE FROM state.quarantine")
    connection.execute(f"""
        INSERT INTO state.quarantine
        SELECT b.submitter, b.municipality_code, b.fiscal_year, b.births, m.births
        FROM (SELECT submitter, residence_municipality_code AS municipality_code,
                     {fiscal_year("birth_month")} AS fiscal_year, count(*) AS births
              FROM landing.{births} WHERE NOT is_held AND resident_key NOT IN (
                  SELECT other.resident_key FROM landing.{births} other
                  JOIN state.feed f ON f.feed = other.feed AND NOT f.is_register
                  JOIN ({TOKENS}) t ON t.resident_key = other.resident_key
                  JOIN ({TOKENS}) same ON same.rule = t.rule AND same.pseudonym = t.pseudonym
                      AND same.resident_key <> t.resident_key
                  JOIN landing.{births} own ON own.resident_key = same.resident_key
                      AND own.residence_municipality_code = other.residence_municipality_code
                  JOIN state.feed r ON r.feed = own.feed AND r.is_register
                  WHERE NOT own.is_held)
              GROUP BY 1, 2, 3) b
        JOIN state.municipality m ON m.code = b.municipality_code
        WHERE m.births >= {EXPECTED_FROM}
          AND (100 * b.births < {LOW_PERCENT} * m.births OR 100 * b.births > {HIGH_PERCENT} * m.births)
          AND (b.births - m.births) * (b.births - m.births) > {STANDARD_ERRORS**2} * m.births
          AND EXISTS (SELECT 1 FROM state.parcel p WHERE p.submitter = b.submitter
                      AND b.fiscal_year BETWEEN p.from_fy AND p.to_fy)""")
