"""Random access: one column of a cohort, alone, with the bytes it has in the whole."""

from functools import cache
from pathlib import Path

import polars as pl
import pytest

from synthetic.asked import CannotBeHad
from synthetic.cohort import Summary, make_cohort
from synthetic.places import places
from synthetic.population.households import COLUMN_BITS, MEMBER_BITS, SLOT_BITS
from tests.synthetic.conftest import COUNTED

COLUMN = pl.col("entity_id") // (1 << (MEMBER_BITS + SLOT_BITS))
HOME = COLUMN // (1 << COLUMN_BITS)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    return make_cohort(tmp_path_factory.mktemp("whole"), prefectures=("31",), faults="heavy", records=COUNTED)


@cache
def truth(out: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(out / f"truth/{name}.parquet")


def of_column(made: Summary, name: str, entity: int) -> pl.DataFrame:
    column = pl.select(entity_id=entity).select(COLUMN).item()
    return truth(made.out, name).filter(column == COLUMN)


def who_moves_within(whole: Summary) -> int:
    towns = truth(whole.out, "moves").group_by("entity_id").agg(pl.col("municipality_code").n_unique())
    return int(towns.filter(pl.col("municipality_code") == 2)["entity_id"].min())  # type: ignore[arg-type]


def who_moves_in_from_elsewhere(whole: Summary) -> int:
    own = [places().position[code] for code in truth(whole.out, "moves")["municipality_code"].unique()]
    return int(truth(whole.out, "moves").filter(~HOME.is_in(own))["entity_id"].max())  # type: ignore[arg-type]


@pytest.mark.parametrize("who", [who_moves_within, who_moves_in_from_elsewhere])
def test_a_column_alone_has_the_bytes_it_has_in_the_whole(whole: Summary, tmp_path: Path, who: object) -> None:
    entity = who(whole)  # type: ignore[operator]
    alone = make_cohort(tmp_path, prefectures=("31",), faults="heavy", only=entity, records=COUNTED)
    links, own = of_column(whole, "links", entity), truth(alone.out, "links")
    assert alone.rows == len(own) == len(links) > 5
    assert entity in own["entity_id"]
    assert own.drop("line").equals(links.drop("line"))
    for (file,), lines in links.group_by(["file"], maintain_order=True):
        there = (whole.out / "feeds" / str(file)).read_bytes().splitlines()
        here = (alone.out / "feeds" / str(file)).read_bytes().splitlines()
        assert here[0] == there[0]
        sent = [line.removesuffix(b",") for line in here[1 : 1 + len(lines)]]  # a comma between two JSON objects
        assert sent == [there[line - 1].removesuffix(b",") for line in lines["line"]]


@pytest.mark.parametrize("who", [who_moves_within, who_moves_in_from_elsewhere])
def test_its_truth_and_its_answers_are_those_of_the_whole(whole: Summary, tmp_path: Path, who: object) -> None:
    entity = who(whole)  # type: ignore[operator]
    alone = make_cohort(tmp_path, prefectures=("31",), faults="heavy", only=entity, records=COUNTED)
    for name in ("persons", "children", "moves", "visits"):
        assert truth(alone.out, name).equals(of_column(whole, name, entity)) and len(truth(alone.out, "persons")), name
    answers = of_column(whole, "answer_key", entity)
    assert truth(alone.out, "answer_key").drop("line").equals(answers.drop("line"))


def test_who_is_not_in_the_cohort_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(CannotBeHad, match="stands for nobody"):
        make_cohort(tmp_path, prefectures=("31",), only=5)
    assert list(tmp_path.iterdir()) == []
