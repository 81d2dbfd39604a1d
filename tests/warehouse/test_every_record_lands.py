"""Every record of every feed, from its file to the landing: made, checked, sent, loaded, and read there."""

from pathlib import Path

import pytest

from pipelines.feeds import FEEDS
from pipelines.records import RECORDS
from pipelines.warehouse.database import opened
from pipelines.warehouse.init import init
from pipelines.warehouse.keyring import warehouse_key
from pipelines.warehouse.load import load_parcels
from pipelines.warehouse.schema import landing_columns
from tests.edge.conftest import centre, town  # noqa: F401  fixtures of the edge's tests
from tests.edge.made_feeds import Town
from tests.warehouse.parcels import REGISTRY_HEAD

KINDS = ("linkage", "centre", "load", "warehouse")
Landed = dict[tuple[str, str], list[dict[str, object]]]


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Landed:
    """(feed, record) -> its rows in the landing, after a family's row in every record of every feed."""
    from pipelines.keys import create

    root = tmp_path_factory.mktemp("lands")
    for kind in (*KINDS, "edge"):
        create(kind, root / kind)
    sender = Town(root / "town", root)
    sender.whole_family()
    assert sender.send().refused == 0
    keys = {kind: root / kind for kind in KINDS}
    warehouse = root / "w"
    init(warehouse, [keys["warehouse"]], _registry(root, sender))
    assert load_parcels(sender.out, warehouse, list(keys.values())).refused == 0
    with opened(warehouse, warehouse_key([keys["warehouse"]])) as connection:
        return {
            (feed.name, name): connection.execute(f"SELECT * FROM landing.{name} WHERE feed = ?", [feed.name]).pl().to_dicts()
            for feed in FEEDS.values() for name in feed.record_names
        }  # fmt: skip


def _registry(root: Path, sender: Town) -> Path:
    signing = (sender.home / "submitter" / "submitter-1.pub").read_text().strip()
    path = root / "registry.csv"
    lines = (f"{sender.code},{signing},{sender.code},{name},1990,2030,1\n" for name in RECORDS)
    path.write_text(REGISTRY_HEAD + "".join(lines), "utf-8")
    return path


@pytest.mark.parametrize(("feed", "record"), [(f.name, r) for f in FEEDS.values() for r in f.record_names])
def test_a_record_lands_as_it_is_declared(landed: Landed, feed: str, record: str) -> None:
    (row,) = landed[feed, record]
    assert list(row) == list(landing_columns(RECORDS[record]))
    sent = {c.field for c in FEEDS[feed].columns(RECORDS[record])}
    required = [left for left, (n, f) in RECORDS[record].leaving.items() if f.required and n in sent]
    assert all(row[left] is not None for left in required)
    assert row["resident_key"] is not None


def test_a_record_of_a_pregnancy_says_which(landed: Landed) -> None:
    ties = {
        row["pregnancy_key"] for (feed, _), (row,) in landed.items() if feed == "municipal" and "pregnancy_key" in row
    }
    assert len(ties) == 1, "the mother's records and the child's birth hang together"
