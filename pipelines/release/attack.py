"""The first two audits: which hidden cells follow exactly from what is shown, by equations alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import polars as pl
import scipy.sparse as sp

from pipelines.declaration import LEVELS
from pipelines.release.errors import UnsafeError
from pipelines.release.fallback import BELOW_PREFECTURE
from pipelines.release.swaps import below_prefecture, free_of_submitters
from pipelines.release.system import LOWEST, SENDER, LineKind, Mask, Rows, Values, blocks_of
from pipelines.release.view import View

PRECISIONS = (1e-9, 1e-13)  # of two projections; determined components end near 1e-12, free ones above 1e-3
ZERO = 1e-6
SEEDS = (1, 2)
MAX_STEPS = 5_000


class Undecided(UnsafeError):
    """The projection did not settle: the audit cannot say that the cells are safe."""


def peel(equations: sp.csr_array) -> Mask:
    """Unknowns that fall one after the other: an equation with one unknown tells it, and so on."""
    left = np.ones(equations.shape[1], dtype=bool)
    where = (equations != 0).astype(np.int64)
    while True:
        single = where @ left.astype(np.int64) == 1
        told = left & (where[single].T @ np.ones(int(single.sum()), dtype=np.int64) > 0)
        if not told.any():
            return ~left
        left &= ~told


def determined(equations: sp.csr_array, seeds: Sequence[int] = SEEDS) -> Mask:
    """Unknowns that the equations fix together: a random change that breaks no equation leaves them as they are."""
    fixed = np.ones(equations.shape[1], dtype=bool)
    for seed in seeds:
        if fixed.any():
            fixed &= np.abs(_free_change(equations, seed)) < ZERO
    return fixed


def _free_change(equations: sp.csr_array, seed: int) -> Values:
    """A random vector projected on the null space of the equations; twice, for the last digits."""
    change = np.random.default_rng(seed).standard_normal(equations.shape[1])
    if not equations.nnz:
        return change
    size = np.sqrt(np.asarray(abs(equations).sum(axis=1)).ravel())
    rows = (sp.diags_array(1 / np.maximum(size, 1)) @ equations).tocsr()
    back = rows.T.tocsr()
    size_at_first = float(np.sqrt(np.sum(change * change)))
    for precision in PRECISIONS:
        change = change - back @ _conjugate_gradients(rows, back, rows @ change, precision * size_at_first)
    if np.abs(rows @ change).max() > ZERO / 1000:
        raise Undecided(
            "方程式の検査が制限内に終わりませんでした。公表せず、報告してください。",
            "the test of the equations did not end within its limit; do not publish, and report this.",
        )
    return change


def _conjugate_gradients(rows: sp.csr_array, back: sp.csr_array, right: Values, enough: float) -> Values:
    """Solves (rows rows') x = right. Sums by numpy, not BLAS, whose threads stall on short vectors."""
    x, residual, step = np.zeros(len(right)), right, right
    size = float(np.sum(right * right))
    for _ in range(MAX_STEPS):
        if size <= enough**2:
            break
        image = rows @ (back @ step)
        length = size / float(np.sum(step * image))
        x, residual = x + length * step, residual - length * image
        size, before = float(np.sum(residual * residual)), size
        step = residual + (size / before) * step
    return x


def told_to_outsiders(seen: View) -> Rows:
    """Hidden cells that follow exactly from what is shown."""
    equations = seen.unknown_equations()
    return seen.columns()[peel(equations) | determined(equations)]


def told_to_submitters(seen: View, is_suspect: Mask, largest_block: int | None = None) -> Rows:
    """Suspects that some municipality can work out exactly from all of its own cells and what is shown.

    What a change that can be written down frees is no suspect. Then small parts first: what can change while everything
    outside a part stands still can change. Last whole blocks. What is left in a block of more columns than
    `largest_block` counts as told without being tried one by one: a suppression may hide more than it must, an audit may
    not say what is not so.
    """
    columns = seen.columns()
    left = (is_suspect & ~free_of_submitters(seen, is_suspect))[columns]
    if not left.any():
        return columns[left]
    known = _Known.of(seen)
    level = seen.system.frame["level"].gather(columns)
    for levels, prefecture in product((LOWEST, (*LOWEST, "medical_area")), np.unique(known.prefecture[left])):
        part = level.is_in(levels).to_numpy()
        here = known.prefecture == prefecture
        near = np.flatnonzero(here & np.isin(known.count, known.count[left & part & here]))
        left[near] = _left_in(known.of_columns(near), part[near], left[near], largest_block, part[near])
    everything, is_above = np.ones(len(columns), dtype=bool), ~level.is_in(BELOW_PREFECTURE).to_numpy()
    return columns[_left_in(known, everything, left, largest_block, is_above, is_last=True)]


def _left_in(
    known: "_Known", part: Mask, left: Mask, largest_block: int | None, is_worth: Mask, *, is_last: bool = False
) -> Mask:
    """What of `left` is not freed by changes within `part`. is_worth: columns for which blocks larger than `largest_block`
    are tried by halves."""
    if not (left & part).any():
        return left
    block = blocks_of(known.equations @ sp.diags_array(part.astype(float)))
    is_small = np.bincount(block)[block] <= (largest_block or len(block))
    where = part & _in_blocks(block, left & part & (is_small | is_worth))
    left = left & ~_free_by_halves(known, where)
    where &= is_small & _in_blocks(block, left & part)
    return left & (~where | _told_in(known, block, where, is_last=is_last))


@dataclass(frozen=True)
class _Known:
    """The unknowns as submitters see them. sender, above: of every column the municipality that sends it (a ward's
    city) and the area above that; -1 where the column is of no lowest area. owner: the one submitter that knows the
    column, as `_owner` says. sums, parts: the columns that are sums of areas, and a row for each with a 1 at its parts.
    count, prefecture: their numbers of every column; below prefectures no equation ties two prefectures, and two counts
    only where they are the same number."""

    equations: sp.csc_array
    sender: Rows
    above: Rows
    owner: Rows
    sums: Rows
    parts: sp.csr_array
    count: Rows
    prefecture: Rows

    @staticmethod
    def of(seen: View) -> "_Known":
        columns, lines, n = seen.columns(), seen.lines, seen.system.n_cells
        frame = seen.system.frame.select("area_code", "parent_code", "level", sender=SENDER)
        above = frame.select(sender="area_code", above="parent_code").unique()
        towns = frame[columns].join(above, on="sender", how="left", maintain_order="left").select(
            *(pl.when(pl.col("level").is_in(LOWEST)).then(pl.col(c).rank("dense")) for c in ("sender", "above"))
        )  # fmt: skip
        sender, parent = (towns[c].fill_null(-1).cast(pl.Int64).to_numpy() for c in towns.columns)
        sums = lines.cells[lines.start[:-1]]
        is_one = np.isin(sums, columns) & (lines.kind == LineKind.AREA)
        parts = lines.picked(is_one).equations(n).tocsc()[:, columns].maximum(0).tocsr()
        place = pl.DataFrame(
            {"count": seen.system.frame["count_id"].gather(columns), "prefecture": below_prefecture(seen)[columns]}
        )
        count, prefecture = place.select(pl.all().rank("dense").fill_null(0).cast(pl.Int64)).to_numpy().T
        at = np.searchsorted(columns, sums[is_one])
        return _Known(
            seen.unknown_equations().tocsc(), sender, parent, _owner(sender, at, parts), at, parts, count, prefecture
        )

    def of_columns(self, some: Rows) -> "_Known":
        """What they know of `some` columns (in order), with the sums among them."""
        at = np.full(len(self.sender), -1)
        at[some] = np.arange(len(some))
        equations = self.equations[:, some].tocsr()
        is_here = at[self.sums] >= 0
        return _Known(
            equations[np.diff(equations.indptr) > 0].tocsc(), self.sender[some], self.above[some], self.owner[some],
            at[self.sums[is_here]], self.parts[is_here].tocsc()[:, some].tocsr(), self.count[some], self.prefecture[some],
        )  # fmt: skip

    def by(self, submitters: Rows) -> Mask:
        """What `submitters` know: their own cells, and sums of areas whose only unknown parts are these; those tell
        nothing about another."""
        is_other = ~np.isin(self.sender, submitters)
        while True:
            new = self.sums[(self.parts @ is_other.astype(float) == 0) & is_other[self.sums]]
            if not len(new):
                return ~is_other
            is_other[new] = False


def _owner(sender: Rows, sums: Rows, parts: sp.csr_array) -> Rows:
    """The sender of every column, or of a sum that nobody sends the one owner of all its parts (-1: several, or nobody)."""
    owner, has_parts = sender.copy(), np.diff(parts.indptr) > 0
    start, sums = parts.indptr[:-1][has_parts], sums[has_parts]
    for _ in LEVELS if len(sums) else ():  # sums lie in sums, in no more than there are levels
        least, most = (f.reduceat(owner[parts.indices], start) for f in (np.minimum, np.maximum))
        is_own = (least == most) & (sender[sums] < 0)  # what somebody sends stays its own, of whatever it is the sum
        owner[sums[is_own]] = least[is_own]
    return owner


def _in_blocks(block: Rows, some: Mask) -> Mask:
    """All columns of the blocks in which `some` lie."""
    is_one = np.zeros(int(block.max(initial=-1)) + 1, dtype=bool)
    is_one[block[some]] = True
    return is_one[block]


def _free_by_halves(known: _Known, where: Mask) -> Mask:
    """Columns of `where` that no other submitter can work out, as far as changes within one half of them show.

    Submitters are numbered, and every binary digit of the number halves them. What can change within its own half for
    every digit is safe from each other submitter, because some digit tells the two apart; a sum of areas, if not all its
    unknown parts are one submitter's, is safe where it can change within either half of one digit.
    """
    _, number = np.unique(known.owner[where], return_inverse=True)  # in the order of areas: neighbours part at once
    is_sum = known.owner[where] < 0
    free, free_sums = ~is_sum, np.zeros_like(is_sum)
    columns = np.flatnonzero(where)
    for digit in range(max(1, int(number.max(initial=0)).bit_length())):
        own = (number >> digit) & 1
        moves = np.zeros((2, len(columns)), dtype=bool)
        for half in (0, 1):
            some = np.zeros_like(where)
            some[columns[is_sum | (own == half)]] = True
            moves[half] = some[columns] & ~np.isin(columns, _determined(known.equations, some, SEEDS[:1]))
        free &= np.where(own == 0, *moves)
        free_sums |= is_sum & moves.all(axis=0)
    found = np.zeros_like(where)
    found[columns] = free | free_sums
    return found


def _told_in(known: _Known, block: Rows, where: Mask, *, is_last: bool) -> Mask:
    """Columns of `where`, some blocks, that somebody could work out if everything outside it were known; tries first as
    somebody without a cell of its own."""
    told = np.zeros(len(where), dtype=bool)
    if where.any():
        told[_determined(known.equations, where)] = True
        for group in _submitters(known, block, where):
            told[_told(known, block, where, group, is_last=is_last)] = True
    return told


def _submitters(known: _Known, block: Rows, where: Mask) -> list[Rows]:
    """Municipalities with cells in `where`, in groups with at most one of each parent area, and those that share a
    block with one of another parent area once more, by parent area.

    What one member of a group could work out of another's cells a group cannot show, for it knows them. Two
    municipalities with cells in one block are in different groups at least once.
    """
    some = where & (known.sender >= 0)
    towns = pl.DataFrame({"block": block[some], "above": known.above[some], "sender": known.sender[some]})
    is_mixed = pl.col("above").n_unique().over("block") > 1
    towns = towns.with_columns(is_mixed=is_mixed).group_by("sender", "above").agg(pl.col("is_mixed").any())
    towns = towns.sort("above", "sender")
    nth = pl.col("sender").cum_count().over("above")
    groups = towns.with_columns(nth=nth).partition_by("nth", maintain_order=True)
    groups += towns.filter("is_mixed").partition_by("above", maintain_order=True)
    return [group["sender"].to_numpy() for group in groups]


def _told(known: _Known, block: Rows, where: Mask, submitters: Rows, *, is_last: bool) -> Rows:
    """Columns of `where` that any of `submitters` can work out. Who knows less can work out less: first as if they
    met, then (in the last part, that is) each half of them, in the blocks in which something was found."""
    where = where & np.isin(block, block[where & np.isin(known.sender, submitters)])
    told = _determined(known.equations, where & ~known.by(submitters))
    if not is_last or not len(told) or len(submitters) == 1:
        return told
    where, half = np.isin(block, block[told]), len(submitters) // 2
    halves = (submitters[:half], submitters[half:])
    return np.unique(np.concatenate([_told(known, block, where, each, is_last=True) for each in halves]))


def _determined(equations: sp.csc_array, free: Mask, seeds: Sequence[int] = SEEDS) -> Rows:
    """Columns marked `free` that the equations fix when the others stand still."""
    columns = np.flatnonzero(free)
    part = equations[:, columns].tocsr()
    return columns[determined(part[np.diff(part.indptr) > 0], seeds)]
