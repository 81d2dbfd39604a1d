"""The audit finds what can be worked out: small releases forced open, and the answer."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import scipy.sparse as sp

from pipelines.declaration import Count
from pipelines.release.attack import determined, peel
from pipelines.release.audit import audit_cells, audit_published
from pipelines.release.bounds import bounds, too_narrow
from pipelines.release.findings import Finding
from pipelines.release.policy import policy_rows
from pipelines.release.primary import terms, with_public
from pipelines.release.proof import Proof
from pipelines.release.system import Rows, build
from pipelines.release.view import View, view
from tests.release import made_tables as t
from tests.release.small_release import write

ONE = t.counts_of(t.count("n"))


def rules(found: list[Finding]) -> set[str]:
    return {f.rule for f in found}


def exactly_told(seen: View) -> Rows:
    return Proof.of_nothing(seen.system.n_cells).told(seen)[0]


def test_a_table_with_nothing_hidden_and_nothing_small_is_safe() -> None:
    table = t.cells(t.totals("n", {"P1": 60, "A": 20, "B": 40}))
    assert audit_cells(t.seen(table, t.areas({"A": t.CITY, "B": t.CITY}), ONE)) == []


def test_one_hidden_cell_follows_from_the_total() -> None:
    table = t.cells(t.totals("n", {"P1": 77, "A": None, "B": 60}))
    (found,) = audit_cells(t.seen(table, t.areas({"A": t.CITY, "B": t.CITY}), ONE))
    assert found.rule == "exactly_told" and "A" in found.cell
    assert "A" in found.sentence_ja and "A" in found.sentence_en and "17" not in found.sentence_ja + found.sentence_en


def test_of_two_hidden_areas_each_submitter_reads_the_other() -> None:
    table = t.cells(t.totals("n", {"P1": 21, "A": None, "B": None}))
    found = audit_cells(t.seen(table, t.areas({"A": t.CITY, "B": t.CITY}), ONE))
    assert {(f.rule, f.cell[3]) for f in found} == {("exactly_told", "A"), ("exactly_told", "B")}


def test_three_hidden_areas_of_enough_mass_are_safe() -> None:
    table = t.cells(t.totals("n", {"P1": 60, "A": None, "B": None, "C": None}))
    assert audit_cells(t.seen(table, t.areas(dict.fromkeys("ABC", t.CITY)), ONE)) == []


def test_of_three_hidden_areas_two_are_publicly_known() -> None:
    table = t.cells(t.totals("n", {"P1": 60, "A": 4, "B": 26, "C": 30}))
    system = build(table, t.areas(dict.fromkeys("ABC", t.CITY)), ())
    is_hidden = np.array([False, True, True, True])
    says = terms(system, ONE, t.STANDARD)
    assert not len(exactly_told(view(system, says, is_hidden)))
    public = table.filter(pl.col("area_code").is_in(["B", "C"]))
    told = exactly_told(view(system, with_public(system, says, public), is_hidden))
    assert told.tolist() == [1]


def test_a_publicly_known_total_gives_a_hidden_category_away_under_official_parity() -> None:
    rows: list[t.Row] = [("n", "2024", "A", "all", "all", None)]
    rows += [("n", "2024", "A", "sex", c, v) for c, v in (("1", None), ("2", 90))]
    release = t.seen(t.cells(rows), t.areas({"A": t.CITY}).tail(1), t.counts_of(t.count("n", known_publicly=True)))
    assert audit_cells(release) == []
    parity = t.seen(t.cells(rows), release.areas, release.counts, policy=t.PARITY)
    assert [f.cell[-1] for f in audit_cells(parity)] == ["1"]


def test_withheld_is_not_hidden() -> None:
    values = {"P1": 203, "A": 50, "B": 50, "C": 50, "D": 50}
    tree = t.areas(dict.fromkeys("ABCDE", t.CITY))
    table = t.cells(t.totals("n", {**values, "E": None}))
    (found,) = audit_cells(t.seen(table, tree, ONE, status={"E": "withheld_quality"}))
    assert found.rule == "exactly_told" and "E" in found.cell


def test_an_area_that_did_not_collect_adds_nothing_and_protects_nobody() -> None:
    tree = t.areas(dict.fromkeys("ABCD", t.CITY))
    hidden = t.cells(t.totals("n", {"P1": 60, "A": None, "B": None, "C": None, "D": None}))
    assert audit_cells(t.seen(hidden, tree, ONE)) == []
    absent = {"C": "not_collected", "D": "not_collected"}
    assert rules(audit_cells(t.seen(hidden, tree, ONE, status=absent))) == {"exactly_told"}


def test_a_village_alone_is_found_from_the_total() -> None:
    tree = t.areas({"A": t.CITY, "B": t.CITY, "V": t.VILLAGE})
    table = t.cells(t.totals("n", {"P1": 500, "A": 200, "B": 200, "V": None}))
    assert [(f.rule, f.cell[3]) for f in audit_cells(t.seen(table, tree, ONE))] == [("exactly_told", "V")]


@pytest.mark.parametrize(("low", "very_low"), [(25, 23), (12, 12)])
def test_differences_of_nested_counts_and_all_of_a_few(low: int, very_low: int) -> None:
    counts = t.counts_of(t.count("low"), t.count("very_low", within="low"))
    table = t.cells([*t.totals("low", {"A": low}), *t.totals("very_low", {"A": very_low})])
    found = audit_cells(t.seen(table, t.areas({"A": t.CITY}).tail(1), counts))
    assert [(f.rule, f.cell[0]) for f in found] == [("small_count", "very_low")]


@pytest.mark.parametrize(("people", "value"), [(t.CITY, 9), (t.TOWN, 19), (t.VILLAGE, 100)])
def test_a_small_count_shown_is_found(people: int, value: int) -> None:
    found = audit_cells(t.seen(t.cells(t.totals("n", {"A": value})), t.areas({"A": people}).tail(1), ONE))
    assert rules(found) == {"small_count"}


def test_three_hidden_areas_of_too_little_mass_are_too_narrow() -> None:
    tree = t.areas(dict.fromkeys("ABCD", t.TOWN))
    table = t.cells(t.totals("n", {"P1": 48, "A": None, "B": None, "C": None, "D": 40}))  # 8 left for three
    assert rules(audit_cells(t.seen(table, tree, ONE))) == {"narrow_interval"}


BRIDGE = {"A": "123", "B": "12", "C": "345", "D": "45"}  # hidden categories; A-3 ties two rings of cells together


def crossed(values: dict[str, dict[str, int]], hidden: dict[str, str]) -> pl.DataFrame:
    """Areas by categories of one count with all totals shown and the `hidden` categories of each area suppressed."""
    rows: list[t.Row] = [
        ("n", "2024", a, "b", c, None if c in hidden[a] else v) for a, of in values.items() for c, v in of.items()
    ]
    rows += [("n", "2024", a, "all", "all", sum(of.values())) for a, of in values.items()]
    categories = list(next(iter(values.values())))
    rows += [("n", "2024", "P1", "b", c, sum(of[c] for of in values.values())) for c in categories]
    return t.cells([*rows, ("n", "2024", "P1", "all", "all", sum(sum(of.values()) for of in values.values()))])


def test_a_bridge_between_two_rings_is_told_though_no_equation_has_one_unknown() -> None:
    values = {a: {c: 30 + 7 * i + 3 * j for j, c in enumerate("12345")} for i, a in enumerate(BRIDGE)}
    system = build(crossed(values, BRIDGE), t.areas(dict.fromkeys(BRIDGE, t.CITY)), ())
    seen = view(system, terms(system, ONE, t.STANDARD), np.isnan(system.value))
    assert not peel(seen.unknown_equations()).any()
    told = system.frame[exactly_told(seen)].select("area_code", "category_code").rows()
    assert ("A", "3") in told and ("C", "3") in told


def test_what_lies_under_a_public_figure_that_the_file_lacks_has_no_interval_to_measure() -> None:
    """The release measured it with the figure; from the file alone the room that the State leaves cannot be said."""
    towns = dict.fromkeys("ABCD", t.TOWN)
    counts = t.counts_of(t.count("o", known_publicly=True), t.count("n", within="o"))
    outer = t.totals("o", {"P1": 400, "A": None, "B": None, "C": None, "D": 80})
    table = t.cells([*outer, *t.totals("n", {"P1": 48, "A": None, "B": None, "C": None, "D": 40})])
    assert rules(audit_cells(t.seen(table, t.areas(towns), counts))) == {"narrow_interval"}
    assert audit_cells(t.seen(table, t.areas(towns), counts, policy=t.PARITY)) == []


def test_line_by_line_arithmetic_finds_the_plainly_narrow_ones_first() -> None:
    table = t.cells(t.totals("n", {"P1": 48, "A": None, "B": None, "C": None, "D": 40}))
    system = build(table, t.areas(dict.fromkeys("ABCD", t.TOWN)), ())
    is_hidden, says = np.isnan(system.value), terms(system, ONE, t.STANDARD)
    low, high = bounds(system, says, is_hidden)
    assert (low[1:4].tolist(), high[1:4].tolist()) == ([0, 0, 0], [8, 8, 8])
    assert too_narrow(system, says, is_hidden, says.width).tolist() == [False, True, True, True, False]


def test_two_cells_that_only_all_lines_together_make_narrow_are_found() -> None:
    """C-3 and C-4 stand on wide lines, but rows A to C less columns 1 and 2 leave them 4 together."""
    hidden = {"A": "12", "B": "12", "C": "1234", "D": "34", "E": "34"}
    values = {a: dict.fromkeys("1234", 0) | dict.fromkeys(c, 40) for a, c in hidden.items()}
    values["C"] |= {"3": 2, "4": 2}
    release = t.seen(crossed(values, hidden), t.areas(dict.fromkeys(hidden, t.CITY)), ONE)
    system = build(release.cells, release.areas, ())
    is_hidden = np.isnan(system.value)
    says = terms(system, ONE, t.STANDARD)
    assert not too_narrow(system, says, is_hidden, view(system, says, is_hidden).width).any()
    found = [(f.rule, f.cell[3], f.cell[5]) for f in audit_cells(release)]
    assert sorted(found) == [("narrow_interval", "C", "3"), ("narrow_interval", "C", "4")]


def ring(n: int) -> sp.csr_array:
    """n equations over n unknowns, each of two neighbours: one unknown is told by all of them together if n is odd."""
    at = np.arange(n)
    return sp.csr_array((np.ones(2 * n), (np.tile(at, 2), np.concatenate([at, (at + 1) % n]))), shape=(n, n))


@pytest.mark.parametrize(("n", "is_told"), [(613, True), (612, False), (3, True), (4, False)])
def test_hundreds_of_equations_together_tell_what_none_of_them_does(n: int, is_told: bool) -> None:
    assert not peel(ring(n)).any()
    assert (determined(ring(n)) == is_told).all()


def test_shown_values_that_do_not_add_up_are_a_contradiction() -> None:
    tree = t.areas({"A": t.CITY, "B": t.CITY, "C": t.CITY, "D": t.CITY})
    apart = t.cells(t.totals("n", {"P1": 61, "A": 20, "B": 40, "C": 0, "D": 0}))
    assert rules(audit_cells(t.seen(apart, tree, ONE))) == {"contradiction"}
    below_zero = t.cells(t.totals("n", {"P1": 30, "A": None, "B": None, "C": None, "D": 40}))
    assert rules(audit_cells(t.seen(below_zero, tree, ONE))) & {"contradiction", "narrow_interval"}


def test_a_value_of_an_earlier_release_may_not_be_told_in_this_one() -> None:
    tree = t.areas({"A": t.CITY, "B": t.CITY, "C": t.CITY})
    table = t.cells(t.totals("n", {"P1": 61, "A": 20, "B": 20, "C": 20}))
    (found,) = audit_cells(t.seen(table, tree, ONE, status={"A": "provisional"}))
    assert found.rule == "exactly_told" and "A" in found.cell


# --- the file ---------------------------------------------------------------------------------------------------

WHERE = {"period": "2024", "period_kind": "fiscal_year", "breakdown_id": "all", "category_code": "all"}
NUMBERS = ("numerator", "denominator", "value", "ci_low", "ci_high")
TABLES = dict[str, pl.DataFrame]


def release() -> TABLES:
    """A safe release of one city: a count, a proportion, an attendance rate and a mean."""
    counts = [t.count("births"), t.count("low", within="births"), t.count("target"), t.count("seen")]
    values = {"births": 400, "low": 40, "target": 400, "seen": 380}
    observed = {
        "births_count": (400, None, 400.0, None, None), "low_rate": (40, 400, 10.0, 7.4, 13.3),
        "seen_rate": (380, 400, 95.0, 85.0, 105.0), "visits": (None, 400, 11.2, 11.0, 11.4),
    }  # fmt: skip
    kinds = {
        "births_count": ("count", "births", None), "low_rate": ("proportion", "low", "births"),
        "seen_rate": ("rate", "seen", "target"), "visits": ("mean", "antenatal_visits", "births"),
    }  # fmt: skip
    return {
        "release": pl.DataFrame({"release_id": ["r"], "status": ["final"], "policy_id": ["standard"]}),
        "area": pl.DataFrame({"area_code": ["A"], "level": ["municipality"], "parent_code": ["M"]}),
        "area_population": pl.DataFrame({"area_code": ["A"], "year": [2025], "population": [t.CITY]}),
        "policy": policy_rows(t.STANDARD, {c.id: c for c in counts}),
        "count_definition": pl.DataFrame([_defined(c) for c in counts]),
        "indicator": pl.DataFrame(
            [{"indicator_id": i, "kind": k, "numerator_id": n, "denominator_id": d} for i, (k, n, d) in kinds.items()]
        ),
        "count_cell": pl.DataFrame(
            [{"count_id": c, **WHERE, "area_code": "A", "value": v, "status": "observed"} for c, v in values.items()]
        ),
        "observation": pl.DataFrame(
            [
                {
                    "indicator_id": i,
                    **WHERE,
                    "area_code": "A",
                    **dict(zip(NUMBERS, v, strict=True)),
                    "status": "observed",
                }
                for i, v in observed.items()
            ]
        ),
    }


def _defined(count: Count) -> dict[str, str | None]:
    return {
        "count_id": count.id, "label_ja": count.label_ja, "label_en": count.label_en, "subject": count.subject,
        "counting": count.counting, "basis": count.basis, "sensitivity": count.sensitivity.value,
        "population_sql": "TRUE", "condition_sql": count.condition, "within_count_id": count.within,
    }  # fmt: skip


def attacked(tmp_path: Path, change: Callable[[TABLES], None] | None = None) -> list[Finding]:
    tables = release()
    if change:
        change(tables)
    write(tmp_path / "published.duckdb", tables)
    return audit_published(tmp_path / "published.duckdb")


def edited(table: str, key: str, name: str, **values: object) -> Callable[[TABLES], None]:
    def change(tables: TABLES) -> None:
        is_row = pl.col(key) == name
        tables[table] = tables[table].with_columns(
            pl.when(is_row).then(pl.lit(v)).otherwise(pl.col(c)).alias(c) for c, v in values.items()
        )

    return change


def test_a_safe_file_passes(tmp_path: Path) -> None:
    assert attacked(tmp_path) == []


HIDDEN = dict.fromkeys(NUMBERS) | {"status": "suppressed"}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (edited("count_cell", "count_id", "low", status="suppressed"), "value_beside_hidden"),
        (edited("count_cell", "count_id", "low", status="not_collected"), "value_beside_hidden"),
        (edited("count_cell", "count_id", "low", value=None), "shown_without_value"),
        (edited("count_cell", "count_id", "low", value=None, status="suppressed"), "without_its_counts"),
        (edited("count_cell", "count_id", "low", value=41), "contradiction"),
        (edited("observation", "indicator_id", "low_rate", ci_low=None), "half_shown"),
        (edited("observation", "indicator_id", "low_rate", denominator=None), "half_shown"),
        (edited("observation", "indicator_id", "seen_rate", numerator=None), "half_shown"),
        (edited("observation", "indicator_id", "visits", numerator=4480), "half_shown"),
        (edited("observation", "indicator_id", "visits", ci_high=None), "half_shown"),
        (edited("observation", "indicator_id", "births_count", value=None), "shown_without_value"),
        (edited("observation", "indicator_id", "low_rate", status="suppressed"), "value_beside_hidden"),
        (edited("observation", "indicator_id", "low_rate", **{**HIDDEN, "ci_low": 7.4}), "value_beside_hidden"),
    ],
)
def test_an_observation_is_all_or_nothing(change: Callable[[TABLES], None], rule: str, tmp_path: Path) -> None:
    assert rule in rules(attacked(tmp_path, change))


def test_a_hidden_observation_of_shown_counts_is_no_finding(tmp_path: Path) -> None:
    assert attacked(tmp_path, edited("observation", "indicator_id", "low_rate", **HIDDEN)) == []


def test_a_small_count_and_a_small_rest_in_the_file_are_found(tmp_path: Path) -> None:
    def small(value: int) -> Callable[[TABLES], None]:
        def change(tables: TABLES) -> None:
            edited("count_cell", "count_id", "low", value=value)(tables)
            edited("observation", "indicator_id", "low_rate", numerator=value)(tables)

        return change

    for i, value in enumerate((9, 391)):
        (tmp_path / str(i)).mkdir()
        assert rules(attacked(tmp_path / str(i), small(value))) == {"small_count"}


def test_a_mean_of_few_members_is_found_below_prefectures_only(tmp_path: Path) -> None:
    def few(level: str) -> Callable[[TABLES], None]:
        def change(tables: TABLES) -> None:
            tables["count_cell"] = tables["count_cell"].filter(pl.col("count_id") == "births")
            tables["observation"] = tables["observation"].filter(pl.col("indicator_id") == "visits")
            edited("count_cell", "count_id", "births", value=60)(tables)
            edited("observation", "indicator_id", "visits", denominator=60)(tables)
            edited("area", "area_code", "A", level=level)(tables)

        return change

    for i, (level, found) in enumerate((("municipality", {"mean_of_few"}), ("prefecture", set()))):
        (tmp_path / str(i)).mkdir()
        assert rules(attacked(tmp_path / str(i), few(level))) == found


def test_two_means_that_differ_by_a_few_members_are_found(tmp_path: Path) -> None:
    def two(rest: int) -> Callable[[TABLES], None]:
        def change(tables: TABLES) -> None:
            mean = tables["observation"].filter(pl.col("indicator_id") == "visits")
            part = mean.with_columns(
                breakdown_id=pl.lit("age5"), category_code=pl.lit("x"), denominator=pl.lit(400 - rest, pl.Int64)
            )
            tables["observation"] = pl.concat([mean, part])
            own = tables["count_cell"].filter(pl.col("count_id") == "births")
            other = own.with_columns(
                breakdown_id=pl.lit("age5"), category_code=pl.lit("x"), value=pl.lit(400 - rest, pl.Int64)
            )
            tables["count_cell"] = pl.concat([own, other])

        return change

    for i, rest in enumerate((3, 12)):
        (tmp_path / str(i)).mkdir()
        assert ("mean_difference" in rules(attacked(tmp_path / str(i), two(rest)))) is (rest == 3)


def test_indicators_of_the_file_give_the_pairs(tmp_path: Path) -> None:
    """Attendance is in no `within`: the rest of its list is found through the indicator."""

    def change(tables: TABLES) -> None:
        edited("count_cell", "count_id", "seen", value=395)(tables)
        edited("observation", "indicator_id", "seen_rate", numerator=395)(tables)

    found = attacked(tmp_path, change)
    assert [(f.rule, f.cell[0]) for f in found] == [("small_count", "seen")]
