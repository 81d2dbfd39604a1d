"""Runs the declared counts over `core`: true values, which never reach the publishing code.

One query per grain and breakdown gives the municipalities' single years; everything above is summed from them,
because every published count is additive over areas and years.
"""

from dataclasses import dataclass
from itertools import combinations

import duckdb
import polars as pl

from pipelines.declaration import Breakdown, Count, Indicator, Policy, Sum
from pipelines.reference import NATION
from pipelines.release.errors import ReleaseError
from pipelines.release.plan import count_parts, periods, skeleton

NUMBERS = ("value", "total", "squares")
CELL = ("period", "period_kind", "area_code", "breakdown_id", "category_code")


@dataclass(frozen=True)
class Measured:
    """True values of a release; `cells` in the form that disclosure control reads.

    cells: count_id + CELL + value · sums: sum_id + CELL + n, total, squares · nested: inner, outer + CELL + difference
    """

    cells: pl.DataFrame
    sums: pl.DataFrame
    nested: pl.DataFrame


def measure(
    connection: duckdb.DuckDBPyConnection,
    counts: dict[str, Count],
    sums: dict[str, Sum],
    indicators: dict[str, Indicator],
    areas: pl.DataFrame,
    years: tuple[int, ...],
    levels: tuple[str, ...],
    policy: Policy,
) -> Measured:
    """Every cell of the plan with its true value. Raises ReleaseError (3) on undeclared nesting."""
    over = {s.id: s.over for s in sums.values()}
    parts = count_parts(indicators.values(), levels, over)
    used = {part.id: counts[part.id] for part in parts}
    grains: dict[str, dict[str, Breakdown]] = {}
    for part in parts:
        grains.setdefault(used[part.id].grain, {})[part.breakdown.id] = part.breakdown
    refuse_undeclared_nesting(connection, used, declared_pairs(counts, indicators))
    atoms = pl.concat([_atoms(connection, g, b, used, sums) for g, bs in grains.items() for b in bs.values()])
    rolled = _roll_up(atoms, areas, years, policy)
    basis_of = {i: c.basis for i, c in counts.items()}
    frame = skeleton(parts, basis_of, areas, years, policy).rename({"id": "count_id"})
    cells = (
        frame.join(rolled.rename({"id": "count_id"}), on=["count_id", *CELL], how="left")
        .select("count_id", *CELL, pl.col("value").fill_null(0))
        .sort("count_id", *CELL)
    )  # suppression chooses row by row: the same rows in another order end otherwise
    return Measured(
        cells,
        rolled.filter(pl.col("id").is_in(list(sums))).rename({"id": "sum_id", "value": "n"}),
        _nested_in_cells(rolled, cells, declared_pairs(counts, indicators)),
    )


def _atoms(
    connection: duckdb.DuckDBPyConnection,
    grain: str,
    breakdown: Breakdown,
    used: dict[str, Count],
    sums: dict[str, Sum],
) -> pl.DataFrame:
    """Counts, overlaps of two counts (`a&b`) and sums of one grain, per municipality, year and category."""
    here = {i: c for i, c in used.items() if c.grain == grain}
    filters = {i: c.where for i, c in here.items()}
    filters |= {f"{a}&{b}": f"({here[a].where}) AND ({here[b].where})" for a, b in combinations(here, 2)}
    columns = ", ".join(f'COUNT(*) FILTER (WHERE {where}) AS "{name}"' for name, where in filters.items())
    head = f"municipality_code AS area_code, fiscal_year AS year, CAST({breakdown.column} AS VARCHAR) AS category_code"
    rows = connection.sql(f"SELECT {head}, {columns} FROM core.{grain} GROUP BY 1, 2, 3").pl()
    found = [
        rows.unpivot(on=list(filters), index=["area_code", "year", "category_code"], variable_name="id").with_columns(
            total=pl.lit(0), squares=pl.lit(0)
        )
    ]
    found += [_summed(connection, s, here[s.over], head) for s in sums.values() if s.over in here]
    return pl.concat(
        [
            block.select(
                "id", "area_code", pl.col("year").cast(pl.Int32), "category_code", pl.col(*NUMBERS).cast(pl.Int64),
                breakdown_id=pl.lit(breakdown.id), basis=pl.lit(next(iter(here.values())).basis),
            )
            for block in found
        ]
    )  # fmt: skip


def _summed(connection: duckdb.DuckDBPyConnection, total: Sum, over: Count, head: str) -> pl.DataFrame:
    """Members, sum and sum of squares of the winsorized measure: integers until the last division."""
    x = f"LEAST(GREATEST({total.expression}, {total.low}), {total.high})"
    return connection.sql(
        f"SELECT {head}, '{total.id}' AS id, COUNT(*) AS value, SUM({x}) AS total, SUM({x} * {x}) AS squares "
        f"FROM core.{over.grain} WHERE {over.where} GROUP BY 1, 2, 3"
    ).pl()


def _roll_up(atoms: pl.DataFrame, areas: pl.DataFrame, years: tuple[int, ...], policy: Policy) -> pl.DataFrame:
    """Sums the municipalities' single years over the pooled span and up the tree of areas."""
    parent = dict(areas.select("area_code", "parent_code").iter_rows())
    timed = pl.concat(
        [
            rows.filter(pl.col("year").is_in(of)).with_columns(period=pl.lit(period), period_kind=pl.lit(kind))
            for (basis,), rows in atoms.group_by("basis")
            for is_pooled in (False, True)
            for period, kind, of in periods(str(basis), years, policy, is_pooled=is_pooled)
        ]
    )
    rolled = []
    while not timed.is_empty():
        timed = timed.group_by("id", *CELL).agg(pl.col(*NUMBERS).sum())
        rolled.append(timed)
        timed = timed.filter(pl.col("area_code") != NATION).with_columns(pl.col("area_code").replace_strict(parent))
    return pl.concat(rolled)


def _nested_in_cells(rolled: pl.DataFrame, cells: pl.DataFrame, declared: set[tuple[str, str]]) -> pl.DataFrame:
    """Pairs without a declared relation whose one lies within the other in a cell: inner, outer, CELL, difference."""
    both = rolled.filter(pl.col("id").str.contains("&")).with_columns(
        pl.col("id").str.split_exact("&", 1).struct.rename_fields(["a", "b"]).alias("pair")
    ).unnest("pair")  # fmt: skip
    value = cells.select("count_id", *CELL, "value")
    pairs = both.join(value.rename({"count_id": "a", "value": "n_a"}), on=["a", *CELL]).join(
        value.rename({"count_id": "b", "value": "n_b"}), on=["b", *CELL]
    )
    found = [
        pairs.filter(pl.col("value") == pl.col(f"n_{x}"), pl.col(f"n_{x}") > 0).select(
            *CELL, inner=x, outer=y, difference=pl.col(f"n_{y}") - pl.col(f"n_{x}")
        )
        for x, y in (("a", "b"), ("b", "a"))
    ]
    told = pl.DataFrame(sorted(declared), schema={"inner": pl.String, "outer": pl.String}, orient="row")
    rows = pl.concat(found).join(told, on=["inner", "outer"], how="anti").filter(pl.col("difference") > 0)
    return rows.sort(rows.columns)


def declared_pairs(counts: dict[str, Count], indicators: dict[str, Indicator]) -> set[tuple[str, str]]:
    """(inner, outer) through `within` and `also_within` at any depth, and the partners of an indicator."""
    pairs: set[tuple[str, str]] = set()
    for inner in counts.values():
        above = [inner.within, *inner.also_within]
        while above:
            outer = above.pop()
            if outer and (inner.id, outer) not in pairs:
                pairs.add((inner.id, outer))
                above += [counts[outer].within, *counts[outer].also_within]
    partners = {(i.numerator, i.denominator) for i in indicators.values() if i.denominator}
    return pairs | partners | {(o, i) for i, o in partners}


def refuse_undeclared_nesting(
    connection: duckdb.DuckDBPyConnection, counts: dict[str, Count], declared: set[tuple[str, str]]
) -> None:
    """Stops a release in which one count lies within another in the data without saying so (privacy, hole 10)."""
    for a, b in combinations(counts.values(), 2):
        if a.grain != b.grain:
            continue
        row = connection.execute(
            f"SELECT COUNT(*) FILTER (WHERE {a.where}), COUNT(*) FILTER (WHERE {b.where}), "
            f"COUNT(*) FILTER (WHERE ({a.where}) AND ({b.where})) FROM core.{a.grain}"
        ).fetchone()
        n_a, n_b, n_both = row or (0, 0, 0)
        nested = [(x, y) for x, y, n in ((a, b, n_a), (b, a, n_b)) if n and n == n_both]
        if nested and not any((x.id, y.id) in declared for x, y in nested):
            inner, outer = nested[0]
            raise ReleaseError(
                f"計数 {inner.id} は計数 {outer.id} に含まれますが、宣言がありません。"
                "`within` または `also_within` に書いてください。",
                f"Count {inner.id} lies within count {outer.id} in the data, but does not say so. "
                "Declare it in `within` or `also_within`.",
                3,
            )
