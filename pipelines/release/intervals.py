"""The third audit: how closely can a reader pin down each hidden cell with linear programming?

The reader knows every equation and inequality and all shown values. A hidden cell is safe when two tables fit all of
it and differ in that cell by the required width. Most are found a few dozen at a time: from a table in the middle, one
linear program pushes many cells apart, by no more than they need, so that they leave room for each other. Holding part
of the table still only ever shows less room than there is; so small slices come first, the whole only for what is left.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import highspy
import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from pipelines.release.errors import UnsafeError
from pipelines.release.system import Mask, Rows, Values

THREADS = 2
CEILING = 1e7  # no count of the nation is larger
TOLERANCE = 1e-4  # what a solver may err, far below one person
SPREAD = 3.0  # of the logarithm of the weights: who wins the room on a crowded line
PATIENCE = 2  # tables that open nothing, one after the other, before a block is given up
SECONDS = 120.0  # per linear program; one that takes longer proves nothing


class NoTable(UnsafeError):
    """No table fits what is shown (or none was found within the limit): the release contradicts itself."""


@dataclass(frozen=True)
class Polytope:
    """All tables that fit what is shown; one column per unknown cell.

    equations x = right; low <= x <= high; x[inner] <= x[outer]; width: what each column must keep open.
    """

    equations: sp.csc_array
    right: Values
    low: Values
    high: Values
    inner: Rows
    outer: Rows
    width: Values

    @property
    def n(self) -> int:
        return len(self.low)

    def blocks(self, free: Mask) -> list[Rows]:
        """Columns marked `free`, in groups that share no equation nor inequality when the others are held still."""
        columns = np.flatnonzero(free)
        if not len(columns):
            return []
        part = self.equations[:, columns]
        links = abs(part).T @ abs(part)
        at = np.full(self.n, -1)
        at[columns] = np.arange(len(columns))
        both = (at[self.inner] >= 0) & (at[self.outer] >= 0)
        ends = (at[self.inner[both]], at[self.outer[both]])
        links = links + sp.csr_array((np.ones(int(both.sum())), ends), shape=links.shape)
        _, label = connected_components(links, directed=False)
        order = np.argsort(label, kind="stable")
        return list(np.split(columns[order], np.flatnonzero(np.diff(label[order])) + 1))


@dataclass(frozen=True)
class Slice:
    """The columns that may move while the others are held, how many tables to look for, and how many columns, if any
    are left, to try one by one."""

    free: Mask
    tables: int
    singles: int = 0


@dataclass(frozen=True)
class Found:
    """A table in the middle, and the lowest and highest value of each column over all tables found. A table of some
    columns, with the others held in the middle, is a table of all: what one slice found counts in the next."""

    middle: Values
    lowest: Values
    highest: Values


def narrow(polytope: Polytope, slices: Sequence[Slice], left: Mask, may_be_empty: Mask, turn: int = 0) -> Mask:
    """Columns of `left` for which no two tables as far apart as `width` were found; raises NoTable.

    slices: smallest first. may_be_empty: columns known to be zero in some table. turn: the first (0) asks of every
    block whether a table fits at all, later ones of those only in which something is left.
    """
    blocks = polytope.blocks(np.ones(polytope.n, dtype=bool))
    middle = _middle(polytope, [b for b in blocks if turn == 0 or left[b].any()])
    found = Found(middle, np.where(may_be_empty, 0.0, middle), middle.copy())
    left = left.copy()
    for nth, part in enumerate(slices):
        wanted = left & part.free
        blocks = [b for b in polytope.blocks(part.free) if wanted[b].any()] if wanted.any() else []
        with ThreadPoolExecutor(THREADS) as pool:
            opened = partial(_opened, polytope, found, wanted, part, [turn, nth])
            for columns, is_open in zip(blocks, pool.map(opened, blocks), strict=True):
                left[columns[is_open]] = False
    return left


def _middle(polytope: Polytope, blocks: list[Rows]) -> Values:
    """A table that fits, away from the limits: what an interior-point method finds without a goal."""
    middle = np.zeros(polytope.n)

    def found(columns: Rows) -> Values:
        tries = (_Model(polytope, columns, None, solver).best(np.zeros(len(columns))) for solver in ("ipm", "simplex"))
        table = next((found for found in tries if found is not None), None)
        if table is None:
            raise NoTable(
                "公表値どうしが矛盾しているか、制限内に解が見つかりません。",
                "the shown values contradict each other, or no table was found within the limit.",
            )
        return table

    with ThreadPoolExecutor(THREADS) as pool:
        for columns, table in zip(blocks, pool.map(found, blocks), strict=True):
            middle[columns] = table
    return middle


def _opened(polytope: Polytope, found: Found, wanted: Mask, part: Slice, start: list[int], columns: Rows) -> Mask:
    """Which of the wanted `columns` were pushed apart as far as they need."""
    rng = np.random.default_rng([*start, int(columns[0]), len(columns)])
    model = _Model(polytope, columns, found.middle, "simplex")
    apart = _Apart(model, found.lowest[columns], found.highest[columns], polytope.width[columns], wanted[columns])
    idle = 0
    for nth in range(part.tables):
        before = int(apart.narrow.sum())
        if not before or idle == PATIENCE:
            break
        is_low = apart.lowest <= model.low + TOLERANCE
        sign = np.where(is_low, 1.0, rng.choice([-1.0, 1.0], len(columns))) if nth else -np.ones(len(columns))
        apart.push(sign * np.exp(SPREAD * rng.standard_normal(len(columns))))
        idle = idle + 1 if nth and int(apart.narrow.sum()) == before else 0
    for column in np.flatnonzero(apart.narrow)[: part.singles]:
        for side in (1.0, -1.0):
            if apart.narrow[column]:
                apart.push(side * (np.arange(len(columns)) == column))
    found.lowest[columns], found.highest[columns] = apart.lowest, apart.highest
    return wanted[columns] & ~apart.narrow


class _Apart:
    """The lowest and highest value each column took in the tables found so far."""

    def __init__(self, model: "_Model", lowest: Values, highest: Values, width: Values, targets: Mask) -> None:
        self.model, self.width, self.targets = model, width, targets
        self.lowest, self.highest = lowest, highest

    @property
    def narrow(self) -> Mask:
        return self.targets & (self.highest - self.lowest < self.width - TOLERANCE)

    def push(self, direction: Values) -> None:
        """One table: narrow columns up (+) or down (-), each no further than it needs."""
        goal = np.where(self.narrow, direction, 0.0)
        low = np.where(goal < 0, self.highest - self.width, -np.inf)
        high = np.where(goal > 0, self.lowest + self.width, np.inf)
        table = self.model.best(goal / np.maximum(self.width, 1), low, high)
        if table is not None:
            np.minimum(self.lowest, table, out=self.lowest)
            np.maximum(self.highest, table, out=self.highest)


class _Model:
    """A HiGHS model of some columns of the polytope, the others held at `still` (None: there are no others)."""

    def __init__(self, polytope: Polytope, columns: Rows, still: Values | None, solver: str) -> None:
        at = np.full(polytope.n, -1)
        at[columns] = np.arange(len(columns))
        part = polytope.equations[:, columns].tocsr()
        used = np.flatnonzero(np.diff(part.indptr))
        part = part[used]
        right = part @ still[columns] if still is not None else polytope.right[used]
        self.low, self.high = polytope.low[columns].copy(), polytope.high[columns].copy()
        inner, outer = at[polytope.inner], at[polytope.outer]
        both = (inner >= 0) & (outer >= 0)
        if still is not None:
            one = (inner >= 0) & ~both
            np.minimum.at(self.high, inner[one], still[polytope.outer[one]])
            other = (outer >= 0) & ~both
            np.maximum.at(self.low, outer[other], still[polytope.inner[other]])
        n_both = int(both.sum())
        nth = np.arange(n_both)
        nested = sp.csr_array(
            (np.repeat([1.0, -1.0], n_both), (np.tile(nth, 2), np.concatenate([inner[both], outer[both]]))),
            shape=(n_both, len(columns)),
        )
        matrix = sp.vstack([part, nested]).tocsc()
        self.solver = self._passed(matrix, right, n_both, solver)
        self.all = np.arange(len(columns), dtype=np.int32)

    def _passed(self, matrix: sp.csc_array, right: Values, n_nested: int, solver: str) -> highspy.Highs:
        model = highspy.HighsLp()
        model.num_row_, model.num_col_ = matrix.shape
        model.col_cost_ = np.zeros(matrix.shape[1])
        model.col_lower_, model.col_upper_ = self.low, self.high
        model.row_lower_ = np.concatenate([right, np.full(n_nested, -highspy.kHighsInf)])
        model.row_upper_ = np.concatenate([right, np.zeros(n_nested)])
        model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        model.a_matrix_.start_, model.a_matrix_.index_ = matrix.indptr, matrix.indices
        model.a_matrix_.value_ = matrix.data
        highs = highspy.Highs()
        settings: dict[str, bool | int | float | str] = {
            "output_flag": False,
            "threads": 1,
            "solver": solver,
            "run_crossover": "off",
            "time_limit": SECONDS,
        }
        for name, value in settings.items():
            highs.setOptionValue(name, value)
        highs.passModel(model)
        return highs

    def best(self, goal: Values, low: Values | None = None, high: Values | None = None) -> Values | None:
        """The table with the largest `goal`, within extra limits; None when there is none or none was found."""
        if low is not None and high is not None:
            lower, upper = np.maximum(self.low, low), np.minimum(self.high, high)
            self.solver.changeColsBounds(len(goal), self.all, lower, np.maximum(lower, upper))
        self.solver.changeColsCost(len(goal), self.all, -goal)
        self.solver.run()
        if self.solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        return np.array(self.solver.getSolution().col_value)
