"""Years whose births are out of all proportion: landed, not counted (privacy, hole 4).

Forged rows could lift a small cell over its threshold; a year so padded counts for nothing until it is explained.
Judged on the births current after the parcel, not on the parcel alone: a later parcel holds corrections only.
"""

import duckdb

from pipelines.records import RECORDS
from pipelines.warehouse.schema import fiscal_year

EXPECTED_FROM = 50
LOW_PERCENT, HIGH_PERCENT = 50, 200
STANDARD_ERRORS = 4


def judge(connection: duckdb.DuckDBPyConnection) -> None:
    """Rewrites state.quarantine from the birth rows of the years that the submitter's parcels span."""
    births = RECORDS["birth"].name
    connection.execute("DELETE FROM state.quarantine")
    connection.execute(f"""
        INSERT INTO state.quarantine
        SELECT b.submitter, b.municipality_code, b.fiscal_year, b.births, m.births
        FROM (SELECT submitter, residence_municipality_code AS municipality_code,
                     {fiscal_year("birth_month")} AS fiscal_year, count(*) AS births
              FROM landing.{births} WHERE NOT is_held GROUP BY 1, 2, 3) b
        JOIN state.municipality m ON m.code = b.municipality_code
        WHERE m.births >= {EXPECTED_FROM}
          AND (100 * b.births < {LOW_PERCENT} * m.births OR 100 * b.births > {HIGH_PERCENT} * m.births)
          AND (b.births - m.births) * (b.births - m.births) > {STANDARD_ERRORS**2} * m.births
          AND EXISTS (SELECT 1 FROM state.parcel p WHERE p.submitter = b.submitter
                      AND b.fiscal_year BETWEEN p.from_fy AND p.to_fy)""")
