"""Everything that will be published, as one system of equations.

An unknown is a cell: one count, period, area and category. The equations are sums: an area is the sum of its parts, a
total is the sum of the categories of each breakdown, pooled years are the sum of the single years. Counts that lie
within others add inequalities, and their differences ("outer minus inner", the complement) are counts like any other:
they stand in the system as rows of their own, behind the published cells.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np
import polars as pl
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from pipelines.declaration import Count, Indicator
from pipelines.release.errors import UnsafeError

TOTAL = "all"
WHAT = ("count_id", "period", "period_kind", "breakdown_id", "category_code")
KEYS = ("count_id", "period", "period_kind", "area_code", "breakdown_id", "category_code")
WHERE = KEYS[1:]
LOWEST = ("municipality", "ward")
# who sends the records that a cell of the lowest areas counts: a ward's city, else the area itself
SENDER = pl.when(pl.col("level") == "ward").then("parent_code").otherwise("area_code")

Rows = np.ndarray  # integer positions of cells
Mask = np.ndarray  # one bool per cell
Values = np.ndarray  # one number per cell; NaN where the reader does not know it


class IncompleteCells(UnsafeError):
    """A level or a breakdown is there only in part: an equation would be missing that a reader can still write down."""


class LineKind(IntEnum):
    AREA = 0
    CATEGORY = 1
    YEARS = 2


@dataclass(frozen=True)
class Pair:
    """`inner` lies within `outer`: for certain, or (attendance, in practice) only nearly."""

    inner: str
    outer: str
    is_certain: bool


@dataclass(frozen=True)
class Lines:
    """Sums: line i says `cells[start[i]] = sum of cells[start[i] + 1 : start[i + 1]]`."""

    cells: Rows
    start: Rows
    kind: Rows

    def __len__(self) -> int:
        return len(self.kind)

    @cached_property
    def of_entry(self) -> Rows:
        """The line of every entry of `cells`."""
        return np.repeat(np.arange(len(self)), np.diff(self.start))

    def equations(self, n_cells: int) -> sp.csr_array:
        """One row per line: parts +1, their sum -1."""
        sign = np.ones(len(self.cells))
        sign[self.start[:-1]] = -1
        return sp.csr_array((sign, self.cells, self.start), shape=(len(self), n_cells))

    def picked(self, keep: Mask) -> "Lines":
        """Only the lines marked in `keep`."""
        entries = keep[self.of_entry]
        start = np.concatenate([[0], np.cumsum(np.diff(self.start)[keep])])
        return Lines(self.cells[entries], start, self.kind[keep])


@dataclass(frozen=True)
class Nesting:
    """inner[i] lies within outer[i]; complement[i] is the row of their difference, or -1 where there is none."""

    inner: Rows
    outer: Rows
    complement: Rows
    is_certain: Mask


@dataclass(frozen=True)
class System:
    """`frame` holds KEYS, value (the published cells first, then the complements), level,
    parent_code, population."""

    frame: pl.DataFrame
    n_cells: int
    value: Values
    lines: Lines
    nesting: Nesting
    only_here: Nesting  # nested in the data inside one cell: difference rule and inequality, no sums

    @cached_property
    def prefecture(self) -> pl.Series:
        """The prefecture that every row lies in, its own rows included; null above prefectures."""
        areas = self.frame.select("area_code", "parent_code", "level").unique()
        parent = dict(areas.select("area_code", "parent_code").iter_rows())
        prefectures = set(areas.filter(pl.col("level") == "prefecture")["area_code"])
        lies_in: dict[str, str | None] = {}
        for area in parent:
            above: str | None = area
            while above is not None and above not in prefectures:
                above = parent.get(above)
            lies_in[area] = above
        return self.frame["area_code"].replace_strict(lies_in, return_dtype=pl.String)

    @cached_property
    def is_sum_of_areas(self) -> Mask:
        lines, found = self.lines, np.zeros(len(self.value), dtype=bool)
        found[lines.cells[lines.start[:-1]][lines.kind == LineKind.AREA]] = True
        return found

    @cached_property
    def cell_lines(self) -> Lines:
        """The lines between published cells; those between complements follow from them."""
        return self.lines.picked(self.lines.cells[self.lines.start[:-1]] < self.n_cells)

    @cached_property
    def incidence(self) -> sp.csr_array:
        """One row per equation and per nested pair, one column per row of the system."""
        n, lines, nesting = len(self.value), self.lines, self.nesting
        sure = nesting.is_certain
        trio = np.stack([nesting.inner[sure], nesting.outer[sure], nesting.complement[sure]], axis=1)
        here = np.stack([self.only_here.inner, self.only_here.outer], axis=1)
        cells = np.concatenate([lines.cells, trio.ravel(), here.ravel()])
        ends = [lines.start[1:], lines.start[-1] + 3 * np.arange(1, len(trio) + 1)]
        ends.append(lines.start[-1] + trio.size + 2 * np.arange(1, len(here) + 1))
        start = np.concatenate([[0], *ends])
        return sp.csr_array((np.ones(len(cells), dtype=np.int8), cells, start), shape=(len(start) - 1, n))

    @cached_property
    def _incidence_by_cell(self) -> sp.csr_array:
        return self.incidence.T.tocsr()

    def neighbours(self, rows: Rows) -> Rows:
        """All rows that share an equation or a pair with any of `rows`, themselves included."""
        equations = np.unique(self._incidence_by_cell[rows].indices)
        return np.union1d(rows, self.incidence[equations].indices)

    @cached_property
    def certain(self) -> tuple[Rows, Rows]:
        """Inner and outer rows of every inequality that a reader may rely on."""
        sure = self.nesting.is_certain
        inner = np.concatenate([self.nesting.inner[sure], self.only_here.inner])
        outer = np.concatenate([self.nesting.outer[sure], self.only_here.outer])
        return inner, outer


def pairs_of(counts: Mapping[str, Count], indicators: Iterable[Indicator]) -> tuple[Pair, ...]:
    """Every pair of counts whose difference a reader can form: declared nesting, and what an indicator divides.

    A numerator of kind `rate` and a count nested only in practice give no inequality to rely on.
    """
    sure = {(c.id, c.within) for c in counts.values() if c.within}
    sure |= {(i.numerator, i.denominator) for i in indicators if i.kind == "proportion" and i.denominator}
    nearly = {(c.id, outer) for c in counts.values() for outer in c.also_within}
    nearly |= {(i.numerator, i.denominator) for i in indicators if i.kind == "rate" and i.denominator}
    return tuple(Pair(i, str(o), (i, o) in sure) for i, o in sorted(sure | nearly))


def build(
    cells: pl.DataFrame, areas: pl.DataFrame, pairs: Iterable[Pair], nested: pl.DataFrame | None = None
) -> System:
    """The system of `cells` (KEYS, value) over `areas` (area_code, level, parent_code, population).

    nested: pairs of counts nested in the data inside one cell: inner, outer, WHERE.
    Raises IncompleteCells where a level or a breakdown is there only in part.
    """
    published = cells.select(*KEYS, pl.col("value").cast(pl.Float64)).with_row_index("row")
    nesting, complements = _nesting(published, tuple(pairs))
    frame = pl.concat([published.drop("row"), complements], how="vertical")
    frame = frame.join(
        areas.select("area_code", "level", "parent_code", "population"),
        on="area_code",
        how="left",
        maintain_order="left",
    )
    if frame["level"].null_count():
        raise IncompleteCells(
            "地域表にない地域のセルがあります。", "A cell lies in an area that is not in the table of areas."
        )
    lines = _joined([_area_lines(frame, areas), _category_lines(frame), _year_lines(frame)])
    value = frame["value"].to_numpy().astype(float)
    return System(frame, published.height, value, lines, nesting, _nested_here(published, nested))


def _nesting(published: pl.DataFrame, pairs: tuple[Pair, ...]) -> tuple[Nesting, pl.DataFrame]:
    """Inner and outer cells of every pair, and a frame with the complement of the certain ones."""
    named = pl.DataFrame(
        [(p.inner, p.outer, p.is_certain) for p in pairs],
        schema={"inner_id": pl.String, "outer_id": pl.String, "is_certain": pl.Boolean},
        orient="row",
    )
    inner = published.rename({"count_id": "inner_id", "row": "inner", "value": "inner_value"})
    outer = published.rename({"count_id": "outer_id", "row": "outer", "value": "outer_value"})
    both = inner.join(named, on="inner_id").join(outer, on=["outer_id", *WHERE]).sort("inner", "outer")
    sure = both.filter("is_certain").with_row_index("nth")
    complements = sure.select(
        *WHERE,
        count_id=pl.concat_str("outer_id", pl.lit("-"), "inner_id"),
        value=pl.col("outer_value") - pl.col("inner_value"),
    ).select(*KEYS, "value")
    is_certain = both["is_certain"].to_numpy()
    complement = np.where(is_certain, published.height + np.cumsum(is_certain) - 1, -1)
    return Nesting(_rows(both["inner"]), _rows(both["outer"]), complement, is_certain), complements


def _nested_here(published: pl.DataFrame, nested: pl.DataFrame | None) -> Nesting:
    if nested is None or nested.is_empty():
        none = np.zeros(0, dtype=np.int64)
        return Nesting(none, none, none, none.astype(bool))
    keyed = published.select(*KEYS, "row")
    both = nested.join(keyed.rename({"count_id": "inner", "row": "i"}), on=["inner", *WHERE]).join(
        keyed.rename({"count_id": "outer", "row": "o"}), on=["outer", *WHERE]
    )
    return Nesting(_rows(both["i"]), _rows(both["o"]), np.full(both.height, -1), np.ones(both.height, dtype=bool))


def _area_lines(frame: pl.DataFrame, areas: pl.DataFrame) -> Lines:
    """An area is the sum of the nearest areas below it that have the same cell, when these are all of it."""
    codes = {code: i for i, code in enumerate(areas["area_code"])}
    parent = np.array([codes.get(p, -1) for p in areas["parent_code"]] + [-1])  # the last: above the top
    leaves = _leaves(parent[:-1])
    what = frame.select(pl.struct(WHAT).rank("dense").cast(pl.Int64) - 1).to_series().to_numpy()
    area = frame.select(pl.col("area_code").replace_strict(codes, return_dtype=pl.Int64)).to_series().to_numpy()
    row_at = np.full((what.max(initial=-1) + 1, len(codes) + 1), -1)
    row_at[what, area] = np.arange(frame.height)
    _refuse_holes(row_at[:, :-1] >= 0, areas["level"].to_numpy(), "地域", "an area level")
    above, sum_row = parent[area], np.full(frame.height, -1)
    while ((sum_row < 0) & (above >= 0)).any():
        found = np.where(above >= 0, row_at[what, above], -1)
        sum_row = np.where(sum_row < 0, found, sum_row)
        above = parent[above]
    lines = _grouped(sum_row, LineKind.AREA)
    parts = np.bincount(lines.of_entry, weights=leaves[area[lines.cells]], minlength=len(lines))
    whole = leaves[area[lines.cells[lines.start[:-1]]]]
    return lines.picked(parts == 2 * whole)


def _leaves(parent: Rows) -> Rows:
    """How many lowest areas lie in each area (one in a lowest area)."""
    is_leaf = ~np.isin(np.arange(len(parent)), parent)
    leaves = is_leaf.astype(np.int64)
    at, start = parent.copy(), np.flatnonzero(is_leaf)
    at = parent[start]
    while (at >= 0).any():
        np.add.at(leaves, at[at >= 0], 1)
        at = np.where(at >= 0, parent[at], -1)
    return leaves


def _refuse_holes(is_there: Mask, group_of_column: Rows, what_ja: str, what_en: str) -> None:
    for group in np.unique(group_of_column):
        share = is_there[:, group_of_column == group]
        if (share.any(axis=1) & ~share.all(axis=1)).any():
            raise IncompleteCells(
                f"{what_ja}の一部だけにセルがあります。全ての地域・区分のセル(0 も)が必要です。",
                f"{what_en} is there only in part; every area and category needs its cell, zeros too.",
            )


def _category_lines(frame: pl.DataFrame) -> Lines:
    """A total is the sum of the categories of each of its breakdowns."""
    keys = ["count_id", "period", "period_kind", "area_code"]
    row = frame.select(*KEYS).with_row_index("row")
    total = row.filter(pl.col("breakdown_id") == TOTAL).select(*keys, sum_row="row")
    parts = row.filter(pl.col("breakdown_id") != TOTAL)
    expected = parts.group_by("count_id", "breakdown_id").agg(expected=pl.col("category_code").n_unique())
    there = parts.group_by(*keys, "breakdown_id").agg("row", n=pl.len()).join(expected, on=["count_id", "breakdown_id"])
    if there.filter(pl.col("n") != pl.col("expected")).height:
        raise IncompleteCells(
            "内訳の区分の一部だけにセルがあります。全ての区分のセル(0 も)が必要です。",
            "a breakdown is there only in part; every category needs its cell, zeros too.",
        )
    return _listed(there.join(total, on=keys).select("sum_row", "row"), LineKind.CATEGORY)


def _year_lines(frame: pl.DataFrame) -> Lines:
    """Pooled years are the sum of their single years."""
    keys = ["count_id", "area_code", "breakdown_id", "category_code"]
    row = frame.select(*KEYS).with_row_index("row")
    is_pooled = pl.col("period_kind").str.starts_with("pooled")
    spans = row.filter(is_pooled).select("period").unique()
    years = spans.with_columns(
        year=pl.int_ranges(
            pl.col("period").str.head(4).cast(pl.Int64), pl.col("period").str.tail(4).cast(pl.Int64) + 1
        ).cast(pl.List(pl.String)),
    ).with_columns(n_years=pl.col("year").list.len())
    pooled = row.filter(is_pooled).select(*keys, "period", sum_row="row").join(years, on="period").explode("year")
    single = row.filter(~is_pooled).select(*keys, "row", year="period")
    parts = pooled.join(single, on=[*keys, "year"]).group_by("sum_row").agg("row", pl.first("n_years"))
    return _listed(parts.filter(pl.col("row").list.len() == pl.col("n_years")).select("sum_row", "row"), LineKind.YEARS)


def _listed(lists: pl.DataFrame, kind: LineKind) -> Lines:
    """Lines out of rows (sum_row, list of rows)."""
    ordered = lists.sort("sum_row", pl.col("row").list.first())
    cells = ordered.select(pl.concat_list(pl.col("sum_row"), pl.col("row")).alias("row"))
    start = np.concatenate([[0], np.cumsum(cells["row"].list.len().to_numpy())]).astype(np.int64)
    flat = cells["row"].explode().to_numpy() if cells.height else np.zeros(0)
    return Lines(flat.astype(np.int64), start, np.full(cells.height, int(kind)))


def _grouped(sum_row: Rows, kind: LineKind) -> Lines:
    """Lines out of each cell's sum (-1: in none)."""
    parts = np.flatnonzero(sum_row >= 0)
    parts = parts[np.argsort(sum_row[parts], kind="stable")]
    sums, first = np.unique(sum_row[parts], return_index=True)
    cells = np.insert(parts, first, sums)
    start = np.append(first + np.arange(len(sums)), len(cells))
    return Lines(cells, start, np.full(len(sums), int(kind)))


def _joined(lines: list[Lines]) -> Lines:
    sizes = np.concatenate([np.diff(each.start) for each in lines])
    return Lines(
        np.concatenate([each.cells for each in lines]),
        np.concatenate([[0], np.cumsum(sizes)]),
        np.concatenate([each.kind for each in lines]),
    )


def blocks_of(equations: sp.sparray) -> Rows:
    """The number of the block of every column: columns of one equation are in one block."""
    where = abs(equations)
    return np.asarray(connected_components(where.T @ where, directed=False)[1])


def _rows(column: pl.Series) -> Rows:
    return column.to_numpy().astype(np.int64)
