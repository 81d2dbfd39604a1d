"""Shortcuts of the proof against the long way: on random tables both must say the same, or the shortcut less."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import scipy.sparse as sp
from scipy.optimize import linprog

from pipelines.release import apart, attack, intervals
from pipelines.release.attack import told_to_outsiders, told_to_submitters
from pipelines.release.audit import audit_cells
from pipelines.release.borders import bordered, with_former
from pipelines.release.intervals import NoTable, search
from pipelines.release.line_rule import choice, close_lines
from pipelines.release.polytope import CEILING, FITS, TOLERANCE, Polytope, Room, middle
from pipelines.release.primary import Reason, Terms, primary, terms
from pipelines.release.projection import RoughProjection
from pipelines.release.proof import Proof
from pipelines.release.relief import relieving
from pipelines.release.swaps import free_of_submitters
from pipelines.release.system import SENDER, WHAT, Rows, System, build, pairs_of
from pipelines.release.view import View, polytope, view
from tests.release import made_tables as t

SEEDS = range(12)


def built(seed: int) -> tuple[System, Terms]:
    """A random country."""
    table, tree, counts, indicators = t.random_case(np.random.default_rng(seed))
    system = build(table, tree, pairs_of(counts, indicators.values()))
    return system, terms(system, counts, t.STANDARD)


def after_the_line_rule(seed: int) -> tuple[System, Terms, Rows]:
    """As suppression hands it to its first proof: some of it is told, some of it is narrow."""
    system, says = built(seed)
    chosen = choice(system, b"of the warehouse")
    return system, says, close_lines(system, says, primary(system, says), chosen, Reason.SECONDARY)


def with_more_hidden(system: System, reason: Rows, rng: np.random.Generator) -> Rows:
    shown = np.flatnonzero(reason[: system.n_cells] == Reason.SHOWN)
    more = reason.copy()
    more[rng.choice(shown, size=len(shown) // 8, replace=False)] = Reason.SECONDARY
    return more


@pytest.mark.parametrize("seed", SEEDS)
def test_testing_only_what_was_not_free_and_sums_tells_what_testing_everything_tells(seed: int) -> None:
    system, says, reason = after_the_line_rule(seed)
    _, proof = Proof.of_nothing(system.n_cells).told(view(system, says, reason > 0))
    seen = view(system, says, with_more_hidden(system, reason, np.random.default_rng(seed)) > 0)
    everything = np.ones(system.n_cells, dtype=bool)
    told = set(told_to_submitters(seen, everything).tolist())
    again = ~proof.is_free | system.is_sum_of_areas[: system.n_cells]
    assert set(told_to_submitters(seen, again).tolist()) == told


@pytest.mark.parametrize("seed", SEEDS)
def test_no_submitter_can_work_out_what_changes_that_can_be_written_down_free(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    system, says, reason = after_the_line_rule(seed)
    seen = view(system, says, with_more_hidden(system, reason, np.random.default_rng(seed)) > 0)
    everything = np.ones(system.n_cells, dtype=bool)
    free = free_of_submitters(seen, everything)
    monkeypatch.setattr(attack, "free_of_submitters", lambda *_: np.zeros(system.n_cells, dtype=bool))
    told = told_to_submitters(seen, everything)
    assert not free[told].any()
    hidden = seen.columns()
    assert not len(hidden) or free[hidden].mean() > 0.5 * (1 - len(told) / len(hidden))


def with_an_area_that_was_split(seed: int) -> tuple[System, Terms]:
    """A random country in which two towns were one in 2023, and its number is known beside theirs."""
    table, tree, counts, indicators = t.random_case(np.random.default_rng(seed))
    towns = tree.filter(level="municipality")["area_code"].to_list()
    two = [towns[0], towns[-1]]
    split = pl.DataFrame({"old_code": ["OLD", "OLD"], "new_code": two})
    together = table.filter(pl.col("period") == "2023", pl.col("area_code").is_in(two))
    old = together.group_by(*WHAT).agg(pl.sum("value")).with_columns(area_code=pl.lit("OLD")).select(table.columns)
    around = with_former(tree, split, tree.select("area_code", "population").clear())
    system = bordered(build(pl.concat([table, old]), around, pairs_of(counts, indicators.values())), split)
    return system, terms(system, counts, t.STANDARD)


@pytest.mark.parametrize("seed", SEEDS)
def test_sums_over_moved_borders_hold_back_what_could_be_written_down(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    system, says = with_an_area_that_was_split(seed)
    seen = view(system, says, with_more_hidden(system, primary(system, says), np.random.default_rng(seed)) > 0)
    everything = np.ones(system.n_cells, dtype=bool)
    free = free_of_submitters(seen, everything)
    monkeypatch.setattr(attack, "free_of_submitters", lambda *_: np.zeros(system.n_cells, dtype=bool))
    assert not free[told_to_submitters(seen, np.ones(system.n_cells, dtype=bool))].any()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_table_in_the_middle_fits_and_stands_away_from_every_limit(seed: int) -> None:
    system, says, reason = after_the_line_rule(seed)
    _, tables = polytope(view(system, says, reason > 0), np.ones(system.n_cells, dtype=bool))
    room = Room(tables)
    for start in (np.full(tables.n, np.nan), np.zeros(tables.n)):
        table = middle(room, start)
        assert table is not None
        assert np.abs(room.equations @ table - room.right).max(initial=0) < FITS
        assert ((room.low < table) & (table < room.high)).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_by_itself_every_cell_moves_as_far_as_the_ellipsoid_around_the_middle_reaches(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However crowded its block is: where many are pushed at once, some with all the room in the world get none of it."""
    system, says, reason = after_the_line_rule(seed)
    _, tables = polytope(view(system, says, reason > 0), np.ones(system.n_cells, dtype=bool))
    room = Room(tables)
    table = middle(room, np.full(tables.n, np.nan))
    assert table is not None
    scale = np.minimum(room.scale(table), apart.LARGEST_SCALE)
    equations = room.equations.toarray() * scale
    free = np.eye(len(scale)) - np.linalg.pinv(equations) @ equations
    reach = (2 * scale * np.sqrt(np.maximum(np.diag(free), 0)))[: tables.n]
    asked, everything = replace(tables, width=0.99 * reach), np.ones(tables.n, dtype=bool)
    monkeypatch.setattr(apart._Pushing, "_push", lambda *_: None)
    found = search(asked, [(everything, True)], reach > 0.1, ~everything, table[: tables.n], turn=0, singles=0)
    assert not tables.n or (reach > 1).any()
    assert not found.is_narrow.any()


def test_what_a_shown_zero_makes_the_same_is_one_number_in_every_table() -> None:
    """All of A's are among x: whatever A's girls are, its girls among x are as many. Of B this cannot be said."""
    tree, counts = t.areas(dict.fromkeys("ABC", 10**6)), t.counts_of(t.count("y"), t.count("x", within="y"))
    girls = [("y", "2024", a, "sex", g, 60) for a in "ABC" for g in "12"]
    girls += [("x", "2024", a, "sex", g, 60 if a == "A" else 30) for a in "ABC" for g in "12"]
    system = build(t.rolled_up(t.cells(girls), tree).filter(period="2024"), tree, pairs_of(counts, []))
    names = system.frame.select(pl.concat_str("count_id", "area_code", "category_code")).to_series()
    hidden = [f"{c}{a}{g}" for c in "xy" for a in "AB" for g in "12"]
    seen = view(system, terms(system, counts, t.STANDARD), names.is_in(hidden).to_numpy())
    columns, tables = polytope(seen, np.ones(system.n_cells, dtype=bool))
    table = middle(Room(tables), np.full(tables.n, np.nan))
    assert table is not None
    value = dict(zip(names.gather(columns), table, strict=False))
    assert abs(value["xA1"] - value["yA1"]) < TOLERANCE < abs(value["xB1"] - value["yB1"])
    assert {names[int(columns[column])] for column in tables.inner} == {"xB1", "xB2"}
    n_ways = len(columns) - np.linalg.matrix_rank(seen.unknown_equations().toarray())
    assert n_ways == 1  # what A gains of one B loses, of x as much as of y


def test_there_is_no_table_in_the_middle_of_a_contradiction() -> None:
    """Two numbers that add up to less than nothing."""
    equations, zero = sp.csc_array(np.ones((1, 2))), np.zeros(2)
    none = np.zeros(0, dtype=np.int64)
    tables = Polytope(equations, np.array([-1.0]), zero, zero + CEILING, none, none, zero)
    assert middle(Room(tables), zero) is None
    with pytest.raises(NoTable):
        search(tables, [(zero == 0, True)], zero == 0, zero == 1, zero, 0, 0)


def test_a_cell_is_relieved_where_it_is_held() -> None:
    """Of three towns two hide the categories 1 and 2, and the third 1 and 3, which nobody else hides: nothing of it can
    move until one of them hides what closes the circle."""
    towns = ("A", "B", "C")
    values = {"A": (1, 30, 40), "B": (2, 40, 50), "C": (21, 229, 14)}
    rows = t.totals("o", {a: sum(values[a]) for a in towns} | {"P1": 427})
    rows += [("o", "2024", a, "sex", str(n + 1), v) for a in towns for n, v in enumerate(values[a])]
    rows += [("o", "2024", "P1", "sex", str(n + 1), sum(values[a][n] for a in towns)) for n in range(3)]
    tree, counts = t.areas(dict.fromkeys(towns, t.CITY)), t.counts_of(t.count("o"))
    system = build(t.cells(rows), tree, pairs_of(counts, []))
    names = system.frame.select(pl.concat_str("area_code", "category_code")).to_series()
    is_hidden = names.is_in(["A1", "A2", "B1", "B2", "C1", "C3"]).to_numpy()
    says, of_third = terms(system, counts, t.STANDARD), np.flatnonzero(names == "C1")
    seen = view(system, says, is_hidden)
    assert of_third[0] in told_to_outsiders(seen)
    (picked,) = relieving(seen, system.value, of_third, ~is_hidden, 1 + system.value)
    is_hidden[picked] = True
    assert of_third[0] not in told_to_outsiders(view(system, says, is_hidden))


def test_what_is_told_of_nobody_does_not_keep_submitters_from_being_tried() -> None:
    """The number of a town's clinics follows from the sum, and is no secret; two towns read each other beside it."""
    tree = t.areas(dict.fromkeys(("A", "B", "C"), t.CITY))
    counts = t.counts_of(t.count("o"), replace(t.count("clinics"), subject="facility"))
    rows = [
        *t.totals("clinics", {"A": 3, "B": 4, "C": 5, "P1": 12}),
        *t.totals("o", {"A": 40, "B": 50, "C": 60, "P1": 150}),
    ]
    system = build(t.cells(rows), tree, pairs_of(counts, []))
    names = system.frame.select(pl.concat_str("count_id", "area_code")).to_series()
    seen = view(system, terms(system, counts, t.STANDARD), names.is_in(["clinicsA", "oA", "oB"]).to_numpy())
    told, _ = Proof.of_nothing(system.n_cells).told(seen)
    assert set(names.gather(told)) == {"oA", "oB"}


def told_to_one_by_one(seen: View, monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """What the submitters can work out when each is tried by itself."""
    senders, told = attack._Known.of(seen).sender, set()
    for sender in np.unique(senders[senders >= 0]):
        with monkeypatch.context() as patch:
            patch.setattr(attack, "_submitters", lambda *_, sender=sender: [np.array([sender])])
            told |= set(told_to_submitters(seen, np.ones(seen.system.n_cells, dtype=bool)).tolist())
    return told


@pytest.mark.parametrize("seed", SEEDS)
def test_submitters_tried_in_groups_tell_what_each_tells_alone(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    system, says, reason = after_the_line_rule(seed)
    seen = view(system, says, with_more_hidden(system, reason, np.random.default_rng(seed)) > 0)
    everything = np.ones(system.n_cells, dtype=bool)
    assert set(told_to_submitters(seen, everything).tolist()) == told_to_one_by_one(seen, monkeypatch)


@pytest.mark.parametrize("make", [built, with_an_area_that_was_split])
@pytest.mark.parametrize("seed", SEEDS)
def test_no_shortcut_frees_what_one_submitter_can_work_out(
    seed: int, make: Callable[[int], tuple[System, Terms]]
) -> None:
    """The long way: every submitter, with all that it knows, against every equation at once."""
    system, says = make(seed)
    seen = view(system, says, with_more_hidden(system, primary(system, says), np.random.default_rng(seed)) > 0)
    known, told = attack._Known.of(seen), set[int]()
    for sender in np.unique(known.sender[known.sender >= 0]):
        told |= set(attack._determined(known.equations, ~known.by(np.array([sender]))).tolist())
    found = set(told_to_submitters(seen, np.ones(system.n_cells, dtype=bool)).tolist())
    outsiders = set(told_to_outsiders(seen).tolist())
    assert found | outsiders == {int(seen.columns()[column]) for column in told} | outsiders


def test_a_sum_of_two_towns_is_not_taken_for_one_towns_own() -> None:
    """B reads A in 2023, so in 2024 by the two years together, so the sum of both; of the two years together that sum
    has no unknown part but B's."""
    tree, counts = t.areas(dict.fromkeys("ABC", 10**6), parent="P"), t.counts_of(t.count("o"))
    table = t.rolled_up(t.cells([("o", y, a, "all", "all", 50) for y in ("2023", "2024") for a in "ABC"]), tree)
    system = build(table, tree, pairs_of(counts, []))
    hidden = ["A2023", "B2023", "A2024", *(f"{a}{y}" for a in "BP" for y in ("2024", "2023-2024"))]
    names = system.frame.select(pl.concat_str("area_code", "period")).to_series()
    seen = view(system, terms(system, counts, t.STANDARD), names.is_in(hidden).to_numpy())
    told = set(names.gather(told_to_submitters(seen, np.ones(system.n_cells, dtype=bool))))
    assert told == {"A2023", "B2023", "A2024", "P2024"}


def test_a_town_that_reads_its_like_in_the_next_medical_area_is_found() -> None:
    """Each of two areas hides one town; who knows the one knows its area, so the other area, so the other town."""
    rows = [("P", "prefecture", None), *((m, "medical_area", "P") for m in ("M1", "M2"))]
    rows += [(f"{m}T{n}", "municipality", m) for m in ("M1", "M2") for n in range(3)]
    tree = pl.DataFrame(rows, schema=["area_code", "level", "parent_code"], orient="row").with_columns(population=10**5)
    values = {code: {"prefecture": 300, "medical_area": 150}.get(level, 50) for code, level, _ in rows}
    counts = t.counts_of(t.count("o"))
    system = build(t.cells(t.totals("o", values)), tree, pairs_of(counts, []))
    hidden = system.frame["area_code"].is_in(["M1", "M2", "M1T0", "M2T0"]).to_numpy()
    seen = view(system, terms(system, counts, t.STANDARD), hidden)
    told = told_to_submitters(seen, np.ones(system.n_cells, dtype=bool))
    assert set(system.frame["area_code"].gather(told)) == {"M1", "M2", "M1T0", "M2T0"}


def wards(cities: str, towns: str = "") -> pl.DataFrame:
    """A prefecture of cities with two wards each, and of towns."""
    rows = [("P", "prefecture", None), *((c, "municipality", "P") for c in (*cities, *towns))]
    rows += [(f"{c}{n}", "ward", c) for c in cities for n in (1, 2)]
    tree = pl.DataFrame(rows, schema=["area_code", "level", "parent_code"], orient="row")
    return tree.with_columns(population=10**5)


def groups(seen: View) -> list[set[str]]:
    """Who attacks together, if all unknown cells were one block."""
    known, senders = attack._Known.of(seen), seen.system.frame.select(SENDER).to_series().gather(seen.columns())
    everything = np.ones(len(senders), dtype=bool)
    found = attack._submitters(known, np.zeros(len(senders), dtype=np.int64), everything)
    return [set(senders.filter(pl.Series(np.isin(known.sender, group)))) for group in found]


def test_a_city_sends_its_wards_and_knows_them() -> None:
    tree, counts = wards("C", "T"), t.counts_of(t.count("o"))
    system = build(
        t.cells(t.totals("o", {"P": 160, "C": 100, "T": 60, "C1": 40, "C2": 60})), tree, pairs_of(counts, [])
    )
    hidden = system.frame["area_code"].is_in(["C", "C1", "C2", "T"]).to_numpy()
    seen = view(system, terms(system, counts, t.STANDARD), hidden)
    assert groups(seen) == [{"C"}, {"T"}]
    told = told_to_submitters(seen, np.ones(system.n_cells, dtype=bool))
    assert set(system.frame["area_code"].gather(told)) == {"C", "T"}  # each reads the other, and nobody a ward


def test_what_a_city_knows_of_both_its_wards_tells_it_of_nobody_else() -> None:
    """The girls of one ward are the city's girls less those of the other: that is the city's own knowledge."""
    tree, counts = wards("CD"), t.counts_of(t.count("o"))
    girls = [("o", "2024", a, "sex", g, 30) for a in ("C1", "C2", "D1", "D2") for g in "12"]
    system = build(t.rolled_up(t.cells(girls), tree).filter(pl.col("period") == "2024"), tree, pairs_of(counts, []))
    hidden = (system.frame["level"] == "ward").to_numpy() & (system.frame["breakdown_id"] == "sex").to_numpy()
    seen = view(system, terms(system, counts, t.STANDARD), hidden)
    assert groups(seen) == [{"C"}, {"D"}]
    assert not len(told_to_submitters(seen, np.ones(system.n_cells, dtype=bool)))


def room(tables: Polytope, column: int) -> float:
    """The interval of one column by two linear programs over the whole table."""
    order = np.zeros((len(tables.inner), tables.n))
    order[np.arange(len(tables.inner)), tables.inner] += 1
    order[np.arange(len(tables.inner)), tables.outer] -= 1
    ends = []
    for sign in (1.0, -1.0):
        goal = sign * (np.arange(tables.n) == column)
        done = linprog(
            goal, A_ub=order if len(order) else None, b_ub=np.zeros(len(order)) if len(order) else None,
            A_eq=tables.equations.toarray(), b_eq=tables.right, bounds=np.column_stack([tables.low, tables.high]),
        )  # fmt: skip
        assert done.status == 0
        ends.append(sign * done.fun)
    return ends[1] - ends[0]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_cell_proven_wide_is_wide_for_linear_programs_over_everything(seed: int) -> None:
    """Before the line rule, so that many cells are narrow: none of them may be proven wide."""
    system, says = built(seed)
    seen = view(system, says, primary(system, says) > 0)
    columns, tables = polytope(seen, np.ones(system.n_cells, dtype=bool))
    is_wide = Proof.of_nothing(system.n_cells).continued(seen).is_wide[columns]
    tested = np.flatnonzero(is_wide & seen.is_target[columns] & (tables.width > 0))
    for column in np.random.default_rng(seed).permutation(tested)[:25]:
        assert room(tables, column) >= tables.width[column] - 2 * TOLERANCE


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_shown_today_is_not_proven_wide_for_the_day_when_it_is_hidden(seed: int) -> None:
    system, says, reason = after_the_line_rule(seed)
    seen = view(system, says, reason > 0)
    proof = Proof.of_nothing(system.n_cells).continued(seen)
    assert not proof.is_wide[~seen.is_target].any()
    later = view(system, says, with_more_hidden(system, reason, np.random.default_rng(seed)) > 0)
    newly = later.is_target & (later.width > 0) & ~seen.is_unknown
    assert proof.is_open(later)[newly].all()


def test_an_area_that_another_stands_in_for_keeps_its_own_width() -> None:
    """Nothing is shown of a city X1 (5 must stay open) and two towns (10): what they hold together may be anywhere, but the
    categories 1 and 2 leave it room for 8 only."""
    values: dict[str, tuple[int, ...]] = {
        "X1": (2, 3, 10, 10), "X2": (1, 1, 6, 6), "X3": (0, 1, 5, 5), "Y1": (30, 30, 40, 50), "Y2": (25, 35, 45, 55),
    }  # fmt: skip
    values["P1"] = tuple(map(sum, zip(*values.values(), strict=True)))
    rows = [("x", "2024", a, "g", str(n + 1), v) for a, of in values.items() for n, v in enumerate(of)]
    rows += [("x", "2024", a, "all", "all", sum(of)) for a, of in values.items()]
    tree = t.areas({"X1": t.CITY, "X2": t.TOWN, "X3": t.TOWN, "Y1": t.CITY, "Y2": t.CITY})
    counts = t.counts_of(t.count("x"))
    hidden = {(a, c) for a in ("X1", "X2", "X3") for c in ("1", "2", "3", "4", "all")}
    hidden |= {(y, c) for y in ("Y1", "Y2") for c in ("1", "2")} | {("P1", "3"), ("P1", "4")}
    table = t.cells(rows)
    places = table.select("area_code", "category_code").iter_rows()
    found = audit_cells(t.seen(table.with_columns(is_shown=pl.Series([p not in hidden for p in places])), tree, counts))
    narrow = {(f.cell[3], f.cell[5]) for f in found if f.rule == "narrow_interval"}
    assert {("X2", "1"), ("X2", "2"), ("X3", "1"), ("X3", "2")} <= narrow


def test_a_level_that_a_count_lacks_lets_a_change_pass() -> None:
    """Another count has medical areas, this one has not: its towns are still held by their prefecture."""
    tree = pl.DataFrame(
        [
            ("P", "prefecture", None, 10**6), ("M", "medical_area", "P", 10**5),
            *((town, "municipality", "M", t.CITY) for town in ("A", "B", "C")),
        ],
        schema=["area_code", "level", "parent_code", "population"], orient="row",
    )  # fmt: skip
    towns = {"A": 70, "B": 60, "C": 170}
    rows = t.totals("x", towns | {"P": 300}) + t.totals("y", towns | {"M": 300, "P": 300})
    counts = t.counts_of(t.count("x"), t.count("y"))
    system = build(t.cells(rows), tree, pairs_of(counts, []))
    names = system.frame.select(pl.concat_str("count_id", "area_code")).to_series()
    seen = view(system, terms(system, counts, t.STANDARD), names.is_in(["xA", "xB"]).to_numpy())
    told = told_to_submitters(seen, np.ones(system.n_cells, dtype=bool))
    assert set(names.gather(told)) == {"xA", "xB"}


def test_a_table_whose_sums_do_not_hold_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two parts of 10 are never 15 apart, whatever a projection that has gone wrong makes of them."""
    none, two = np.zeros(0, dtype=np.int64), np.ones(2)
    tables = Polytope(
        sp.csc_array(np.ones((1, 2))), np.array([10.0]), 0 * two, CEILING * two, none, none, width=15 * two
    )
    monkeypatch.setattr(intervals, "_middle", lambda _, start: start)
    for broken in ("of", "exactly"):
        monkeypatch.setattr(RoughProjection, broken, lambda _, change: change.copy())
    found = search(tables, [(two == 1, True)], two == 1, two == 0, 5 * two, turn=0, singles=0)
    assert found.is_narrow.all()
