"""Requests between municipalities: the office that asks tells of its resident, the row of the one that is asked stays."""

from pathlib import Path
from typing import Any

from tests.edge.made_feeds import CHILD, OTHER_TOWN, STRANGER, TOWN, Town, departed, row
from tests.edge.opened_parcel import opened

ASKS, IS_ASKED = "1", "2"


def request(side: str | None, residence: str = TOWN, **changes: Any) -> dict[str, str | None]:
    return row("information_request", residence, request_side_code=side, **changes)


def test_each_request_leaves_once_from_the_town_that_asks(town: Town, centre: Path) -> None:
    rows = [request(ASKS, request_no="1"), request(None, request_no="2"), request(IS_ASKED, OTHER_TOWN, request_no="3")]
    town.feeds.put("information_request", *rows, feed="requests")
    sent = town.send()
    assert vars(sent.counts["information_request"]) == {"read": 3, "accepted": 2, "refused": 0, "excluded": 1}
    assert opened(sent.parcel, centre).tables["information_request"].height == 2


def test_a_request_about_the_resident_of_another_town_is_no_request_of_ours(town: Town) -> None:
    town.feeds.put("information_request", request(ASKS, OTHER_TOWN), feed="requests")
    sent = town.send()
    assert (sent.counts["information_request"].refused, sent.refused) == (1, 1)


def test_a_request_that_turns_out_to_be_the_others_is_taken_back(town: Town, centre: Path) -> None:
    town.feeds.put("information_request", request(ASKS), feed="requests")
    town.send()
    town.feeds.put("information_request", request(IS_ASKED, revision_no="1"), feed="requests")
    assert opened(town.send().parcel, centre).tables["information_request"]["is_cancelled"].to_list() == [True]


def test_a_request_of_the_other_town_that_turns_out_to_be_ours_leaves_as_ours(town: Town, centre: Path) -> None:
    """Its first version names the resident of another town: were it to leave with the second, no parcel would be taken."""
    rows = [request(IS_ASKED, OTHER_TOWN), request(ASKS, revision_no="1")]
    town.feeds.put("information_request", *rows, feed="requests")
    sent = town.send()
    assert vars(sent.counts["information_request"]) == {"read": 2, "accepted": 1, "refused": 1, "excluded": 0}
    left = opened(sent.parcel, centre).tables["information_request"]
    assert left["residence_municipality_code"].to_list() == [TOWN]


def test_a_flag_in_the_row_of_the_office_that_is_asked_protects(town: Town) -> None:
    flagged = request(IS_ASKED, OTHER_TOWN, **CHILD | {"person_local": "R-5"}, is_not_disclosed="1")
    town.feeds.put("information_request", flagged, feed="requests")
    town.feeds.put("child_checkup", row("child_checkup"), row("child_checkup", **STRANGER))
    assert departed(town.feeds).records["child_checkup"].height == 1


def test_neither_the_other_town_nor_a_day_nor_the_side_leaves(town: Town) -> None:
    told = {"requested_date": "2024-05-31", "replied_date": "2024-06-01", "other_municipality_code": OTHER_TOWN}
    town.feeds.put("information_request", request(ASKS, **told), feed="requests")
    table = departed(town.feeds).records["information_request"]
    assert table.select("is_answered", "months_to_answer").rows() == [(True, 1)]
    assert not {"other_municipality_code", "request_side_code", "replied_date", "replied_month", "request_no"} & set(
        table.columns
    )
