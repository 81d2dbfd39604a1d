"""Every feed in words: its layout names fields of the record, each once, and nothing that must not arrive."""

import polars as pl
import pytest

from pipelines.feeds import FEEDS
from pipelines.feeds.eras import ERA_FORMS
from pipelines.feeds.feed import EVERY_RECORD
from pipelines.reference import feed_layout

CONVERSIONS = {
    "", "flag", "true_false", "surname", "given_name", "cancellation", "zeros_2", "zeros_6", "phone", *ERA_FORMS,
}  # fmt: skip


@pytest.mark.parametrize("feed", FEEDS.values(), ids=lambda f: f.name)
def test_the_layout_fits_the_records(feed) -> None:  # type: ignore[no-untyped-def]
    for record in feed.records:
        columns = feed.columns(record)
        fields = [c.field for c in columns]
        assert set(fields) <= set(record.arriving), record.name
        assert len(fields) == len(set(fields))
        assert {c.conversion for c in columns} <= CONVERSIONS
        required = {n for n, f in record.arriving.items() if f.required}
        assert required <= set(fields)
        assert not {c.header.split(".")[0] for c in columns} & set(feed.dropped)


def test_only_kana_names_share_a_heading() -> None:
    for feed in FEEDS.values():
        for record in feed.records:
            shared = pl.DataFrame({"header": [c.header for c in feed.columns(record)]}).filter(
                pl.col("header").is_duplicated()
            )
            assert set(shared["header"]) <= {"basicFiveInfo.nameKana"}


def test_the_layout_holds_no_record_that_no_feed_declares() -> None:
    for feed in FEEDS.values():
        assert set(feed_layout(feed.name, feed.version)["record"]) == {EVERY_RECORD, *feed.record_names}


def test_a_file_is_named_by_its_record() -> None:
    assert [FEEDS["pmh"].file_name(r) for r in FEEDS["pmh"].records] == [
        "child_checkup_target.json", "checkup_ticket.json", "pregnancy_questionnaire.json", "child_questionnaire.json",
        "antenatal_visit.json", "postpartum_visit.json", "child_checkup.json",
    ]  # fmt: skip


def test_what_people_entered_themselves_comes_after_every_other_feed_and_is_a_self_report() -> None:
    own = [f for f in FEEDS.values() if f.is_self_entered]
    assert [f.name for f in own] == ["handbook"]
    for feed in own:
        assert feed.trust > max(f.trust for f in FEEDS.values() if not f.is_self_entered)
        assert feed.evidence_code == "3" and not feed.is_register
        assert not [c for r in feed.records for c in feed.columns(r) if c.field == "evidence_code"]
