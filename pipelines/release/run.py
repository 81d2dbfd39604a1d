"""One release from end to end: measure, suppress, compare with the ledger, audit, publish by rename.

True values live in `measure` and `protect` only. From `_without_hidden` on, every frame holds shown values and
statuses and nothing else (privacy, hole 7).
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipelines.declaration import LEVELS, Count, Indicator, Policy, Record, Sum
from pipelines.indicators import COUNTS, INDICATORS, SUMS
from pipelines.release.areas import area_table, registered_tree
from pipelines.release.audit import audit_published
from pipelines.release.coverage import RECORD_OF_GRAIN, reporting
from pipelines.release.errors import ReleaseError
from pipelines.release.ledger import Ledger
from pipelines.release.measure import CELL, Measured, measure
from pipelines.release.observations import observe
from pipelines.release.plan import indicator_parts, periods, skeleton
from pipelines.release.policy import load_policy, policy_rows
from pipelines.release.publish import draft_beside, write_draft
from pipelines.release.suppress import Protected, protect
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
from pipelines.release.vintage import against_earlier, levels_for
from pipelines.release.writing import place_file

SCHEMA_VERSION = 1
AUDIT_FAILED = 3


@dataclass(frozen=True)
class Source:
    """What a release takes from the warehouse: an open connection to it, and what stands around the counts.

    secret: derived from the warehouse key; it never leaves the warehouse.
    watermark: what was loaded (keyed), so that the same batches give the same release.
    arrival: municipality_code, fiscal_year, record, rows. quality: rows of the published table.
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


@dataclass(frozen=True)
class Released:
    release_id: str
    status: str
    policy_id: str
    n_cells: int
    n_shown: int
    reach: pl.DataFrame
    fallbacks: list[str] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        return {
            "release_id": self.release_id, "status": self.status, "policy": self.policy_id, "cells": self.n_cells,
            "shown": self.n_shown, "reach": self.reach.to_dicts(), "fallbacks": len(self.fallbacks),
        }  # fmt: skip

    def lines(self) -> list[str]:
        return [
            f"公表 {self.release_id} ({self.status}, {self.policy_id}): {self.n_cells:,} セル中 {self.n_shown:,} を表示 / "
            f"{self.n_shown:,} of {self.n_cells:,} cells shown"
        ]


def release(
    source: Source,
    ledger: Ledger,
    out: Path,
    status: str,
    policy_id: str,
    years: tuple[int, int] | None,
    created_on: date,
) -> Released:
    """Publishes `out`, or raises ReleaseError (3) and leaves everything as it was."""
    policy, levels = load_policy(policy_id), levels_for(status)
    span = _years(source, status, years)
    areas = registered_tree(source.municipalities)
    release_id = _release_id(source, status, policy_id, span)
    with ledger.lock(), draft_beside(out) as draft:
        counts = _mature(COUNTS, span, created_on)
        indicators = _measurable(INDICATORS, SUMS, counts)
        measured = measure(source.connection, counts, _sums_over(counts), indicators, areas, span, levels, policy)
        protected = protect(measured.cells, areas, counts, indicators, policy, source.secret, measured.nested)
        earlier = ledger.earlier_cells(before=release_id)
        cells = _without_hidden(
            against_earlier(protected.cells, earlier, policy, areas, counts, indicators.values(), status)
        )
        tables = _tables(
            source, release_id, status, policy, span, areas, levels, cells, _shown_sums(measured, cells), created_on
        )
        write_draft(tables, draft)
        _refuse_unsafe(draft)
        ledger.append(release_id, status, policy_id, f"{span[0]}-{span[-1]}", created_on, cells, counts)
        place_file(draft, out)
    return _told(release_id, status, policy_id, cells, protected)


def _years(source: Source, status: str, asked: tuple[int, int] | None) -> tuple[int, ...]:
    """The fiscal years of the release; a final or revised one takes closed years only."""
    years = tuple(range(asked[0], asked[1] + 1)) if asked else source.closed_years
    open_years = [y for y in years if y not in source.closed_years]
    if not years or (status != "provisional" and open_years):
        raise ReleaseError(
            f"公表(確定・改訂)には閉じた年度が必要です。`mchdb period close` で閉じてください: {open_years or 'なし'}",
            f"A final or revised release requires closed fiscal years; close them first: {open_years or 'none is closed'}",
            64,
        )
    return years


def _release_id(source: Source, status: str, policy_id: str, years: tuple[int, ...]) -> str:
    """The same batches, policy, version and key give the same release (design, promise 10)."""
    said = f"{source.watermark}|{status}|{policy_id}|{years}|{version('mchdb')}|{SCHEMA_VERSION}"
    return f"{years[-1]}-{status}-{hmac.new(source.secret, said.encode(), hashlib.sha256).hexdigest()[:10]}"


def _mature(counts: Mapping[str, Count], years: tuple[int, ...], today: date) -> dict[str, Count]:
    """Counts whose window has closed for every year of the release."""
    return {i: c for i, c in counts.items() if _is_mature(c, years[-1], today)}


def _is_mature(count: Count, year: int, today: date) -> bool:
    """A fiscal year ends in March; its cohort is complete `mature_after_months` later."""
    return today.year * 12 + today.month > (year + 1) * 12 + 3 + count.mature_after_months


def _measurable(
    indicators: Mapping[str, Indicator], sums: Mapping[str, Sum], counts: Mapping[str, Count]
) -> dict[str, Indicator]:
    def needs(indicator: Indicator) -> set[str]:
        return {sums[i].over if i in sums else i for i in (indicator.numerator, indicator.denominator) if i}

    return {i: ind for i, ind in indicators.items() if needs(ind) <= set(counts)}


def _sums_over(counts: Mapping[str, Count]) -> dict[str, Sum]:
    return {i: s for i, s in SUMS.items() if s.over in counts}


def _without_hidden(cells: pl.DataFrame) -> pl.DataFrame:
    """The published cells: a value only beside a status that shows it. The last frame that suppression touches."""
    bare = cells.select(
        "count_id", *CELL, pl.when(pl.col("status").is_in(SHOWN)).then("value").alias("value"), "status",
        *(c for c in ("is_held", "vintage") if c in cells.columns),
    )  # fmt: skip
    if bare.filter(pl.col("value").is_not_null() != pl.col("status").is_in(SHOWN)).height:
        raise ReleaseError(
            "表示するセルには値が必要で、表示しないセルは値を持てません。公表を中止しました。",
            "A shown cell requires a value and a hidden one must not have any; the release was stopped.",
            AUDIT_FAILED,
        )
    return bare


def _shown_sums(measured: Measured, cells: pl.DataFrame) -> pl.DataFrame:
    """Sums of those cells only whose members are shown at their new value."""
    over = {s.id: s.over for s in SUMS.values()}
    current = cells.filter(pl.col("status").is_in(SHOWN), ~pl.col("is_held"))
    sums = measured.sums.with_columns(count_id=pl.col("sum_id").replace_strict(over, default=None))
    return sums.join(current, on=["count_id", *CELL], how="semi").drop("count_id")


def _tables(
    source: Source, release_id: str, status: str, policy: Policy, years: tuple[int, ...], areas: pl.DataFrame,
    levels: tuple[str, ...], cells: pl.DataFrame, sums: pl.DataFrame, created_on: date,
) -> dict[str, pl.DataFrame]:  # fmt: skip
    basis_of = {i: c.basis for i, c in COUNTS.items()} | {s.id: COUNTS[s.over].basis for s in SUMS.values()}
    about = pl.DataFrame(
        [{
            "release_id": release_id, "schema_version": SCHEMA_VERSION, "status": status, "created_on": created_on,
            "fiscal_years": f"{years[0]}-{years[-1]}", "policy_id": policy.id, "software_version": version("mchdb"),
            "last_batch_id": source.watermark, "is_synthetic": source.is_synthetic,
            "seed": source.seed if source.is_synthetic else None,
        }]
    )  # fmt: skip
    return {
        "release": about,
        **public_facts(),
        "coverage": _coverage(source, years),
        "count_definition": count_definitions(COUNTS),
        "indicator": indicator_rows(INDICATORS, basis_of),
        "indicator_target": target_rows(INDICATORS),
        "breakdown": breakdown_rows(INDICATORS),
        "count_cell": cells.select("count_id", *CELL, "value", "status"),
        "observation": _observations(source, basis_of, years, areas, levels, cells, sums, policy),
        "quality": source.quality,
        "symbol": symbols(),
        "policy": policy_rows(policy),
        "record_definition": record_rows(source.records),
        "field_definition": field_rows(source.records),
    }


def _observations(
    source: Source, basis_of: Mapping[str, str], years: tuple[int, ...], areas: pl.DataFrame, levels: tuple[str, ...],
    cells: pl.DataFrame, sums: pl.DataFrame, policy: Policy,
) -> pl.DataFrame:  # fmt: skip
    found = []
    for indicator in INDICATORS.values():
        basis = basis_of[indicator.denominator or indicator.numerator]
        frame = skeleton(indicator_parts(indicator, levels), {indicator.id: basis}, areas, years, policy).drop("id")
        rows = observe(indicator, frame, cells, sums, areas, policy)
        record = RECORD_OF_GRAIN[COUNTS[indicator.denominator or indicator.numerator].grain]
        told = reporting(source.arrival, areas, basis, record, years, policy)
        found.append(_by_coverage(rows.join(told, on=["period", "period_kind", "area_code"], how="left"), policy))
        found.append(_elsewhere(indicator, basis, areas, years, levels, policy))
    return pl.concat(found, how="diagonal_relaxed")


def _by_coverage(rows: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """Marks as partial what stands for 80-95 % of births; an indicator that is not counted yet is `not_yet`."""
    partial = pl.col("status").is_in(SHOWN) & (pl.col("coverage_births") < 0.95)
    return rows.with_columns(status=pl.when(partial).then(pl.lit("partial")).otherwise("status"))


def _elsewhere(
    indicator: Indicator,
    basis: str,
    areas: pl.DataFrame,
    years: tuple[int, ...],
    levels: tuple[str, ...],
    policy: Policy,
) -> pl.DataFrame:
    """Municipalities, medical areas and prefectures outside the registry: not collected."""
    others = area_table().join(areas, on="area_code", how="anti").select("area_code", "level")
    totals = [part for part in indicator_parts(indicator, levels) if part.breakdown.id == "all"]
    rows = skeleton(totals, {indicator.id: basis}, others, years, policy)
    return rows.rename({"id": "indicator_id"}).with_columns(status=pl.lit("not_collected"))


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


def _refuse_unsafe(draft: Path) -> None:
    """The audit is the gate: what an outsider could derive from the finished file does not leave."""
    findings = audit_published(draft)
    if findings:
        first = findings[0]
        raise ReleaseError(
            f"監査で {len(findings)} 件の問題が見つかり、公表を中止しました。最初の問題: {first.sentence_ja}",
            f"The audit found {len(findings)} problems and the release was stopped. The first: {first.sentence_en}",
            AUDIT_FAILED,
        )


def _told(release_id: str, status: str, policy_id: str, cells: pl.DataFrame, protected: Protected) -> Released:
    shown = cells.filter(pl.col("status").is_in(SHOWN)).height
    return Released(release_id, status, policy_id, cells.height, shown, protected.reach, list(protected.log))


__all__ = ["Released", "Source", "periods", "release"]
