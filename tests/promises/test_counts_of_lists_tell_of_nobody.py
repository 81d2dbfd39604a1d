"""Promises 1, 5 and 7, holes 5, 12 and 18: of a list of outreach only counts leave, and neither they nor what is kept for
them tell of a protected household, of a loss, or of anybody to whoever takes the disk.
"""

from datetime import date

import polars as pl
import pytest

from pipelines.edge.state import LISTED, listed_before
from pipelines.indicators.outreach import RULES
from pipelines.records.parcel import OUTREACH_SCHEMA, OUTREACH_TABLE
from tests.edge.conftest import centre, town  # noqa: F401  fixtures of the edge's tests
from tests.edge.made_feeds import CHILD, MOTHER, STRANGER, Town
from tests.edge.opened_parcel import opened
from tests.edge.test_outreach import CASES, born, delivered, on_list, spell
from tests.edge.test_outreach_counts import AFTERWARDS, make_list, put, sent_counts, two_children

QUARTER = date(2024, 7, 1)
FLAG = {"is_not_disclosed": "1"}
ONE = [("checkup_not_attended", QUARTER, 1, 0)]


def protect(town: Town, who: dict[str, str]) -> None:  # noqa: F811
    town.protected.write_text(f"local_number\n{who['person_local']}\n")


@pytest.mark.parametrize("who", [MOTHER, CHILD], ids=["mother", "child"])
def test_a_protected_household_is_in_no_count(town: Town, who: dict[str, str]) -> None:  # noqa: F811
    protect(town, who)
    make_list(town, two_children())
    assert listed_before(town.state)["line"].drop_nulls().len() == 1
    assert sent_counts(town) == ONE


@pytest.mark.parametrize("who", [MOTHER, CHILD], ids=["mother", "child"])
def test_who_is_protected_after_the_list_falls_out_of_its_count(town: Town, who: dict[str, str]) -> None:  # noqa: F811
    make_list(town, two_children())
    protect(town, who)
    assert sent_counts(town) == ONE


def test_so_does_who_is_flagged_in_a_row_of_whatever_feed(town: Town) -> None:  # noqa: F811
    make_list(town, two_children())
    strange = on_list(**STRANGER | {"birth_date": CHILD["birth_date"]})
    put(town, two_children(child_checkup_target=(on_list(**FLAG), strange)))
    assert sent_counts(town) == ONE


def test_so_does_who_is_no_longer_in_the_files(town: Town) -> None:  # noqa: F811
    """That they are mother and child was sent before; no row of today tells of either."""
    make_list(town, two_children(delivery=(delivered(),)))
    assert sent_counts(town, date(2024, 12, 31)) is None
    protect(town, MOTHER)
    strange = STRANGER | {"birth_date": CHILD["birth_date"]}
    put(town, two_children(birth=(born(**strange),), delivery=(), child_checkup_target=(on_list(**strange),)))
    town.feeds.put("residency_spell", spell(STRANGER))
    assert sent_counts(town) == ONE


def test_a_flag_after_the_counts_have_left_changes_no_number(town: Town) -> None:  # noqa: F811
    """Told once: no two numbers of one quarter, whose difference would be the household."""
    make_list(town, two_children())
    assert sent_counts(town) == [("checkup_not_attended", QUARTER, 2, 0)]
    protect(town, MOTHER)
    make_list(town, two_children())
    assert sent_counts(town) is None


def test_a_list_on_which_only_a_protected_household_stood_is_told_like_an_empty_one(town: Town) -> None:  # noqa: F811
    nobody = two_children(child_checkup_target=())
    protect(town, MOTHER)
    make_list(town, two_children(child_checkup_target=(on_list(),)))
    make_list(town, nobody)
    assert sent_counts(town) == [("checkup_not_attended", QUARTER, 0, 0)]


@pytest.mark.parametrize("rule", [name for name, rule in RULES.items() if not rule.reached])
def test_a_list_whose_people_may_have_lost_a_pregnancy_is_neither_counted_nor_remembered(
    town: Town,  # noqa: F811
    rule: str,
) -> None:
    done = make_list(town, CASES[rule])
    assert done.listed == 1
    assert any("この規則の件数は送りません" in line for line in done.lines())
    assert listed_before(town.state).is_empty()
    assert sent_counts(town) is None


def test_counts_of_a_rule_and_a_quarter_leave_and_nothing_else(town: Town) -> None:  # noqa: F811
    make_list(town, two_children())
    make_list(town, CASES["epds_followup"])
    done = town.send()
    parcel = opened(done.parcel, town.centre)
    counts = parcel.tables[OUTREACH_TABLE]
    assert counts.schema == pl.Schema(OUTREACH_SCHEMA)
    assert counts.equals(counts.sort("rule", "listed_quarter"))
    assert not any("outreach" in key or "listed" in key for key in parcel.manifest if key != "tables")
    assert set(parcel.manifest["tables"][OUTREACH_TABLE]) == {"rows", "columns", "sha256"}


def test_the_order_of_the_rows_changes_no_count(town: Town) -> None:  # noqa: F811
    case = two_children()
    make_list(town, case.with_rows(**{name: rows[::-1] for name, rows in case.rows.items()}))
    assert sent_counts(town) == [("checkup_not_attended", QUARTER, 2, 0)]


def test_a_stolen_state_names_nobody(town: Town) -> None:  # noqa: F811
    """Neither number nor name nor day of anybody; the same list under another town's key has no token in common."""
    make_list(town, two_children())
    content = (town.state / LISTED).read_bytes()
    known = [v for who in (CHILD, MOTHER, STRANGER) for k, v in who.items() if k not in ("sex_code", "branch_number")]
    assert [value for value in (*known, "2024-06-05") if value.encode() in content] == []
    other = Town(town.home.parent / "other", town.centre)
    make_list(other, two_children())
    mine, theirs = (listed_before(t.state) for t in (town, other))
    for column in ("line", "local_person"):
        assert not set(mine[column].drop_nulls()) & set(theirs[column].drop_nulls())
    assert mine["as_of"].unique().to_list() == [date(2024, 7, 31)]  # the day of the list, nobody's own


def test_after_the_counts_nothing_is_left_of_the_lines(town: Town) -> None:  # noqa: F811
    make_list(town, two_children())
    tokens = listed_before(town.state)["line"].drop_nulls().to_list()
    sent_counts(town, AFTERWARDS)
    assert not any(token in file.read_bytes() for file in town.state.iterdir() for token in tokens)
