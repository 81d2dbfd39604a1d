"""One release from end to end: measure, suppress, compare with the ledger, audit, publish by rename."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.declaration import Count
from pipelines.release.areas import population_table
from pipelines.release.assemble import AUDIT_FAILED, Source
from pipelines.release.audit import audit_published
from pipelines.release.certificate import certificate_of, check_certificate
from pipelines.release.changes import change_lines
from pipelines.release.clock import Clock
from pipelines.release.decide import Decision, decide
from pipelines.release.errors import ReleaseError
from pipelines.release.findings import Finding
from pipelines.release.ledger import CELL_KEY, Ledger
from pipelines.release.order import ordered
from pipelines.release.policy import load_policy, policies
from pipelines.release.publish import draft_beside, write_draft
from pipelines.release.reading import opened, table
from pipelines.release.shown import shown_share
from pipelines.release.suppress import Protected, reach_under
from pipelines.release.symbols import SHOWN
from pipelines.release.writing import place_file, replace_file

SHARES = ("shown_before", "shown_after")
# Where a change since an earlier release could still be worked out, what shares these keys with the cells found keeps
# its earlier value too, in ever larger pieces; where everything does, this release says what the last one did.
EVERYTHING: tuple[str, ...] = ()
HELD_PIECES = (
    ("count_id", "period", "area_code"), ("period", "area_code"), ("count_id", "period"), ("count_id",), EVERYTHING,
)  # fmt: skip
RELIEVED_BY_HOLDING = ("exactly_told", "narrow_interval", "vintage_difference")


@dataclass(frozen=True)
class Released:
    """reach: of municipal cells by count, under every policy. shown: `shown_share` of what was published. changes: since
    the release before, of a final or revised one."""

    release_id: str
    status: str
    policy_id: str
    n_cells: int
    n_shown: int
    n_held: int
    reach: pl.DataFrame
    shown: pl.DataFrame
    changes: pl.DataFrame
    fallbacks: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    def summary(self) -> dict[str, Any]:
        return {
            "release_id": self.release_id, "status": self.status, "policy": self.policy_id, "cells": self.n_cells,
            "shown": self.n_shown, "held": self.n_held, "reach": self.reach.to_dicts(), "fallbacks": len(self.fallbacks),
            "shown_by_indicator": self.shown.to_dicts(), "changes": self.changes.to_dicts(),
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
        told += change_lines(self.changes)
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
    clock = Clock()
    with ledger.lock(), draft_beside(out) as draft:
        said = ordered(source, status, policy_id, years, created_on, ledger.populations())
        order = said.order
        decision = decide(source, said, ledger.earlier_cells(before=order.release_id), clock)
        is_first = decision.earlier.is_empty()

        def written(held: pl.DataFrame | None) -> tuple[pl.DataFrame, list[Finding]]:
            """The cells of a draft in which `held` keeps its earlier value, and what the audit finds in it."""
            with clock.stage("compare and write"):
                cells = decision.cells(held)
                write_draft(decision.tables(source, cells), draft)
            with clock.stage("audit"):
                return cells, audit_published(
                    draft, ledger.path, with_intervals=not is_first, outdated=decision.outdated
                )

        cells = _settled(written, decision.protected.cells, () if is_first else HELD_PIECES)
        proven = None
        if certificate:
            with clock.stage("certificate"):
                proven = certificate_of(draft)
                _refuse_unsafe(check_certificate(draft, proven))
        with clock.stage("ledger and place"):
            ledger.append(
                order.release_id, status, policy_id, order.span, created_on, cells, said.counts,
                population_table().join(order.areas, on="area_code", how="semi"),
            )  # fmt: skip
            if certificate and proven:
                replace_file(certificate, proven)
            place_file(draft, out)
    with clock.stage("reach"):
        with opened(out) as published:
            seen = shown_share(table(published, "SELECT * FROM observation"), order.areas)
        reached = _reaches(policy_id, decision.protected, said.counts)
    return _told(decision, cells, reached, seen, clock.seconds)


def _reaches(policy_id: str, protected: Protected, counts: Mapping[str, Count]) -> pl.DataFrame:
    """The reach of this release, and what every other policy would have shown before the audit's repairs."""
    others = {p: reach_under(protected, counts, load_policy(p)) for p in policies() if p != policy_id}
    found = {policy_id: protected.reach, **others}
    return pl.concat([frame.select(pl.lit(p).alias("policy_id"), pl.all()) for p, frame in found.items()])


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
    decision: Decision, cells: pl.DataFrame, reach: pl.DataFrame, seen: pl.DataFrame, seconds: dict[str, float]
) -> Released:
    order, shown = decision.of.order, cells.filter(pl.col("status").is_in(SHOWN))
    return Released(
        order.release_id, order.status, order.policy.id, cells.height, shown.height, shown.filter("is_held").height,
        reach, seen, decision.changes(cells), list(decision.protected.log), seconds,
    )  # fmt: skip


def _held_sentence(held: int) -> str:
    return (
        f"うち {held:,} セルは、変化から個人が分かるため前の公表値のままです。到達度はこれを除く前のものです / "
        f"{held:,} of them keep the value of an earlier release, because the change could tell of a person; "
        "the reach below is before that"
    )
