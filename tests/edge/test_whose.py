"""What names people is looked at once per stretch of rows, with the same answer as row by row."""

from dataclasses import replace

import polars as pl
import pytest

from pipelines.edge.folder import read_folder
from pipelines.edge.pseudonymize import EdgeKey
from pipelines.records.linkage import LinkageVersion
from tests.edge.made_feeds import FIXED_KEYS, STRANGER, Town, departed, row


def test_a_rule_of_the_people_refuses_every_row_of_their_stretch(town: Town) -> None:
    """A wrong name, a wrong date and a missing number are broken on each line, between rows that hold."""
    bad: list[dict[str, str | None]] = [{"kana_surname": "X1"}, {"birth_date": "2024-02-30"}, {"person_local": None}]
    for changes in bad:
        visits = [row("antenatal_visit", visit_no=str(n)) | (changes if 1 < n < 5 else {}) for n in range(1, 7)]
        town.feeds.put("antenatal_visit", *visits)
        (checked,) = read_folder(town.feeds.path).files
        assert sorted({*checked.refusals["line"]}) == [3, 4, 5]
        assert checked.rows["line"].to_list() == [2, 6, 7]


def test_of_the_text_no_more_is_kept_than_a_row_for_each_stretch(town: Town) -> None:
    """A flag on one row of many begins a stretch of its own, so that it is seen."""
    visits = [row("antenatal_visit", visit_no=str(n), is_not_disclosed="1" if n == 12 else "0") for n in range(1, 31)]
    town.feeds.put("antenatal_visit", *visits)
    (checked,) = read_folder(town.feeds.path).files
    assert checked.arrived.rows["is_not_disclosed"].to_list() == ["0", "1", "0"]
    assert (checked.rows.height, checked.people.height) == (30, 3)
    assert departed(town.feeds).leaving.get("antenatal_visit", 0) == 0


@pytest.mark.parametrize("former", [None, EdgeKey("d" * 64, LinkageVersion(1))], ids=["one version", "bridge"])
def test_rows_in_any_order_give_the_same_tokens(town: Town, former: EdgeKey | None) -> None:
    """Rows of two people that alternate make a stretch each; the tokens are the same, in a bridging period too."""
    keys = replace(FIXED_KEYS, edge_version=2, former=former)
    mine, others = ([row("antenatal_visit", visit_no=str(n), **w) for n in range(1, 9)] for w in ({}, STRANGER))
    town.feeds.put("antenatal_visit", *mine, *others)
    ordered = departed(town.feeds, keys=keys)
    town.feeds.put("antenatal_visit", *(visit for pair in zip(others, mine, strict=True) for visit in pair))
    mixed = departed(town.feeds, keys=keys)
    assert mixed.tokens["tokens"].sort(pl.all()).equals(ordered.tokens["tokens"].sort(pl.all()))
    assert set(mixed.tokens["tokens"].filter(rule="name")["key_version"]) == ({1, 2} if former else {2})
    assert mixed.records["antenatal_visit"].equals(ordered.records["antenatal_visit"])
    assert mixed.sent.sort(pl.all()).equals(ordered.sent.sort(pl.all()))


def test_each_file_names_its_own_people(town: Town) -> None:
    """What two files give together is what each gives alone: a place among the people of one is none of the other's."""
    alone = []
    for record, who in (("handbook_issue", {}), ("antenatal_visit", STRANGER)):
        town.feeds.put(record, row(record, **who))
        alone.append(departed(town.feeds).tokens["tokens"])
        (town.feeds.path / "municipal" / f"{record}.csv").rename(town.home / record)
    for record in ("handbook_issue", "antenatal_visit"):
        (town.home / record).rename(town.feeds.path / "municipal" / f"{record}.csv")
    assert departed(town.feeds).tokens["tokens"].sort(pl.all()).equals(pl.concat(alone).sort(pl.all()))


def test_rows_that_were_taken_are_let_go_and_still_counted(town: Town) -> None:
    town.feeds.put("antenatal_visit", row("antenatal_visit"), row("antenatal_visit", visit_no="2", sex_code="9"))
    folder = read_folder(town.feeds.path)
    (held,), (let_go,) = folder.files, folder.without_rows.files
    assert (held.rows.height, let_go.rows.height, let_go.people.height) == (1, 0, 0)
    assert held.refused == let_go.refused == 1


def test_a_refused_file_names_nobody_and_the_others_leave(town: Town) -> None:
    town.feeds.put("antenatal_visit", row("antenatal_visit"))
    town.feeds.put_bytes("delivery", "宛名番号,不開示・支援措置\n1,0\n".encode())
    refused, visits = sorted(read_folder(town.feeds.path).files, key=lambda f: not f.arrived.is_refused)
    assert (refused.people.height, visits.people.height) == (0, 1)
    assert departed(town.feeds).leaving == {"antenatal_visit": 1}
