"""All tables that fit what is shown, as equations and limits, and one of them that stands away from every limit."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from pipelines.release.projection import Projection
from pipelines.release.system import Mask, Rows, Values

CEILING = 1e7  # no count of the nation is larger
TOLERANCE = 1e-4  # what a table may err, far below one person
GIVE = TOLERANCE / 10  # so much every limit gives way, or a column that can take one value only would have no middle
START = 5.0  # above its lower limit stands a column of which nothing is known
PULL = 1e-3  # towards the lower limits, without which columns that nothing bounds would grow for ever
NEARLY = 0.9  # of the way to the first limit
STEPS = 80
LEAST = 1.0  # between a first table and its limits, where there is so much
FITS = TOLERANCE / 10  # what the sums of a table may err
DIGITS = 1e-9
NEAR = 1e-3  # a limit: a column that a first table has there is taken away from it


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

    def held(self, columns: Rows, still: Values) -> "Polytope":
        """The tables of `columns` alone, when all others keep their value in `still`, which fits."""
        at = np.full(self.n, -1)
        at[columns] = np.arange(len(columns))
        part = self.equations[:, columns].tocsr()
        part = part[np.diff(part.indptr) > 0]
        low, high = self.low[columns].copy(), self.high[columns].copy()
        inner, outer = at[self.inner], at[self.outer]
        capped, lifted = (inner >= 0) & (outer < 0), (inner < 0) & (outer >= 0)
        np.minimum.at(high, inner[capped], still[self.outer[capped]])
        np.maximum.at(low, outer[lifted], still[self.inner[lifted]])
        both = (inner >= 0) & (outer >= 0)
        right = part @ still[columns]
        return Polytope(part.tocsc(), right, low, high, inner[both], outer[both], self.width[columns])

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


class Room:
    """A polytope as equations and limits alone: behind its columns stands the room of every pair, outer less inner."""

    def __init__(self, polytope: Polytope) -> None:
        n_pairs, n = len(polytope.inner), polytope.n
        nth = np.arange(n_pairs)
        ends = np.concatenate([polytope.inner, polytope.outer, n + nth])
        pairs = sp.csr_array(
            (np.repeat([1.0, -1.0, 1.0], n_pairs), (np.tile(nth, 3), ends)), shape=(n_pairs, n + n_pairs)
        )
        cells = sp.hstack([polytope.equations, sp.csr_array((polytope.equations.shape[0], n_pairs))])
        self.polytope = polytope
        self.equations = sp.vstack([cells, pairs]).tocsr()
        self.right = np.concatenate([polytope.right, np.zeros(n_pairs)])
        self.low = np.concatenate([polytope.low, np.zeros(n_pairs)]) - GIVE
        high = np.where(polytope.high < CEILING, polytope.high, np.inf)
        self.high = np.concatenate([high, np.full(n_pairs, np.inf)]) + GIVE

    def table(self, columns: Values) -> Values:
        """A table of the columns, with the room of every pair."""
        return np.concatenate([columns, columns[self.polytope.outer] - columns[self.polytope.inner]])

    def is_inside(self, table: Values) -> bool:
        """Whether a table keeps all equations and stands inside all limits: on none of them, as true values may."""
        if np.isnan(table).any() or np.abs(self.right - self.equations @ table).max(initial=0) > FITS:
            return False
        down, up = table - self.low, self.high - table
        return bool((np.minimum(down, up) > 0).all() and (np.abs(np.minimum(down, up) - GIVE) > DIGITS).all())

    def scale(self, table: Values) -> Values:
        """How far every column of a table inside may move, by and large: what its nearer limit leaves."""
        return 1 / np.sqrt(1 / (table - self.low) ** 2 + 1 / (self.high - table) ** 2)

    def way(self, table: Values, change: np.ndarray) -> np.ndarray:
        """How many times each column may take its `change` (n, or n x k) before it meets a limit."""
        wide = change.ndim == 2
        down, up = self.low - table, self.high - table
        with np.errstate(divide="ignore", invalid="ignore"):
            limit = np.where(change < 0, down[:, None] if wide else down, up[:, None] if wide else up)
            return np.where(change == 0, np.inf, limit / change)


def middle(room: Room, start: Values) -> Values | None:
    """A table away from the limits, by Newton's method on their logarithms (an interior-point method without a goal).

    start: a value of each column, NaN where nothing is known. None where no table was found: there may be none.
    """
    table, order = _begun(room, start), None
    for _ in range(STEPS):
        gap = room.right - room.equations @ table
        scale = room.scale(table)
        uphill = scale * (1 / (table - room.low) - 1 / (room.high - table) - PULL)
        projection = Projection(room.equations, scale, order)
        order = projection.order
        change = scale * (projection.exactly(uphill) + projection.closing(gap))
        step = min(1.0, NEARLY * float(room.way(table, change).min(initial=np.inf)))
        table = table + step * change
        if not ((room.low < table) & (table < room.high)).all():
            return None  # drawn to a limit until no number lies between: nothing fits inside
        if step == 1 and np.abs(room.right - room.equations @ table).max(initial=0) < FITS:
            return table
    return None


def _begun(room: Room, start: Values) -> Values:
    """A first table, within the limits but not yet fitting."""
    table = room.table(start)
    table = np.where(np.isnan(table), room.low + START, table)
    away = np.maximum(table, room.low + LEAST)
    away = np.where(away < room.high - LEAST, away, np.maximum((room.low + room.high) / 2, room.high - LEAST))
    is_inside = (room.low + NEAR < table) & (table < room.high - NEAR)
    return np.where(is_inside, table, away)
