"""What of the lists of outreach travels: how many stood on one, how many of those were reached, once per quarter."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.edge import send as sending
from pipelines.edge import state as keeping
from pipelines.edge.outreach import OutreachResult, outreach
from pipelines.edge.problem import EdgeProblem
from pipelines.edge.state import listed_before
from pipelines.indicators.outreach import COUNTED_RULE, RULES
from pipelines.keys import KeyProblem
from pipelines.records.parcel import OUTREACH_RULES, OUTREACH_TABLE
from tests.edge.made_feeds import CHILD, MOTHER, STRANGER, Town, row
from tests.edge.opened_parcel import opened
from tests.edge.test_outreach import CASES, Case, born, delivered, dose, nurse, on_list, settled

AFTERWARDS = date(2026, 1, 15)
SEEN = {"programme_code": "34", "visit_date": "2024-08-20"}
CAME: Mapping[str, dict[str, Any]] = {
    "epds_followup": {"home_visit": (nurse("2023-01-05", **MOTHER, visit_target_code="2"),)},
    "late_notification": {"consultation": (row("consultation", **MOTHER, target_code="1", consulted_date="2022-06-25"),)},
    "referral_not_completed": {
        "detailed_exam": (row("detailed_exam", referred_date="2024-06-12", examined_date="2024-09-01"),)
    },
    "postpartum_check_missed": {"postpartum_visit": (row("postpartum_visit", visit_kind_code="2"),)},
    "infant_visit_due": {"home_visit": (nurse("2023-02-10"),)},
    "checkup_not_attended": {"child_checkup": (row("child_checkup", **SEEN),)},
    "vaccination_delay_and_moved_in": {
        "vaccination": (dose("dpt_ipv_hib", "2023-01-25"), dose("measles_rubella", "2024-01-10"))
    },
}  # fmt: skip


def put(town: Town, case: Case) -> None:
    for record, rows in (settled() | dict(case.rows)).items():
        town.feeds.put(record, *rows)


def make_list(town: Town, case: Case, **changes: Any) -> OutreachResult:
    """The list of a case, with the state."""
    put(town, case)
    to, local = town.home / "lists" / "list.csv", [town.home / "local"]
    with_state: dict[str, Any] = {"state": town.state, "keys": local} | changes
    return outreach(town.feeds.path, case.rule, date.fromisoformat(case.day), town.protected, to, **with_state)


def sent_counts(town: Town, today: date = AFTERWARDS) -> list[tuple[Any, ...]] | None:
    """Rule, quarter, listed, reached in the parcel of this day; None where it has no such table."""
    done = sending.send(town.feeds.path, town.keys, town.protected, town.state, town.out, today=today)
    tables = opened(done.parcel, town.centre).tables
    return tables[OUTREACH_TABLE].rows() if OUTREACH_TABLE in tables else None


def two_children(**changes: Any) -> Case:
    """The checkups of two children of two households."""
    strange = STRANGER | {"birth_date": CHILD["birth_date"]}
    rows = {"birth": (born(), born(**strange)), "child_checkup_target": (on_list(), on_list(**strange)), **changes}
    return Case("checkup_not_attended", rows, "2024-07-31", "")


def quarter_of(case: Case) -> date:
    day = date.fromisoformat(case.day)
    return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)


@pytest.mark.parametrize("rule", CAME)
def test_who_was_listed_is_counted_and_who_was_reached_of_those(town: Town, rule: str) -> None:
    case = CASES[rule]
    make_list(town, case)
    put(town, case.with_rows(**CAME[rule]))
    assert sent_counts(town) == [(rule, quarter_of(case), 1, 1)]


@pytest.mark.parametrize("rule", CAME)
def test_to_whom_nothing_came_is_not_reached(town: Town, rule: str) -> None:
    make_list(town, CASES[rule])
    assert sent_counts(town) == [(rule, quarter_of(CASES[rule]), 1, 0)]


def test_a_visit_for_another_programme_reaches_nobody(town: Town) -> None:
    make_list(town, two_children())
    put(town, two_children(child_checkup=(row("child_checkup", programme_code="31", visit_date="2023-03-15"),)))
    assert sent_counts(town) == [("checkup_not_attended", date(2024, 7, 1), 2, 0)]


def test_a_line_counts_once_however_often_the_list_is_made(town: Town) -> None:
    for day in ("2024-07-31", "2024-07-31", "2024-08-15", "2024-10-05"):
        make_list(town, two_children().on(day))
    quarters = [("checkup_not_attended", date(2024, 7, 1), 2, 0), ("checkup_not_attended", date(2024, 10, 1), 0, 0)]
    assert sent_counts(town) == quarters


def test_a_list_with_nobody_on_it_is_told_as_made(town: Town) -> None:
    make_list(town, CASES["infant_visit_due"].on("2022-12-01"))
    assert sent_counts(town) == [("infant_visit_due", date(2022, 10, 1), 0, 0)]


def test_once_reached_stays_reached_where_a_later_delivery_holds_changes_alone(town: Town) -> None:
    make_list(town, two_children())
    make_list(town, two_children(child_checkup=(row("child_checkup", **SEEN),)).on("2024-08-31"))
    put(town, two_children())
    assert sent_counts(town) == [("checkup_not_attended", date(2024, 7, 1), 2, 1)]


def test_a_quarter_waits_for_the_next_one_to_end(town: Town) -> None:
    make_list(town, two_children())
    assert sent_counts(town, date(2024, 12, 31)) is None
    put(town, two_children(child_checkup=(row("child_checkup", **SEEN),)))
    assert sent_counts(town, date(2025, 1, 1)) == [("checkup_not_attended", date(2024, 7, 1), 2, 1)]


def test_the_counts_of_a_quarter_leave_once_and_are_then_forgotten(town: Town) -> None:
    make_list(town, two_children())
    assert sent_counts(town) is not None
    assert listed_before(town.state).is_empty()
    assert any("件数に入りません" in line for line in make_list(town, two_children()).lines())
    assert sent_counts(town) is None


def test_a_day_to_come_is_not_counted(town: Town) -> None:
    make_list(town, two_children(), today=date(2024, 7, 30))
    assert sent_counts(town) is None


def test_a_sending_that_dies_after_its_parcel_appeared_tells_no_count_twice(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_list(town, two_children())
    with monkeypatch.context() as dying:
        dying.setattr(keeping, "_committed", lambda *_: (_ for _ in ()).throw(OSError))
        with pytest.raises(OSError):
            sent_counts(town)
    [parcel] = town.out.glob("*.parcel")
    assert OUTREACH_TABLE in opened(parcel, town.centre).tables
    assert sent_counts(town) is None


def test_a_sending_that_dies_before_loses_no_count(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    make_list(town, two_children())
    with monkeypatch.context() as dying:
        dying.setattr(keeping, "_write_synced", lambda *_: (_ for _ in ()).throw(OSError))
        with pytest.raises(OSError):
            sent_counts(town)
    assert sent_counts(town) == [("checkup_not_attended", date(2024, 7, 1), 2, 0)]


def test_the_rules_that_count_are_those_of_the_parcel() -> None:
    told = {name for name, rule in RULES.items() if rule.reached}
    assert told == set(OUTREACH_RULES) == {c.code for c in COUNTED_RULE.categories} == set(CAME)


@pytest.mark.parametrize("named", ["state alone", "keys alone", "another key"])
def test_the_state_is_asked_with_the_local_key_and_no_other(town: Town, named: str) -> None:
    given: dict[str, tuple[dict[str, Any], type[Exception], int]] = {
        "state alone": ({"keys": []}, KeyProblem, 77),
        "keys alone": ({"state": None}, EdgeProblem, 64),
        "another key": ({"keys": [town.centre / "edge"]}, KeyProblem, 77),
    }
    changes, problem, code = given[named]
    with pytest.raises(problem) as stopped:
        make_list(town, two_children(), **changes)
    assert getattr(stopped.value, "exit_code", None) == code
    assert not (town.home / "lists").exists()


def test_without_the_state_it_is_said_what_was_not_asked(town: Town) -> None:
    without = list(make_list(town, two_children(), state=None, keys=[]).lines())
    assert any("--state の指定なし" in line for line in without)
    town.send()
    asked = "\n".join(make_list(town, two_children()).lines())
    assert "--state の指定なし" not in asked and "今回のファイルにない行" not in asked
    changes_alone = "\n".join(make_list(town, two_children(child_checkup_target=(on_list(),))).lines())
    assert "今回のファイルにない行があります: municipal/child_checkup_target。" in changes_alone


def test_a_tie_that_only_an_earlier_delivery_showed_keeps_a_household_off_the_list(town: Town) -> None:
    """The delivery and the birth were sent before; the files of today hold the child's checkup alone."""
    put(town, two_children(delivery=(delivered(),)))
    town.send()
    town.protected.write_text(f"local_number\n{MOTHER['person_local']}\n")
    now = two_children(birth=(), delivery=())
    assert make_list(town, now, state=None, keys=[]).listed == 2
    assert make_list(town, now).listed == 1


def test_what_lies_in_the_state_is_closed_to_others(town: Town) -> None:
    make_list(town, two_children())
    town.send()
    make_list(town, two_children())
    tokens = [f for f in town.state.iterdir() if f.suffix == ".parquet"]
    assert {Path(f).stat().st_mode & 0o777 for f in tokens} == {0o600}
