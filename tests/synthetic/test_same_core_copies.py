"""One cohort as copies of the standard layout and as a clerk's workbook: the rows and the core of the register's own."""

from pathlib import Path

import polars as pl
import pytest

from pipelines.edge.folder import read_folder
from pipelines.feeds import FEEDS
from pipelines.records import RECORDS
from synthetic.cohort import make_cohort
from tests.synthetic.test_same_core import CODE, CORE, OWN_NUMBERS, core, rows, with_only

FROM = {
    "layout": ("delivery", "birth", "antenatal_visit", "postpartum_visit", "child_checkup"),
    "excel": ("child_checkup",),
}
EVERY = tuple(FEEDS["municipal"].record_names)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("cohort")
    make_cohort(out, municipality=CODE, faults="none", jobs=1, others=("layout", "excel"))
    return out / "feeds" / CODE


@pytest.mark.parametrize(("feed", "record"), [(f, r) for f in FROM for r in FEEDS[f].record_names])
def test_a_row_says_the_same_through_both_feeds(cohort: Path, feed: str, record: str) -> None:
    folder = read_folder(cohort)
    both = {c.field for c in FEEDS[feed].columns(RECORDS[record])} & {
        c.field for c in FEEDS["municipal"].columns(RECORDS[record])
    }
    accepted = next(f.rows for f in folder.files if f.arrived.record.name == record)
    fields = sorted((both - OWN_NUMBERS) & set(accepted.columns))
    assert len(fields) > 10
    own, theirs = (rows(folder, record, name, fields) for name in ("municipal", feed))
    assert own.height > 10
    assert own.equals(theirs)


def test_the_sums_of_a_clerks_workbook_agree_with_its_lines(cohort: Path) -> None:
    told = [en for file in read_folder(cohort).files for _, en in file.arrived.warnings if "sums" in en]
    assert len(told) == len(FEEDS["excel"].record_names)
    assert all(" 0 differ, 0 have no lines" in each for each in told), told


@pytest.mark.parametrize("feed", FROM)
def test_the_core_is_the_same_with_the_copies_beside_the_register(cohort: Path, tmp_path: Path, feed: str) -> None:
    here = tuple(r for r in EVERY if (cohort / "municipal" / f"{r}.csv").exists())
    alone = core(with_only(cohort, tmp_path / "1", {"municipal": here}), tmp_path / "w1")
    both = core(with_only(cohort, tmp_path / "2", {"municipal": here, feed: FEEDS[feed].record_names}), tmp_path / "w2")
    for table in CORE:
        assert len(alone[table]) > 10
        assert both[table] == alone[table], table


def test_a_copy_comes_back_though_the_register_lost_its_own(cohort: Path, tmp_path: Path) -> None:
    """A checkup that only the workbook still has is counted as if the register had it."""
    here = tuple(r for r in EVERY if (cohort / "municipal" / f"{r}.csv").exists())
    alone = core(with_only(cohort, tmp_path / "1", {"municipal": here}), tmp_path / "w1")
    theirs = ("child_checkup", "child_questionnaire")
    rest = tuple(r for r in here if r not in theirs)
    apart = core(with_only(cohort, tmp_path / "2", {"municipal": rest, "excel": theirs}), tmp_path / "w2")
    assert len(apart["checkup"]) == len(alone["checkup"])
    assert pl.DataFrame(apart["checkup"], orient="row", infer_schema_length=None).height > 10
