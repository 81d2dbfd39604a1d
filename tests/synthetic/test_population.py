"""The clean cohort: nobody without a home, nothing before its time, siblings and twins of one mother."""

import numpy as np
import polars as pl
import pytest

from pipelines.records import RECORDS
from synthetic.draws import Draws
from synthetic.places import chosen
from synthetic.population.calendar import Window
from synthetic.population.facts import NOT_SENT, Facts, facts_of
from synthetic.population.households import column_ids, pregnancies_of
from tests.synthetic.conftest import COUNTED, Cohort

VISITS = ("antenatal_visit", "postpartum_visit", "child_checkup", "child_questionnaire")


def test_every_entity_has_one_row_in_the_truth(clean: Cohort) -> None:
    for name, key in (("persons", "entity_id"), ("pregnancies", "pregnancy_id"), ("children", "entity_id")):
        assert clean.truth(name)[key].is_unique().all(), name
    assert clean.truth("visits").select("record", "visit_id").is_unique().all()
    assert clean.truth("links").select("file", "line").is_unique().all()


def test_no_key_is_an_orphan(clean: Cohort) -> None:
    persons = clean.truth("persons")["entity_id"].implode()
    for name, column in (
        ("links", "entity_id"), ("children", "entity_id"), ("visits", "entity_id"), ("moves", "entity_id"),
        ("pregnancies", "mother_entity_id"), ("persons", "mother_entity_id"), *((name, "entity_id") for name in NOT_SENT),
    ):  # fmt: skip
        assert clean.truth(name).filter(~pl.col(column).is_in(persons)).is_empty(), name
    pregnancies = clean.truth("pregnancies")["pregnancy_id"].implode()
    assert clean.truth("children").filter(~pl.col("pregnancy_id").is_in(pregnancies)).is_empty()


@pytest.mark.parametrize("record", COUNTED)
def test_the_key_of_a_record_is_unique_at_its_submitter(clean: Cohort, record: str) -> None:
    rows = clean.rows(record)
    assert not rows.is_empty()
    assert rows.select("file", *RECORDS[record].key).is_unique().all()


def test_every_birth_has_its_delivery_at_the_same_submitter(clean: Cohort) -> None:
    births = clean.rows("birth").with_columns(submitter=pl.col("file").str.slice(0, 6))
    deliveries = clean.rows("delivery").with_columns(submitter=pl.col("file").str.slice(0, 6))
    lost = births.join(
        deliveries, left_on=["submitter", "mother_local", "pregnancy_no", "birth_date"],
        right_on=["submitter", "person_local", "pregnancy_no", "delivery_date"], how="anti",
    )  # fmt: skip
    assert lost.is_empty()
    counted = births.group_by("submitter", "mother_local", "pregnancy_no").len("children")
    told = counted.join(
        deliveries,
        left_on=["submitter", "mother_local", "pregnancy_no"],
        right_on=["submitter", "person_local", "pregnancy_no"],
    )
    assert (told["children"] == told["number_of_children"].cast(pl.Int64)).all()


@pytest.mark.parametrize("record", [*VISITS, "pregnancy_notification", "delivery"])
def test_every_event_falls_into_a_spell_of_residence_there(clean: Cohort, record: str) -> None:
    event = RECORDS[record].event
    rows = clean.rows(record).select("file", "entity_id", "line", pl.col(event).str.to_date())
    spells = clean.truth("moves").rename({"municipality_code": "submitter"})
    met = rows.with_columns(submitter=pl.col("file").str.slice(0, 6)).join(spells, on=["submitter", "entity_id"])
    within = met.filter(
        pl.col(event) >= pl.col("resident_from_date"),
        pl.col("resident_to_date").is_null() | (pl.col(event) <= pl.col("resident_to_date")),
    )
    assert within.select("file", "line").n_unique() == len(rows)


def test_a_pregnancy_runs_forward(clean: Cohort) -> None:
    p = clean.truth("pregnancies")
    days = (pl.col("delivery_date") - pl.col("last_period_date")).dt.total_days()
    assert p.filter(pl.col("notified_date") <= pl.col("last_period_date")).is_empty()
    assert p.filter(days // 7 != pl.col("gestation_weeks")).is_empty()
    assert p["gestation_weeks"].is_between(22, 42).all()
    between = p.sort("mother_entity_id", "delivery_date").filter(
        pl.col("last_period_date") <= pl.col("delivery_date").shift().over("mother_entity_id")
    )
    assert between.is_empty()


def test_no_event_is_before_birth_or_outside_the_years_sent(clean: Cohort) -> None:
    for record in ("child_checkup", "child_questionnaire", "child_checkup_target"):
        rows = clean.rows(record)
        assert rows.filter(pl.col(RECORDS[record].event) < pl.col("birth_date")).is_empty(), record
    for record in ("child_checkup", "child_questionnaire", "delivery"):
        assert clean.rows(record)[RECORDS[record].event].is_between(pl.lit("2022-04-01"), pl.lit("2025-03-31")).all()
    assert clean.rows("antenatal_visit")["visit_date"].max() <= "2025-03-31"  # type: ignore[operator]
    assert clean.rows("antenatal_visit")["visit_date"].min() < "2022-04-01"  # type: ignore[operator]
    assert "2025-03-31" < clean.rows("postpartum_visit")["visit_date"].max() < "2025-05-27"  # type: ignore[operator]


def test_antenatal_visits_are_numbered_without_a_gap_and_in_order(clean: Cohort) -> None:
    visits = clean.truth("visits").filter(pl.col("record") == "antenatal_visit").with_columns(
        pregnancy=pl.col("visit_id") // 32, number=pl.col("visit_code").cast(pl.Int32))  # fmt: skip
    ordered = visits.sort("pregnancy", "date")
    step = ordered.with_columns(step=pl.col("number").diff().over("pregnancy"))["step"].drop_nulls()
    assert (step >= 1).all()
    assert (step > 1).sum() < len(step) / 100  # the others were made while she lived outside
    assert ordered["number"].max() <= 16  # type: ignore[operator]


def test_siblings_and_twins_share_their_mother_and_no_twins_share_a_name(clean: Cohort) -> None:
    children = clean.truth("children").join(clean.truth("persons"), on="entity_id")
    of_delivery = children.group_by("pregnancy_id").agg(
        pl.len(),
        pl.col("mother_entity_id").n_unique().alias("mothers"),
        pl.col("kana_given_name").n_unique().alias("names"),
    )
    assert (of_delivery["mothers"] == 1).all()
    several = of_delivery.filter(pl.col("len") > 1)
    assert 0.005 < len(several) / len(of_delivery) < 0.02
    born_alive = children.filter(~pl.col("is_stillborn")).group_by("pregnancy_id").agg(
        pl.len(), pl.col("kana_given_name").n_unique().alias("names"))  # fmt: skip
    assert (born_alive["len"] == born_alive["names"]).all()
    mothers = children.group_by("mother_entity_id").agg(pl.col("pregnancy_id").n_unique())
    assert (mothers["pregnancy_id"] > 1).sum() > len(mothers) / 5


def test_siblings_have_birth_weights_in_common(clean: Cohort) -> None:
    children = clean.truth("children").filter(~pl.col("is_stillborn")).join(
        clean.truth("pregnancies"), on="pregnancy_id").filter(
        pl.col("number_of_children") == 1, pl.col("gestation_weeks") >= 37)  # fmt: skip
    pairs = children.sort("birth_date").group_by("mother_entity_id", maintain_order=True).agg("birth_weight_g")
    pairs = pairs.filter(pl.col("birth_weight_g").list.len() > 1).select(
        a=pl.col("birth_weight_g").list.get(0), b=pl.col("birth_weight_g").list.get(1))  # fmt: skip
    assert 0.38 < pairs.select(pl.corr("a", "b")).item() < 0.52


def test_fewer_than_1_in_10000_persons_share_kana_name_birth_date_and_sex(clean: Cohort) -> None:
    persons = clean.truth("persons").filter(pl.col("kana_given_name").is_not_null())
    assert len(persons) > 30_000
    shared = persons.select("kana_surname", "kana_given_name", "birth_date", "sex_code").is_duplicated().sum()
    assert shared <= len(persons) / 10_000


def test_a_mover_keeps_the_identity_and_gets_another_local_number(clean: Cohort) -> None:
    moves = clean.truth("moves")
    movers = moves.group_by("entity_id").agg(
        pl.col("municipality_code").n_unique(), pl.col("person_local").n_unique()).filter(pl.col("municipality_code") > 1)  # fmt: skip
    assert len(movers) > 500
    assert (movers["municipality_code"] == movers["person_local"]).all()
    names = clean.rows("residency_spell").filter(pl.col("entity_id").is_in(movers["entity_id"].implode()))
    identities = names.group_by("entity_id").agg(pl.struct("kana_surname", "kana_given_name", "birth_date").n_unique())
    assert (identities["kana_surname"] == 1).all()


def test_the_stillborn_are_flagged_and_have_no_name(clean: Cohort) -> None:
    rows = clean.rows("birth").filter(pl.col("special_finding_code") == "3")
    truth = clean.truth("children").filter("is_stillborn", pl.col("birth_date").dt.year() > 2022)
    assert len(rows) > 10
    assert rows["kana_given_name"].is_null().all()
    seen = clean.truth("visits").filter(pl.col("entity_id").is_in(truth["entity_id"].implode()))
    assert seen.is_empty()


def test_epds_items_lie_between_0_and_3(clean: Cohort) -> None:
    items = clean.rows("postpartum_visit").select(pl.col("^epds_item_.*$").cast(pl.Int32))
    assert all(items[name].drop_nulls().is_between(0, 3).all() for name in items.columns)


def test_foreign_residents_have_an_alphabet_name(clean: Cohort) -> None:
    persons = clean.truth("persons").filter(pl.col("kana_given_name").is_not_null())
    foreign = persons["resident_type_code"] == 2
    assert (persons["alphabet_name"].is_not_null() == foreign).all()
    assert 0.025 * len(persons) < foreign.sum() < 0.045 * len(persons)


def test_lists_know_moved_in_carried_over_and_removed(clean: Cohort) -> None:
    targets = clean.rows("child_checkup_target")
    assert set(targets["target_reason_code"].unique()) == {"1", "2", "3"}
    assert {"1", "3", "4"} <= set(targets["removed_reason_code"].drop_nulls().unique())
    assert set(targets["target_fiscal_year"].unique()) == {"2022", "2023", "2024"}


def named(events: pl.DataFrame, facts: Facts) -> pl.DataFrame:
    """Events with the people's ids instead of their positions."""
    ids = facts.people["entity_id"]
    return events.with_columns(ids[events[name]].alias(name) for name in ("who", "mother") if name in events.columns)


def test_a_submitter_made_with_another_is_what_it_is_alone() -> None:
    """Both see the same households: the ones that move from the first to the second."""
    draws, window, first = Draws(1), Window(2022, 2024), chosen(("47",))[0]
    columns = column_ids(first, range(2_000))
    away = pregnancies_of(draws, columns, window)
    second = int(np.bincount(away.next_home[away.next_home != first]).argmax())
    both = pregnancies_of(draws, np.tile(columns, 2), window, np.repeat([first, second], len(columns)))
    both = both.where((both.submitter == both.home) | (both.submitter == both.next_home))
    together = facts_of(draws, both, window)
    for submitter in (first, second):
        alone = facts_of(draws, both.where(both.submitter == submitter), window)
        assert alone.people.equals(together.people.filter(pl.col("submitter") == submitter))
        for record, events in alone.events.items():
            theirs = together.people["submitter"][together.events[record]["who"]] == submitter
            assert len(events) > 10, record
            assert named(events, alone).equals(named(together.events[record].filter(theirs), together)), record
