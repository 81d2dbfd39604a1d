"""Promise: one visit that came through several feeds and senders counts once, in any order (privacy, hole 19)."""

from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from tests.warehouse.parcels import SUZU, WAKASA, Row, month
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

AGENT = "agent"  # a review and payment body that acts for the town, with its own local numbers


def town(feed: str = "municipal", prefix: str = "") -> list[Row]:
    """The truth: three antenatal visits, one postpartum, one checkup with its questionnaire."""
    m, c = f"{prefix}m1/1", f"{prefix}c1"
    woman: dict[str, Any] = {"feed": feed, "tokens": {"name": "woman"}}
    child: dict[str, Any] = {"feed": feed, "tokens": {"name": "child"}}
    return [
        *(antenatal(m, v, f"2023-0{v}", **woman) for v in (1, 2, 3)), postpartum(m, "2", "2023-06", **woman),
        of_child("child_checkup", c, "31", "2023-09", **child),
        of_child("child_questionnaire", c, "31", "2023-09", relaxed_code="1", **child),
    ]  # fmt: skip


def register() -> list[Row]:
    woman: dict[str, Any] = {"tokens": {"name": "woman"}}
    return [notification("m1/1", **woman), delivery("m1/1", **woman),
            of_child("child_checkup_target", "c1", "31", "2023-09", target_fiscal_year=2023, tokens={"name": "child"})]  # fmt: skip


def counted(opened: Shelf) -> dict[str, object]:
    opened.core("arrival")
    [told] = opened.ask("SELECT antenatal_visits, is_seen_postpartum_1m, is_notified_early FROM core.delivery")
    tables = ("antenatal_visit", "postpartum_visit", "checkup", "questionnaire")
    people = opened.ask("SELECT is_target, is_seen FROM core.checkup_person")
    return told | {t: opened.ask(f"SELECT count(*) AS n FROM core.{t}")[0]["n"] for t in tables} | {"people": people}


TRUTH = {
    "antenatal_visits": 3, "is_seen_postpartum_1m": True, "is_notified_early": True, "antenatal_visit": 3,
    "postpartum_visit": 1, "checkup": 1, "questionnaire": 1, "people": [{"is_target": True, "is_seen": True}],
}  # fmt: skip


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_the_same_cohort_through_three_ways_in_every_order(tmp_path: Path, order: tuple[int, ...]) -> None:
    files = [
        (SUZU, register()),
        (SUZU, town()),
        (SUZU, town("pmh", "p-")),
        (AGENT, [*town(prefix="a-"), notification("a-m1/1", tokens={"name": "woman"}), delivery("a-m1/1", tokens={"name": "woman"})]),
    ]  # fmt: skip
    with shelf(tmp_path / "w") as opened:
        opened.register((SUZU, SUZU, True), (AGENT, SUZU, False))
        for i in order:
            opened.take(*files[i], municipality=SUZU)
        assert counted(opened) == TRUTH


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_the_copies_of_a_town_add_no_visit_in_any_order(tmp_path: Path, order: tuple[int, ...]) -> None:
    """The standard layout has no questionnaire, a clerk's workbook has checkups and questionnaires alone."""
    layout = [r for r in town("layout", "l-") if r.record != "child_questionnaire"]
    excel = [r for r in town("excel", "x-") if r.record.startswith("child_")]
    files = [register(), town(), layout, excel]
    assert [len(rows) for rows in files] == [3, 6, 5, 2]
    with shelf(tmp_path / "w") as opened:
        opened.register((SUZU, SUZU, True))
        for i in order:
            opened.take(SUZU, files[i])
        assert counted(opened) == TRUTH


def test_a_visit_that_only_the_other_feed_knows_counts_for_a_resident_alone(tmp_path: Path) -> None:
    with shelf(tmp_path / "w") as opened:
        opened.register((SUZU, SUZU, True))
        opened.take(SUZU, [*register(), *town("pmh", "p-")])
        assert counted(opened) == TRUTH
        opened.take(SUZU, [
            of_child("child_checkup", "p-stranger", "31", "2023-09", feed="pmh", tokens={"name": "stranger"}),
            antenatal("p-x/1", 1, "2023-01", feed="pmh", tokens={"name": "stranger"}),
        ])  # fmt: skip
        assert counted(opened) == TRUTH


def test_another_sender_is_evidence_and_decides_nothing(tmp_path: Path) -> None:
    """What only the agent knows does not count; what the town knows by hearsay is borne out by the agent's claim."""
    with shelf(tmp_path / "w") as opened:
        opened.register((SUZU, SUZU, True), (AGENT, SUZU, False))
        told = of_child("child_checkup", "c1", "31", "2023-09", evidence_code="3", tokens={"name": "child"})
        opened.take(SUZU, [*register(), told])
        assert opened.core("checkup_person", "is_seen") == [{"is_seen": False}]
        claim = of_child("child_checkup", "z", "31", "2023-09", evidence_code="2", tokens={"name": "child"})
        unknown = of_child("child_checkup", "z", "34", "2024-12", evidence_code="2", tokens={"name": "child"})
        opened.take(AGENT, [claim, unknown], municipality=SUZU)
        assert opened.core("checkup_person", "programme_code, is_seen") == [{"programme_code": "31", "is_seen": True}]


def test_the_registry_hands_the_word_to_the_agent(tmp_path: Path) -> None:
    with shelf(tmp_path / "w") as opened:
        opened.register((SUZU, SUZU, False), (AGENT, SUZU, True))
        opened.take(SUZU, register() + town())
        opened.take(AGENT, [*town(prefix="a-"), notification("a-m1/1", tokens={"name": "woman"}),
                            delivery("a-m1/1", tokens={"name": "woman"})], municipality=SUZU)  # fmt: skip
        found = counted(opened)
        assert (found["antenatal_visits"], found["checkup"], found["antenatal_visit"]) == (3, 1, 3)


def test_the_more_trusted_feed_gives_the_values(tmp_path: Path) -> None:
    with shelf(tmp_path / "w") as opened:
        opened.register((SUZU, SUZU, True))
        opened.take(SUZU, [
            *register(),
            of_child("child_checkup", "c1", "31", "2023-09", judgement_code="1", evidence_code="2", tokens={"name": "child"}),
            of_child("child_checkup", "p-c1", "31", "2023-09", feed="pmh", judgement_code="3", tokens={"name": "child"}),
        ])  # fmt: skip
        assert opened.core("checkup", "judgement_code, evidence_code") == [
            {"judgement_code": "3", "evidence_code": "1"}
        ]


def test_two_checkups_of_one_child_in_two_months_are_two_visits_and_one_person(tmp_path: Path) -> None:
    with shelf(tmp_path / "w") as opened:
        opened.register((SUZU, SUZU, True))
        opened.take(
            SUZU,
            [
                *register(),
                *town(),
                of_child("child_checkup", "c1", "31", "2023-10", branch=2, tokens={"name": "child"}),
            ],
        )
        found = counted(opened)
        assert (found["checkup"], found["people"]) == (2, TRUTH["people"])


def test_a_visit_whose_month_was_taken_away_is_still_one(tmp_path: Path) -> None:
    """The edge takes the months of a pregnancy that would give the birth day away; the number still names the visit."""
    with shelf(tmp_path / "w") as opened:
        opened.register((SUZU, SUZU, True))
        woman: dict[str, Any] = {"tokens": {"name": "woman"}}
        opened.take(SUZU, [
            *register(), antenatal("m1/1", 1, None, **woman), antenatal("p/1", 1, "2023-01", feed="pmh", **woman),
            antenatal("p/1", 2, None, feed="pmh", **woman),
        ])  # fmt: skip
        assert opened.core("antenatal_visit", "visit_no, fiscal_year") == [{"visit_no": 1, "fiscal_year": 2022}]


def test_visits_of_two_pregnancies_keep_to_theirs(tmp_path: Path) -> None:
    with shelf(tmp_path / "w") as opened:
        opened.register((SUZU, SUZU, True))
        woman: dict[str, Any] = {"tokens": {"name": "woman"}}
        opened.take(SUZU, [
            delivery("m1/1", "2022-06", **woman), delivery("m1/2", "2023-12", **woman),
            antenatal("p/1", 3, "2022-04", feed="pmh", **woman), antenatal("p/2", 3, "2023-10", feed="pmh", **woman),
        ])  # fmt: skip
        assert opened.core("delivery", "delivery_month, antenatal_visits AS n")[0]["n"] == 1
        assert [d["n"] for d in opened.core("delivery", "delivery_month, antenatal_visits AS n")] == [1, 1]


def test_a_visit_long_before_the_pregnancy_is_none_of_it(tmp_path: Path) -> None:
    with shelf(tmp_path / "w") as opened:
        opened.register((SUZU, SUZU, True))
        woman: dict[str, Any] = {"tokens": {"name": "woman"}}
        long_before = antenatal("p/1", 1, "2022-06", feed="pmh", **woman)
        opened.take(SUZU, [*register(), long_before, antenatal("p/1", 2, "2022-08", feed="pmh", **woman)])
        assert opened.core("antenatal_visit", "visit_no") == [{"visit_no": 2}]


def born_twice(feed: str, prefix: str) -> list[Row]:
    """Delivery and birth as the register and as another feed tell of them, with that feed's own numbers."""
    return [
        delivery(f"{prefix}m1/1", feed=feed, tokens={"name": "woman"}),
        birth(f"{prefix}c1", f"{prefix}m1/1", feed=feed, evidence_code="1", tokens={"name": "child"}),
    ]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_birth_that_a_hospital_tells_of_too_is_one_birth(tmp_path: Path, order: tuple[int, ...]) -> None:
    files = [born_twice("municipal", ""), born_twice("ehr", "e-"), town("ehr", "e-")]
    with shelf(tmp_path / "w") as opened:
        opened.register((SUZU, SUZU, True))
        for i in order:
            opened.take(SUZU, files[i] if i else [*register(), *files[0][1:], *town()])
        found = counted(opened)
        found |= {t: opened.ask(f"SELECT count(*) AS n FROM core.{t}")[0]["n"] for t in ("delivery", "birth")}
        assert found == TRUTH | {"delivery": 1, "birth": 1}


def test_a_birth_that_the_hospital_alone_tells_of_counts_for_a_resident_alone(tmp_path: Path) -> None:
    with shelf(tmp_path / "w") as opened:
        opened.register((SUZU, SUZU, True))
        opened.take(SUZU, [notification("m1/1", tokens={"name": "woman"}), *born_twice("ehr", "e-")])
        assert len(opened.core("delivery", "entity_id")) == 1, "the register knows the pregnancy"
        assert opened.core("birth", "entity_id") == [], "and not the child"
        opened.take(SUZU, [residency("c1", "2023-05", tokens={"name": "child"})])
        assert len(opened.core("birth", "entity_id")) == 1
        opened.take(SUZU, [
            delivery("x-m9/1", feed="ehr", tokens={"name": "stranger"}), birth("x-c9", "x-m9/1", feed="ehr", evidence_code="1", tokens={"name": "nobody"})
        ])  # fmt: skip
        assert (len(opened.core("delivery", "entity_id")), len(opened.core("birth", "entity_id"))) == (1, 1)


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("clinical", ["municipal", "pmh", "ehr"])
def test_what_people_entered_themselves_never_overrides_a_clinical_value(
    tmp_path: Path, clinical: str, is_first: bool
) -> None:
    woman: dict[str, Any] = {"tokens": {"name": "woman"}}
    child: dict[str, Any] = {"tokens": {"name": "child"}}
    own = [
        antenatal(
            "h/1", 1, "2023-01", feed="handbook", evidence_code="3", blood_pressure_systolic_mmhg_class=180, **woman
        ),
        of_child(
            "child_checkup", "h-c", "31", "2023-09", feed="handbook", evidence_code="3", weight_class="-2", **child
        ),
        birth("h-c", "h/1", feed="handbook", evidence_code="3", birth_weight_g_class=600, **child),
    ]
    seen = [
        antenatal("m1/1", 1, "2023-01", feed=clinical, blood_pressure_systolic_mmhg_class=110, **woman),
        of_child("child_checkup", "k", "31", "2023-09", feed=clinical, weight_class="in", **child),
    ]
    with shelf(tmp_path / "w") as opened:
        opened.register((SUZU, SUZU, True))
        opened.take(SUZU, [*register(), birth("c1", "m1/1", birth_weight_g_class=3000, **child)])
        for rows in (own, seen) if is_first else (seen, own):
            opened.take(SUZU, rows)
        assert opened.core("antenatal_visit", "blood_pressure_systolic_mmhg_class AS value") == [{"value": 110}]
        assert opened.core("checkup", "weight_class, evidence_code") == [{"weight_class": "in", "evidence_code": "1"}]
        assert opened.core("birth", "birth_weight_g_class AS value") == [{"value": 3000}]


def test_what_people_entered_themselves_bears_out_no_visit_and_no_birth(tmp_path: Path) -> None:
    woman: dict[str, Any] = {"feed": "handbook", "evidence_code": "3", "tokens": {"name": "woman"}}
    child: dict[str, Any] = {"feed": "handbook", "evidence_code": "3", "tokens": {"name": "child"}}
    with shelf(tmp_path / "w") as opened:
        opened.register((SUZU, SUZU, True))
        opened.take(SUZU, [
            *register(), antenatal("h/1", 1, "2023-01", **woman), birth("h-c", "h/1", **child),
            of_child("child_checkup", "h-c", "31", "2023-09", **child),
        ])  # fmt: skip
        assert opened.core("delivery", "antenatal_visits AS n") == [{"n": 0}]
        assert opened.core("checkup_person", "is_target, is_seen") == [{"is_target": True, "is_seen": False}]
        assert opened.core("birth", "entity_id") == []


def billed(prefix: str = "v-", p: str = "m1/1") -> list[Row]:
    """What a review-and-payment body tells of the same visits: evidence of cost, under its numbers, without a month."""
    her: dict[str, Any] = {"feed": "claims", "evidence_code": "2", "tokens": {"name": "woman"}}
    child: dict[str, Any] = {"feed": "claims", "evidence_code": "2", "tokens": {"name": "child"}}
    return [
        *(antenatal(f"{prefix}{p}", v, None, **her) for v in (1, 2, 3)), postpartum(f"{prefix}{p}", "2", None, **her),
        of_child("child_checkup", f"{prefix}c1", "31", "2023-09", **child),
    ]  # fmt: skip


def by_hearsay(rows: list[Row]) -> list[Row]:
    """The same rows as somebody's own word."""
    return [replace(r, values={**r.values, "evidence_code": "3"}) for r in rows]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_voucher_bears_out_the_visit_that_the_town_tells_of_in_every_order(
    tmp_path: Path, order: tuple[int, ...]
) -> None:
    """The town has it by hearsay, which counts nowhere; the claims of an agent bear it out, and add no visit."""
    files = [(SUZU, register()), (SUZU, by_hearsay(town())), (AGENT, billed())]
    with shelf(tmp_path / "w") as opened:
        opened.register((SUZU, SUZU, True), (AGENT, SUZU, False))
        for i in order:
            opened.take(*files[i], municipality=SUZU)
        assert counted(opened) == TRUTH


def test_a_voucher_alone_makes_no_visit_where_the_town_has_the_word(tmp_path: Path) -> None:
    with shelf(tmp_path / "w") as opened:
        opened.register((SUZU, SUZU, True), (AGENT, SUZU, False))
        opened.take(SUZU, register())
        opened.take(AGENT, billed(), municipality=SUZU)
        found = counted(opened)
        assert (found["antenatal_visit"], found["postpartum_visit"], found["checkup"]) == (0, 0, 0)


def test_where_the_agent_has_the_word_the_visit_is_dated_by_the_towns_evidence(tmp_path: Path) -> None:
    with shelf(tmp_path / "w") as opened:
        opened.register((SUZU, SUZU, True), (AGENT, SUZU, False))
        opened.connection.execute("UPDATE state.registry SET is_authority = (submitter = ?) WHERE record LIKE '%visit'", [AGENT])  # fmt: skip
        opened.take(SUZU, [*register(), *town()])
        opened.take(AGENT, billed(), municipality=SUZU)
        assert counted(opened) == TRUTH
        assert opened.core("postpartum_visit", "visit_month, fiscal_year, evidence_code") == [
            {"visit_month": month("2023-06"), "fiscal_year": 2023, "evidence_code": "1"}
        ]
        assert {v["fiscal_year"] for v in opened.core("antenatal_visit", "visit_no, fiscal_year")} == {2022}


@pytest.mark.parametrize("whose", ["the register knows two pregnancies", "the agent tells of two"])
def test_vouchers_of_nobody_knows_which_pregnancy_bear_out_nothing(tmp_path: Path, whose: str) -> None:
    woman: dict[str, Any] = {"tokens": {"name": "woman"}}
    with shelf(tmp_path / "w") as opened:
        opened.register((SUZU, SUZU, True), (AGENT, SUZU, False))
        opened.take(SUZU, [*register(), *by_hearsay(town())])
        if whose == "the register knows two pregnancies":
            again = [antenatal("m1/2", v, f"2024-0{v + 5}", **woman) for v in (1, 2, 3)]
            opened.take(SUZU, [delivery("m1/2", "2024-11", **woman), *by_hearsay([*again, postpartum("m1/2", "2", "2024-12", **woman)])])  # fmt: skip
            opened.take(AGENT, billed(), municipality=SUZU)
        else:
            opened.take(AGENT, [*billed(), *billed(p="m1/2")], municipality=SUZU)
        assert {v["evidence_code"] for v in opened.core("antenatal_visit", "visit_no, evidence_code")} == {"3"}
        assert {v["evidence_code"] for v in opened.core("postpartum_visit", "evidence_code")} == {"3"}


def test_an_agent_of_two_towns_bears_out_the_visits_of_each(tmp_path: Path) -> None:
    """One delivery; whose row it is says its municipality, and the registry whether the agent may tell of it."""
    with shelf(tmp_path / "w") as opened:
        opened.register((SUZU, SUZU, True), (WAKASA, WAKASA, True), (AGENT, SUZU, False), (AGENT, WAKASA, False))
        for code in (SUZU, WAKASA):
            opened.take(code, [*register(), *by_hearsay(town())])
        rows = [replace(r, values={**r.values, "residence_municipality_code": code}, key=f"{code}-{r.key}",
                        person=f"{code}-{r.person}", pregnancy=r.pregnancy and f"{code}-{r.pregnancy}")
                for code in (SUZU, WAKASA) for r in billed()]  # fmt: skip
        opened.take(AGENT, rows)
        for table, n in (("antenatal_visit", 6), ("postpartum_visit", 2), ("checkup", 2)):
            found = opened.core(table, "municipality_code, evidence_code")
            assert len(found) == n and {r["evidence_code"] for r in found} == {"2"}, table
