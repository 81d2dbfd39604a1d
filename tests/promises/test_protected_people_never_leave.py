"""Promise 5: protected people (不開示, DV) never leave - through any feed, sibling, mother or later flag."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.edge.problem import EdgeProblem
from tests.edge.conftest import centre, town  # noqa: F401  fixtures of the edge's tests
from tests.edge.made_feeds import CHILD, MOTHER, STRANGER, Town, row
from tests.edge.opened_parcel import Opened, opened

PMH_CHILD = CHILD | {"person_local": "PMH-88"}
STRANGE_MOTHER = MOTHER | {"person_local": STRANGER["mother_local"], "name": "出水美代", "kana_surname": "デミズ", "kana_given_name": "ミヨ",
                           "phone": "0857-55-0999", "insured_number": "1122334"}  # fmt: skip
FLAG = {"is_not_disclosed": "1"}
MARKS = ("不開示", "支援措置", "disclosed", "protected", "dv")


def put_apart(town: Town, **flagged: dict[str, Any]) -> None:  # noqa: F811
    """Mother only in delivery, child only in birth and PMH's checkup, beside strangers; flags per record."""
    town.feeds.put(
        "delivery", row("delivery", **MOTHER | flagged.get("delivery", {})), row("delivery", **STRANGE_MOTHER)
    )
    town.feeds.put("birth", row("birth", **CHILD | flagged.get("birth", {})), row("birth", **STRANGER))
    town.feeds.put("child_checkup", row("child_checkup", **PMH_CHILD | flagged.get("pmh", {})), feed="pmh")


def rows_of(inside: Opened, *tables: str) -> dict[str, int]:
    return {
        t: inside.tables[t].filter(pl.col("is_cancelled").is_null() | ~pl.col("is_cancelled")).height for t in tables
    }


def tokens_of(inside: Opened, rule: str) -> set[bytes]:
    return set(inside.tables["tokens"].filter(pl.col("rule") == rule)["token"])


EVERY = ("delivery", "birth", "child_checkup")


@pytest.mark.parametrize("where", ["delivery", "birth", "pmh"])
def test_a_flag_in_one_feed_keeps_mother_and_child_out_of_all(town: Town, centre: Path, where: str) -> None:  # noqa: F811
    put_apart(town)
    everybody = opened(town.send().parcel, centre)
    town.state = town.home / "state-2"
    put_apart(town, **{where: FLAG})
    inside = opened(town.send().parcel, centre)
    assert rows_of(everybody, *EVERY) == {"delivery": 2, "birth": 2, "child_checkup": 1}
    assert rows_of(inside, *EVERY) == {"delivery": 1, "birth": 1, "child_checkup": 0}
    for rule in ("local_person", "name", "local_pregnancy"):
        kept = tokens_of(inside, rule)
        assert kept < tokens_of(everybody, rule)
        assert len(kept) == (1 if rule == "local_pregnancy" else 2), "the strangers alone"


@pytest.mark.parametrize("feed", ["layout", "excel"])
def test_a_flag_in_a_copy_alone_keeps_mother_and_child_out(town: Town, centre: Path, feed: str) -> None:  # noqa: F811
    """Under a number of the copy's own: name and birth date say whose flag it is."""
    child = CHILD | {"person_local": "COPY-88"}
    town.feeds.put("delivery", row("delivery", **MOTHER), row("delivery", **STRANGE_MOTHER))
    town.feeds.put("birth", row("birth", **CHILD), row("birth", **STRANGER))
    town.feeds.put("child_checkup", row("child_checkup", **child), feed=feed)
    assert rows_of(opened(town.send().parcel, centre), *EVERY) == {"delivery": 2, "birth": 2, "child_checkup": 1}
    town.state = town.home / "state-2"
    town.feeds.put("child_checkup", row("child_checkup", **child | FLAG), feed=feed)
    inside = opened(town.send().parcel, centre)
    assert rows_of(inside, *EVERY) == {"delivery": 1, "birth": 1, "child_checkup": 0}


def test_the_list_alone_keeps_the_family_out(town: Town, centre: Path) -> None:  # noqa: F811
    put_apart(town)
    town.protected.write_text(f"local_number\n{MOTHER['person_local']}\n")
    assert rows_of(opened(town.send().parcel, centre), *EVERY) == {"delivery": 1, "birth": 1, "child_checkup": 0}


def test_a_later_flag_takes_back_every_row_as_an_ordinary_cancellation(town: Town, centre: Path) -> None:  # noqa: F811
    put_apart(town)
    before = opened(town.send().parcel, centre)
    put_apart(town, delivery=FLAG)
    after = opened(town.send().parcel, centre)
    strangers = {"delivery": 1, "birth": 1, "child_checkup": 0}
    assert rows_of(after, *EVERY) == strangers
    cancelled = {t: after.tables[t].filter("is_cancelled") for t in EVERY}
    assert {t: len(rows) for t, rows in cancelled.items()} == {"delivery": 1, "birth": 1, "child_checkup": 1}
    taken_back = pl.concat([rows.select("record_key") for rows in cancelled.values()]).join(
        after.tables["tokens"], on="record_key"
    )
    assert set(taken_back["rule"]) == {"local_row"}
    assert set(taken_back["token"]) < tokens_of(before, "local_row")


def test_a_protected_cancellation_looks_like_any_other(town: Town, centre: Path) -> None:  # noqa: F811
    put_apart(town)
    town.send()
    put_apart(town, birth=FLAG)
    protected = opened(town.send().parcel, centre).tables["birth"].filter("is_cancelled")
    town.state = town.home / "state-2"
    put_apart(town)
    town.send()
    put_apart(town, birth={"is_cancelled": "1"})
    ordinary = opened(town.send().parcel, centre).tables["birth"].filter("is_cancelled")
    assert protected.drop("record_key").equals(ordinary.drop("record_key"))


def test_ties_of_an_earlier_delivery_count(town: Town, centre: Path) -> None:  # noqa: F811
    """The birth record that ties mother and child was sent long ago; now only the child's checkup and her flag arrive."""
    put_apart(town)
    town.send()
    for record in ("birth", "delivery"):
        (town.feeds.path / "municipal" / f"{record}.csv").unlink()
    town.feeds.put("delivery", row("delivery", **MOTHER | FLAG))
    town.feeds.put("child_checkup", row("child_checkup", **CHILD), row("child_checkup", **STRANGER))
    inside = opened(town.send().parcel, centre)
    assert rows_of(inside, "child_checkup") == {"child_checkup": 1}
    assert inside.tables["birth"].filter("is_cancelled").height == 1


def test_a_person_who_is_only_on_the_list_is_taken_back(town: Town, centre: Path) -> None:  # noqa: F811
    put_apart(town)
    town.send()
    for file in town.feeds.path.rglob("*.*"):
        file.unlink()
    town.feeds.put("child_checkup", row("child_checkup", **STRANGER))
    town.protected.write_text(f"local_number\n{MOTHER['person_local']}\n")
    inside = opened(town.send().parcel, centre)
    assert {t: inside.tables[t].filter("is_cancelled").height for t in EVERY} == {
        "delivery": 1,
        "birth": 1,
        "child_checkup": 1,
    }


def test_nothing_marks_a_parcel_that_holds_back_somebody(town: Town, centre: Path) -> None:  # noqa: F811
    put_apart(town, birth=FLAG)
    inside = opened(town.send().parcel, centre)
    assert "excluded" not in inside.manifest
    text = (
        str(inside.manifest) + str([list(t.columns) for t in inside.tables.values()]) + str(list(town.state.iterdir()))
    )
    assert [mark for mark in MARKS if mark in text.lower()] == []
    remembered = pl.read_parquet(town.state / "sent.parquet")
    assert len(remembered) == 2, "the state remembers what left, and nobody who did not"


def test_without_the_list_nothing_is_sent(town: Town) -> None:  # noqa: F811
    put_apart(town)
    town.protected.unlink()
    with pytest.raises(EdgeProblem) as stopped:
        town.send()
    assert stopped.value.exit_code == 2
    assert not town.out.exists()
    assert not town.state.exists()
