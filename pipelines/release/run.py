"""One release from end to end: measure, suppress, compare with the ledger, audit, publish by rename.

True values live in `measure` and `protect` only. From `_without_hidden` on, every frame holds shown values and
statuses and nothing else (privacy, hole 7).
"""

import hashlib
import hmac
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.declaration import Count, Indicator, Sum
from pipelines.indicators import COUNTS, INDICATORS, SUMS
from pipelines.release.areas import registered_tree
from pipelines.release.assemble import AUDIT_FAILED, SCHEMA_VERSION, Order, Source, assemble
from pipelines.release.audit import audit_published
from pipelines.release.certificate import certificate_of, check_certificate
from pipelines.release.errors import ReleaseError
from pipelines.release.findings import Finding
from pipelines.release.ledger import CELL_KEY, Ledger
from pipelines.release.measure import CELL, Measured, measure
from pipelines.release.policy import load_policy, policies
from pipelines.release.publish import draft_beside, write_draft
from pipelines.release.suppress import Protected, protect, reach_under
from pipelines.release.symbols import SHOWN
from pipelines.release.vintage import against_earlier, levels_for, still_true
from pipelines.release.writing import place_file, replace_file

SHARES = ("shown_before", "shown_after")
# Where a change since an earlier release could still be worked out, what shares these keys with the cells found keeps
# its earlier value too, in ever larger pieces; where everything does, this release says what the last one did.
EVERYTHING: tuple[str, ...] = ()
HELD_PIECES = (
    ("count_id", "period", "area_code"), ("period", "area_code"), ("count_id", "period"), ("count_id",), EVERYTHING,
)  # fmt: skip
RELIEVED_BY_HOLDING = ("exactly_told", "narrow_interval")


@dataclass(frozen=True)
class Released:
    release_id: str
    status: str
    policy_id: str
    n_cells: int
    n_shown: int
    n_held: int
    reach: pl.DataFrame
    fallbacks: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    def summary(self) -> dict[str, Any]:
        return {
            "release_id": self.release_id, "status": self.status, "policy": self.policy_id, "cells": self.n_cells,
            "shown": self.n_shown, "held": self.n_held, "reach": self.reach.to_dicts(), "fallbacks": len(self.fallbacks),
            "seconds": {stage: round(s, 2) for stage, s in self.seconds.items()},
        }  # fmt: skip

    def lines(self) -> list[str]:
        told = [
            f"公表 {self.release_id} ({self.status}, {self.policy_id}): {self.n_cells:,} セル中 {self.n_shown:,} を表示 / "
            f"{self.n_shown:,} of {self.n_cells:,} cells shown",
            *([_held_sentence(self.n_held)] if self.n_held else []),
        ]
        for (policy_id,), rows in self.reach.group_by("policy_id", maintain_order=True):
            share = {n: 100 * (pl.col(n) * pl.col("cells")).sum() / pl.col("cells").sum() for n in SHARES}
            before, after = rows.select(**share).row(0)
            audited = "" if policy_id == self.policy_id else "(監査前 / before the audit) "
            told.append(
                f"到達度 {policy_id} {audited}: 市区町村セルの {before:.1f} % → 二次秘匿後 {after:.1f} % / "
                "reach of municipal cells before and after secondary suppression"
            )
        told.append(" · ".join(f"{stage} {seconds:.1f} s" for stage, seconds in self.seconds.items()))
        return told


def release(
    source: Source,
    ledger: Ledger,
    out: Path,
    status: str,
    policy_id: str,
    years: tuple[int, int] | None,
    created_on: date,
    certificate: Path | None = None,
) -> Released:
    """Publishes `out`, and its certificate where one is asked, or raises ReleaseError (3) and leaves all as it was.

    Of a first release the intervals are proven by `protect` for the same hidden cells. After an earlier one the ledger
    may keep a value shown that `protect` had hidden: then the audit proves them anew.
    """
    span = _years(source, status, years)
    counts = {i: c for i, c in COUNTS.items() if _is_mature(c, span[-1], created_on)}
    order = _order(source, status, policy_id, span, counts, created_on)
    indicators = _measurable(INDICATORS, SUMS, counts)
    sums = {i: s for i, s in SUMS.items() if s.over in counts}
    clock = Clock()
    with ledger.lock(), draft_beside(out) as draft:
        with clock.stage("measure"):
            measured = measure(
                source.connection, counts, sums, indicators, order.areas, order.years, order.levels, order.policy
            )
        earlier = ledger.earlier_cells(before=order.release_id)
        with clock.stage("suppress"):
            known = still_true(measured.cells, earlier, counts) if earlier.height else None
            protected = protect(
                measured.cells, order.areas, counts, indicators, order.policy, source.secret, measured.nested, known
            )

        def written(held: pl.DataFrame | None) -> tuple[pl.DataFrame, list[Finding]]:
            """The cells of a draft in which `held` keeps its earlier value, and what the audit finds in it."""
            with clock.stage("compare and write"):
                compared = against_earlier(
                    protected.cells, earlier, order.policy, order.areas, counts, indicators.values(), status, held
                )
                cells = _without_hidden(compared)
                write_draft(assemble(source, order, cells, _shown_sums(measured, cells), set(indicators)), draft)
            with clock.stage("audit"):
                return cells, audit_published(draft, with_intervals=bool(earlier.height))

        cells = _settled(written, protected.cells, HELD_PIECES if earlier.height else ())
        proven = None
        if certificate:
            with clock.stage("certificate"):
                proven = certificate_of(draft)
                _refuse_unsafe(check_certificate(draft, proven))
        with clock.stage("ledger and place"):
            ledger.append(order.release_id, status, policy_id, order.span, created_on, cells, counts)
            if certificate and proven:
                replace_file(certificate, proven)
            place_file(draft, out)
    with clock.stage("reach"):
        reached = _reaches(policy_id, protected, counts)
    return _told(order, cells, reached, protected.log, clock.seconds)


@dataclass(frozen=True)
class Clock:
    """Seconds by stage."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started


def _reaches(policy_id: str, protected: Protected, counts: Mapping[str, Count]) -> pl.DataFrame:
    """The reach of this release, and what every other policy would have shown before the audit's repairs."""
    others = {p: reach_under(protected.case, counts, load_policy(p)) for p in policies() if p != policy_id}
    found = {policy_id: protected.reach, **others}
    return pl.concat([frame.select(pl.lit(p).alias("policy_id"), pl.all()) for p, frame in found.items()])


def _order(
    source: Source, status: str, policy_id: str, years: tuple[int, ...], counts: Mapping[str, Count], created_on: date
) -> Order:
    return Order(
        _release_id(source, status, policy_id, years, counts), status, load_policy(policy_id), years, levels_for(status),
        registered_tree(source.municipalities), created_on,
    )  # fmt: skip


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


def _release_id(
    source: Source, status: str, policy_id: str, years: tuple[int, ...], counts: Mapping[str, Count]
) -> str:
    """The same batches, mature counts, policy, version and key give the same release (design, promise 10)."""
    said = f"{source.watermark}|{status}|{policy_id}|{years}|{sorted(counts)}|{version('mchdb')}|{SCHEMA_VERSION}"
    return f"{years[-1]}-{status}-{hmac.new(source.secret, said.encode(), hashlib.sha256).hexdigest()[:10]}"


def _is_mature(count: Count, year: int, today: date) -> bool:
    """A fiscal year ends in March; its cohort is complete `mature_after_months` later."""
    return today.year * 12 + today.month > (year + 1) * 12 + 3 + count.mature_after_months


def _measurable(
    indicators: Mapping[str, Indicator], sums: Mapping[str, Sum], counts: Mapping[str, Count]
) -> dict[str, Indicator]:
    def needs(indicator: Indicator) -> set[str]:
        return {sums[i].over if i in sums else i for i in (indicator.numerator, indicator.denominator) if i}

    return {i: ind for i, ind in indicators.items() if needs(ind) <= set(counts)}


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


def _settled(
    written: Callable[[pl.DataFrame | None], tuple[pl.DataFrame, list[Finding]]],
    cells: pl.DataFrame,
    pieces: Sequence[tuple[str, ...]],
) -> pl.DataFrame:
    """The cells of the first draft in which the audit finds nothing: as decided, else with ever larger pieces around all
    that was found held at their earlier value. Raises ReleaseError (3) where there is none, or holding would not help."""
    published, findings = written(None)
    told: list[tuple[str, ...]] = []
    for piece in pieces:
        if not findings or any(f.rule not in RELIEVED_BY_HOLDING or not f.cell for f in findings):
            break
        told += [f.cell for f in findings]
        around = pl.DataFrame(told, schema=dict.fromkeys(CELL_KEY, pl.String), orient="row")
        published, findings = written(cells if piece == EVERYTHING else cells.join(around, on=piece, how="semi"))
    _refuse_unsafe(findings)
    return published


def _refuse_unsafe(findings: list[Finding]) -> None:
    """The audit is the gate: what an outsider could derive from the finished file does not leave."""
    if findings:
        first = findings[0]
        raise ReleaseError(
            f"監査で {len(findings)} 件の問題が見つかり、公表を中止しました。最初の問題: {first.sentence_ja}",
            f"The audit found {len(findings)} problems and the release was stopped. The first: {first.sentence_en}",
            AUDIT_FAILED,
        )


def _told(
    order: Order, cells: pl.DataFrame, reach: pl.DataFrame, log: tuple[str, ...], seconds: dict[str, float]
) -> Released:
    shown = cells.filter(pl.col("status").is_in(SHOWN))
    held = shown.filter("is_held").height
    return Released(
        order.release_id, order.status, order.policy.id, cells.height, shown.height, held, reach, list(log), seconds
    )  # fmt: skip


def _held_sentence(held: int) -> str:
    return (
        f"うち {held:,} セルは、変化から個人が分かるため前の公表値のままです。到達度はこれを除く前のものです / "
        f"{held:,} of them keep the value of an earlier release, because the change could tell of a person; "
        "the reach below is before that"
    )
