"""Data quality as classes; counts are told for the nation only (privacy, hole 12).

The expected number is official (births registered in 2024), never our own.
"""

import duckdb
import polars as pl

from pipelines.reference import NATION, units
from pipelines.release.coverage import completeness_class

SMALLEST_NATIONAL_COUNT = 10
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
    return _national(rows.select("record", "n"), "refused_rows")


def _links(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    rows = connection.sql(
        "SELECT 'residency_spell' AS record, CAST(SUM(movers_in) AS BIGINT) AS movers, "
        "CAST(SUM(movers_linked) AS BIGINT) AS linked FROM core.link_quality"
    ).pl()
    return pl.concat(
        [
            _national(rows.select("record", n=column), measure)
            for column, measure in (("movers", "moved_in"), ("linked", "moved_in_linked"))
        ]
    )


def _national(rows: pl.DataFrame, measure: str) -> pl.DataFrame:
    """Counts for the nation; a small one is told as a class like everywhere."""
    small = pl.col("n") < SMALLEST_NATIONAL_COUNT
    told = pl.when(small).then(pl.lit(f"<{SMALLEST_NATIONAL_COUNT}")).otherwise(pl.col("n").cast(pl.String))
    return rows.drop_nulls("n").select(
        pl.lit(NATION).alias("area_code"), pl.lit("all").alias("period"), "record", pl.lit(measure).alias("measure"),
        told.alias("class"),
    )  # fmt: skip
