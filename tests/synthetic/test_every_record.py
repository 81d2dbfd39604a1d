"""A cohort sends every record that it has facts for, and the edge finds in it what the answer key says, and nothing else."""

from pathlib import Path

import polars as pl
import pytest

from pipelines.edge.folder import Folder, read_folder
from pipelines.records import RECORDS
from synthetic.asked import CannotBeHad
from synthetic.cohort import make_cohort
from synthetic.fault_kinds import CODE_OF
from synthetic.observe import CHANNELS
from synthetic.population.as_records import CARRIED, ON_REQUEST, SENT

TOWN = "312011"


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("all")
    return make_cohort(where, prefectures=("31",), births=400, faults="heavy", jobs=1, records=SENT).out


@pytest.fixture(scope="module")
def read(out: Path) -> Folder:
    return read_folder(out / "feeds" / TOWN)


def told(out: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(out / "truth" / f"{name}.parquet")


def test_what_is_sent_is_declared_and_has_its_channel_and_its_fault() -> None:
    assert set(SENT) <= set(RECORDS)
    assert set(SENT) == set(CHANNELS) == set(CODE_OF)


def test_every_record_with_facts_is_sent_that_is_named(out: Path) -> None:
    links = told(out, "links").filter(pl.col("feed") == "municipal")
    assert set(links["record"].unique()) == set(SENT)
    files = {path.stem for path in (out / "feeds" / TOWN / "municipal").iterdir()}
    assert files == set(SENT)


def test_the_edge_refuses_what_the_answer_key_says_and_nothing_else(out: Path, read: Folder) -> None:
    said = pl.concat_str(pl.lit("refused:"), "rule")
    refused = read.refusals.select(pl.concat_str(pl.lit(f"{TOWN}/"), "file").alias("file"), "line", expected=said)
    key = told(out, "answer_key").filter(pl.col("expected").str.starts_with("refused:"))
    assert set(refused.rows()) == set(key.select("file", "line", "expected").rows())
    carried = refused.filter(pl.col("file").str.extract(r"/(\w+)\.csv$").is_in(list(CARRIED)))
    assert carried["expected"].n_unique() >= 8


@pytest.mark.parametrize(("record", "by"), CARRIED.items(), ids=list(CARRIED))
def test_rows_of_the_truth_are_the_rows_that_are_sent(out: Path, record: str, by: object) -> None:
    carried = CARRIED[record]
    links = told(out, "links").filter(pl.col("record") == record)
    added = told(out, "answer_key").filter(
        pl.col("kind").is_in(["duplicate_key", "correction", "cancellation"]), pl.col("expected") != "cancelled",
        pl.col("file").str.ends_with(f"/{record}.csv"),
    )  # fmt: skip
    twice = told(out, "answer_key").filter(
        pl.col("kind") == "cancellation", pl.col("file").str.ends_with(f"/{record}.csv")
    )
    facts = told(out, carried.table).filter(carried.where)
    assert len(links) == len(facts) + len(added) + len(twice) // 2 > 15


def test_a_made_row_says_what_the_truth_says(out: Path, read: Folder) -> None:
    rows = next(f for f in read.files if f.arrived.record.name == "vaccination").rows
    links = told(out, "links").filter(pl.col("record") == "vaccination")
    sent = rows.filter(pl.col("revision_no") == 0).join(links, on="line").select(
        "entity_id", "vaccine_code", "dose_no", "vaccinated_date"
    )  # fmt: skip
    truth = told(out, "vaccinations").select(
        "entity_id", pl.col("series").cast(pl.String).alias("vaccine_code"), pl.col("dose_no").cast(pl.Int32),
        "vaccinated_date",
    )  # fmt: skip
    assert len(sent) > 5_000
    assert sent.join(truth, on=truth.columns, how="anti").is_empty()


def test_only_the_records_that_are_asked_for_are_sent(tmp_path: Path) -> None:
    make_cohort(tmp_path, prefectures=("31",), births=20, jobs=1, records=("birth", "vaccination"))
    assert {p.stem for p in (tmp_path / "feeds").glob("*/municipal/*.csv")} == {"birth", "vaccination"}
    with pytest.raises(CannotBeHad, match="consultation"):
        make_cohort(tmp_path, prefectures=("31",), births=20, jobs=1, records=("consultation",))


@pytest.mark.parametrize(
    ("others", "more"), [((), set()), (("claims",), {"claim"}), (("ehr", "requests"), {"information_request"})]
)
def test_without_a_name_some_records_come_only_with_a_feed_of_theirs(
    tmp_path: Path, others: tuple[str, ...], more: set[str]
) -> None:
    make_cohort(tmp_path, prefectures=("31",), births=20, jobs=1, others=others)
    assert {p.stem for p in (tmp_path / "feeds").glob("*/municipal/*.csv")} == {*SENT} - {*ON_REQUEST} | more
