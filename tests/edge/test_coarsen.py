"""What a row says after the edge, by the roles of its fields."""

from datetime import date

import polars as pl
import pytest

from pipelines.declaration import Role
from pipelines.edge.coarsen import cancellations
from pipelines.records import RECORDS
from pipelines.records.parcel import record_schema
from tests.edge.made_feeds import STRANGER, Town, departed, row


@pytest.mark.parametrize("name", list(RECORDS))
def test_a_table_has_the_declared_schema(town: Town, name: str) -> None:
    town.feeds.put(name, row(name))
    assert dict(departed(town.feeds).records[name].schema) == record_schema(RECORDS[name])


def test_no_field_that_names_a_person_has_a_column() -> None:
    stay = (Role.DIRECT, Role.EDGE, Role.LINK, Role.LOCAL_KEY, Role.FREE_TEXT, Role.SENSITIVE)
    for record in RECORDS.values():
        assert not set(record.of_role(*stay)) & set(record_schema(record))
        assert not [c for c in record_schema(record) if c.endswith("_date")]


def test_dates_leave_as_months_and_measures_as_classes(town: Town) -> None:
    town.feeds.put(
        "birth", row("birth"), row("birth", **STRANGER, birth_weight_g="4321", gestation_weeks="22", plurality="4")
    )
    born = departed(town.feeds).records["birth"].sort("birth_weight_g_class")
    assert born["birth_month"].to_list() == [date(2022, 11, 1)] * 2
    assert born.select("birth_weight_g_class", "gestation_weeks_class", "plurality_class").rows() == [
        (2900, 39, 1),
        (4000, 22, 3),
    ]


def test_derived_fields_stand_for_what_they_are_made_of(town: Town) -> None:
    items = {f"epds_item_{i}": "1" for i in range(1, 11)}
    town.feeds.put(
        "postpartum_visit",
        row("postpartum_visit", **items),
        row("postpartum_visit", branch="2", **items | {"epds_item_9": None}),
    )
    visits = departed(town.feeds).records["postpartum_visit"].sort("epds_status")
    assert visits.select("epds_total", "epds_status").rows() == [(10, "complete"), (None, "partial")]


def test_a_cancelled_row_says_only_that(town: Town) -> None:
    town.feeds.put("birth", row("birth", is_cancelled="1"), row("birth", **STRANGER))
    tables = departed(town.feeds)
    gone = tables.records["birth"].filter("is_cancelled")
    assert [c for c in gone.columns if gone[c].null_count() == 0] == ["record_key", "feed", "is_cancelled"]
    tokens = tables.tokens["tokens"].join(gone, on="record_key", how="semi")
    assert tokens["rule"].to_list() == ["local_row"]
    assert gone.schema == cancellations(pl.Series([b"x"]), pl.Series(["municipal"]), RECORDS["birth"]).schema


@pytest.mark.parametrize(("first", "then", "leaving"), [("3", "3", 0), ("1", "3", 0), ("3", "1", 2)])
def test_a_loss_never_leaves_and_the_last_revision_decides(town: Town, first: str, then: str, leaving: int) -> None:
    revised = [row("birth", special_finding_code=c, revision_no=str(n)) for n, c in enumerate((first, then))]
    town.feeds.put("birth", *revised, row("birth", **STRANGER))
    tables = departed(town.feeds)
    assert (tables.staying.get("birth", 0), len(tables.records["birth"])) == (2 - leaving, 1 + leaving)


def test_lag_is_an_aggregate_of_classes(town: Town) -> None:
    town.feeds.put(
        "child_checkup", row("child_checkup", recorded_date="2024-06-13"), row("child_checkup", **STRANGER, recorded_date="2024-08-20"),
        row("child_checkup", branch="2", recorded_date="2024-06-12"), row("child_checkup", branch="3", recorded_date="2024-06-01"),
    )  # fmt: skip
    lag = departed(town.feeds).records["arrival_lag"]
    assert lag.select("event_month", "lag_class", "n").rows() == [
        (date(2024, 6, 1), "0-1", 2),
        (date(2024, 6, 1), "61-", 1),
    ]
