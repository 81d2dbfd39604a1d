"""Which records a count is made of: read from the SQL, not from a list."""

import pytest

from pipelines.conduct import counted_records
from pipelines.records import RECORDS
from pipelines.warehouse.lineage import records_behind


def test_a_table_stands_on_the_records_that_it_reads() -> None:
    assert records_behind(["checkup_target"]) == ("child_checkup_target",)
    assert records_behind(["residency"]) == ("residency_spell",)


def test_a_table_stands_on_the_records_of_the_tables_that_it_reads() -> None:
    assert records_behind(["checkup_person"]) == ("child_checkup_target", "child_checkup")
    assert set(records_behind(["delivery"])) == {
        "pregnancy_notification", "antenatal_visit", "delivery", "postpartum_visit",
    }  # fmt: skip


def test_a_table_that_nothing_makes_is_told() -> None:
    with pytest.raises(KeyError, match="no_such_table"):
        records_behind(["no_such_table"])


def test_the_demo_sends_what_the_declared_counts_are_made_of() -> None:
    counted = counted_records()
    assert "birth" in counted and "residency_spell" in counted
    assert "vaccination" not in counted, "nothing counts it yet: its rows would only cost the demo time"
    assert "claim" not in counted, "an agent sends it, and the demo has none"
    assert set(counted) <= set(RECORDS)
