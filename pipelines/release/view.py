"""What a reader sees of a release: which cells are unknown, what the others are, and how much room each must keep."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from pipelines.declaration import LEVELS
from pipelines.release.bounds import public_room
from pipelines.release.line_rule import parts_of_zero
from pipelines.release.polytope import CEILING, Polytope
from pipelines.release.primary import Terms
from pipelines.release.system import LineKind, Lines, Mask, Rows, System, Values

ONE_PERSON = 1.0


@dataclass(frozen=True)
class View:
    """A system as a reader has it; arrays over the published cells.

    value: NaN where unknown; width: what an interval must keep open (0 where public figures alone leave less than one
    person, or where that cannot be said); is_target: unknown cells that may not be told exactly; is_public: known to
    the reader even where value is NaN, because then it is only us who do not know it. is_same, over `system.certain`:
    a shown zero says that nothing lies between the two.
    """

    system: System
    is_hidden: Mask
    is_unknown: Mask
    is_target: Mask
    is_public: Mask
    value: Values
    width: Values
    is_same: Mask

    @cached_property
    def same(self) -> tuple[Rows, Rows]:
        """Inner and outer cells that are one number, of which the reader does not know both."""
        inner, outer = self.system.certain
        is_open = self.is_same & (self.is_unknown[inner] | self.is_unknown[outer])
        return inner[is_open], outer[is_open]

    @cached_property
    def equations(self) -> sp.csr_array:
        """All that holds between published cells, equal to zero: sums, and what is the same."""
        inner, outer = self.same
        n_same, n = len(inner), self.system.n_cells
        ends = (np.tile(np.arange(n_same), 2), np.concatenate([inner, outer]))
        same = sp.csr_array((np.repeat([1.0, -1.0], n_same), ends), shape=(n_same, n))
        return sp.vstack([self.lines.equations(n), same]).tocsr()

    @property
    def lines(self) -> Lines:
        return self.system.cell_lines

    def columns(self) -> Rows:
        """The cells whose value the reader does not know."""
        return np.flatnonzero(self.is_unknown & ~self.is_public)

    def unknown_equations(self) -> sp.csr_array:
        """The equations with an unknown, over `columns` only."""
        part = self.equations.tocsc()[:, self.columns()].tocsr()
        return part[np.diff(part.indptr) > 0]


def view(system: System, terms: Terms, is_hidden: Mask, width: Values | None = None) -> View:
    """What an outsider knows: shown cells, public figures, and what a shown zero says of its parts.

    is_hidden covers all rows of the system; a value of NaN is one that not even we know. width: `to_keep_open` of the
    same system and terms, where it is known already.
    """
    n = system.n_cells
    is_zero = parts_of_zero(system, terms, is_hidden)
    value = np.where(is_hidden & ~terms.is_public, np.nan, system.value)
    value = np.where(is_hidden & is_zero, 0.0, value)[:n]
    is_unknown = np.isnan(value)
    width = to_keep_open(system, terms) if width is None else width
    is_target = is_unknown & ~terms.is_public[:n] & (terms.width[:n] > 0)
    is_same = np.zeros(len(system.certain[0]), dtype=bool)
    complement = system.nesting.complement[system.nesting.is_certain]
    is_same[: len(complement)] = is_zero[complement]
    return View(system, is_hidden[:n], is_unknown, is_target, terms.is_public[:n], value, width[:n], is_same)


def to_keep_open(system: System, terms: Terms) -> Values:
    """How wide the interval of every row must be, once hidden: what is asked, or half of what public figures leave."""
    width = np.minimum(terms.width, public_room(system, terms) / 2)
    width[_under_unread(system, terms) | (width < ONE_PERSON / 2)] = 0.0
    return width


def _under_unread(system: System, terms: Terms) -> Mask:
    """Rows below a public figure that the reader has and we have not: how much room they keep cannot be said here."""
    is_under = terms.is_public & np.isnan(system.value)
    lines, nesting, sure = system.lines, system.nesting, system.nesting.is_certain
    is_category = (lines.kind == LineKind.CATEGORY)[lines.of_entry]
    for _ in LEVELS:  # nesting is a chain of a few counts
        is_under[lines.cells[is_category & is_under[lines.cells[lines.start[:-1]]][lines.of_entry]]] = True
        is_under[nesting.inner[sure & is_under[nesting.outer]]] = True
    return is_under


def polytope(seen: View, keep: Mask) -> tuple[Rows, Polytope]:
    """The cells that are columns (unknown and marked in `keep`; the others hold nothing) and all tables that fit."""
    system, n = seen.system, seen.system.n_cells
    columns = np.flatnonzero(seen.is_unknown & keep)
    at = np.full(n, -1)
    at[columns] = np.arange(len(columns))
    equations = seen.equations
    part = equations.tocsc()[:, columns].tocsr()
    used = np.flatnonzero(np.diff(part.indptr))
    right = -(equations[used] @ np.nan_to_num(seen.value))
    inner, outer = system.certain
    low, high = np.zeros(len(columns)), np.full(len(columns), CEILING)
    below = (at[inner] >= 0) & ~seen.is_unknown[outer]
    np.minimum.at(high, at[inner[below]], seen.value[outer[below]])
    above = (at[outer] >= 0) & ~seen.is_unknown[inner]
    np.maximum.at(low, at[outer[above]], seen.value[inner[above]])
    both = (at[inner] >= 0) & (at[outer] >= 0) & ~seen.is_same
    tables = Polytope(part[used].tocsc(), right, low, high, at[inner[both]], at[outer[both]], seen.width[columns])
    return columns, tables


def stand_ins(seen: View) -> Rows:
    """For every cell the one that stands in for it: itself, or its like in the first of several areas.

    Areas of one parent of which nothing is shown can stand in for each other: their equations have no constant, so
    whatever all of them hold together, any one may hold, and the others nothing.
    """
    system, n = seen.system, seen.system.n_cells
    what = ("count_id", "period", "breakdown_id", "category_code")
    rows = system.frame.head(n).with_row_index("row").select(
        "row", "area_code", "parent_code",
        what=pl.struct(what).rank("dense"), family=pl.Series(_families(system)),
        is_unknown=pl.Series(seen.is_unknown), is_closed=pl.Series(_is_closed(seen)),
    )  # fmt: skip
    closed = rows.group_by("family", "area_code", "parent_code").agg(
        pl.col("is_closed").all(), pattern=pl.col("what").filter("is_unknown").sort().implode().hash(),
    ).filter("is_closed")  # fmt: skip
    first = closed.with_columns(first=pl.col("area_code").min().over("family", "parent_code", "pattern"))
    like = rows.join(first.select("family", "area_code", "first"), on=["family", "area_code"]).join(
        rows.select("what", first="area_code", stand_in="row"), on=["what", "first"]
    )
    stand_in = np.arange(n)
    stand_in[like["row"].to_numpy()] = like["stand_in"].to_numpy()
    return stand_in


def _is_closed(seen: View) -> Mask:
    """Hidden cells that are no sum of areas, part of one at most, and in no pair of their own."""
    lines, here = seen.lines, seen.system.only_here
    closed = seen.is_hidden & (np.isnan(seen.value) | (seen.value == 0))
    closed[lines.cells[lines.start[:-1]][lines.kind == LineKind.AREA]] = False
    closed[np.bincount(lines.cells[(lines.kind == LineKind.AREA)[lines.of_entry]], minlength=len(closed)) > 1] = False
    closed[here.inner] = closed[here.outer] = False
    return closed


def _families(system: System) -> Rows:
    """A number per cell: counts tied by inequalities share it."""
    count = system.frame["count_id"].head(system.n_cells).rank("dense").cast(pl.Int64).to_numpy() - 1
    inner, outer = system.certain
    n = int(count.max(initial=-1)) + 1
    ties = sp.csr_array((np.ones(len(inner)), (count[inner], count[outer])), shape=(n, n))
    return connected_components(ties, directed=False)[1][count]
