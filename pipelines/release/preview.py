"""A release before it is one: what each policy would show, and what would change. Leaves no file and no line behind."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from pipelines.release.assemble import Source
from pipelines.release.changes import change_lines
from pipelines.release.clock import Clock
from pipelines.release.decide import decide
from pipelines.release.ledger import Ledger
from pipelines.release.order import ordered
from pipelines.release.policy import policies
from pipelines.release.shown import BY, shown_share


@dataclass(frozen=True)
class Previewed:
    """shown: policy_id and `shown_share`, for every policy. changes: as in `changes`, for the policy asked for."""

    status: str
    policy_id: str
    shown: pl.DataFrame
    changes: pl.DataFrame
    seconds: dict[str, float]

    def summary(self) -> dict[str, Any]:
        return {
            "dry_run": True, "status": self.status, "policy": self.policy_id, "shown_by_indicator": self.shown.to_dicts(),
            "changes": self.changes.to_dicts(), "seconds": {stage: round(s, 2) for stage, s in self.seconds.items()},
        }  # fmt: skip

    def lines(self) -> list[str]:
        told = [
            "試行(公表も台帳への記入もしない。完成ファイルの監査はまだ): 示せる地域の割合(出生の割合) / "
            "dry run (nothing is published or written down; the finished file is yet to be audited): "
            "share of areas shown (of births)"
        ]
        for key, rows in self.shown.group_by(BY, maintain_order=True):
            indicator, level, period, _ = key
            each = " · ".join(_share(row) for row in rows.iter_rows(named=True))
            told.append(f"{indicator} · {level} · {period}: {each}")
        return [*told, *change_lines(self.changes)]


def _share(row: dict[str, Any]) -> str:
    areas = 100 * row["areas_shown"] / row["areas"] if row["areas"] else 0.0
    return f"{row['policy_id']} {areas:.1f} % ({100 * row['births_shown']:.1f} %)"


def preview(
    source: Source, ledger: Ledger, status: str, policy_id: str, years: tuple[int, int] | None, created_on: date
) -> Previewed:
    """What a release of this order would show under every policy, as decided; its own audit may hold back more.

    Raises ReleaseError as `release` does before it writes.
    """
    clock = Clock()
    shown, changed = [], pl.DataFrame()
    for each in (policy_id, *(p for p in policies() if p != policy_id)):
        said = ordered(source, status, each, years, created_on, ledger.populations())
        decision = decide(source, said, ledger.earlier_cells(before=said.order.release_id), clock)
        with clock.stage("compare"):
            cells = decision.cells()
            seen = shown_share(decision.tables(source, cells)["observation"], said.order.areas)
        shown.append(seen.select(pl.lit(each).alias("policy_id"), pl.all()))
        if each == policy_id:
            changed = decision.changes(cells)
    return Previewed(status, policy_id, pl.concat(shown).sort(*BY, "policy_id"), changed, clock.seconds)
