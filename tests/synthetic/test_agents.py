"""The agent's delivery in a cohort: the vouchers of many municipalities in one file, and every row accounted for."""

import hashlib
import json
from pathlib import Path

import polars as pl
import pytest

from pipelines.edge.folder import Folder, read_folder
from pipelines.feeds import FEEDS
from synthetic.agents import PROTECTED, agent_of
from synthetic.cohort import make_cohort

AGENT, TOWNS = "310000", ("312011", "312029")


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("agent"))


def made(out: Path, chunk: int | None = None, jobs: int = 1) -> Path:
    """鳥取市 and a part of 米子市."""
    make_cohort(
        out, ("31",), 3800, faults="heavy", jobs=jobs, chunk=chunk, others=("claims", "requests"), records=RECORDS
    )
    return out


RECORDS = ("residency_spell", *FEEDS["claims"].record_names, *FEEDS["requests"].record_names)


@pytest.fixture(scope="module")
def read(out: Path) -> Folder:
    return read_folder(out / "feeds" / AGENT)


def truth(out: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(out / "truth" / f"{name}.parquet")


@pytest.mark.parametrize(
    ("code", "agent"), [("011002", "010006"), ("131016", "130001"), ("172057", "170003"), ("472018", "470007")]
)
def test_an_agent_bears_the_code_of_its_prefecture(code: str, agent: str) -> None:
    """Codes of prefectures as the Ministry gives them, check digit included."""
    assert agent_of(code) == agent


def test_one_delivery_holds_what_the_towns_of_a_prefecture_have(out: Path, read: Folder) -> None:
    assert read.municipalities == TOWNS
    assert {f.arrived.file for f in read.files} == {f"claims/{r}.csv" for r in FEEDS["claims"].record_names}
    for file in read.files:
        assert set(file.rows["residence_municipality_code"]) == set(TOWNS)
        assert file.arrived.read == len(file.rows) + file.refused
    assert not [p for code in TOWNS for p in (out / "feeds" / code).glob("claims")]
    assert json.loads((out / "feeds" / AGENT / "synthetic.json").read_text())["seed"] == 1


def test_faults_are_refused_where_the_answer_key_says(out: Path, read: Folder) -> None:
    key = truth(out, "answer_key").filter(pl.col("feed") == "claims")
    expected = key.filter(pl.col("expected").str.starts_with("refused:")).select(
        pl.col("file").str.strip_prefix(f"{AGENT}/"), "line", rule=pl.col("expected").str.strip_prefix("refused:")
    )  # fmt: skip
    assert expected["rule"].n_unique() >= 4
    assert sorted(read.refusals.select("file", "line", "rule").rows()) == sorted(expected.rows())


def test_a_link_says_whose_line_it_is(out: Path, read: Folder) -> None:
    links = truth(out, "links").filter(pl.col("feed") == "claims")
    assert links.select("file", "line").is_unique().all()
    for file in read.files:
        of_file = links.filter(pl.col("file") == f"{AGENT}/{file.arrived.file}")
        assert sorted(of_file["line"]) == list(range(2, file.arrived.read + 2))
        who = truth(out, "persons").select("entity_id", born="birth_date")
        told = file.rows.join(of_file, on="line").join(who, on="entity_id")
        assert len(told) > 100 and (told["birth_date"] == told["born"]).all()


def test_the_agents_list_names_those_whom_the_towns_lists_name(out: Path) -> None:
    theirs = sum(len((out / "feeds" / code / PROTECTED).read_text().splitlines()) - 1 for code in TOWNS)
    heading, *numbers = (out / "feeds" / AGENT / PROTECTED).read_text().splitlines()
    assert heading == "local_number" and len(numbers) == theirs > 0
    assert {n[:7] for n in numbers} <= {f"{code}-" for code in TOWNS}


@pytest.mark.parametrize(("chunk", "jobs"), [(900, 2), (130, 1)])
def test_however_the_cohort_is_cut_the_agent_sends_the_same(out: Path, tmp_path: Path, chunk: int, jobs: int) -> None:
    again = made(tmp_path, chunk, jobs)
    assert digests(again) == digests(out)


def digests(out: Path) -> dict[str, str]:
    return {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in out.rglob("*") if path.is_file()
    }  # fmt: skip


def test_an_agent_without_a_record_to_send_has_no_folder(tmp_path: Path) -> None:
    make_cohort(tmp_path, ("31",), 20, jobs=1, others=("claims",), records=("birth",))
    assert {p.name for p in (tmp_path / "feeds").iterdir()} == {TOWNS[0]}
