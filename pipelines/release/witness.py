"""Finds the tables of a certificate: whole tables that fit everything a release shows and differ where it hides.

Linear programs push the hidden cells apart, many at a time and each no further than it needs, until every one has two
tables that differ in it by what the policy asks. A corner of all tables that fit is a fraction of small numbers, so
tables are kept as whole multiples of 1/UNIT and hold exactly; a corner that is none is thrown away.

Works from the published file alone, and alike every time: it can tell nobody anything.
"""

from dataclasses import dataclass
from math import gcd

import highspy
import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from pipelines.release.constraints import CEILING, Constraints, Numbers, Rows

UNIT = 5040  # has every denominator up to 10
SPREAD = 3.0  # of the logarithm of the weights: who wins the room on a crowded line
PATIENCE = 4  # tables that open nothing, one after the other, before cells are tried one by one
SECONDS = 300.0  # per linear program
SLACK = 1e-6


@dataclass(frozen=True)
class Witness:
    """tables: one row per unknown cell, one column per table, in units of 1/unit. Whole numbers."""

    unit: int
    tables: np.ndarray


def find_witness(constraints: Constraints) -> Witness:
    """Tables for all unknown cells. A cell that none could be found for has too narrow a span in them."""
    found = [_of_block(constraints, columns) for columns in _blocks(constraints)]
    n_tables = max((len(tables) for _, tables in found), default=0)
    whole = np.zeros((len(constraints.columns), n_tables), dtype=np.int64)
    for columns, tables in found:
        filled = [*tables, *tables[-1:] * (n_tables - len(tables))]
        whole[columns] = np.array(filled, dtype=np.int64).reshape(-1, len(columns)).T
    step = gcd(UNIT, int(np.gcd.reduce(whole, axis=None))) if whole.size else UNIT
    return Witness(UNIT // step, whole // step)


def nested(constraints: Constraints) -> tuple[Rows, Rows, Numbers, Numbers]:
    """Nested pairs of unknown cells, and the lowest and highest value that pairs with a known cell leave (columns)."""
    columns, value = constraints.columns, constraints.value
    at = np.full(len(value), -1)
    at[columns] = np.arange(len(columns))
    inside, outside = at[constraints.inside], at[constraints.outside]
    low, high = np.zeros(len(columns)), np.full(len(columns), CEILING)
    capped = (inside >= 0) & (outside < 0)
    np.minimum.at(high, inside[capped], value[constraints.outside[capped]])
    lifted = (inside < 0) & (outside >= 0)
    np.maximum.at(low, outside[lifted], value[constraints.inside[lifted]])
    both = (inside >= 0) & (outside >= 0)
    return inside[both], outside[both], low, high


def _blocks(constraints: Constraints) -> list[Rows]:
    """Unknown cells in groups that share no equation and no pair."""
    if not len(constraints.columns):
        return []
    equations, _ = constraints.unknown
    inside, outside, _, _ = nested(constraints)
    n = equations.shape[1]
    ties = abs(equations).T @ abs(equations) + sp.csr_array((np.ones(len(inside)), (inside, outside)), shape=(n, n))
    _, label = connected_components(ties, directed=False)
    order = np.argsort(label, kind="stable")
    return list(np.split(order, np.flatnonzero(np.diff(label[order])) + 1))


def _of_block(constraints: Constraints, columns: Rows) -> tuple[Rows, list[np.ndarray]]:
    """Exact tables of one block, until every cell is wide or nothing more is found."""
    block = _Block(constraints, columns)
    rng = np.random.default_rng([int(columns[0]), len(columns)])
    idle = 0
    while (not block.tables or block.narrow.any()) and idle < PATIENCE:
        before = int(block.narrow.sum())
        sign = rng.choice([-1.0, 1.0], len(columns)) if block.tables else -np.ones(len(columns))
        block.push(sign * np.exp(SPREAD * rng.standard_normal(len(columns))))
        idle = idle + 1 if int(block.narrow.sum()) == before else 0
    for column in np.flatnonzero(block.narrow):
        for side in (1.0, -1.0):
            if block.narrow[column]:
                block.push(side * (np.arange(len(columns)) == column))
    return columns, block.tables


class _Block:
    """One block as a linear program, and the tables found in it."""

    def __init__(self, constraints: Constraints, columns: Rows) -> None:
        equations, right = constraints.unknown
        part = equations.tocsc()[:, columns].tocsr()
        used = np.flatnonzero(np.diff(part.indptr))
        self.equations, self.right = part[used], right[used]
        at = np.full(equations.shape[1], -1)
        at[columns] = np.arange(len(columns))
        inside, outside, low, high = nested(constraints)
        here = at[inside] >= 0
        self.inside, self.outside = at[inside[here]], at[outside[here]]
        self.low, self.high = low[columns], high[columns]
        self.width = constraints.required[columns]
        self.lowest, self.highest = np.full(len(columns), np.inf), np.full(len(columns), -np.inf)
        self.tables: list[np.ndarray] = []
        self.solver = self._program()

    @property
    def narrow(self) -> np.ndarray:
        return (self.width > 0) & ~(self.highest - self.lowest >= self.width - SLACK)

    def push(self, direction: Numbers) -> None:
        """One more table: narrow cells up (+) or down (-), each no further than it needs."""
        goal = np.where(self.narrow, direction, 0.0) / np.maximum(self.width, 1)
        low, high = self.low, self.high
        if self.tables:
            low = np.maximum(low, np.where(goal < 0, self.highest - self.width, -np.inf))
            high = np.minimum(high, np.where(goal > 0, self.lowest + self.width, np.inf))
        table = self._corner(goal, low, np.maximum(low, high))
        if table is not None:
            self.tables.append(table)
            np.minimum(self.lowest, table / UNIT, out=self.lowest)
            np.maximum(self.highest, table / UNIT, out=self.highest)

    def _corner(self, goal: Numbers, low: Numbers, high: Numbers) -> np.ndarray | None:
        """The table with the largest goal, exactly; None where there is none or it is no multiple of 1/UNIT."""
        every = np.arange(len(goal), dtype=np.int32)
        self.solver.changeColsBounds(len(goal), every, low, high)
        self.solver.changeColsCost(len(goal), every, -goal)
        self.solver.run()
        if self.solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        table = np.rint(np.array(self.solver.getSolution().col_value) * UNIT).astype(np.int64)
        fits = (
            (self.equations @ table == self.right * UNIT).all()
            and (table[self.inside] <= table[self.outside]).all()
            and (self.low * UNIT <= table).all() and (table <= self.high * UNIT).all()
        )  # fmt: skip
        return table if fits else None

    def _program(self) -> highspy.Highs:
        n_pairs, n = len(self.inside), len(self.width)
        nth = np.tile(np.arange(n_pairs), 2)
        pairs = sp.csr_array(
            (np.repeat([1.0, -1.0], n_pairs), (nth, np.concatenate([self.inside, self.outside]))), shape=(n_pairs, n)
        )
        matrix = sp.vstack([self.equations.astype(float), pairs]).tocsc()
        model = highspy.HighsLp()
        model.num_row_, model.num_col_ = matrix.shape
        model.col_cost_ = np.zeros(n)
        model.col_lower_, model.col_upper_ = self.low, self.high
        model.row_lower_ = np.concatenate([self.right, np.full(n_pairs, -highspy.kHighsInf)])
        model.row_upper_ = np.concatenate([self.right, np.zeros(n_pairs)])
        model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        model.a_matrix_.start_, model.a_matrix_.index_ = matrix.indptr, matrix.indices
        model.a_matrix_.value_ = matrix.data
        solver = highspy.Highs()
        settings: dict[str, bool | int | float | str] = {
            "output_flag": False, "threads": 1, "solver": "simplex", "time_limit": SECONDS,
        }  # fmt: skip
        for name, value in settings.items():
            solver.setOptionValue(name, value)
        solver.passModel(model)
        return solver
