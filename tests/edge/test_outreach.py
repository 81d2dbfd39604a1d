"""The rules of outreach: who is listed on which day, what stops a list, and what the file holds."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.edge.outreach import OutreachResult, outreach, quoted
from pipelines.edge.problem import EdgeProblem
from pipelines.indicators.outreach import PRIORITIES, RULES, STOPS
from pipelines.records import RECORDS
from tests.edge.made_feeds import CHILD, MOTHER, STRANGER, Town, row

Rows = Mapping[str, tuple[dict[str, str | None], ...]]
SISTER = CHILD | {
    "person_local": "900000000000003",
    "kana_given_name": "ミナ",
    "name": "加賀見みな",
    "sex_code": "2",
    "child_order": "2",
}
HERS = MOTHER["person_local"]
ITS = CHILD["person_local"]


def born(**changes: Any) -> dict[str, str | None]:
    return row("birth", **{"special_finding_code": None} | changes)


def notified(**changes: Any) -> dict[str, str | None]:
    return row("pregnancy_notification", **{"notified_date": "2022-05-13", "due_date": "2022-11-25"} | changes)


def visited(day: str, **changes: Any) -> dict[str, str | None]:
    return row("antenatal_visit", **{"visit_date": day, "gestation_weeks_at_visit": None} | changes)


def delivered(day: str = "2022-11-19", **changes: Any) -> dict[str, str | None]:
    return row("delivery", **{"delivery_date": day, "outcome_code": "1"} | changes)


def on_list(**changes: Any) -> dict[str, str | None]:
    return row("child_checkup_target", **{"programme_code": "34", "scheduled_date": "2024-06-05"} | changes)


def late(**changes: Any) -> dict[str, str | None]:
    weeks = {"notification_stage_code": "3", "gestation_weeks_at_notification": "22", "notified_date": "2022-06-10"}
    return notified(**weeks | changes)


def screened(items: str, day: str = "2022-12-21", **changes: Any) -> dict[str, str | None]:
    """items: the ten answers of the EPDS."""
    answers: dict[str, Any] = {f"epds_item_{nth}": answer for nth, answer in enumerate(items, 1)}
    return row("postpartum_visit", **answers | {"visit_kind_code": "2", "visit_date": day} | changes)


def nurse(day: str, **changes: Any) -> dict[str, str | None]:
    return row("home_visit", **{"visit_date": day, "visit_target_code": "5", "met_child_code": "2"} | changes)


def dose(vaccine: str, day: str, **changes: Any) -> dict[str, str | None]:
    return row("vaccination", **{"vaccine_code": vaccine, "vaccinated_date": day} | changes)


def referred(**changes: Any) -> dict[str, str | None]:
    return row("child_checkup", **{"visit_date": "2024-06-12", "judgement_code": "4"} | changes)


def spell(person: Mapping[str, Any], **changes: Any) -> dict[str, str | None]:
    return row("residency_spell", **{**person, "resident_from_date": "2020-01-05", "out_reason_code": None, **changes})


def of_two() -> tuple[dict[str, str | None], ...]:
    """The spells of mother and child alone."""
    return spell(MOTHER), spell(CHILD, resident_from_date="2022-11-19")


@dataclass(frozen=True)
class Case:
    """Rows by record, and the day; the people of the town are residents from 2020 on."""

    rule: str
    rows: Rows
    day: str
    who: str
    feed: Rows = field(default_factory=dict)

    def with_rows(self, **rows: tuple[dict[str, str | None], ...]) -> "Case":
        return replace(self, rows=dict(self.rows) | rows)

    def on(self, day: str) -> "Case":
        return replace(self, day=day)


CASES = {
    case.rule: case
    for case in (
        Case("late_notification", {"pregnancy_notification": (late(),)}, "2022-06-20", HERS),
        Case("no_antenatal_visit", {"pregnancy_notification": (notified(),), "antenatal_visit": (visited("2022-06-01"),)},
             "2022-07-14", HERS),
        Case("due_date_passed", {"pregnancy_notification": (notified(),)}, "2022-12-17", HERS),
        Case("postpartum_check_missed", {"delivery": (delivered(),), "birth": (born(),)}, "2023-01-03", HERS),
        Case("epds_followup", {"delivery": (delivered(),), "postpartum_visit": (screened("3330000000"),)}, "2022-12-21", HERS),
        Case("referral_not_completed", {"birth": (born(),), "child_checkup": (referred(),)}, "2024-08-11", ITS),
        Case("eighth_month_no_answer", {"pregnancy_notification": (notified(),), "antenatal_visit": (visited("2022-10-20"),)},
             "2022-09-16", HERS),
        Case("infant_visit_due", {"birth": (born(),), "residency_spell": of_two()}, "2023-01-18", ITS),
        Case("vaccination_delay_and_moved_in", {"birth": (born(),), "residency_spell": of_two(), "vaccination": (dose("dpt_ipv_hib", "2023-01-25"),)},
             "2023-12-19", ITS),
        Case("checkup_not_attended", {"child_checkup_target": (on_list(),), "birth": (born(),)}, "2024-07-31", ITS),
    )
}  # fmt: skip
EVERY = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


def settled() -> dict[str, tuple[dict[str, str | None], ...]]:
    """Every file of the register with its heading alone, and the spells of the town's people."""
    born = {"resident_from_date": "2022-11-19"}
    return dict.fromkeys(RECORDS, ()) | {
        "residency_spell": (spell(MOTHER), spell(CHILD, **born), spell(SISTER, **born), spell(STRANGER, **born))
    }


def spells_of(case: Case) -> tuple[dict[str, str | None], ...]:
    return (settled() | dict(case.rows))["residency_spell"]


def run(town: Town, case: Case, **out: Path) -> OutreachResult:
    for record, rows in (settled() | dict(case.rows)).items():
        town.feeds.put(record, *rows)
    for record, rows in case.feed.items():
        town.feeds.put(record, *rows, feed="pmh")
    to = out.get("to", town.home / "lists" / "list.csv")
    return outreach(town.feeds.path, case.rule, date.fromisoformat(case.day), town.protected, to)


def listed(town: Town, case: Case) -> list[str]:
    done = run(town, case)
    return [r["local_number"] for r in csv.DictReader(done.file.read_text("utf-8-sig").splitlines())]


def days(case: Case, *numbers: int) -> list[Case]:
    first = date.fromisoformat(case.day)
    return [case.on(str(first + timedelta(days=n))) for n in numbers]


@EVERY
def test_it_lists_from_its_first_day_on(town: Town, case: Case) -> None:
    """The day of each case is the first on which its rule holds."""
    if case.rule == "late_notification":
        case = case.on("2022-06-10")
    before, first = days(case, -1, 0)
    assert listed(town, before) == []
    assert listed(town, first) == [case.who]


@pytest.mark.parametrize(
    ("rule", "last"),
    [
        ("late_notification", "2022-07-10"),  # notified within 30 days
        ("no_antenatal_visit", "2022-12-09"),  # 14 days past the due date
        ("postpartum_check_missed", "2023-11-18"),  # a year from the delivery
        ("checkup_not_attended", "2024-11-18"),  # the day before the second birthday
        ("epds_followup", "2023-05-19"),  # six months from the delivery
        ("eighth_month_no_answer", "2022-10-27"),  # the last day of 35 weeks
        ("infant_visit_due", "2023-03-18"),  # the day before four months
        ("vaccination_delay_and_moved_in", "2024-11-18"),  # the day before the second birthday
    ],
)
def test_it_lists_up_to_its_last_day(town: Town, rule: str, last: str) -> None:
    case = CASES[rule].on(last)
    assert [listed(town, c) for c in days(case, 0, 1)] == [[case.who], []]


@pytest.mark.parametrize(
    ("seen", "first"),
    [
        ("2022-06-01", "2022-07-14"),  # before 24 weeks: more than 6 weeks
        ("2022-08-20", "2022-09-18"),  # 24 to 35 weeks: more than 4
        ("2022-10-28", "2022-11-12"),  # from 36 weeks on: more than 2
    ],
)
def test_the_later_in_pregnancy_the_sooner_a_visit_is_missed(town: Town, seen: str, first: str) -> None:
    case = CASES["no_antenatal_visit"].with_rows(antenatal_visit=(visited(seen),)).on(first)
    assert [listed(town, c) for c in days(case, -1, 0)] == [[], [HERS]]


def test_before_twelve_weeks_nobody_is_missed(town: Town) -> None:
    early = notified(notified_date="2022-03-25", gestation_weeks_at_notification="5")
    case = Case("no_antenatal_visit", {"pregnancy_notification": (early,)}, "2022-05-13", HERS)
    assert [listed(town, c) for c in days(case, -1, 0)] == [[], [HERS]]


@pytest.mark.parametrize(("evidence", "is_listed"), [("1", False), ("2", False), (None, False), ("3", True)])
@pytest.mark.parametrize("rule", ["no_antenatal_visit", "postpartum_check_missed", "checkup_not_attended"])
def test_a_visit_counts_by_result_or_by_cost(town: Town, rule: str, evidence: str | None, is_listed: bool) -> None:
    """Cost alone is a visit, what somebody says of herself is none."""
    visits = {
        "no_antenatal_visit": {"antenatal_visit": (visited("2022-07-10", evidence_code=evidence),)},
        "postpartum_check_missed": {
            "postpartum_visit": (
                row("postpartum_visit", visit_kind_code="2", visit_date="2022-12-21", evidence_code=evidence),
            )
        },
        "checkup_not_attended": {"child_checkup": (row("child_checkup", programme_code="34", evidence_code=evidence),)},
    }[rule]
    assert listed(town, CASES[rule].with_rows(**visits)) == ([CASES[rule].who] if is_listed else [])


@pytest.mark.parametrize("rule", ["no_antenatal_visit", "checkup_not_attended"])
def test_a_visit_that_only_pmh_tells_of_counts(town: Town, rule: str) -> None:
    """Under PMH's own number: the name makes it the same person."""
    elsewhere: Rows = {
        "no_antenatal_visit": {"antenatal_visit": (visited("2022-07-10", person_local="PMH-77"),)},
        "checkup_not_attended": {"child_checkup": (row("child_checkup", person_local="PMH-88", programme_code="34"),)},
    }[rule]
    case = CASES[rule]
    assert listed(town, case) == [case.who]
    assert listed(town, replace(case, feed=elsewhere)) == []


def test_a_checkup_of_another_programme_is_none(town: Town) -> None:
    case = CASES["checkup_not_attended"].with_rows(
        child_checkup=(row("child_checkup", programme_code="31", visit_date="2023-03-15"),)
    )
    assert listed(town, case) == [ITS]


@pytest.mark.parametrize(
    "told", [{"delivery": (delivered("2022-11-19"),)}, {"birth": (born(birth_date="2022-11-19"),)}]
)
def test_a_delivery_or_a_birth_ends_the_pregnancy(town: Town, told: Any) -> None:
    assert listed(town, CASES["due_date_passed"].with_rows(**told)) == []


def test_after_a_delivery_in_another_prefecture_a_month_more_is_waited(town: Town) -> None:
    case = CASES["postpartum_check_missed"].with_rows(delivery=(delivered(service_municipality_code="332011"),))
    assert [listed(town, c) for c in days(case, 0, 29, 30)] == [[], [], [HERS]]


def test_a_child_of_the_leap_day(town: Town) -> None:
    """Born on 29 February 2020: the window of the 3-year checkup closes with 28 February 2024."""
    born = {"birth_date": "2020-02-29"}
    on_the_list = on_list(programme_code="36", scheduled_date="2023-06-05", target_fiscal_year="2023", **born)
    case = Case("checkup_not_attended", {"child_checkup_target": (on_the_list,)}, "2024-02-28", ITS)
    assert [listed(town, c) for c in days(case, 0, 1)] == [[ITS], []]


def test_a_delivery_on_the_leap_day(town: Town) -> None:
    rows = {"delivery": (delivered("2024-02-29"),)}
    case = Case("postpartum_check_missed", rows, "2025-02-27", HERS)
    assert [listed(town, c) for c in days(case, 0, 1)] == [[HERS], []]


@pytest.mark.parametrize(
    ("items", "is_listed"),
    [("3320000000", False), ("3330000000", True), ("0000000001", True), ("333000000", False)],
    ids=["8 points", "9 points", "item 10 alone", "an item missing"],
)
def test_a_nurse_is_sent_from_nine_points_or_for_the_last_item(town: Town, items: str, is_listed: bool) -> None:
    last: dict[str, Any] = {} if len(items) == 10 else {"epds_item_10": None}
    case = CASES["epds_followup"].with_rows(postpartum_visit=(screened(items, **last),))
    assert listed(town, case) == ([HERS] if is_listed else [])


@pytest.mark.parametrize(("day", "is_listed"), [("2022-12-20", True), ("2022-12-21", False), ("2023-01-10", False)])
@pytest.mark.parametrize("whose", [CHILD, MOTHER], ids=["child", "mother"])
def test_a_contact_on_the_day_of_the_screen_or_later_ends_it(
    town: Town, day: str, is_listed: bool, whose: dict[str, Any]
) -> None:
    """A visit to the child is one to its mother."""
    visit = nurse(day, **whose, visit_target_code="5" if whose is CHILD else "2")
    case = CASES["epds_followup"].with_rows(birth=(born(),), home_visit=(visit,)).on("2023-02-01")
    assert listed(town, case) == ([HERS] if is_listed else [])


def test_an_examination_or_its_result_completes_a_referral(town: Town) -> None:
    case = CASES["referral_not_completed"]
    open_request = row("detailed_exam", examined_date=None, result_code=None, referred_date="2024-06-12")
    done = row("detailed_exam", examined_date="2024-07-01", result_code=None, referred_date="2024-06-12")
    assert listed(town, case.with_rows(child_checkup=(), detailed_exam=(open_request,))) == [ITS]
    assert listed(town, case.with_rows(detailed_exam=(done,))) == []
    other = {**done, "programme_code": "36"}
    assert listed(town, case.with_rows(detailed_exam=(other,))) == [ITS]


@pytest.mark.parametrize(
    ("told", "stop"),
    [
        ({}, None),
        ({"delivery": (delivered(outcome_code="2"),)}, "loss"),
        ({"birth": (born(special_finding_code="3"),)}, "deceased"),
    ],
    ids=["no loss", "stillbirth", "the child died"],
)
def test_a_mother_who_lost_her_child_is_not_asked_for_her_own_referral(
    town: Town, told: Rows, stop: str | None
) -> None:
    hers = row(
        "detailed_exam", **MOTHER, programme_code="10", examined_date=None, result_code=None, referred_date="2022-09-01"
    )
    case = (
        CASES["referral_not_completed"].with_rows(child_checkup=(), birth=(), detailed_exam=(hers,)).with_rows(**told)
    )
    done = run(town, case.on("2023-06-01"))
    assert done.listed == (stop is None)
    assert {s for s, n in done.stopped.items() if n} == ({stop} if stop else set())


@pytest.mark.parametrize(("stage", "result", "is_listed"), [("2", "2", True), ("1", "2", False), ("2", "1", False)])
def test_a_second_hearing_test_not_passed_is_a_referral(town: Town, stage: str, result: str, is_listed: bool) -> None:
    test = row("newborn_screening", test_stage_code=stage, hearing_result_code=result, test_date="2022-11-25")
    case = CASES["referral_not_completed"].with_rows(child_checkup=(), newborn_screening=(test,)).on("2023-01-18")
    assert [listed(town, c) for c in days(case, -1, 0)] == [[], [ITS] if is_listed else []]


@pytest.mark.parametrize(("day", "is_listed"), [("2022-09-01", True), ("2022-09-02", False)])
def test_a_talk_from_28_weeks_on_answers_for_the_eighth_month(town: Town, day: str, is_listed: bool) -> None:
    talk = row("consultation", **MOTHER, target_code="1", consulted_date=day)
    case = CASES["eighth_month_no_answer"].with_rows(consultation=(talk,))
    assert listed(town, case) == ([HERS] if is_listed else [])


@pytest.mark.parametrize(
    "told",
    [{"home_visit": (nurse("2022-12-20"),)},
     {"information_request": (row("information_request", request_reason_code="2", replied_date=None, answer_code="9"),)}],
    ids=["met", "asked at the place of 里帰り"],
)  # fmt: skip
def test_who_was_met_or_asked_for_elsewhere_needs_no_infant_visit(town: Town, told: Any) -> None:
    assert listed(town, CASES["infant_visit_due"].with_rows(**told)) == []


def test_a_visit_at_which_the_child_was_not_met_is_none(town: Town) -> None:
    visit = nurse("2022-12-20", met_child_code="1")
    assert listed(town, CASES["infant_visit_due"].with_rows(home_visit=(visit,))) == [ITS]


def test_a_series_not_begun_by_five_months(town: Town) -> None:
    case = CASES["vaccination_delay_and_moved_in"].with_rows(vaccination=()).on("2023-04-19")
    assert [listed(town, c) for c in days(case, -1, 0)] == [[], [ITS]]
    examined_only = (dose("dpt_ipv", "2023-04-01", act_code="2"),)
    assert listed(town, case.with_rows(vaccination=examined_only)) == [ITS]


def moved_in(*doses: dict[str, str | None], **request: Any) -> Case:
    """Came on 1 August 2023, at eight months."""
    spells = (spell(MOTHER), spell(CHILD, resident_from_date="2023-08-01", in_reason_code="2"))
    asked = {"information_request": (row("information_request", **request),)} if request else {}
    rows: Rows = {"residency_spell": spells, "birth": (born(),), "vaccination": doses, **asked}
    return Case("vaccination_delay_and_moved_in", rows, "2023-09-30", ITS)


def test_a_child_that_came_without_its_history_is_asked_for(town: Town) -> None:
    here, before = dose("dpt_ipv_hib", "2023-08-05"), dose("dpt_ipv_hib", "2023-06-05")
    assert [listed(town, c) for c in days(moved_in(here), 0, 1)] == [[ITS], []]
    assert listed(town, moved_in(before)) == []
    waits = {"requested_date": "2023-09-15", "replied_date": None, "answer_code": "9"}
    assert [listed(town, c) for c in days(moved_in(here, **waits), -1, 0)] == [[], [ITS]]
    assert listed(town, moved_in(here, requested_date="2023-08-15", replied_date="2023-08-20")) == []


@EVERY
def test_who_has_an_open_support_plan_is_left_to_its_nurse(town: Town, case: Case) -> None:
    person = MOTHER if case.who == HERS else CHILD
    plan = row("support_plan", **person, made_date="2020-03-01", reviewed_date=None)
    done = run(town, case.with_rows(support_plan=({**plan, "closed_date": None},)))
    assert (done.listed, done.stopped["open_plan"]) == (0, 1)
    assert listed(town, case.with_rows(support_plan=({**plan, "closed_date": "2020-05-01"},))) == [case.who]


def test_a_plan_of_the_mother_is_one_for_her_child(town: Town) -> None:
    plan = row("support_plan", **MOTHER, made_date="2022-03-01", reviewed_date=None, closed_date=None)
    assert listed(town, CASES["infant_visit_due"].with_rows(support_plan=(plan,))) == []


@pytest.mark.parametrize("refusal", [{"method_code": "5"}, {"outcome_code": "4"}])
def test_who_refused_is_left_alone_for_ninety_days(town: Town, refusal: dict[str, str]) -> None:
    contact = row("nonattender_followup", found_date="2024-06-01", contacted_date="2024-07-31", **refusal)
    case = CASES["checkup_not_attended"].with_rows(nonattender_followup=(contact,))
    assert [listed(town, c) for c in days(case, 90, 91)] == [[], [ITS]]


def test_an_unknown_due_date_lists_nobody(town: Town) -> None:
    unknown = (notified(due_date=None),)
    for rule in ("no_antenatal_visit", "due_date_passed"):
        assert listed(town, CASES[rule].with_rows(pregnancy_notification=unknown)) == []


def test_a_name_removed_from_the_list_is_not_listed(town: Town) -> None:
    case = CASES["checkup_not_attended"].with_rows(child_checkup_target=(on_list(removed_reason_code="4"),))
    assert listed(town, case) == []


def test_the_last_entry_of_the_list_counts(town: Town) -> None:
    """Carried over to a later month: the first date passed is no longer the one to be kept."""
    again = on_list(target_fiscal_year="2025", scheduled_date="2024-08-05", target_reason_code="3")
    case = CASES["checkup_not_attended"].with_rows(child_checkup_target=(on_list(), again))
    assert [listed(town, case.on(day)) for day in ("2024-07-31", "2024-09-30", "2024-10-01")] == [[], [], [ITS]]


@EVERY
@pytest.mark.parametrize(("left", "is_listed"), [(-1, False), (0, False), (1, True)])
def test_who_left_on_or_before_the_day_is_not_listed(town: Town, case: Case, left: int, is_listed: bool) -> None:
    gone = str(date.fromisoformat(case.day) + timedelta(days=left))
    spells = tuple(
        {**s, "resident_to_date": gone, "out_reason_code": "3"} if s["person_local"] == case.who else s
        for s in spells_of(case)
    )
    assert listed(town, case.with_rows(residency_spell=spells)) == ([case.who] if is_listed else [])


@EVERY
def test_who_came_back_is_listed(town: Town, case: Case) -> None:
    person = MOTHER if case.who == HERS else CHILD
    spells = (spell(person, resident_from_date="2022-11-19", resident_to_date="2022-11-29", out_reason_code="3"),
              spell(person, resident_from_date="2022-11-30"))  # fmt: skip
    assert listed(town, case.with_rows(residency_spell=spells)) == [case.who]


@EVERY
@pytest.mark.parametrize("broken", [{}, {"sex_code": "x"}], ids=["accepted", "refused"])
def test_the_dead_are_not_listed(town: Town, case: Case, broken: dict[str, str]) -> None:
    """A death after the day, and in a row that the check refuses, counts as well."""
    spells = tuple(
        {**s, "resident_to_date": "2025-03-01", "out_reason_code": "4", **broken}
        if s["person_local"] == case.who
        else s
        for s in spells_of(case)
    )
    done = run(town, case.with_rows(residency_spell=spells))
    assert (done.listed, done.stopped["deceased"]) == (0, 1)


@pytest.mark.parametrize("rule", [r for r, case in CASES.items() if case.who == HERS])
@pytest.mark.parametrize(
    "lost",
    [
        {"delivery": (delivered(outcome_code="2"),)}, {"delivery": (delivered(outcome_code="3"),)},
        {"birth": (born(special_finding_code="3"),)},
        {"delivery": (delivered(outcome_code="2", recorded_date="2025-12-01", gestation_weeks="x"),)},
    ],
    ids=["stillbirth", "one of two", "birth record", "told late, in a refused row"],
)  # fmt: skip
def test_after_a_loss_nobody_is_listed(town: Town, rule: str, lost: Any) -> None:
    assert listed(town, CASES[rule].with_rows(**lost)) == []


def test_of_twins_of_whom_one_died_the_other_is_invited_and_the_mother_left_in_peace(town: Town) -> None:
    births = (born(plurality="2"), born(**SISTER, plurality="2"))
    dead = tuple({**s, "resident_to_date": "2022-12-01", "out_reason_code": "4"} if s["person_local"] == ITS else s
                 for s in settled()["residency_spell"])  # fmt: skip
    both = (on_list(), on_list(**SISTER))
    child = CASES["checkup_not_attended"].with_rows(birth=births, child_checkup_target=both, residency_spell=dead)
    mother = CASES["postpartum_check_missed"].with_rows(birth=births, residency_spell=dead)
    assert listed(town, child) == [SISTER["person_local"]]
    assert listed(town, mother) == []


def test_a_household_stands_on_the_list_of_its_highest_rule_alone(town: Town) -> None:
    """The mother filed her next pregnancy late; her child's checkup is spoken of at that interview."""
    again = late(pregnancy_no="2024-0007", notified_date="2024-07-25", due_date="2024-11-30")
    case = CASES["checkup_not_attended"].with_rows(pregnancy_notification=(again,))
    done = run(town, case)
    assert (done.listed, done.stopped["merged"]) == (0, 1)
    assert listed(town, replace(case, rule="late_notification")) == [HERS]


def test_a_corrected_and_a_cancelled_row_count_as_they_are_now(town: Town) -> None:
    case = CASES["due_date_passed"]
    corrected = notified(revision_no="1", due_date="2022-12-25")
    assert listed(town, case.with_rows(pregnancy_notification=(notified(), corrected))) == []
    cancelled = notified(revision_no="1", is_cancelled="1")
    assert listed(town, case.with_rows(pregnancy_notification=(notified(), cancelled))) == []


def test_the_file_holds_number_rule_and_month_and_is_private(town: Town) -> None:
    done = run(town, CASES["checkup_not_attended"])
    assert done.file.read_bytes().decode("utf-8-sig") == (
        f'"local_number","rule","month"\r\n"{ITS}","checkup_not_attended","2024-06"\r\n'
    )
    assert done.file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "＋1", "－1", "＠SUM(A1)"]
)
def test_no_cell_is_a_formula(cell: str) -> None:
    assert quoted(cell) == f'"\'{cell}"'
    assert quoted('say "yes"') == '"say ""yes"""'


def test_a_local_number_that_begins_like_a_formula_is_quoted(town: Town) -> None:
    case = CASES["checkup_not_attended"].with_rows(child_checkup_target=(on_list(person_local="-1-1"),))
    assert '"\'-1-1","checkup_not_attended"' in run(town, case).file.read_text("utf-8-sig")


def test_late_records_are_told_before_anybody_is_called(town: Town) -> None:
    case = CASES["no_antenatal_visit"]
    fresh = case.with_rows(antenatal_visit=(visited("2022-06-01", recorded_date="2022-06-09"),))
    old = case.with_rows(antenatal_visit=(visited("2022-06-01", recorded_date="2022-06-08"),))
    assert [any("要確認" in line for line in run(town, c).lines()) for c in (fresh, old)] == [False, True]


def test_a_record_in_which_help_may_stand_is_missed_aloud(town: Town) -> None:
    case = CASES["infant_visit_due"]
    run(town, case)
    (town.feeds.path / "municipal" / "information_request.csv").unlink()
    done = outreach(town.feeds.path, case.rule, date.fromisoformat(case.day), town.protected, town.home / "again.csv")
    assert done.listed == 1
    assert any("information_request" in line and "要確認" in line for line in done.lines())


@pytest.mark.parametrize("record", ["residency_spell", "delivery", "birth", "child_checkup"])
@pytest.mark.parametrize("spoiled", [None, "宛名番号,不開示フラグ\n"], ids=["missing", "refused"])
def test_without_what_would_stop_a_list_none_is_made(town: Town, record: str, spoiled: str | None) -> None:
    run(town, CASES["checkup_not_attended"])
    file = town.feeds.path / "municipal" / f"{record}.csv"
    if spoiled is None:
        file.unlink()
    else:
        heading, _, rest = file.read_text().partition("\n")
        file.write_text(heading.replace("性別", "せいべつ") + "\n" + rest)
    to = town.home / "lists" / "again.csv"
    with pytest.raises(EdgeProblem) as stopped:
        outreach(town.feeds.path, "checkup_not_attended", date(2024, 7, 31), town.protected, to)
    assert (stopped.value.exit_code, to.exists()) == (2, False)
    assert record in stopped.value.sentence_ja


def test_an_unknown_rule_is_told_the_known_ones(town: Town) -> None:
    with pytest.raises(EdgeProblem) as stopped:
        run(town, replace(CASES["due_date_passed"], rule="everybody"))
    assert stopped.value.exit_code == 64
    assert all(name in stopped.value.sentence_ja for name in RULES)


def test_every_rule_has_a_case_its_words_and_its_place() -> None:
    assert set(CASES) == set(RULES)
    order = [PRIORITIES.index(rule.priority) for rule in RULES.values()]
    assert order == sorted(order), "declared in the order of their priority"
    for rule in RULES.values():
        assert {*rule.records, *rule.beside} <= set(RECORDS)
        assert all(
            (rule.label_ja, rule.label_en, rule.definition_ja, rule.definition_en, rule.action_ja, rule.action_en)
        )
    assert [stop.id for stop in STOPS] == ["deceased", "loss", "moved_out", "open_plan", "refused"]
