"""What has been proven safe so far. Hiding more never takes a proof back: a reader who knows less can say less."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from pipelines.declaration import LEVELS
from pipelines.release.attack import told_to_outsiders, told_to_submitters
from pipelines.release.intervals import Slice, narrow
from pipelines.release.system import Mask, Rows, System
from pipelines.release.view import View, polytope, stand_ins

# Tables to look for in each part: municipalities with the rest held; counts that lie within none of each other, with
# the other counts held; municipalities and medical areas of all counts; everything.
TABLES_LOWEST, TABLES_OF_COUNTS, TABLES_LOW, TABLES_OF_ALL = 8, 20, 6, 20


@dataclass(frozen=True)
class Proof:
    """is_wide: cells whose interval was found wide enough (once, for good); is_free: hidden cells that, when last
    tested, neither an outsider nor any single submitter could work out exactly."""

    is_wide: Mask
    is_free: Mask
    turn: int = 0

    @staticmethod
    def of_nothing(n_cells: int) -> "Proof":
        nothing = np.zeros(n_cells, dtype=bool)
        return Proof(nothing, nothing)

    def told(self, seen: View) -> tuple[Rows, "Proof"]:
        """Targets that an outsider, or a submitter of another municipality, can work out exactly. Raises Undecided.

        A block of equations in which nothing was told and nothing more is hidden is as it was: for submitters only
        the blocks with a cell that is not free yet are tested.
        """
        told = told_to_outsiders(seen)
        if len(told):
            return told[seen.is_target[told]], self
        told = told_to_submitters(seen, ~self.is_free)
        is_free = seen.is_unknown & ~np.isin(np.arange(len(self.is_free)), told)
        return told[seen.is_target[told]], replace(self, is_free=is_free)

    def continued(self, seen: View, singles: int = 0) -> "Proof":
        """Looks for two tables for every target that has none yet. Raises NoTable."""
        is_wide = self.is_wide | ~_narrow(seen, self.is_wide, self.turn, singles)
        return replace(self, is_wide=is_wide, turn=self.turn + 1)

    def is_open(self, seen: View) -> Mask:
        """Targets not proven wide."""
        return seen.is_target & (seen.width > 0) & ~self.is_wide


def _narrow(seen: View, is_wide: Mask, turn: int, singles: int) -> Mask:
    """Unknown cells that are still not proven wide."""
    stand_in, n = stand_ins(seen), seen.system.n_cells
    stands_for = np.bincount(stand_in, minlength=n)
    columns, tables = polytope(seen, stand_in == np.arange(n))
    wanted = np.zeros(n, dtype=bool)
    wanted[stand_in[seen.is_target & (seen.width > 0) & ~is_wide]] = True
    left = np.zeros(n, dtype=bool)
    slices = _slices(seen.system, columns, singles)
    left[columns] = narrow(tables, slices, wanted[columns], stands_for[columns] > 1, turn)
    return left[stand_in]


def _slices(system: System, columns: Rows, singles: int) -> list[Slice]:
    """Parts of the table to move while the others are held: first what falls into many small blocks."""
    level = system.frame["level"].head(system.n_cells).to_numpy()[columns]
    lowest = np.isin(level, ("municipality", "ward"))
    low, everything = lowest | (level == "medical_area"), np.ones(len(columns), dtype=bool)
    depth = _depths(system)[columns]
    of_counts = [Slice(depth == each, TABLES_OF_COUNTS) for each in np.unique(depth)[::-1]]
    one_by_one = [Slice(low, 0, singles), Slice(everything, 0, singles)] if singles else []
    return [
        Slice(lowest, TABLES_LOWEST),
        *of_counts,
        Slice(low, TABLES_LOW),
        Slice(everything, TABLES_OF_ALL),
        *one_by_one,
    ]


def _depths(system: System) -> Rows:
    """For every cell how deep its count is nested: 0 in none, else one more than the deepest that it lies within."""
    count = system.frame["count_id"].head(system.n_cells).rank("dense").cast(pl.Int64).to_numpy() - 1
    sure = system.nesting.is_certain
    inner, outer = count[system.nesting.inner[sure]], count[system.nesting.outer[sure]]
    depth = np.zeros(int(count.max(initial=-1)) + 1, dtype=np.int64)
    for _ in LEVELS:  # nesting is a chain of a few counts
        np.maximum.at(depth, inner, depth[outer] + 1)
    return depth[count]
