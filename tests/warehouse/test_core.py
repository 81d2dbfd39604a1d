"""Small tables of the landing and what the current state makes of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.warehouse.parcels import ANAMIZU, SUZU, month
from tests.warehouse.shelf import (
    Shelf,
    antenatal,
    birth,
    delivery,
    notification,
    of_child,
    postpartum,
    residency,
    shelf,
)


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Shelf]:
    with shelf(tmp_path / "w") as opened:
        opened.register((SUZU, SUZU, True))
        yield opened


def test_a_delivery_gathers_its_notification_visits_and_epds(town: Shelf) -> None:
    town.take(SUZU, [
        notification("m1/1"),
        delivery("m1/1", service_municipality_code=ANAMIZU),
        antenatal("m1/1", 1, "2022-12"), antenatal("m1/1", 2, "2023-01", evidence_code="2"),
        antenatal("m1/1", 3, "2023-02", evidence_code="3"),
        postpartum("m1/1", "1", "2023-05", epds_total=12), postpartum("m1/1", "2", "2023-06", epds_total=4),
    ])  # fmt: skip
    wanted = (
        "municipality_code, delivery_month, fiscal_year, calendar_year, birth_order_class, plurality_class, place_class, "
        "is_notified_early, antenatal_visits, is_seen_postpartum_1m, epds_total"
    )
    assert town.core("delivery", wanted) == [{
        "municipality_code": SUZU, "delivery_month": month("2023-05"), "fiscal_year": 2023, "calendar_year": 2023,
        "birth_order_class": "1", "plurality_class": "1", "place_class": "prefecture", "is_notified_early": True,
        "antenatal_visits": 2, "is_seen_postpartum_1m": True, "epds_total": 4,
    }]  # fmt: skip


def test_epds_of_two_weeks_counts_only_where_the_month_has_none(town: Shelf) -> None:
    town.take(SUZU, [
        delivery("m1/1"), postpartum("m1/1", "1", "2023-05", epds_total=12), postpartum("m1/1", "2", "2023-06"),
        delivery("m2/1"), postpartum("m2/1", "3", "2023-06", epds_total=20),
    ])  # fmt: skip
    assert [d["epds_total"] for d in town.core("delivery", "epds_total")] == [12, None]


@pytest.mark.parametrize(
    ("service", "place"),
    [(SUZU, "municipality"), (ANAMIZU, "prefecture"), ("131016", "outside"), (None, "unknown"), ("999999", "unknown")],
)
def test_place_of_delivery(town: Shelf, service: str | None, place: str) -> None:
    town.take(SUZU, [delivery("m1/1", service_municipality_code=service)])
    assert town.core("delivery", "place_class") == [{"place_class": place}]


def test_a_ward_is_its_city(tmp_path: Path) -> None:
    with shelf(tmp_path / "w") as opened:
        opened.register(("011002", "011002", True))
        opened.take("011002", [delivery("m1/1", service_municipality_code="011011")])
        assert opened.core("delivery", "place_class") == [{"place_class": "municipality"}]


def test_no_category_is_null_where_nothing_is_known(town: Shelf) -> None:
    town.take(SUZU, [
        delivery("m1/1", mother_age_class=None, number_of_children_class=None),
        birth("c1", "m9/9", sex_code="3", plurality_class=None, resident_type_code=None, birth_weight_g_class=None),
    ])  # fmt: skip
    [delivered] = town.core("delivery")
    [born] = town.core("birth")
    assert {delivered[c] for c in ("mother_age_class", "birth_order_class", "plurality_class", "place_class")} == {
        "unknown"
    }
    assert (delivered["is_notified_early"], delivered["is_seen_postpartum_1m"], delivered["antenatal_visits"]) == (
        False,
        False,
        0,
    )
    classes = ("sex_code", "plurality_class", "resident_type_class", "mother_age_class", "birth_order_class")
    assert {born[c] for c in classes} == {"unknown"}
    assert born["birth_weight_g_class"] is None


def test_birth_takes_from_its_delivery_what_the_mother_tells(town: Shelf) -> None:
    town.take(SUZU, [delivery("m1/1", parity_class=3, gestation_weeks_class=36), birth("c1", "m1/1")])
    [born] = town.core(
        "birth", "gestation_weeks_class, mother_age_class, birth_order_class, fiscal_year, mother_resident_id"
    )
    [mother] = town.ask("SELECT resident_id FROM core.delivery")
    assert born == {
        "gestation_weeks_class": 36, "mother_age_class": "30-34", "birth_order_class": "3-", "fiscal_year": 2023,
        "mother_resident_id": mother["resident_id"],
    }  # fmt: skip


def test_a_filing_after_a_move_is_not_early(town: Shelf) -> None:
    town.take(SUZU, [notification("m1/1", notification_reason_code="2"), delivery("m1/1")])
    assert town.core("delivery", "is_notified_early") == [{"is_notified_early": False}]
    assert town.core("notification", "notification_reason_code, fiscal_year") == [
        {"notification_reason_code": "2", "fiscal_year": 2022}
    ]


def test_fiscal_years_begin_in_april(town: Shelf) -> None:
    town.take(SUZU, [birth("c1", "x", "2023-03"), birth("c2", "x", "2023-04")])
    assert town.core("birth", "birth_month, fiscal_year, calendar_year") == [
        {"birth_month": month("2023-03"), "fiscal_year": 2022, "calendar_year": 2023},
        {"birth_month": month("2023-04"), "fiscal_year": 2023, "calendar_year": 2023},
    ]


def test_only_the_register_has_a_target_list(town: Shelf) -> None:
    """Whom PMH registers for a checkup is no second list: a child it alone knows, or of another year, adds no target."""
    target = "child_checkup_target"
    town.take(SUZU, [
        of_child(target, "c1", "31", "2023-09", target_fiscal_year=2023),
        of_child(target, "pmh-c1", "31", "2023-09", target_fiscal_year=2024, feed="pmh"),
        of_child(target, "pmh-c2", "31", "2023-09", target_fiscal_year=2023, feed="pmh"),
    ])  # fmt: skip
    assert town.core("checkup_person", "fiscal_year, is_target") == [{"fiscal_year": 2023, "is_target": True}]


def test_checkup_persons_are_listed_seen_or_both(town: Shelf) -> None:
    target, seen = "child_checkup_target", "child_checkup"
    town.take(SUZU, [
        of_child(target, "both", "31", "2023-09", target_fiscal_year=2023), of_child(seen, "both", "31", "2023-09"),
        of_child(seen, "both", "31", "2023-10", branch=2),
        of_child(target, "absent", "31", "2023-09", target_fiscal_year=2023),
        of_child(target, "removed", "31", "2023-09", target_fiscal_year=2023, is_removed=True),
        of_child(target, "late", "31", "2024-03", target_fiscal_year=2023), of_child(seen, "late", "31", "2024-04"),
        of_child(seen, "told", "31", "2023-09", evidence_code="3"),
    ])  # fmt: skip
    assert town.core("checkup_person", "fiscal_year, is_target, is_seen, sex_code") == [
        {"fiscal_year": 2023, "is_target": False, "is_seen": False, "sex_code": "1"},
        {"fiscal_year": 2023, "is_target": False, "is_seen": False, "sex_code": "1"},
        {"fiscal_year": 2023, "is_target": True, "is_seen": False, "sex_code": "1"},
        {"fiscal_year": 2023, "is_target": True, "is_seen": False, "sex_code": "1"},
        {"fiscal_year": 2023, "is_target": True, "is_seen": True, "sex_code": "1"},
        {"fiscal_year": 2024, "is_target": False, "is_seen": True, "sex_code": "1"},
    ]


def test_the_last_answer_of_a_questionnaire_wins_and_no_answer_is_not_missing(town: Shelf) -> None:
    q = "child_questionnaire"
    town.take(SUZU, [
        of_child(q, "c1", "31", "2023-09", relaxed_code="1", smoking_pregnancy_code="9"),
        of_child(q, "c1", "31", "2023-10", branch=2, relaxed_code="2", smoking_pregnancy_code=None),
    ])  # fmt: skip
    assert town.core("questionnaire", "answered_month, relaxed_code, smoking_pregnancy_code") == [
        {"answered_month": month("2023-10"), "relaxed_code": "2", "smoking_pregnancy_code": None}
    ]
    town.take(SUZU, [of_child(q, "c2", "31", "2023-09", relaxed_code="9")])
    assert {r["relaxed_code"] for r in town.core("questionnaire", "relaxed_code")} == {"2", "9"}


def test_a_mover_is_one_person_and_two_residents(tmp_path: Path) -> None:
    with shelf(tmp_path / "w") as opened:
        opened.register((SUZU, SUZU, True), (ANAMIZU, ANAMIZU, True))
        opened.take(SUZU, [residency("c1", "2023-05", is_left=True, resident_to_month=month("2024-01"))])
        opened.take(ANAMIZU, [residency("x9", "2024-01", in_reason_code="2", tokens={"name": "c1"})])
        spells = opened.core("residency", "municipality_code, from_month, is_left, resident_id, person_id")
        assert len({s["person_id"] for s in spells}) == 1
        assert len({s["resident_id"] for s in spells}) == 2
        assert opened.ask("FROM core.link_quality") == [{"fiscal_year": 2023, "movers_in": 1, "movers_linked": 1}]


def test_arrival_counts_current_rows_by_year_and_record(town: Shelf) -> None:
    town.take(SUZU, [delivery("m1/1"), delivery("m2/1", "2024-05"), birth("c1", "m1/1")])
    assert town.core("arrival") == [
        {"municipality_code": SUZU, "fiscal_year": 2023, "record": "birth", "rows": 1},
        {"municipality_code": SUZU, "fiscal_year": 2023, "record": "delivery", "rows": 1},
        {"municipality_code": SUZU, "fiscal_year": 2024, "record": "delivery", "rows": 1},
    ]
