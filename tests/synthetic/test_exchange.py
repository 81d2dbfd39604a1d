"""The exchange between handbook apps: what is written is read as it was, and written again it has the same bytes."""

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.edge.folder import read_folder
from pipelines.edge.read import read_file
from pipelines.feeds import FEEDS
from pipelines.records import RECORDS
from synthetic.cohort import make_cohort
from synthetic.exchange import written
from tests.edge.made_feeds import row

HANDBOOK = FEEDS["handbook"]
FIELDS = {record.name: [c.field for c in HANDBOOK.columns(record)] for record in HANDBOOK.records}
FLAGS = ("is_not_disclosed", "is_cancelled")
CELL = st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\0"), min_size=1, max_size=20)


def read_back(content: bytes, record: str, home: Path) -> pl.DataFrame:
    path = home / HANDBOOK.file_name(RECORDS[record])
    path.write_bytes(content)
    arrived = read_file(path, HANDBOOK, RECORDS[record])
    assert arrived.refusals.is_empty() and not arrived.is_refused
    return arrived.rows.select(FIELDS[record])


@pytest.mark.parametrize("record", HANDBOOK.record_names)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_round_trip_changes_nothing(
    record: str, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    home = tmp_path_factory.mktemp("app")
    cells = {f: data.draw(st.sampled_from([None, "0", "1"]) if f in FLAGS else CELL, label=f) for f in FIELDS[record]}
    rows = pl.DataFrame(
        [cells, {f: row(record).get(f) for f in FIELDS[record]}], schema=dict.fromkeys(FIELDS[record], pl.String)
    )
    sent = written(rows, RECORDS[record], HANDBOOK)
    again = read_back(sent, record, home)
    assert again.equals(rows)
    assert written(again, RECORDS[record], HANDBOOK) == sent


def test_an_empty_handbook_is_a_list_without_entries(tmp_path: Path) -> None:
    empty = pl.DataFrame(schema=dict.fromkeys(FIELDS["birth"], pl.String))
    assert read_back(written(empty, RECORDS["birth"], HANDBOOK), "birth", tmp_path).is_empty()


def test_a_cohorts_handbooks_are_read_and_every_row_is_a_self_report(tmp_path: Path) -> None:
    make_cohort(tmp_path, municipality="313254", faults="none", jobs=1, others=("handbook",))
    folder = read_folder(tmp_path / "feeds" / "313254")
    files = [f for f in folder.files if f.arrived.feed is HANDBOOK]
    assert {f.arrived.record.name for f in files} == set(HANDBOOK.record_names)
    for file in files:
        assert file.refused == 0 and len(file.rows) > 10
        assert set(file.rows["evidence_code"]) == {"3"}
        path = tmp_path / "feeds" / "313254" / file.arrived.file
        rows = read_file(path, HANDBOOK, file.arrived.record).rows
        assert written(rows, file.arrived.record, HANDBOOK) == path.read_bytes(), "an app could hand it on as it is"
