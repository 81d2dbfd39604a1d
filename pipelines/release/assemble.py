"""The tables of a release from shown cells: observations, coverage, and everything that gives them their meaning."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import version

import duckdb
import polars as pl

from pipelines.declaration import Indicator, Policy, Record
from pipelines.indicators import COUNTS, INDICATORS
from pipelines.release.areas import area_table
from pipelines.release.coverage import RECORD_OF_GRAIN, reporting
from pipelines.release.measure import CELL
from pipelines.release.observations import observe
from pipelines.release.plan import TOTAL, indicator_parts, skeleton
from pipelines.release.policy import policy_rows
from pipelines.release.symbols import SHOWN, symbols
from pipelines.release.tables import (
    breakdown_rows,
    count_definitions,
    field_rows,
    indicator_rows,
    public_facts,
    record_rows,
    target_rows,
)

SCHEMA_VERSION = 1
AUDIT_FAILED = 3
COHORTS = {"fiscal_year": pl.Int64, "before": pl.Int64, "now": pl.Int64, "left_behind": pl.Int64}
COMPLETE = 0.95  # share of births below which a value is marked as partial (domain 1.1, no. 8)


@dataclass(frozen=True)
class Source:
    """What a release takes from the warehouse: an open connection to it, and what stands around the counts.

    secret: derived from the warehouse key; it never leaves the warehouse.
    watermark: what was loaded (keyed), so that the same batches give the same release.
    arrival: municipality_code, fiscal_year, record, rows. quality: rows of the published table.
    cohorts: fiscal_year, before, now, left_behind: persons of closed birth cohorts before a version change that is watched,
    and now; those of now whom the version in use does not find.
    """

    connection: duckdb.DuckDBPyConnection
    secret: bytes
    watermark: str
    municipalities: list[str]
    closed_years: tuple[int, ...]
    arrival: pl.DataFrame
    quality: pl.DataFrame
    records: Mapping[str, Record]
    is_synthetic: bool
    seed: int | None
    cohorts: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=COHORTS))


@dataclass(frozen=True)
class Order:
    """What is to be released: settled before anything is counted."""

    release_id: str
    status: str
    policy: Policy
    years: tuple[int, ...]
    levels: tuple[str, ...]
    areas: pl.DataFrame
    created_on: date
    recorded: pl.DataFrame | None = None  # populations published with earlier releases

    @property
    def span(self) -> str:
        return f"{self.years[0]}-{self.years[-1]}"


def assemble(
    source: Source, order: Order, cells: pl.DataFrame, sums: pl.DataFrame, mature: set[str]
) -> dict[str, pl.DataFrame]:
    """Every published table by name. `cells`: shown values and statuses; `sums`: of shown means only."""
    return {
        "release": _about(source, order),
        **public_facts(order.recorded),
        "coverage": _coverage(source, order.years),
        "count_definition": count_definitions(COUNTS),
        "indicator": indicator_rows(INDICATORS, {i: _basis(ind) for i, ind in INDICATORS.items()}),
        "indicator_target": target_rows(INDICATORS),
        "breakdown": breakdown_rows(INDICATORS),
        "count_cell": cells.select("count_id", *CELL, "value", "status"),
        "observation": _observations(source, order, cells, sums, mature),
        "quality": source.quality,
        "symbol": symbols(),
        "policy": policy_rows(order.policy),
        "record_definition": record_rows(source.records),
        "field_definition": field_rows(source.records),
    }


def _about(source: Source, order: Order) -> pl.DataFrame:
    about = {
        "release_id": order.release_id, "schema_version": SCHEMA_VERSION, "status": order.status,
        "created_on": order.created_on, "fiscal_years": order.span, "policy_id": order.policy.id,
        "software_version": version("mchdb"), "last_batch_id": source.watermark, "is_synthetic": source.is_synthetic,
        "seed": source.seed if source.is_synthetic else None,
    }  # fmt: skip
    return pl.DataFrame([about])


def _counted(indicator: Indicator) -> str:
    """The count that gives an indicator its basis and its record."""
    return indicator.denominator or indicator.numerator


def _basis(indicator: Indicator) -> str:
    return COUNTS[_counted(indicator)].basis


def _observations(
    source: Source, order: Order, cells: pl.DataFrame, sums: pl.DataFrame, mature: set[str]
) -> pl.DataFrame:
    found = []
    for indicator in INDICATORS.values():
        basis = {indicator.id: _basis(indicator)}
        parts = list(indicator_parts(indicator, order.levels))
        frame = skeleton(parts, basis, order.areas, order.years, order.policy).drop("id")
        rows = (
            observe(indicator, frame, cells, sums, order.areas, order.policy)
            if indicator.id in mature
            else _not_yet(indicator, frame)
        )
        found.append(_with_coverage(indicator, rows, source, order))
        totals = [part for part in parts if part.breakdown is TOTAL]
        elsewhere = area_table().join(order.areas, on="area_code", how="anti").select("area_code", "level")
        outside = skeleton(totals, basis, elsewhere, order.years, order.policy)
        found.append(outside.rename({"id": "indicator_id"}).with_columns(status=pl.lit("not_collected")))
    return pl.concat(found, how="diagonal_relaxed")


def _not_yet(indicator: Indicator, frame: pl.DataFrame) -> pl.DataFrame:
    """A cohort whose window has not closed looks like a failure: nothing is shown (domain 1.1, no. 7)."""
    return frame.with_columns(indicator_id=pl.lit(indicator.id), status=pl.lit("not_yet"))


def _with_coverage(indicator: Indicator, rows: pl.DataFrame, source: Source, order: Order) -> pl.DataFrame:
    """Adds who reported, and marks as partial what stands for less than 95 % of births."""
    record = RECORD_OF_GRAIN[COUNTS[_counted(indicator)].grain]
    told = reporting(source.arrival, order.areas, _basis(indicator), record, order.years, order.policy)
    joined = rows.join(told, on=["period", "period_kind", "area_code"], how="left")
    is_partial = pl.col("status").is_in(SHOWN) & (pl.col("coverage_births") < COMPLETE)
    return joined.with_columns(status=pl.when(is_partial).then(pl.lit("partial")).otherwise("status"))


def _coverage(source: Source, years: tuple[int, ...]) -> pl.DataFrame:
    """Which registered municipality sent records of a kind for a year: a public fact, as a class."""
    asked = pl.DataFrame({"area_code": source.municipalities}).join(
        pl.DataFrame({"record": sorted(set(RECORD_OF_GRAIN.values()))}), how="cross"
    ).join(pl.DataFrame({"fiscal_year": list(years)}, schema={"fiscal_year": pl.Int32}), how="cross")  # fmt: skip
    sent = source.arrival.filter(pl.col("rows") > 0).select(
        "record", area_code="municipality_code", fiscal_year=pl.col("fiscal_year").cast(pl.Int32), arrived=pl.lit(True)
    )
    told = asked.join(sent, on=["area_code", "record", "fiscal_year"], how="left")
    return told.select(
        "area_code", "record", period=pl.col("fiscal_year").cast(pl.String), period_kind=pl.lit("fiscal_year"),
        **{"class": pl.when("arrived").then(pl.lit("arrived")).otherwise(pl.lit("none"))},
    )  # fmt: skip
