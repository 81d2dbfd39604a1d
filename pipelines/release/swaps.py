"""Changes that can be written down without solving anything: two areas, one or two years, one or two categories.

A person moved between two categories of one area, and another the other way round in another area, leaves every total
as it was; so does, one level up, a person moved from one area to the other with all categories that it is in. Sums of
areas on the way, and pooled years, change with it. Where all cells that change are hidden, nobody who knows none of
them can work out any of them. A submitter knows its own: so a cell is safe from every single one when two such changes
of it end in areas of different submitters.

This frees nearly all cells of a release in a moment, so that the audit solves equations for the others only.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, islice, product

import numpy as np
import polars as pl

from pipelines.release.system import LOWEST, SENDER, TOTAL, LineKind, Mask, Rows
from pipelines.release.view import View

NONE = 2**30
MANY = 256  # changes of a total that are tried
ANYBODY = NONE - 1  # an end that no submitter knows counts as two different ones: from the least to this


@dataclass(frozen=True)
class Ends:
    """The least and the greatest submitter in whose areas changes may end: changes x areas; least > most: in none."""

    least: np.ndarray
    most: np.ndarray

    @staticmethod
    def nowhere(shape: tuple[int, ...]) -> "Ends":
        return Ends(np.full(shape, NONE, np.int32), np.full(shape, -1, np.int32))

    @property
    def are_two(self) -> Mask:
        return self.least < self.most

    @property
    def are_any(self) -> Mask:
        return self.least <= self.most

    def where(self, keep: Mask) -> "Ends":
        return Ends(np.where(keep, self.least, NONE), np.where(keep, self.most, -1))

    def joined(self, other: "Ends") -> "Ends":
        return Ends(np.minimum(self.least, other.least), np.maximum(self.most, other.most))

    def of(self, first: int) -> "Ends":
        return Ends(self.least[first], self.most[first])

    def at(self, areas: Rows) -> "Ends":
        return Ends(self.least[:, areas], self.most[:, areas])

    def put(self, areas: Rows, ends: "Ends") -> None:
        self.least[:, areas], self.most[:, areas] = ends.least, ends.most


@dataclass(frozen=True)
class Tree:
    """Areas by number. parent: -1 at the top. submitter: who knows an area's own cells; -1: nobody."""

    codes: list[str]
    parent: Rows
    submitter: Rows

    def of_areas(self, codes: pl.Series) -> "Tree":
        """The part of the tree with those areas and all above them: one without cells lets a change pass."""
        is_in = np.isin(self.codes, codes.unique().to_numpy())
        for _ in self.generations:
            above = self.parent[is_in]
            is_in[above[above >= 0]] = True
        some = np.flatnonzero(is_in)
        at = np.full(len(self.codes) + 1, -1)
        at[some] = np.arange(len(some))
        return Tree([self.codes[n] for n in some], at[self.parent[some]], self.submitter[some])

    @cached_property
    def generations(self) -> list[tuple[Rows, Rows]]:
        """From the top: the areas of one depth, those of one parent beside each other, and where each parent's begin."""
        found = []
        areas = np.flatnonzero(self.parent == -1)
        while len(areas):
            areas = np.flatnonzero(np.isin(self.parent, areas))
            areas = areas[np.argsort(self.parent[areas], kind="stable")]
            if len(areas):
                found.append((areas, np.flatnonzero(np.diff(self.parent[areas], prepend=-1))))
        return found

    def below(self, of_area: Mask) -> Mask:
        """Areas under which `of_area` holds somewhere: changes x areas."""
        found = np.zeros_like(of_area)
        for areas, start in reversed(self.generations):
            some = np.logical_or.reduceat((of_area | found)[:, areas], start, axis=1)
            found[:, self.parent[areas[start]]] |= some
        return found

    def known_to_one(self, is_hidden: Mask) -> Mask:
        """Areas whose hidden parts are all one submitter's, who learns nothing of others from their sum: kinds x areas."""
        own = Ends(*np.broadcast_arrays(self.submitter, np.where(self.submitter < 0, ANYBODY, self.submitter)))
        parts = own.where(is_hidden & ~self.below(is_hidden))
        for areas, start in reversed(self.generations):
            above = self.parent[areas[start]]
            parts.put(above, parts.at(above).joined(_joined_by_parent(parts.at(areas), start)))
        return parts.are_any & ~parts.are_two


def free_of_submitters(seen: View, is_suspect: Mask) -> Mask:
    """Hidden cells that no single submitter can work out, as two changes show; the others may be as safe. Looks for changes
    of suspects, and within their prefectures where these all lie below."""
    free = np.zeros(seen.system.n_cells, dtype=bool)
    tree = _tree(seen)
    if tree is not None and is_suspect.any():
        placed = _placed(seen, tree).with_columns(
            is_suspect=pl.Series(is_suspect & seen.is_unknown), prefecture=below_prefecture(seen)
        )
        for cells in placed.filter(pl.col("is_suspect").any().over("count_id")).partition_by("count_id"):
            near = cells.filter("is_suspect")["prefecture"].unique()
            is_near = pl.lit(near.null_count() > 0) | pl.col("prefecture").is_in(near.implode()).fill_null(value=False)
            still = cells.filter(pl.col("prefecture").is_null() & ~is_near).with_columns(may_move=False)
            some = pl.concat([cells.filter(is_near), still])
            free[_free_in(some, tree.of_areas(some["area_code"]))] = True
    return free


def below_prefecture(seen: View) -> pl.Series:
    """The prefecture that every cell lies below, as text; null for those of prefectures and above them."""
    own = pl.DataFrame({"place": seen.system.prefecture, "area": seen.system.frame["area_code"]}).head(
        seen.system.n_cells
    )
    return own.select(pl.when(pl.col("place") != pl.col("area")).then("place")).to_series()


def _placed(seen: View, tree: Tree) -> pl.DataFrame:
    """Every cell with its row, whether it is unknown, and whether it may move by itself: being unknown, in no other sum of
    areas than the tree's, and not the same number as a cell of another count."""
    is_unknown = np.zeros(seen.system.n_cells, dtype=bool)
    is_unknown[seen.columns()] = True
    may_move = is_unknown.copy()
    may_move[_in_other_sums(seen, tree)] = False
    may_move[np.concatenate(seen.same)] = False
    names = ("count_id", "breakdown_id", "category_code", "period", "period_kind", "area_code")
    cells = seen.system.frame.head(seen.system.n_cells).select(names)
    return cells.with_columns(is_unknown=pl.Series(is_unknown), may_move=pl.Series(may_move)).with_row_index("row")


def _in_other_sums(seen: View, tree: Tree) -> Rows:
    """Cells of sums of areas with a part that does not lie below the sum: over moved borders, for one."""
    lines = seen.lines
    area = _nth(seen.system.frame["area_code"], tree.codes)[lines.cells]
    whole, above = area[lines.start[:-1]][lines.of_entry], area
    is_below = area == whole  # the sum itself
    for _ in tree.generations:
        above = np.where(above >= 0, tree.parent[above], -1)
        is_below |= above == whole
    is_other = (lines.kind == LineKind.AREA) & (np.add.reduceat(~is_below, lines.start[:-1], dtype=np.int64) > 0)
    return lines.cells[is_other[lines.of_entry]]


def _tree(seen: View) -> Tree | None:
    """The areas of the system; None where a parent is not among them: then its sums are not these."""
    areas = seen.system.frame.select("area_code", "parent_code", "level", sender=SENDER).unique().sort("area_code")
    nth = {code: n for n, code in enumerate(areas["area_code"])}
    parents = areas["parent_code"].to_list()
    if any(p is not None and p not in nth for p in parents):
        return None
    sender = areas["sender"].rank("dense").cast(pl.Int64).to_numpy()
    submitter = np.where(areas["level"].is_in(LOWEST).to_numpy(), sender, -1)
    return Tree(areas["area_code"].to_list(), np.array([-1 if p is None else nth[p] for p in parents]), submitter)


def _free_in(cells: pl.DataFrame, tree: Tree) -> Rows:
    """Rows of one count that are shown to be free."""
    periods = cells["period"].unique().sort().to_list()
    pooled = cells.filter(pl.col("period_kind").str.starts_with("pooled"))["period"].unique().to_list()
    kinds = cells.select("breakdown_id", "category_code").unique().sort("breakdown_id", "category_code")
    shape = (len(periods), kinds.height, len(tree.codes))
    place = (
        _nth(cells["period"], periods),
        cells.join(kinds.with_row_index("kind"), on=kinds.columns, how="left", maintain_order="left")[
            "kind"
        ].to_numpy(),
        _nth(cells["area_code"], tree.codes),
    )
    row_at, is_hidden, can_move = np.full(shape, -1), np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    row_at[place], is_hidden[place] = cells["row"].to_numpy(), cells["is_unknown"].to_numpy()
    can_move[place] = cells["may_move"].to_numpy()
    changes = _changes(kinds["breakdown_id"].to_list())
    is_own = np.array([tree.known_to_one(of_period) for of_period in is_hidden])
    ends = Ends.nowhere(shape)
    for moving, absent in _years_that_move(periods, pooled):
        may_move = (can_move[moving] | (row_at[moving] < 0)).all(axis=0) & (row_at[absent] < 0).all(axis=0)
        swaps = _swaps(changes, (row_at[moving] >= 0).any(axis=0), may_move, tree)
        for period in moving:
            swaps.mark(ends.of(period), is_own[period])
    return row_at[ends.are_two & can_move]


def _nth(column: pl.Series, known: list[str]) -> Rows:
    return column.replace_strict({c: n for n, c in enumerate(known)}, return_dtype=pl.Int64).to_numpy()


def _changes(breakdowns: list[str]) -> Mask:
    """changes x kinds (a kind: a category of a breakdown): what changes together within one area. Two categories of one
    breakdown; or the total and one category of each breakdown, of which the first MANY are tried."""
    of = {b: [n for n, each in enumerate(breakdowns) if each == b] for b in dict.fromkeys(breakdowns)}
    totals = of.pop(TOTAL, [])
    sets: list[tuple[int, ...]] = [pair for kinds in of.values() for pair in combinations(kinds, 2)]
    sets += [(*totals, *one) for one in islice(product(*of.values()), MANY if totals else 0)]
    changes = np.zeros((len(sets), len(breakdowns)), dtype=bool)
    for nth, kinds in enumerate(sets):
        changes[nth, list(kinds)] = True
    return changes


def _years_that_move(periods: list[str], pooled: list[str]) -> list[tuple[Rows, Rows]]:
    """Positions of the periods that change when one year gains a person, when one gains what another loses, or (pooled
    years of which an area has no single ones) by themselves; and of those that an area must not have."""
    years = {p for p in periods if p not in pooled}
    of = {p: {p} for p in years} | {p: {str(y) for y in range(int(p[:4]), int(p[-4:]) + 1)} for p in pooled}
    sets = [{y} for y in sorted(years)] + [set(pair) for pair in combinations(sorted(years), 2)]
    changes = [({p for p in periods if len(moved & of[p]) == 1}, set[str]()) for moved in sets]
    changes += [({p}, of[p] & years) for p in pooled]
    nth = {p: n for n, p in enumerate(periods)}
    return [tuple(np.array(sorted(nth[p] for p in part), dtype=np.int64) for part in each) for each in changes]  # type: ignore[misc]


@dataclass(frozen=True)
class Swaps:
    """What changes of one kind of year show. changes: changes x kinds; the others: changes x areas.

    to_one: where a change of a lowest area may end. is_free: it, and others, may be made whoever stands still.
    is_free_but: the same, but all parts that change with a sum may be one submitter's.
    """

    changes: Mask
    to_one: Ends
    is_free: Mask
    is_free_but: Mask

    def mark(self, ends: Ends, is_own: Mask) -> None:
        """Joins to `ends` (kinds x areas) those of the changes with each kind. is_own: sums that only who knows all
        their parts works out."""
        anywhere = _anywhere(self.is_free.shape)
        for kind in range(self.changes.shape[1]):
            with_it = self.changes[:, kind]
            found = self.to_one.joined(anywhere.where(self.is_free | self.is_free_but & is_own[kind]))
            np.minimum(ends.least[kind], found.least[with_it].min(axis=0, initial=NONE), out=ends.least[kind])
            np.maximum(ends.most[kind], found.most[with_it].max(axis=0, initial=-1), out=ends.most[kind])


def _swaps(changes: Mask, is_there: Mask, may_move: Mask, tree: Tree) -> Swaps:
    """is_there, may_move: kinds x areas. A total moves with those breakdowns that an area has."""
    there = np.array([is_there[kinds].any(axis=0) for kinds in changes])
    moves = np.array([may_move[kinds].all(axis=0) for kinds in changes])
    is_end = there & ~tree.below(there)
    inside, outside = _inside_and_outside(is_end, moves, tree)
    is_free_outside = moves & _by_steps(changes, outside.are_two)
    is_free = is_free_outside & (is_end | _by_steps(changes, inside.are_two))
    return Swaps(changes, outside.where(is_end & moves), is_free, is_free_outside & inside.are_any)


def _anywhere(shape: tuple[int, ...]) -> Ends:
    return Ends(np.full(shape, -1, np.int32), np.full(shape, ANYBODY, np.int32))


def _by_steps(changes: Mask, is_free: Mask) -> Mask:
    """Changes between two categories that others can make step by step: the first into a third, that into the second."""
    found = is_free.copy()
    pairs = np.flatnonzero(changes.sum(axis=1) == 2)
    one, other = np.nonzero(changes[pairs])[1].reshape(-1, 2).T
    linked = np.zeros((changes.shape[1], changes.shape[1], is_free.shape[1]), dtype=bool)
    linked[one, other] = linked[other, one] = is_free[pairs]
    for third in range(changes.shape[1]):
        linked |= linked[:, third, None] & linked[None, third]
    found[pairs] = linked[one, other]
    return found


def _inside_and_outside(is_end: Mask, moves: Mask, tree: Tree) -> tuple[Ends, Ends]:
    """For every change and area, the areas below it, and those elsewhere, that can make it (changes x areas each).

    An area without the cell lets a change pass: the sum above it is made of what lies below.
    """
    own = Ends(*np.broadcast_arrays(tree.submitter, np.where(tree.submitter < 0, ANYBODY, tree.submitter)))
    inside, passing = Ends.nowhere(moves.shape), own.where(is_end & moves)
    for areas, start in reversed(tree.generations):
        above = tree.parent[areas[start]]
        inside.put(above, _joined_by_parent(passing.at(areas), start))
        passing.put(above, passing.at(above).joined(inside.at(above).where(moves[:, above])))
    outside = _anywhere(moves.shape)  # above the top no sum holds a change
    for areas, start in tree.generations:
        above = tree.parent[areas]
        outside.put(areas, _sisters(passing.at(areas), start).joined(outside.at(above).where(moves[:, above])))
    return inside, outside


def _joined_by_parent(ends: Ends, start: Rows) -> Ends:
    return Ends(np.minimum.reduceat(ends.least, start, axis=1), np.maximum.reduceat(ends.most, start, axis=1))


def _sisters(ends: Ends, start: Rows) -> Ends:
    """For every area the ends of all others of its parent."""
    family = np.repeat(np.arange(len(start)), np.diff(np.append(start, ends.least.shape[1])))
    position = np.arange(ends.least.shape[1])
    best = _joined_by_parent(ends, start)
    found = []
    for of_area, of_parent, reduce, empty in (
        (ends.least, best.least, np.minimum, NONE), (ends.most, best.most, np.maximum, -1),
    ):  # fmt: skip
        is_best = of_area == of_parent[:, family]
        first = np.minimum.reduceat(np.where(is_best, position, NONE), start, axis=1)
        is_first = position == first[:, family]
        second = reduce.reduceat(np.where(is_first, empty, of_area), start, axis=1)
        found.append(np.where(is_first, second[:, family], of_parent[:, family]))
    return Ends(*found)
