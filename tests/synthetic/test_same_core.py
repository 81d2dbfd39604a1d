"""One cohort through several feeds: the same rows at the source, and the same core at the centre."""

import shutil
from pathlib import Path

import polars as pl
import pytest

from pipelines.edge.folder import Folder, read_folder
from pipelines.feeds import FEEDS
from pipelines.records import RECORDS
from pipelines.records.parcel import TOKENS_TABLE
from synthetic.cohort import make_cohort
from tests.edge.made_feeds import Folder as Feeds
from tests.edge.made_feeds import departed
from tests.synthetic.conftest import COUNTED
from tests.warehouse.parcels import Town
from tests.warehouse.shelf import shelf

CODE = "313254"
OWN_NUMBERS = {"person_local", "mother_local", "pregnancy_no", "branch", "line"}  # each system has its own
CORE = ("delivery", "birth", "antenatal_visit", "postpartum_visit", "checkup", "checkup_person")
NOT_IN_EHR = {"resident_type_class"}
KEYS = {"entity_id", "resident_id", "person_id", "pregnancy_id", "mother_resident_id"}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("cohort")
    make_cohort(out, municipality=CODE, faults="none", jobs=1, others=("ehr",))
    return out / "feeds" / CODE


def rows(folder: Folder, record: str, feed: str, fields: list[str]) -> pl.DataFrame:
    found = [f.rows for f in folder.files if (f.arrived.record.name, f.arrived.feed.name) == (record, feed)]
    return pl.concat(found).select(fields).sort(fields)


@pytest.mark.parametrize("record", FEEDS["ehr"].record_names)
def test_a_row_says_the_same_through_both_feeds(cohort: Path, record: str) -> None:
    folder = read_folder(cohort)
    both = {c.field for c in FEEDS["ehr"].columns(RECORDS[record])} & {
        c.field for c in FEEDS["municipal"].columns(RECORDS[record])
    }
    accepted = next(f.rows for f in folder.files if f.arrived.record.name == record)
    fields = sorted((both - OWN_NUMBERS) & set(accepted.columns))
    assert len(fields) > 10
    own, theirs = (rows(folder, record, feed, fields) for feed in ("municipal", "ehr"))
    assert own.height > 10
    assert own.equals(theirs)


def core(feeds: Path, home: Path) -> dict[str, list[tuple[object, ...]]]:
    """What the centre holds of a folder's delivery, without its keys."""
    departure = departed(Feeds(feeds))
    with shelf(home) as opened:
        opened.register((CODE, CODE, True))
        opened.take_tables(Town(CODE, Path()), dict(departure.records), departure.tokens[TOKENS_TABLE])
        found = {}
        opened.core("arrival")
        for table in CORE:
            whole = opened.connection.execute(f"SELECT * FROM core.{table}").pl()
            found[table] = sorted(whole.drop((KEYS | NOT_IN_EHR) & set(whole.columns)).rows(), key=str)
        return found


def with_only(cohort: Path, folder: Path, feeds: dict[str, tuple[str, ...]]) -> Path:
    for feed, records in feeds.items():
        (folder / CODE / feed).mkdir(parents=True)
        for record in records:
            name = FEEDS[feed].file_name(RECORDS[record])
            shutil.copy(cohort / feed / name, folder / CODE / feed / name)
    return folder / CODE


def test_the_core_is_the_same_through_one_feed_the_other_or_both(cohort: Path, tmp_path: Path) -> None:
    every, theirs = COUNTED, FEEDS["ehr"].record_names
    register = tuple(r for r in every if r not in theirs)
    alone = core(with_only(cohort, tmp_path / "1", {"municipal": every}), tmp_path / "w1")
    together = core(with_only(cohort, tmp_path / "2", {"municipal": every, "ehr": theirs}), tmp_path / "w2")
    apart = core(with_only(cohort, tmp_path / "3", {"municipal": register, "ehr": theirs}), tmp_path / "w3")
    for table in CORE:
        assert len(alone[table]) > 10
        assert together[table] == alone[table], table
        assert apart[table] == alone[table], table
