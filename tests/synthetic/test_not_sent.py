"""Tables that are in the truth alone: who is in them, and how they hang together."""

import polars as pl
import pytest

from synthetic.population.facts import NOT_SENT, OF_WHAT_WAS_DONE
from synthetic.population.vaccination import schedule
from synthetic.truth import ORDER
from tests.synthetic.conftest import Cohort


@pytest.mark.parametrize("name", [*NOT_SENT, *OF_WHAT_WAS_DONE])
def test_a_table_is_sorted_by_municipality_and_its_rows_are_there_once(clean: Cohort, name: str) -> None:
    table = clean.truth(name)
    assert len(table) > 50
    assert table.is_unique().all()
    assert table.select(ORDER[name]).is_unique().all()


def test_every_mother_has_one_father_there_or_not(clean: Cohort) -> None:
    fathers = clean.truth("fathers")
    mothers = clean.truth("persons").filter(pl.col("kind") == "mother")
    assert set(fathers["entity_id"]) == set(mothers["entity_id"])
    assert (fathers["birth_date"].is_null() == ~fathers["is_present"]).all()
    assert 0.02 < (~fathers["is_present"]).mean() < 0.05  # type: ignore[operator]
    persons = clean.truth("persons")["entity_id"].implode()
    assert fathers.filter(pl.col("father_entity_id").is_in(persons)).is_empty()


def test_a_loss_has_its_own_dates(clean: Cohort) -> None:
    losses = clean.truth("pregnancy_losses")
    weeks = (losses["ended_date"] - losses["last_period_date"]).dt.total_days() // 7
    assert (weeks == losses["gestation_weeks"]).all()
    bounds = dict(losses.group_by("kind").agg(pl.struct(
        low=pl.col("gestation_weeks").min(), high=pl.col("gestation_weeks").max())).iter_rows())  # fmt: skip
    assert bounds["miscarriage"]["low"] >= 5 and bounds["miscarriage"]["high"] == 11
    assert (bounds["stillbirth_12_21w"]["low"], bounds["stillbirth_12_21w"]["high"]) == (12, 21)
    assert bounds["stillbirth_22w"]["low"] >= 22
    stillborn = clean.truth("children").filter("is_stillborn")["pregnancy_id"]
    late = losses.filter(pl.col("kind") == "stillbirth_22w")
    assert set(late["pregnancy_id"]) <= set(stillborn) and late["next_pregnancy_id"].is_null().all()
    older = clean.truth("pregnancies").select("pregnancy_id", "mother_age_years", "fiscal_year").join(
        losses.filter(pl.col("kind") == "miscarriage").select(pregnancy_id="next_pregnancy_id", lost=True),
        on="pregnancy_id", how="left").filter(pl.col("fiscal_year").is_between(2023, 2024))  # fmt: skip
    share = dict(older.group_by(pl.col("mother_age_years") >= 40).agg(pl.col("lost").is_not_null().mean()).iter_rows())
    assert share[True] > 1.8 * share[False]


def test_doses_follow_each_other_at_their_age(clean: Cohort) -> None:
    doses = clean.truth("vaccinations").join(clean.truth("persons").select("entity_id", "birth_date"), on="entity_id")
    age = (doses["vaccinated_date"] - doses["birth_date"]).dt.total_days()
    assert age.min() >= 60  # type: ignore[operator]
    first = doses.with_columns(age=age).filter(pl.col("series") == "measles_rubella")
    assert ((first["age"] >= 365) & (first["age"] < 731)).mean() > 0.97  # type: ignore[operator]
    assert set(doses["series"]) == {
        "hepatitis_b", "rotavirus", "pneumococcus", "hib", "dpt_ipv", "dpt_ipv_hib", "bcg", "measles_rubella", "varicella",
        "japanese_encephalitis",
    }  # fmt: skip
    old, new = doses.filter(pl.col("series") == "hib"), doses.filter(pl.col("series") == "dpt_ipv_hib")
    assert old["birth_date"].max() < new["birth_date"].min()  # type: ignore[operator]
    assert doses["dose_no"].max() == max(dose.number for dose in schedule()) == 4


def test_caries_stays(clean: Cohort) -> None:
    checks = clean.truth("dental_checks")
    at_three = checks.filter(pl.col("programme_code") == 36)
    early = checks.filter(pl.col("programme_code") == 34).join(at_three, on="entity_id", suffix="_3y")
    had = early.filter(pl.col("caries_state_code") == 3)
    assert len(had) > 5 and (had["caries_state_code_3y"] == 2).all()
    assert (had["caries_teeth_count_3y"] >= had["caries_teeth_count"]).all()
    assert (checks["treated_teeth_count"] <= checks["caries_teeth_count"]).all()
    assert ((at_three["caries_teeth_count"] > 0) == (at_three["caries_type_code"] > 1)).all()


def test_who_is_referred_has_an_exam_or_not_yet(clean: Cohort) -> None:
    exams = clean.truth("detailed_exams")
    judged = clean.rows("child_checkup").filter(pl.col("judgement_code").is_in(["4", "5"]))
    seen = exams.select("entity_id", programme=pl.col("programme_code").cast(pl.String))
    sent = judged.select("entity_id", programme="programme_code")
    assert sent.join(seen, on=["entity_id", "programme"], how="anti").is_empty()
    assert (exams["examined_date"].is_null() == exams["result_code"].is_null()).all()
    assert 0.65 < exams["examined_date"].is_not_null().mean() < 0.9  # type: ignore[operator]


def test_postpartum_care_goes_with_need(clean: Cohort) -> None:
    care = clean.truth("postpartum_care")
    numbers = care.group_by("pregnancy_id").agg(pl.col("use_no").max(), pl.len())
    assert (numbers["len"] <= numbers["use_no"]).all() and care["use_no"].max() <= 7  # type: ignore[operator]
    users = clean.truth("pregnancies").filter(pl.col("fiscal_year").is_between(2022, 2024)).with_columns(
        uses=pl.col("pregnancy_id").is_in(care["pregnancy_id"].implode()))  # fmt: skip
    by_parity = dict(users.group_by(pl.col("parity") == 0).agg(pl.col("uses").mean()).iter_rows())
    assert by_parity[True] > 1.4 * by_parity[False]
    by_year = dict(users.group_by("fiscal_year").agg(pl.col("uses").mean()).iter_rows())
    assert by_year[2022] < by_year[2023] - 0.02


def test_most_families_are_visited_at_home_within_four_months(clean: Cohort) -> None:
    visits = clean.truth("home_visits")
    children = clean.truth("children").filter(
        ~pl.col("is_stillborn"), pl.col("birth_date").dt.year().is_between(2023, 2024))  # fmt: skip
    met = children.join(visits, on="entity_id")
    assert 0.85 < len(met) / len(children) < 0.98
    age = (met["visit_date"] - met["birth_date"]).dt.total_days()
    assert age.is_between(8, 119).all()
    newborn = age.filter(met["visit_target_code"] == 3)
    assert len(newborn) > 100 and (newborn < 28).all()


def test_who_does_not_pass_the_hearing_test_is_tested_again(clean: Cohort) -> None:
    tests = clean.truth("newborn_screenings")
    first, second, exam = (tests.filter(pl.col("test_stage_code") == stage) for stage in (1, 2, 3))
    referred = first.filter(pl.col("hearing_result_code") == 2)
    assert 0.9 * len(referred) < len(second) < 1.1 * len(referred)  # who moved in has only the second one here
    for before, after in ((first, second), (second, exam)):
        met = after.join(before, on="entity_id", suffix="_before")
        assert len(met) > 0.8 * len(after) > 10
        assert (met["hearing_result_code_before"] == 2).all() and (met["test_date"] > met["test_date_before"]).all()
    shares = dict(first.group_by("hearing_method_code").agg((pl.col("hearing_result_code") == 2).mean()).iter_rows())
    assert shares[1] == pytest.approx(0.017, abs=0.006) and shares[3] == pytest.approx(0.038, abs=0.015)


def test_every_child_has_a_handbook_of_the_day_of_the_notification(clean: Cohort) -> None:
    books = clean.truth("handbooks").join(clean.truth("pregnancies"), on="pregnancy_id")
    assert (books["issued_date"] == books["notified_date"]).all()
    counted = books.group_by("pregnancy_id").agg(pl.len(), pl.col("number_of_children").first())
    assert (counted["len"] == counted["number_of_children"]).all()
    assert (books["linked_date"].is_null() == (books["handbook_kind_code"] == 1)).all()
    assert books.filter(pl.col("linked_date") < pl.col("issued_date")).is_empty()
