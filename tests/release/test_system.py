"""The equation system: every sum, every difference, nothing more."""

import numpy as np
import polars as pl
import pytest

from pipelines.release.system import IncompleteCells, LineKind, Pair, build, pairs_of
from tests.release import made_tables as t

TREE = pl.DataFrame(
    [
        (t.NATION, "nation", None, 10**7),
        ("P", "prefecture", t.NATION, 10**6),
        ("M", "medical_area", "P", 10**5),
        ("N", "medical_area", "P", 10**5),
        ("A", "municipality", "M", t.CITY),
        ("B", "municipality", "M", t.TOWN),
        ("C", "municipality", "N", t.VILLAGE),
    ],
    schema=["area_code", "level", "parent_code", "population"],
    orient="row",
)

ONE = TREE.filter(pl.col("area_code") == "A")
TWO = TREE.filter(pl.col("area_code").is_in(["M", "A", "B"]))


def lines_by_name(table: pl.DataFrame, tree: pl.DataFrame = TREE, pairs: tuple[Pair, ...] = ()) -> dict[str, set[str]]:
    """Sum -> parts, each named by period, area and category."""
    system = build(table, tree, pairs)
    name = system.frame.select(
        pl.concat_str("count_id", "period", "area_code", "category_code", separator=" ")
    ).to_series()
    lines = system.lines
    named: dict[str, set[str]] = {}
    for i in range(len(lines)):
        total, *parts = (name[int(c)] for c in lines.cells[lines.start[i] : lines.start[i + 1]])
        named[f"{LineKind(lines.kind[i]).name} {total}"] = set(parts)
    return named


def test_an_area_is_the_sum_of_its_parts_level_by_level() -> None:
    table = t.cells(t.totals("n", {t.NATION: 9, "P": 9, "M": 5, "N": 4, "A": 2, "B": 3, "C": 4}))
    assert lines_by_name(table) == {
        "AREA n 2024 000000 all": {"n 2024 P all"},
        "AREA n 2024 P all": {"n 2024 M all", "n 2024 N all"},
        "AREA n 2024 M all": {"n 2024 A all", "n 2024 B all"},
        "AREA n 2024 N all": {"n 2024 C all"},
    }


def test_a_level_that_a_count_lacks_is_bridged() -> None:
    table = t.cells(t.totals("n", {t.NATION: 9, "A": 2, "B": 3, "C": 4}))
    assert lines_by_name(table) == {"AREA n 2024 000000 all": {"n 2024 A all", "n 2024 B all", "n 2024 C all"}}


def test_a_sum_that_lacks_a_part_is_no_equation() -> None:
    """D lies in no medical area: where a count ends at medical areas, the prefecture is more than their sum."""
    apart = pl.DataFrame([("D", "municipality", "P", t.CITY)], schema=TREE.schema, orient="row")
    table = t.cells(t.totals("n", {"P": 9, "M": 5, "N": 3}))
    assert lines_by_name(table) != {}
    assert lines_by_name(table, pl.concat([TREE, apart])) == {}


def test_a_total_is_the_sum_of_each_breakdown_and_pooled_years_of_single_ones() -> None:
    rows: list[t.Row] = [("n", p, "A", "all", "all", v) for p, v in (("2023", 3), ("2024", 4), ("2023-2024", 7))]
    rows += [("n", "2024", "A", "sex", c, v) for c, v in (("1", 1), ("2", 3))]
    assert lines_by_name(t.cells(rows), ONE) == {
        "CATEGORY n 2024 A all": {"n 2024 A 1", "n 2024 A 2"},
        "YEARS n 2023-2024 A all": {"n 2023 A all", "n 2024 A all"},
    }


def test_a_certain_pair_has_a_complement_with_equations_of_its_own() -> None:
    table = t.cells([*t.totals("o", {"M": 9, "A": 5, "B": 4}), *t.totals("n", {"M": 3, "A": 1, "B": 2})])
    system = build(table, TWO, (Pair("n", "o", True),))
    rest = dict(system.frame.filter(pl.col("count_id") == "o-n").select("area_code", "value").iter_rows())
    assert rest == {"M": 6, "A": 4, "B": 2}
    assert "AREA o-n 2024 M all" in lines_by_name(table, TWO, (Pair("n", "o", True),))
    inner, outer = system.certain
    assert system.value[inner].tolist() == [3, 1, 2]
    assert system.value[outer].tolist() == [9, 5, 4]


def test_attendance_lies_within_its_list_only_nearly() -> None:
    counts = t.counts_of(t.count("target"), t.count("seen"), t.count("o"), t.count("n", within="o", also_within=("q",)))
    pairs = pairs_of(counts, t.proportion("seen", "target", "rate").values())
    assert set(pairs) == {Pair("seen", "target", False), Pair("n", "o", True), Pair("n", "q", False)}
    table = t.cells([*t.totals("target", {"A": 5}), *t.totals("seen", {"A": 6})])
    system = build(table, ONE, pairs)
    assert len(system.certain[0]) == 0
    assert system.nesting.inner.tolist() == [1]


def test_counts_nested_only_in_one_cell_give_an_inequality_there_alone() -> None:
    table = t.cells([*t.totals("a", {"A": 310, "B": 3}), *t.totals("b", {"A": 312, "B": 9})])
    nested = pl.DataFrame({"inner": "a", "outer": "b", "period": "2024", "period_kind": "fiscal_year",
                           "area_code": "A", "breakdown_id": "all", "category_code": "all"})  # fmt: skip
    inner, outer = build(table, TWO.tail(2), (), nested).certain
    assert (inner.tolist(), outer.tolist()) == ([0], [2])


@pytest.mark.parametrize(
    "rows",
    [
        t.totals("n", {"M": 5, "A": 2}),
        [
            *t.totals("n", {"A": 4, "B": 4, "C": 4}),
            ("n", "2024", "A", "sex", "1", 4),
            ("n", "2024", "B", "sex", "2", 4),
        ],
    ],
    ids=["an area is missing", "a category is missing"],
)
def test_a_gap_in_the_cells_is_refused_not_overlooked(rows: list[t.Row]) -> None:
    with pytest.raises(IncompleteCells, match="0 も"):
        build(t.cells(rows), TREE, ())


def test_every_equation_holds_on_true_values() -> None:
    table, tree, counts, indicators = t.random_case(np.random.default_rng(7))
    system = build(table, tree, pairs_of(counts, indicators.values()))
    kinds = np.bincount(system.lines.kind, minlength=3)
    assert (kinds > 20).all()
    assert np.abs(system.lines.equations(len(system.value)) @ system.value).max() == 0
