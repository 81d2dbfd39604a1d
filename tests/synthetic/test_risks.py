"""What makes an event likely, and that facts of one family agree with each other."""

import numpy as np
import polars as pl
import pytest

from synthetic.draws import Draws
from synthetic.places import chosen
from synthetic.population.calendar import Window
from synthetic.population.facts import Facts, facts_of
from synthetic.population.growth import at_age, deviation_at_age, with_memory
from synthetic.population.households import column_ids, columns_of, pregnancies_of
from synthetic.population.risk import classes, cut, latent, previous_of, with_recurrence

WINDOW = Window(2022, 2024)


@pytest.fixture(scope="module")
def facts() -> Facts:
    """About 40,000 births in each of seven years, of 横浜市 and what follows it."""
    draws, municipalities = Draws(5), np.array(chosen(("14",)))
    counts = columns_of(draws, municipalities, WINDOW)
    columns = np.concatenate([column_ids(int(m), range(int(n))) for m, n in zip(municipalities, counts, strict=True)])
    return facts_of(draws, pregnancies_of(draws, columns[:16_000], WINDOW), WINDOW)


def test_a_cut_is_exceeded_with_its_share() -> None:
    numbers = Draws(1).normal("test", np.arange(200_000))
    for share in (0.02, 0.3, 0.96):
        assert (numbers > cut(share)).mean() == pytest.approx(share, abs=0.003)
    assert np.bincount(classes(numbers, [1, 2, 7])) / len(numbers) == pytest.approx([0.1, 0.2, 0.7], abs=0.004)


def test_numbers_with_a_part_in_common_stay_standard_normal() -> None:
    draws, ids = Draws(1), np.arange(200_000)
    part = draws.normal("test.part", ids)
    mixed = latent(draws, "test.own", ids, (0.8, part))
    assert (mixed.mean(), mixed.std()) == pytest.approx((0, 1), abs=0.01)
    assert np.corrcoef(mixed, part)[0, 1] == pytest.approx(0.8, abs=0.01)


def test_size_is_remembered_from_one_age_to_the_next() -> None:
    draws, ids = Draws(1), np.arange(100_000) * 8
    kept = np.array([0.6, 0.7])
    by_age = [with_memory(draws, "test", ids, np.full(len(ids), age), kept) for age in range(3)]
    assert [x.std() for x in by_age] == pytest.approx([1, 1, 1], abs=0.015)
    assert [np.corrcoef(by_age[0], x)[0, 1] for x in by_age[1:]] == pytest.approx([0.6, 0.42], abs=0.015)


def test_the_deviation_is_the_inverse_of_the_size() -> None:
    sex, months, z = np.array([1, 2]), np.array([4, 40]), np.array([-1.5, 2.0])
    assert deviation_at_age("height_cm", sex, months, at_age("height_cm", sex, months, z)) == pytest.approx(z)


def test_the_pregnancy_before_is_of_the_same_mother_and_earlier(facts: Facts) -> None:
    of = facts.scene.deliveries.of
    previous = previous_of(of)
    later = np.flatnonzero(previous >= 0)
    assert len(later) == (of.order > 0).sum() > 10_000
    assert (of.mother[previous[later]] == of.mother[later]).all()
    assert (of.order[previous[later]] == of.order[later] - 1).all()


def test_what_happened_before_happens_sooner_again() -> None:
    """Three pregnancies of one woman: above the threshold, above it only with the effect, and again so."""
    effects = {"threshold": 2.0, "before": 0.5}
    previous, order = np.array([-1, 0, 1, -1, 3]), np.array([0, 1, 2, 0, 1])
    liability = np.array([2.1, 1.6, 1.6, 1.9, 1.6])
    assert with_recurrence(liability, effects, previous, order).tolist() == [True, True, True, False, False]


def shares(cases: np.ndarray, exposed: np.ndarray) -> tuple[float, float]:
    return float(cases[exposed].mean()), float(cases[~exposed].mean())


def test_risks_go_from_the_mother_to_the_child(facts: Facts) -> None:
    d, c, m = facts.scene.deliveries, facts.scene.children, facts.scene.mothers
    single, bmi = d.children == 1, m.bmi[d.mother]
    preterm = d.weeks < 37
    for cases, exposed, times in (
        (d.is_hypertensive, d.births_before == 0, 1.1), (d.is_hypertensive, ~single, 1.5),
        (d.is_hypertensive, bmi >= 25, 1.5), (d.has_diabetes, bmi >= 25, 2.0), (d.has_diabetes, d.age >= 35, 1.5),
        (preterm, d.is_hypertensive, 3.0), (preterm, d.smokes, 1.1),
    ):  # fmt: skip
        with_it, without = shares(cases, exposed)
        assert with_it > times * without
    at_term = (d.weeks >= 37)[c.of] & single[c.of]
    smokers = d.smokes[c.of][at_term]
    weight = c.weight_g[at_term]
    assert weight[~smokers].mean() - weight[smokers].mean() > 80


@pytest.mark.parametrize(("outcome", "times"), [("hypertensive", 3.0), ("diabetes", 4.0), ("preterm", 2.5)])
def test_an_outcome_recurs(facts: Facts, outcome: str, times: float) -> None:
    d = facts.scene.deliveries
    cases = {"hypertensive": d.is_hypertensive, "diabetes": d.has_diabetes, "preterm": d.weeks < 37}[outcome]
    later = d.previous >= 0
    again, new = shares(cases[later], cases[d.previous[later]])
    assert times < again / new < 15


def test_children_born_early_catch_up(facts: Facts) -> None:
    """At the corrected age they are behind at first, and less so at each checkup."""
    d, c = facts.scene.deliveries, facts.scene.children
    seen = facts.events["child_checkup"]
    child = seen["who"].to_numpy() - len(facts.scene.mothers)
    weeks = d.weeks[c.of[child]]
    programme = seen["programme_code"].to_numpy()
    early = np.where((weeks < 35) & (programme < 36), 40 - weeks, 0)
    months = np.maximum((seen["event"].to_numpy() - c.born[child]) / 30.4375 - early / 4.35, 0).astype(np.int64)
    z = deviation_at_age("weight_kg", c.sex[child], months, seen["weight_kg"].to_numpy())
    behind = [z[(programme == p) & (weeks < 35)].mean() for p in (31, 34, 36)]
    assert behind[0] < behind[1] < behind[2] < -0.05
    assert behind[0] < -0.4


def test_answers_of_a_family_agree(facts: Facts) -> None:
    asked = facts.events["child_questionnaire"].with_columns(of=facts.people["household"][
        facts.events["child_questionnaire"]["who"]])  # fmt: skip
    first = asked.filter(pl.col("programme_code") == 31)
    smoked, smokes = first["smoking_pregnancy_code"] == 2, first["smoking_mother_code"]
    assert (smokes == 2).filter(smoked).mean() > 0.7  # type: ignore[operator]
    relaxed, hard = first["relaxed_code"] == 1, first["difficulty_code"] < 3
    assert relaxed.filter(hard).mean() < relaxed.filter(~hard).mean() - 0.05  # type: ignore[operator]
    patient = first["harsh_items"] == "8"
    assert patient.filter(~relaxed).mean() < patient.filter(relaxed).mean() - 0.03  # type: ignore[operator]
    later = asked.filter(pl.col("programme_code") == 34).select("of", later="smoking_mother_code")
    pairs = first.select("of", before="smoking_mother_code").join(later, on="of")
    kept = pairs.filter(pl.col("before") == 2)["later"] == 2
    new = pairs.filter(pl.col("before") == 1)["later"] == 2
    assert len(kept) > 50 and kept.mean() > 0.7 and new.mean() < 0.06  # type: ignore[operator]


def test_a_father_who_is_not_there_gives_no_answer(facts: Facts) -> None:
    m = facts.scene.mothers
    asked = facts.events["child_questionnaire"]
    child = asked["who"].to_numpy() - len(m)
    single = m.is_single[facts.scene.deliveries.mother[facts.scene.children.of[child]]]
    assert (asked["smoking_father_code"].to_numpy()[single] == 9).all()
    assert 0.02 < single.mean() < 0.05


def test_who_registers_late_comes_less(facts: Facts) -> None:
    d = facts.scene.deliveries
    carried = facts.events["postpartum_visit"].filter(pl.col("visit_kind_code") == 2)["pregnancy"]
    within = np.isin(d.of.fiscal_year, (2022, 2023, 2024)) & (d.home == d.of.submitter)
    came = np.isin(d.of.id, carried.to_numpy())
    late, early = shares(came[within], (d.stage > 1)[within])
    assert late < early - 0.03


def test_low_mood_goes_with_its_burdens(facts: Facts) -> None:
    visits = facts.events["postpartum_visit"]
    items = [f"epds_item_{i}" for i in range(1, 11)]
    told = visits.drop_nulls(items).select("pregnancy", "visit_kind_code", high=pl.sum_horizontal(items) >= 9)
    d, c = facts.scene.deliveries, facts.scene.children
    position = {int(i): n for n, i in enumerate(d.of.id)}
    of = np.array([position[i] for i in told["pregnancy"]])
    high = told["high"].to_numpy()
    in_care = np.bincount(c.of, weights=c.in_intensive_care, minlength=len(d.day)) > 0
    for exposed in (d.births_before == 0, in_care, facts.scene.mothers.is_single[d.mother]):
        with_it, without = shares(high, exposed[of])
        assert with_it > 1.15 * without
    both = told.group_by("pregnancy").agg(pl.col("high").n_unique(), pl.len()).filter(pl.col("len") == 2)
    assert len(both) > 1000 and (both["high"] == 1).all()


@pytest.mark.parametrize("years", [(2024, 2024), (2015, 2024)])
def test_parity_and_age_do_not_depend_on_how_many_years_are_in_view(years: tuple[int, int]) -> None:
    draws, window = Draws(5), Window(*years)
    columns = column_ids(chosen(("14",))[0], range(3_000))
    d = facts_of(draws, pregnancies_of(draws, columns, window), window).scene.deliveries
    within = (d.of.fiscal_year >= window.first) & (d.of.fiscal_year <= window.last)
    parity = np.bincount(d.births_before[within], minlength=4)[:3] / within.sum()
    assert parity == pytest.approx([0.463, 0.368, 0.131], abs=0.03)
    assert (d.age[within] >= 35).mean() == pytest.approx(0.304, abs=0.03)
    assert d.of.order.max() <= 2
