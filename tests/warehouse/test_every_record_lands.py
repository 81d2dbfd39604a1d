"""Every record of a town's own feeds, from its file to the landing: made, checked, sent, loaded, and read there."""

import json
from pathlib import Path

import pytest

from pipelines.feeds import FEEDS
from pipelines.keys import create
from pipelines.records import RECORDS
from pipelines.warehouse.database import opened
from pipelines.warehouse.init import init
from pipelines.warehouse.keyring import warehouse_key
from pipelines.warehouse.load import load_parcels
from pipelines.warehouse.schema import landing_columns
from tests.edge.made_feeds import OF_A_TOWN, Town
from tests.warehouse.parcels import REGISTRY_HEAD

KINDS = ("linkage", "centre", "load", "warehouse")
TOLD = tuple(FEEDS[name] for name in OF_A_TOWN)  # bundles and exports: tests/synthetic/test_same_core.py
Landed = dict[tuple[str, str], list[dict[str, object]]]


@pytest.fixture(scope="module")
def sender(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """A town that has sent a family's row in every record of its feeds, and a centre that has loaded it."""
    root = tmp_path_factory.mktemp("lands")
    for kind in (*KINDS, "edge"):
        create(kind, root / kind)
    made = Town(root / "town", root)
    made.whole_family()
    init(root / "w", [root / "warehouse"], _registry(root, made))
    _sent_and_loaded(made)
    return made


def _sent_and_loaded(sender: Town) -> None:
    assert sender.send().refused == 0
    keys = [sender.centre / kind for kind in KINDS]
    assert load_parcels(sender.out, sender.centre / "w", keys).refused == 0


def _landed(sender: Town) -> Landed:
    """(feed, record) -> its rows in the landing."""
    with opened(sender.centre / "w", warehouse_key([sender.centre / "warehouse"])) as connection:
        return {
            (feed.name, name): connection.execute(f"SELECT * FROM landing.{name} WHERE feed = ?", [feed.name]).pl().to_dicts()
            for feed in TOLD for name in feed.record_names
        }  # fmt: skip


@pytest.fixture(scope="module")
def landed(sender: Town) -> Landed:
    return _landed(sender)


def _registry(root: Path, sender: Town) -> Path:
    signing = (sender.home / "submitter" / "submitter-1.pub").read_text().strip()
    path = root / "registry.csv"
    lines = (f"{sender.code},{signing},{sender.code},{name},1990,2030,1\n" for name in RECORDS)
    path.write_text(REGISTRY_HEAD + "".join(lines), "utf-8")
    return path


@pytest.mark.parametrize(("feed", "record"), [(f.name, r) for f in TOLD for r in f.record_names])
def test_a_record_lands_as_it_is_declared(landed: Landed, feed: str, record: str) -> None:
    (row,) = landed[feed, record]
    assert list(row) == list(landing_columns(RECORDS[record]))
    sent = {c.field for c in FEEDS[feed].columns(RECORDS[record])}
    required = [left for left, (n, f) in RECORDS[record].leaving.items() if f.required and n in sent]
    assert all(row[left] is not None for left in required)
    assert (row.get("resident_key") is not None) == RECORDS[record].is_of_person


def test_a_record_of_a_pregnancy_says_which(landed: Landed) -> None:
    ties = {
        row["pregnancy_key"] for (feed, _), (row,) in landed.items() if feed == "municipal" and "pregnancy_key" in row
    }
    assert len(ties) == 1, "the mother's records and the child's birth hang together"


def test_numbers_given_anew_take_the_place_of_the_old_ones(sender: Town, landed: Landed) -> None:
    """Another vendor's system, another key for the local numbers: one row each afterwards, under other keys."""
    create("local", sender.home / "local-2", version=2)
    sender.keys[1] = sender.home / "local-2"
    for feed in TOLD:
        note = {"delivery": "full", "absent_rows": "replace", "key_generation": 2}
        (sender.feeds.path / feed.name / "delivery.json").write_text(json.dumps(note), "utf-8")
    sender.out = sender.home / "later parcels"
    _sent_and_loaded(sender)
    again = _landed(sender)
    assert {file: len(rows) for file, rows in again.items()} == dict.fromkeys(landed, 1)
    assert all(again[file][0]["row_key"] != landed[file][0]["row_key"] for file in landed)
