"""Pushes hidden cells apart: tables that fit what is shown and in which cells differ by the width that they must keep.

From a table in the middle many cells are pushed at once, up or down, each no further than it needs, so that they leave
room for each other; who wins the room on a crowded line is drawn anew for every table. The pushing is done by the
alternating direction method of multipliers (Boyd et al. 2011, Foundations and Trends in Machine Learning 3): one step
restores the equations, the next the limits and the wishes. A table that still lies beyond a limit in the end is drawn
back towards the middle until it fits, block by block, so that whatever comes out fits; only how far it gets is not sure.

Where only few are left in the end, each is moved by itself along the line on which the ellipsoid around the middle (Dikin
1967, Soviet Mathematics Doklady 8) is longest for it: the whole of the ellipsoid fits, so at least its length is sure.
"""

from dataclasses import dataclass

import numpy as np

from pipelines.release.polytope import FITS, TOLERANCE, Polytope, Room
from pipelines.release.projection import RoughProjection
from pipelines.release.system import Mask, Rows, Values

# A column of thousands must move by a few persons like any other; were its scale a thousand, the few would be lost in the
# rounding. What has much room moves easily, but no more easily than this.
LARGEST_SCALE = 10.0
TABLES = 8  # at a time
STEPS, MORE_STEPS = 30, 60  # of each table, when a search begins and when it goes on
WORTH_A_CELL = 400  # columns moved once more to open one cell, when a search begins; twice as many whenever it goes on
FEW = 8  # columns that are pushed one by one
HARD, HARD_STEPS = 1.0, 100  # how what is left in the end is pushed
WORTH_HARD = 0.25  # of what is left: so many must open for another such table
LINES = 16  # columns of a block that are moved along their lines at a time
WORTH_LINES = 2_000_000  # columns moved along lines, all lines together
LEAST_MOVE = 1e-6  # of a column along its line; what moves less is taken to move so much
SPREAD = 1.5  # of the logarithm of the wishes
FORCE = 0.2  # of a wish, beside the way to the next limit
UPWARDS = 0.5  # of the wishes
BEYOND = 1.6  # times the width is asked, for what is drawn back in the end
RELAXED = 1.6  # over-relaxation of the method
SHORT_OF = 1 - 1e-9


@dataclass(frozen=True)
class Spans:
    """The lowest and highest value of each column over all tables found."""

    lowest: Values
    highest: Values

    def narrow(self, width: Values) -> Mask:
        return ~(self.highest - self.lowest >= width - TOLERANCE)  # what is no number proves nothing

    def of(self, columns: Rows) -> "Spans":
        return Spans(self.lowest[columns], self.highest[columns])

    def take(self, columns: Rows, tables: np.ndarray) -> None:
        """Widens the spans of `columns` by `tables` (columns x k)."""
        self.lowest[columns] = np.minimum(self.lowest[columns], tables.min(axis=1))
        self.highest[columns] = np.maximum(self.highest[columns], tables.max(axis=1))


def push_apart(
    polytope: Polytope, middle: Values, blocks: list[Rows], wanted: Mask, spans: Spans, turn: int, *, is_last: bool
) -> None:
    """Widens the spans of the `wanted` columns that lie in `blocks`, with all columns outside them held in the middle.

    blocks: groups of columns that share no equation when the others are held; a table is drawn back in each by itself.
    is_last: no larger blocks will be tried in this search, so that what is left is worth more.
    """
    columns = np.concatenate(blocks)
    pushing = _Pushing(polytope.held(columns, middle), middle[columns], [len(b) for b in blocks])
    own = spans.of(columns)
    rng = np.random.default_rng([turn, len(columns), int(columns[0])])
    pushing.rounds(own, wanted[columns], turn, rng, is_last=is_last)
    spans.lowest[columns], spans.highest[columns] = own.lowest, own.highest


class _Pushing:
    """What all tables of some blocks have in common."""

    def __init__(self, polytope: Polytope, middle: Values, sizes: list[int]) -> None:
        self.room = Room(polytope)
        self.middle, self.width = self.room.table(middle), polytope.width
        self.scale = np.minimum(self.room.scale(self.middle), LARGEST_SCALE)
        self.projection = RoughProjection(self.room.equations, self.scale)
        self.low = ((self.room.low - self.middle) / self.scale)[:, None].astype(np.float32)
        self.high = ((self.room.high - self.middle) / self.scale)[:, None].astype(np.float32)
        block = np.repeat(np.arange(len(sizes)), sizes)
        self.block = np.concatenate([block, block[polytope.inner]])
        self.n_blocks = len(sizes)

    def rounds(self, spans: Spans, wanted: Mask, turn: int, rng: np.random.Generator, *, is_last: bool) -> None:
        """Tables until nothing is narrow, or too little is opened by them: pushed lightly, in the end by lines and hard;
        the last few columns are pushed one by one."""
        narrow = np.flatnonzero(wanted & spans.narrow(self.width))
        while len(narrow) > FEW and len(narrow) * WORTH_A_CELL * 2.0**turn > len(self.width):
            before = len(narrow)
            narrow = self._pushed(spans, narrow, FORCE, MORE_STEPS if turn else STEPS, rng)
            if (before - len(narrow)) * WORTH_A_CELL * 2.0**turn < len(self.width):
                break
        if is_last and np.bincount(self.block[narrow], minlength=1).max() * len(self.width) < WORTH_LINES:
            narrow = self.along_lines(spans, narrow)
        while is_last and len(narrow) > FEW:
            before = len(narrow)
            narrow = self._pushed(spans, narrow, HARD, HARD_STEPS, rng)
            if before - len(narrow) < WORTH_HARD * before:
                break
        while 0 < len(narrow) <= FEW:
            some, narrow = narrow[: TABLES // 2], narrow[TABLES // 2 :]
            self._push(spans, some, HARD * np.kron(np.eye(len(some)), [1.0, -1.0]), HARD_STEPS)
            narrow = narrow[spans.narrow(self.width)[narrow]]

    def _pushed(self, spans: Spans, narrow: Rows, force: float, steps: int, rng: np.random.Generator) -> Rows:
        """Pushes all `narrow` columns by forces drawn around `force`, in TABLES tables; what stays narrow."""
        drawn = force * np.exp(SPREAD * rng.standard_normal((len(narrow), TABLES)))
        sign = np.where(rng.random(drawn.shape) < UPWARDS, 1.0, -1.0)
        self._push(spans, narrow, sign * drawn, steps)
        return narrow[spans.narrow(self.width)[narrow]]

    def along_lines(self, spans: Spans, narrow: Rows) -> Rows:
        """Moves every narrow column both ways along its line, some columns of every block at a time; what stays narrow."""
        waiting = narrow
        while len(waiting):
            nth = _nth_in_block(self.block[waiting])
            some, table = waiting[nth < LINES], nth[nth < LINES]
            change = np.zeros((len(self.middle), int(table.max()) + 1))
            change[some, table] = 1
            change = self.projection.exactly(change)
            length = np.zeros((self.n_blocks, change.shape[1]))
            moved = np.maximum(self.scale[some] * change[some, table], LEAST_MOVE)
            length[self.block[some], table] = BEYOND * self.width[some] / moved
            change = self.projection.exactly(length[self.block] * change)
            for way in (change, -change):
                spans.take(np.arange(len(self.width)), self._fitting(self._drawn_back(way))[: len(self.width)])
            waiting = waiting[(nth >= LINES) & spans.narrow(self.width)[waiting]]
        return narrow[spans.narrow(self.width)[narrow]]

    def _push(self, spans: Spans, narrow: Rows, wish: np.ndarray, steps: int) -> None:
        spans.take(np.arange(len(self.width)), self.tables(spans, narrow, wish, steps))

    def tables(self, spans: Spans, narrow: Rows, wish: np.ndarray, steps: int) -> np.ndarray:
        """Tables (columns x k) in which the `narrow` columns are pushed by `wish` (narrow x k), up (+) or down (-)."""
        goal, wish = self._goals(spans, narrow, wish).astype(np.float32), wish.astype(np.float32)
        least, most = np.minimum(wish, 0), np.maximum(wish, 0)
        table = np.zeros((len(self.middle), wish.shape[1]), np.float32)
        debt = np.zeros_like(table)
        for _ in range(steps):
            debt = table - debt
            moved = self.projection.of(debt)
            moved *= RELAXED
            moved += (2 - RELAXED) * table
            moved -= debt
            table = moved.copy()
            table[narrow] += np.clip(goal - table[narrow], least, most)
            np.clip(table, self.low, self.high, out=table)
            debt = moved
            debt -= table
        return self._fitting(self._drawn_back(self.projection.exactly(table)))[: len(self.width)]

    def _goals(self, spans: Spans, narrow: Rows, wish: np.ndarray) -> np.ndarray:
        asked = BEYOND * self.width[narrow]
        up = (spans.lowest[narrow] + asked - self.middle[narrow]) / self.scale[narrow]
        down = (spans.highest[narrow] - asked - self.middle[narrow]) / self.scale[narrow]
        return np.where(wish > 0, up[:, None], down[:, None])

    def _fitting(self, tables: np.ndarray) -> np.ndarray:
        """The tables whose sums hold, and the middle in the place of any other: a proof rests on nothing but these."""
        fits = np.abs(self.room.equations @ tables - self.room.right[:, None]).max(axis=0, initial=0) < FITS
        return np.where(fits, tables, self.middle[:, None])

    def _drawn_back(self, change: np.ndarray) -> np.ndarray:
        """The middle and so much of `change` as keeps every block within its limits."""
        change = self.scale[:, None] * change
        way = np.full((self.n_blocks, change.shape[1]), 1 / SHORT_OF)
        np.minimum.at(way, self.block, self.room.way(self.middle, change))
        return self.middle[:, None] + SHORT_OF * way[self.block] * change


def _nth_in_block(block: Rows) -> Rows:
    """The position of every entry among those of its block."""
    order = np.argsort(block, kind="stable")
    first = np.flatnonzero(np.diff(block[order], prepend=-1))
    nth = np.empty(len(block), dtype=np.int64)
    nth[order] = np.arange(len(block)) - np.repeat(first, np.diff(np.append(first, len(block))))
    return nth
