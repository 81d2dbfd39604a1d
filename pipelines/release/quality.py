"""Data quality as classes, refusals and links for the nation only (privacy, hole 12).

No audit reads this table, so it holds no count: not even a nation's, whose change by one between two releases is one
person. The expected number is official (births registered in 2024), never our own.
"""

import duckdb
import polars as pl

from pipelines.reference import NATION, units
from pipelines.release.coverage import completeness_class

MAGNITUDES = ((10_000, "10000-"), (1_000, "1000-9999"), (100, "100-999"), (10, "10-99"), (0, "-9"))
QUALITY = ("area_code", "period", "record", "measure", "class")


def quality_rows(connection: duckdb.DuckDBPyConnection, arrival: pl.DataFrame) -> pl.DataFrame:
    """area_code, period, record, measure, class (text): completeness per municipality, refusals and links for the nation."""
    return pl.concat([_completeness(arrival), _refusals(connection), _links(connection)]).select(QUALITY)


def _completeness(arrival: pl.DataFrame) -> pl.DataFrame:
    expected = units().select(municipality_code="code6", births="births_2024")
    births = arrival.filter(pl.col("record") == "birth").join(expected, on="municipality_code")
    classed = births.select(
        area_code="municipality_code", period=pl.col("fiscal_year").cast(pl.String), record="record",
        measure=pl.lit("completeness"), **{"class": completeness_class(pl.col("rows"), pl.col("births"))},
    )  # fmt: skip
    return classed.drop_nulls()


def _refusals(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    rows = connection.sql(
        "SELECT record, CAST(SUM(refusals) AS BIGINT) AS n FROM state.parcel_record GROUP BY record ORDER BY record"
    ).pl()
    magnitude = pl.coalesce(pl.when(pl.col("n") >= low).then(pl.lit(name)) for low, name in MAGNITUDES)
    return _national(rows, "refused_rows", magnitude)


def _links(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The share of those who moved in who are linked to an earlier residence."""
    rows = connection.sql(
        "SELECT 'residency_spell' AS record, CAST(SUM(movers_in) AS BIGINT) AS movers, "
        "CAST(SUM(movers_linked) AS BIGINT) AS linked FROM core.link_quality"
    ).pl()
    return _national(rows, "moved_in_linked", completeness_class(pl.col("linked"), pl.col("movers")))


def _national(rows: pl.DataFrame, measure: str, told: pl.Expr) -> pl.DataFrame:
    return rows.select(
        pl.lit(NATION).alias("area_code"), pl.lit("all").alias("period"), "record", pl.lit(measure).alias("measure"),
        told.alias("class"),
    ).drop_nulls()  # fmt: skip
