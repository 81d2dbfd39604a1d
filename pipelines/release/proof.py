"""What has been proven safe so far. Hiding more never takes a proof back: a reader who knows less can say less."""

from dataclasses import dataclass

import numpy as np

from pipelines.release.attack import told_to_outsiders, told_to_submitters
from pipelines.release.intervals import Slice, narrow
from pipelines.release.system import Mask, Rows
from pipelines.release.view import View, polytope, stand_ins

# Tables to look for in each part, smallest first: municipalities with the rest held, with the medical areas, all.
TABLES = (4, 4, 20)
SINGLES = 60


@dataclass(frozen=True)
class Proof:
    """is_wide: cells whose interval was found wide enough (once, for good)."""

    is_wide: Mask
    turn: int = 0

    def continued(self, seen: View, singles: int = 0) -> "Proof":
        """Looks for two tables for every target that has none yet. Raises NoTable."""
        return Proof(self.is_wide | ~_narrow(seen, self.is_wide, self.turn, singles), self.turn + 1)

    def is_open(self, seen: View) -> Mask:
        """Targets not proven wide."""
        return seen.is_target & (seen.width > 0) & ~self.is_wide


def exactly_told(seen: View) -> Rows:
    """Targets that an outsider, or a submitter of another municipality, can work out exactly."""
    told = told_to_outsiders(seen)
    if not len(told):
        told = told_to_submitters(seen)
    return told[seen.is_target[told]]


def _narrow(seen: View, is_wide: Mask, turn: int, singles: int) -> Mask:
    """Unknown cells that are still not proven wide."""
    stand_in, n = stand_ins(seen), seen.system.n_cells
    stands_for = np.bincount(stand_in, minlength=n)
    columns, tables = polytope(seen, stand_in == np.arange(n))
    wanted = np.zeros(n, dtype=bool)
    wanted[stand_in[seen.is_target & (seen.width > 0) & ~is_wide]] = True
    level = seen.system.frame["level"].head(n).to_numpy()[columns]
    lowest = np.isin(level, ("municipality", "ward"))
    low = lowest | (level == "medical_area")
    frees = (lowest, low, np.ones(len(columns), dtype=bool))
    slices = [Slice(free, tables_) for free, tables_ in zip(frees, TABLES, strict=True)]
    if singles:
        slices += [Slice(frees[1], 0, singles), Slice(frees[2], 0, singles)]
    left = np.zeros(n, dtype=bool)
    left[columns] = narrow(tables, slices, wanted[columns], stands_for[columns] > 1, turn)
    return left[stand_in]
