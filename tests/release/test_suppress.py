"""What is hidden, and what for: small tables and their answers."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from pipelines.declaration import Count, Indicator, Policy, Sensitivity
from pipelines.release import families
from pipelines.release.line_rule import thin_lines
from pipelines.release.primary import terms, with_public
from pipelines.release.suppress import Protected, protect
from pipelines.release.system import build
from tests.release import made_tables as t

SECRET = b"of the warehouse"


def shown(
    table: pl.DataFrame,
    tree: pl.DataFrame,
    counts: dict[str, Count],
    indicators: dict[str, Indicator] | None = None,
    policy: Policy = t.STANDARD,
    nested: pl.DataFrame | None = None,
) -> dict[tuple[str, str], bool]:
    """(count, area) -> is the total shown?"""
    done = protect(table, tree, counts, indicators or {}, policy, SECRET, nested)
    return {(c, a): is_shown for c, a, is_shown in done.cells.select("count_id", "area_code", "is_shown").iter_rows()}


def alone(people: int = t.CITY) -> pl.DataFrame:
    """One area without anything above or below it."""
    return pl.DataFrame({"area_code": ["A"], "level": ["municipality"], "parent_code": [None], "population": [people]},
                        schema_overrides={"parent_code": pl.String})  # fmt: skip


@pytest.mark.parametrize(
    ("people", "value", "is_shown"),
    [
        (t.CITY, 9, False), (t.CITY, 10, True), (t.CITY, 0, True),
        (t.TOWN, 19, False), (t.TOWN, 20, True), (t.VILLAGE, 500, False), (t.VILLAGE, 0, False),
    ],
)  # fmt: skip
def test_small_counts_by_the_tier_of_the_area(people: int, value: int, is_shown: bool) -> None:
    table = t.cells(t.totals("n", {"A": value}))
    assert shown(table, alone(people), t.counts_of(t.count("n")))["n", "A"] is is_shown


@pytest.mark.parametrize(("sensitivity", "people", "is_shown"), [
    (Sensitivity.S1, t.TOWN, True), (Sensitivity.S2, t.TOWN, False), (Sensitivity.S2, t.CITY, True),
    (Sensitivity.S3, t.CITY, False),
])  # fmt: skip
def test_lowest_level_of_a_sensitivity_class(sensitivity: Sensitivity, people: int, is_shown: bool) -> None:
    table = t.cells(t.totals("n", {"A": 100}))
    assert shown(table, alone(people), t.counts_of(t.count("n", sensitivity)))["n", "A"] is is_shown


@pytest.mark.parametrize(("inner", "outer", "is_shown"), [
    (25, 30, False), (20, 30, True), (12, 12, False), (60, 60, True), (0, 14, True), (0, 60, True),
])  # fmt: skip
def test_complement_and_everyone(inner: int, outer: int, is_shown: bool) -> None:
    counts = t.counts_of(t.count("o"), t.count("n", within="o"))
    table = t.cells([*t.totals("o", {"A": outer}), *t.totals("n", {"A": inner})])
    told = shown(table, alone(), counts)
    assert (told["o", "A"], told["n", "A"]) == (True, is_shown)


@pytest.mark.parametrize(("seen", "target", "is_shown"), [
    (0, 14, False), (0, 60, True), (12, 12, False), (60, 60, True), (57, 60, False), (63, 60, False), (80, 60, True),
])  # fmt: skip
def test_attendance_of_all_or_none_of_a_few_is_not_shown(seen: int, target: int, is_shown: bool) -> None:
    counts = t.counts_of(t.count("target", is_sensitive=True), t.count("seen", is_sensitive=True))
    table = t.cells([*t.totals("target", {"A": target}), *t.totals("seen", {"A": seen})])
    assert shown(table, alone(), counts, t.proportion("seen", "target", "rate"))["seen", "A"] is is_shown


def test_low_and_very_low_birth_weight_are_not_shown_together_when_two_babies_lie_between() -> None:
    counts = t.counts_of(t.count("births"), t.count("low", within="births"), t.count("very_low", within="low"))
    rows = [("births", 400), ("low", 25), ("very_low", 23)]
    table = t.cells(row for name, value in rows for row in t.totals(name, {"A": value}))
    told = shown(table, alone(), counts)
    assert told["births", "A"] and told["low", "A"] and not told["very_low", "A"]


def test_counts_that_turn_out_nested_in_a_cell_are_not_shown_together_there() -> None:
    table = t.cells([*t.totals("weighed", {"A": 310}), *t.totals("births", {"A": 312})])
    nested = pl.DataFrame({"inner": "weighed", "outer": "births", "period": "2024", "period_kind": "fiscal_year",
                           "area_code": "A", "breakdown_id": "all", "category_code": "all"})  # fmt: skip
    counts = t.counts_of(t.count("weighed"), t.count("births"))
    assert all(shown(table, alone(), counts).values())
    assert shown(table, alone(), counts, nested=nested) == {("weighed", "A"): False, ("births", "A"): True}


def test_a_hidden_denominator_hides_what_lies_within_it() -> None:
    counts = t.counts_of(t.count("o", Sensitivity.S2), t.count("n", within="o"))
    table = t.cells([*t.totals("o", {"A": 100}), *t.totals("n", {"A": 50})])
    assert not any(shown(table, alone(t.TOWN), counts).values())


def test_one_village_hides_two_neighbours_or_the_total() -> None:
    values = {"P1": 1_000, "V": 120, "A": 300, "B": 280, "C": 300}
    tree = t.areas({"V": t.VILLAGE, "A": t.CITY, "B": t.CITY, "C": t.CITY})
    told = shown(t.cells(t.totals("n", values)), tree, t.counts_of(t.count("n")))
    assert not told["n", "V"]
    hidden = [a for a in values if not told["n", a]]
    assert len(hidden) >= 3 or "P1" in hidden
    assert len(hidden) >= 2


def test_two_municipalities_hide_their_total_too() -> None:
    tree = t.areas({"A": t.CITY, "B": t.CITY})
    told = shown(t.cells(t.totals("n", {"P1": 21, "A": 4, "B": 17})), tree, t.counts_of(t.count("n")))
    assert not told["n", "A"] and not told["n", "P1"]


def test_publicly_known_counts_need_no_complement_under_official_parity_and_protect_nobody() -> None:
    counts = t.counts_of(
        t.count("target", known_publicly=True, is_sensitive=True),
        t.count("seen", known_publicly=True, is_sensitive=True),
    )
    table = t.cells([*t.totals("target", {"A": 100}), *t.totals("seen", {"A": 97})])
    rate = t.proportion("seen", "target", "rate")
    assert not shown(table, alone(), counts, rate)["seen", "A"]
    assert shown(table, alone(), counts, rate, t.PARITY)["seen", "A"]


def test_what_an_earlier_release_showed_protects_nobody() -> None:
    tree = t.areas({"A": t.CITY, "B": t.CITY, "C": t.CITY, "D": t.CITY})
    table = t.cells(t.totals("n", {"P1": 104, "A": 4, "B": 30, "C": 30, "D": 40}))
    public = table.filter(pl.col("area_code").is_in(["B", "C"]))
    done = protect(table, tree, t.counts_of(t.count("n")), {}, t.STANDARD, SECRET, already_public=public)
    hidden = set(done.cells.filter(~pl.col("is_shown"))["area_code"])
    assert "A" in hidden and "P1" in hidden  # with B and C known, A is alone with D: the total must go


@pytest.mark.parametrize(("public", "is_thin"), [("", False), ("C", True)])
def test_known_cells_do_not_count_on_a_line(public: str, is_thin: bool) -> None:
    tree = t.areas(dict.fromkeys("ABC", t.CITY))
    table = t.cells(t.totals("n", {"P1": 60, "A": 20, "B": 20, "C": 20}))
    system = build(table, tree, ())
    says = with_public(system, terms(system, t.counts_of(t.count("n")), t.STANDARD),
                       table.filter(pl.col("area_code") == public))  # fmt: skip
    assert thin_lines(system, says, np.array([0, 2, 2, 2])).tolist() == [is_thin]


@pytest.mark.parametrize(("hidden", "is_thin"), [
    ((4, 17), True), ((4, 17, 30), False), ((4, 4, 30), True), ((10, 0, 30), False), ((9, 0, 30), True),
])  # fmt: skip
def test_under_a_shown_sum_three_areas_and_k_without_the_largest(hidden: tuple[int, ...], is_thin: bool) -> None:
    towns = {f"T{i}": t.CITY for i in range(len(hidden))}
    values = {"P1": sum(hidden) + 50, **dict(zip(towns, hidden, strict=True)), "S": 50}
    system = build(t.cells(t.totals("n", values)), t.areas({**towns, "S": t.CITY}), ())
    reason = np.array([0, *(2 for _ in hidden), 0])
    says = terms(system, t.counts_of(t.count("n")), t.STANDARD)
    assert thin_lines(system, says, reason).tolist() == [is_thin]


def test_the_choice_depends_on_the_secret_and_on_nothing_else() -> None:
    towns = {f"T{i}": t.CITY for i in range(12)}
    values = {"P1": 3 + 11 * 30, **dict.fromkeys(towns, 30)} | {"T0": 3}
    table, tree, counts = t.cells(t.totals("n", values)), t.areas(towns), t.counts_of(t.count("n"))
    pattern = [protect(table, tree, counts, {}, t.STANDARD, s).cells["is_shown"].to_list() for s in (b"a", b"a", b"b")]
    assert pattern[0] == pattern[1] != pattern[2]


def test_reasons_and_reach_are_told() -> None:
    tree = t.areas({"A": t.CITY, "B": t.CITY, "C": t.CITY, "D": t.CITY, "V": t.VILLAGE})
    table = t.cells(t.totals("n", {"P1": 1_005, "A": 4, "B": 300, "C": 300, "D": 300, "V": 101}))
    done: Protected = protect(table, tree, t.counts_of(t.count("n")), {}, t.STANDARD, SECRET)
    reason = dict(done.cells.select("area_code", "reason").iter_rows())
    assert (reason["A"], reason["V"]) == ("primary", "policy")
    assert sorted(r for a, r in reason.items() if a in "BCD") == ["", "", "secondary"]
    (told,) = done.reach.to_dicts()
    assert (told["cells"], told["municipalities"], told["municipalities_before"]) == (5, 5, 3)
    assert told["municipalities_after"] == 2
    assert (told["shown_before"], told["shown_after"]) == (pytest.approx(0.6), pytest.approx(0.4))


def test_a_count_that_is_not_of_persons_has_no_threshold() -> None:
    table = t.cells(t.totals("n", {"A": 3}))
    assert shown(table, alone(t.VILLAGE), t.counts_of(replace(t.count("n"), subject="facility")))["n", "A"]


def test_the_input_is_left_as_it_was() -> None:
    table, tree, counts, indicators = t.random_case(np.random.default_rng(3))
    done = protect(table, tree, counts, indicators, t.STANDARD, SECRET)
    assert done.cells.select(table.columns).equals(table)
    assert set(done.cells["reason"]) <= {"", "primary", "secondary", "fallback", "policy"}


def test_counts_that_nothing_ties_are_decided_in_other_processes_as_each_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = [t.random_case(np.random.default_rng(seed))[0].filter(count_id="o") for seed in (3, 3)]
    two = pl.concat([made[0], made[1].with_columns(count_id=pl.lit("p"), value=pl.col("value") * 2)])
    tree, counts = t.random_case(np.random.default_rng(3))[1], t.counts_of(t.count("o"), t.count("p"))
    assert len(protect(two, tree, counts, {}, t.STANDARD, SECRET).cases) == 1  # too little for a process each
    monkeypatch.setattr(families, "WORTH_A_PROCESS", 0)
    monkeypatch.setattr(families, "PROCESSES", 2)
    together = protect(two, tree, counts, {}, t.STANDARD, SECRET)
    assert len(together.cases) == 2
    for count_id in counts:
        own = two.filter(count_id=count_id)
        apart = protect(own, tree, counts, {}, t.STANDARD, SECRET)
        assert apart.cells.equals(together.cells.filter(count_id=count_id))
    assert together.reach["count_id"].to_list() == ["o", "o", "p", "p"]
