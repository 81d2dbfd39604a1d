"""Streams of faults are independent: turning one kind on or off moves no other row and no other answer; own profiles."""

from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipelines.feeds import FEEDS
from pipelines.records import RECORDS
from synthetic.asked import CannotBeHad
from synthetic.draws import Draws
from synthetic.fault_kinds import KINDS, Sheet
from synthetic.fault_rates import HIGHEST, HOUSEHOLD_KINDS, profile
from synthetic.faults import with_faults
from synthetic.observe import THROUGH_PMH, observed, people_as_recorded, through_pmh
from synthetic.places import Habits, places
from synthetic.population.calendar import Window
from synthetic.population.facts import facts_of
from synthetic.population.households import column_ids, pregnancies_of
from synthetic.send import lines_of, sheet_of

DRAWS = Draws(1)
MADE_WITH = Habits("cp932", uses_pmh=True)
OF_ROWS = [kind.name for kind in KINDS] + ["protected_in_one_feed"]  # the protected list is no row


@cache
def sheets() -> tuple[Sheet, ...]:
    """Every record in every feed, of 200 columns of 甲府市."""
    here = places().position["192015"]
    pregnancies = pregnancies_of(DRAWS, column_ids(here, range(200)), Window(2022, 2024))
    facts = facts_of(DRAWS, pregnancies.where(pregnancies.home == pregnancies.submitter), Window(2022, 2024))
    people = people_as_recorded(DRAWS, facts.people)
    made = []
    for record in facts.events:
        own = observed(facts, record, people)
        made.append(sheet_of(own, FEEDS["municipal"], RECORDS[record]))
        if record in THROUGH_PMH:
            made.append(sheet_of(through_pmh(facts, own, np.array([here])), FEEDS["pmh"], RECORDS[record]))
    return tuple(made)


@cache
def sent(sheet: int, on: frozenset[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Lines with the number of their row, and answers with it, when these kinds are as frequent as they can be."""
    faulty = with_faults(DRAWS, sheets()[sheet], {kind: HIGHEST[kind] for kind in on})
    lines = lines_of(DRAWS, faulty, FEEDS[faulty.sheet.feed])
    text = lines.between(0, len(faulty.sheet.rows), MADE_WITH).splitlines()
    row = faulty.about["row"]
    key = faulty.key.with_columns(row[faulty.key["position"]]).drop("position")
    return pl.DataFrame({"row": row, "line": text}), key.sort("fault_id", "expected")


@pytest.mark.parametrize("kind", OF_ROWS)
def test_turning_a_kind_off_moves_no_other_row_and_no_other_answer(kind: str) -> None:
    every, faults = frozenset(HIGHEST), 0
    for i in range(len(sheets())):
        (lines, key), (other_lines, other_key) = sent(i, every), sent(i, every - {kind})
        mine = key.filter(pl.col("kind") == kind)["row"].implode()
        assert other_key.equals(key.filter(pl.col("kind") != kind))
        assert other_lines.filter(~pl.col("row").is_in(mine)).equals(lines.filter(~pl.col("row").is_in(mine)))
        faults += not other_lines.equals(lines)
    assert faults, f"no {kind} in any sheet"


@pytest.mark.parametrize("kind", OF_ROWS)
def test_a_kind_alone_has_the_faults_that_it_has_among_all(kind: str) -> None:
    for i in range(len(sheets())):
        (lines, key), (alone, alone_key) = sent(i, frozenset(HIGHEST)), sent(i, frozenset({kind}))
        mine = key.filter(pl.col("kind") == kind)
        assert alone_key.equals(mine)
        hit = mine["row"].implode()
        assert alone.filter(pl.col("row").is_in(hit)).equals(lines.filter(pl.col("row").is_in(hit)))


def written(path: Path, text: str) -> str:
    path.write_text(text, "utf-8")
    return str(path)


def test_a_file_of_the_same_form_is_a_profile(tmp_path: Path) -> None:
    own = written(tmp_path / "own.toml", "[our_worst_day]\nwrong_unit = 30000\nprotected_list = 0\n")
    assert profile(own) == {"wrong_unit": 30_000, "protected_list": 0}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[a]\nwrong_units = 1\n", "there is no fault wrong_units; use one of unknown_code, "),
        ("[a]\nwrong_unit = 30001\n", "wrong_unit must be a whole number from 0 to 30,000 per million; got 30001"),
        ("[a]\nprotected_list = 10001\n", "protected_list must be a whole number from 0 to 10,000"),
        ("[a]\nwrong_unit = -1\n", "from 0 to 30,000 per million; got -1"),
        ("[a]\nwrong_unit = 0.5\n", "got 0.5"),
        ("[a]\nwrong_unit = true\n", "got True"),
        ("wrong_unit = 1\n", "exactly one table"),
        ("[a]\n[b]\n", "exactly one table"),
        ("[a\n", "cannot be read as one"),
    ],
)
def test_a_wrong_profile_is_refused_in_one_sentence(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(CannotBeHad) as refused:
        profile(written(tmp_path / "own.toml", text))
    assert told in refused.value.sentence_en and refused.value.sentence_ja.endswith("。")
    assert refused.value.exit_code == 64


def test_a_profile_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotBeHad, match=r"none\.toml cannot be read"):
        profile(str(tmp_path / "none.toml"))


def test_every_kind_has_its_range() -> None:
    assert set(HIGHEST) == {*(kind.name for kind in KINDS), *HOUSEHOLD_KINDS}
    for name in ("typical", "heavy"):
        assert all(rate <= HIGHEST[kind] for kind, rate in profile(name).items())
