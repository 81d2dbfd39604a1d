"""Full and partial deliveries, and numbers that were given anew (`delivery.json`)."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.edge.problem import EdgeProblem
from pipelines.edge.send import SendResult
from pipelines.edge.state import SENT
from pipelines.feeds import FEEDS
from pipelines.keys import create
from pipelines.records import RECORDS
from tests.edge.made_feeds import Town, row, text_of
from tests.edge.opened_parcel import opened

FULL = {"delivery": "full", "absent_rows": "cancel"}


def note(town: Town, **told: Any) -> None:
    folder = town.feeds.path / "municipal"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "delivery.json").write_text(json.dumps(told), "utf-8")


def put(town: Town, people: range, record: str = "birth", **changes: Any) -> None:
    town.feeds.put(record, *(row(record, person_local=f"{n}", **changes) for n in people))


def taken_back(sent: SendResult, centre: Path, record: str = "birth") -> int:
    return opened(sent.parcel, centre).tables[record].filter("is_cancelled").height


@pytest.mark.parametrize(
    ("told", "gone"),
    [(FULL, 1), ({"delivery": "full", "absent_rows": "replace"}, 1), ({"delivery": "full"}, 0), ({"delivery": "full", "absent_rows": "keep"}, 0), ({"delivery": "delta"}, 0)],
)  # fmt: skip
def test_only_a_full_delivery_that_says_so_takes_back_what_is_not_there(
    town: Town, centre: Path, told: dict[str, str], gone: int
) -> None:
    note(town, **told)
    put(town, range(1, 11))
    town.send()
    put(town, range(1, 10))
    sent = town.send()
    assert taken_back(sent, centre) == gone
    assert sent.counts["birth"].read == sent.counts["birth"].accepted == 9


def test_a_record_that_is_not_delivered_keeps_its_rows(town: Town, centre: Path) -> None:
    note(town, **FULL)
    put(town, range(1, 4))
    put(town, range(1, 4), "child_checkup")
    town.send()
    (town.feeds.path / "municipal" / "child_checkup.csv").unlink()
    assert "child_checkup" not in opened(town.send().parcel, centre).tables


def test_a_full_delivery_with_a_refused_row_takes_back_nothing_and_says_so(town: Town, centre: Path) -> None:
    note(town, **FULL)
    put(town, range(1, 11))
    town.send()
    town.feeds.put("birth", *(row("birth", person_local=f"{n}", sex_code="9" if n == 1 else "1") for n in range(1, 10)))
    sent = town.send()
    assert taken_back(sent, centre) == 0
    assert "nothing is taken back" in "\n".join(sent.lines())


def test_a_delivery_that_was_cut_off_is_not_sent(town: Town) -> None:
    note(town, **FULL)
    put(town, range(1, 11))
    town.send()
    put(town, range(1, 8))
    with pytest.raises(EdgeProblem, match="cut off") as told:
        town.send()
    assert told.value.exit_code == 2
    assert len(list(town.out.glob("*.parcel"))) == 1


def test_what_was_taken_back_before_is_not_missing_from_later_full_deliveries(town: Town, centre: Path) -> None:
    """Two of twenty leave each time: a tenth, as often as it happens; and a row that comes back may leave again."""
    note(town, **FULL)
    for there, gone in (((1, 21), 0), ((1, 19), 2), ((1, 17), 2), ((1, 15), 2), ((1, 17), 0), ((1, 15), 2)):
        put(town, range(*there))
        sent = town.send()
        assert taken_back(sent, centre) == gone


def test_a_state_of_before_rows_were_marked_is_read_as_all_there(town: Town, centre: Path) -> None:
    note(town, **FULL)
    put(town, range(1, 11))
    town.send()
    path = town.state / SENT
    pl.read_parquet(path).drop("is_there").write_parquet(path)
    put(town, range(1, 10))
    assert taken_back(town.send(), centre) == 1


def test_numbers_of_another_generation_need_their_own_key(town: Town, centre: Path) -> None:
    note(town, delivery="delta", key_generation=2)
    put(town, range(1, 3))
    with pytest.raises(EdgeProblem, match="generation 2") as told:
        town.send()
    assert told.value.exit_code == 2 and not town.out.exists()
    create("local", town.home / "local-2", version=2)
    town.keys[1] = town.home / "local-2"
    assert opened(town.send().parcel, centre).manifest["key_generation"] == 2


def test_numbers_given_anew_replace_what_was_sent_under_the_old_ones(town: Town, centre: Path) -> None:
    put(town, range(1, 6))
    town.send()
    create("local", town.home / "local-2", version=2)
    town.keys[1] = town.home / "local-2"
    note(town, delivery="full", absent_rows="replace", key_generation=2)
    put(town, range(101, 106))
    sent = town.send()
    assert (taken_back(sent, centre), sent.counts["birth"].accepted) == (5, 5)


@pytest.mark.parametrize(
    "told",
    [{}, {"delivery": "all"}, {"delivery": "delta", "absent_rows": "cancel"}, {"delivery": "full", "since": 1},
     {"delivery": "full", "key_generation": "2"}, {"delivery": "full", "key_generation": 0}],
)  # fmt: skip
def test_a_note_of_another_form_stops_everything(town: Town, told: dict[str, Any]) -> None:
    note(town, **told)
    put(town, range(1, 3))
    with pytest.raises(EdgeProblem, match=r"delivery\.json") as problem:
        town.send()
    assert problem.value.exit_code == 2


def test_a_refused_row_in_one_of_several_documents_takes_back_nothing(town: Town, centre: Path) -> None:
    """Each document is a file of its own; the refused row might be the one that seems to be gone."""
    folder, record = town.feeds.path / "ehr", "postpartum_visit"
    folder.mkdir(parents=True)
    (folder / "delivery.json").write_text(json.dumps(FULL), "utf-8")
    refused = text_of(FEEDS["ehr"], RECORDS[record], [row(record, person_local="99", sex_code="8")])
    for people, more in ((range(1, 11), ""), (range(1, 10), refused)):
        town.feeds.put(record, *(row(record, person_local=f"{n}") for n in people), feed="ehr")
        (folder / "more.ndjson").write_text(more, "utf-8")
        sent = town.send()
    assert (sent.refused, taken_back(sent, centre, record)) == (1, 0)
    (folder / "more.ndjson").unlink()
    assert taken_back(town.send(), centre, record) == 1
