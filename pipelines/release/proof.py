"""What has been proven safe so far. Hiding more never takes a proof back: a reader who knows less can say less."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from pipelines.release.attack import told_to_outsiders, told_to_submitters
from pipelines.release.fallback import BELOW_PREFECTURE
from pipelines.release.intervals import search
from pipelines.release.system import Mask, Rows, System, Values
from pipelines.release.view import View, polytope, stand_ins


@dataclass(frozen=True)
class Proof:
    """is_wide: cells whose interval was found wide enough (once, for good); is_free: hidden cells that, when last
    tested, neither an outsider nor any single submitter could work out exactly; middle: a table in which the search began
    last (NaN where none is known)."""

    is_wide: Mask
    is_free: Mask
    middle: Values
    turn: int = 0

    @staticmethod
    def of_nothing(n_cells: int) -> "Proof":
        nothing = np.zeros(n_cells, dtype=bool)
        return Proof(nothing, nothing, np.full(n_cells, np.nan))

    def told(self, seen: View, largest_block: int | None = None, *, with_sums: bool = False) -> tuple[Rows, "Proof"]:
        """Targets that an outsider, or a submitter of another municipality, can work out exactly. Raises Undecided.

        A cell that was free is free still; but of a sum of areas whose only hidden parts were one submitter's, nobody was
        asked whether this one can work it out, and other parts may be hidden by now: `with_sums` they are tested again.
        """
        told = told_to_outsiders(seen)
        told = told[seen.is_target[told]]
        if len(told):
            return told, self
        again = seen.system.is_sum_of_areas[: len(self.is_free)] & with_sums
        told = told_to_submitters(seen, ~self.is_free | again, largest_block)
        is_free = seen.is_unknown & ~np.isin(np.arange(len(self.is_free)), told)
        return told[seen.is_target[told]], replace(self, is_free=is_free)

    def continued(self, seen: View, singles: int = 0) -> "Proof":
        """Looks for two tables for every target that has none yet. Raises NoTable."""
        stand_in, n = stand_ins(seen), seen.system.n_cells
        columns, tables = polytope(seen, stand_in == np.arange(n))
        asked = self.is_open(seen)
        width = np.zeros(n)  # the widest that a column is asked for, for itself or for those that it stands for
        np.maximum.at(width, stand_in[asked], seen.width[asked])
        tables = replace(tables, width=width[columns])
        stands_for = np.bincount(stand_in, minlength=n)
        start = np.where(np.isnan(self.middle), seen.system.value[:n], self.middle)
        start = np.bincount(stand_in, np.where(seen.is_unknown, start, 0), n)
        found = search(
            tables,
            _parts(seen.system, columns, is_first=self.turn == 0),
            tables.width > 0,
            stands_for[columns] > 1,
            start[columns],
            self.turn,
            singles,
        )
        narrow, middle = np.zeros(n, dtype=bool), np.where(seen.is_unknown, 0.0, np.nan)
        narrow[columns], middle[columns] = found.is_narrow, found.middle
        return replace(self, is_wide=self.is_wide | asked & ~narrow[stand_in], middle=middle, turn=self.turn + 1)

    def is_open(self, seen: View) -> Mask:
        """Targets not proven wide."""
        return seen.is_target & (seen.width > 0) & ~self.is_wide


def _parts(system: System, columns: Rows, *, is_first: bool) -> Iterator[tuple[Mask, bool]]:
    """Columns to move while the others are held, what falls into many small blocks first: below prefectures each count by
    itself, so that no other binds it, then what is no sum of areas, then (not at first) all of it; and everything."""
    cells = system.frame.select("count_id", "level").head(system.n_cells)[columns]
    below = cells["level"].is_in(BELOW_PREFECTURE).to_numpy()
    counts = cells["count_id"].unique().sort()
    if len(counts) > 1:
        yield from ((below & (cells["count_id"] == count).to_numpy(), False) for count in counts)
    yield below & ~system.is_sum_of_areas[columns], False
    if not is_first:
        yield below, False
    yield np.ones(len(columns), dtype=bool), True
