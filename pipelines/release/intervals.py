"""The third audit: how closely can a reader pin down each hidden cell?

The reader knows every equation and inequality and all shown values. A hidden cell is safe when two tables fit all of
it and differ in that cell by the required width. Most are found many at a time by pushing them apart from a table in
the middle; for the few that are left, two linear programs each. Holding part of the table still only ever shows less
room than there is, so parts of it are tried first that cost little.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import highspy
import numpy as np
import scipy.sparse as sp

from pipelines.release.apart import Spans, push_apart
from pipelines.release.errors import UnsafeError
from pipelines.release.polytope import Polytope, Room, middle
from pipelines.release.system import Mask, Rows, Values

AT_ONCE = 4_000  # columns of small blocks that are pushed together; more no longer fit the processor's own memory
SECONDS = 120.0  # per linear program; one that takes longer proves nothing


class NoTable(UnsafeError):
    """No table fits what is shown (or none was found within the limit): the release contradicts itself."""


@dataclass(frozen=True)
class Searched:
    """is_narrow: wanted columns for which no two tables were found; middle: a table away from the limits."""

    is_narrow: Mask
    middle: Values


def search(
    tables: Polytope,
    parts: Iterable[tuple[Mask, bool]],
    wanted: Mask,
    may_be_empty: Mask,
    start: Values,
    turn: int,
    singles: int,
) -> Searched:
    """Two tables as far apart as `width` for every `wanted` column, as far as they are found; raises NoTable.

    parts: columns to move while the others are held, in turn, and whether all that these need moves with them.
    may_be_empty: columns known to be zero in some table. start: what is known of a table that fits, NaN elsewhere. turn: other numbers draw other tables. singles: how
    many columns of each block to try one by one by linear programs, in the parts that are whole.
    """
    center = _middle(tables, start)
    spans = Spans(np.where(may_be_empty, np.minimum(center, 0.0), center), center.copy())
    for part, is_whole in parts:
        is_left = wanted & spans.narrow(tables.width)
        blocks = [b for b in tables.blocks(part) if is_left[b].any()] if (is_left & part).any() else []
        for some in _together(blocks):
            push_apart(tables, center, some, is_left, spans, turn, is_last=is_whole)
        if singles and is_whole:
            for block in blocks:
                _push_singly(tables.held(block, center), block, wanted, spans, singles)
    return Searched(wanted & spans.narrow(tables.width), center)


def _middle(tables: Polytope, start: Values) -> Values:
    """A table away from the limits: `start` where it is one."""
    room = Room(tables)
    if room.is_inside(room.table(start)):
        return start
    found = middle(room, start)
    if found is None:
        found = _Program(tables, "ipm").best(np.zeros(tables.n))
    if found is None:
        raise NoTable(
            "公表値どうしが矛盾しているか、制限内に解が見つかりません。",
            "the shown values contradict each other, or no table was found within the limit.",
        )
    return found[: tables.n]


def _together(blocks: list[Rows]) -> list[list[Rows]]:
    """Small blocks in groups of AT_ONCE columns, each larger one by itself."""
    groups: list[list[Rows]] = [[]]
    for block in sorted(blocks, key=len):
        if groups[-1] and sum(map(len, groups[-1])) + len(block) > AT_ONCE:
            groups.append([])
        groups[-1].append(block)
    return [group for group in groups if group]


def _push_singly(tables: Polytope, columns: Rows, wanted: Mask, spans: Spans, singles: int) -> None:
    """The largest and smallest value of the first `singles` columns that are narrow yet."""
    program = None
    for nth in np.flatnonzero(wanted[columns] & spans.of(columns).narrow(tables.width))[:singles]:
        program = program or _Program(tables, "simplex")
        for side in (1.0, -1.0):
            table = program.best(side * (np.arange(tables.n) == nth))
            if table is not None:
                spans.take(columns, table[:, None])


class _Program:
    """A polytope as a linear program of HiGHS."""

    def __init__(self, tables: Polytope, solver: str) -> None:
        n_pairs = len(tables.inner)
        nth = np.tile(np.arange(n_pairs), 2)
        pairs = sp.csr_array(
            (np.repeat([1.0, -1.0], n_pairs), (nth, np.concatenate([tables.inner, tables.outer]))),
            shape=(n_pairs, tables.n),
        )
        matrix = sp.vstack([tables.equations, pairs]).tocsc()
        model = highspy.HighsLp()
        model.num_row_, model.num_col_ = matrix.shape
        model.col_cost_ = np.zeros(tables.n)
        model.col_lower_, model.col_upper_ = tables.low, tables.high
        model.row_lower_ = np.concatenate([tables.right, np.full(n_pairs, -highspy.kHighsInf)])
        model.row_upper_ = np.concatenate([tables.right, np.zeros(n_pairs)])
        model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        model.a_matrix_.start_, model.a_matrix_.index_ = matrix.indptr, matrix.indices
        model.a_matrix_.value_ = matrix.data
        self.columns = np.arange(tables.n, dtype=np.int32)
        self.solver = highspy.Highs()
        settings: dict[str, bool | int | float | str] = {
            "output_flag": False, "threads": 1, "solver": solver, "run_crossover": "off",
        }  # fmt: skip
        for name, value in settings.items():
            self.solver.setOptionValue(name, value)
        self.solver.passModel(model)

    def best(self, goal: Values) -> Values | None:
        """The table with the largest `goal`; None when there is none or none was found."""
        self.solver.changeColsCost(len(goal), self.columns, -goal)
        self.solver.setOptionValue("time_limit", self.solver.getRunTime() + SECONDS)  # of all its programs together
        self.solver.run()
        if self.solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        return np.array(self.solver.getSolution().col_value)
