"""The hospitals' bundles of a cohort: every fault on purpose is found where it stands, and nothing else is refused."""

import json
from pathlib import Path

import polars as pl
import pytest

from pipelines.edge.folder import read_folder
from pipelines.feeds import FEEDS
from pipelines.records import RECORDS
from synthetic.asked import CannotBeHad
from synthetic.cohort import make_cohort

CODE = "172057"


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faulty")
    make_cohort(folder, municipality=CODE, faults="heavy", jobs=1, others=("ehr",))
    return folder


def test_a_line_is_a_bundle_and_a_row(out: Path) -> None:
    for record in FEEDS["ehr"].records:
        sender, *lines = (out / "feeds" / CODE / "ehr" / FEEDS["ehr"].file_name(record)).read_text("utf-8").splitlines()
        assert json.loads(sender)["resourceType"] == "Organization"
        bundles = [json.loads(line) for line in lines]
        assert {b["type"] for b in bundles} == {"document"} and len(bundles) > 20
        assert "null" not in json.dumps([b["entry"] for b in bundles])


def test_faults_are_refused_where_the_answer_key_says(out: Path) -> None:
    folder = read_folder(out / "feeds" / CODE)
    key = pl.read_parquet(out / "truth" / "answer_key.parquet").filter(pl.col("feed") == "ehr")
    expected = key.filter(pl.col("expected").str.starts_with("refused:")).select(
        pl.col("file").str.slice(7), "line", rule=pl.col("expected").str.strip_prefix("refused:")
    )  # fmt: skip
    found = folder.refusals.filter(pl.col("file").cast(pl.String).str.starts_with("ehr/")).select(
        "file", "line", "rule"
    )
    assert expected["rule"].n_unique() >= 6
    assert sorted(found.rows()) == sorted(expected.rows())


def test_cancellations_and_corrections_come_under_the_number_of_their_row(out: Path) -> None:
    folder, repeated = read_folder(out / "feeds" / CODE), 0
    for record in FEEDS["ehr"].record_names:
        rows = next(f.rows for f in folder.files if (f.arrived.feed.name, f.arrived.record.name) == ("ehr", record))
        again = rows.filter(pl.col("revision_no") == 1)
        first = rows.filter(pl.col("revision_no") == 0)
        key = list(RECORDS[record].key)
        assert again.join(first, on=key, how="anti").is_empty()
        repeated += again.height
    assert repeated > 10


def test_what_was_cancelled_is_cancelled(out: Path) -> None:
    key = pl.read_parquet(out / "truth" / "answer_key.parquet").filter(kind="cancellation", feed="ehr")
    rows = [f.rows for f in read_folder(out / "feeds" / CODE).files if f.arrived.feed.name == "ehr" and len(f.rows)]
    assert sum(int(r["is_cancelled"].sum()) for r in rows) == key["fault_id"].n_unique() > 0


def test_a_feed_that_cannot_be_added_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CannotBeHad, match="ehr"):
        make_cohort(tmp_path, municipality=CODE, others=("pmh",))
