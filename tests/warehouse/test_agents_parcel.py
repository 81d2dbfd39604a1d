"""A parcel of an agent at the centre: the registry says for which municipalities, records and years it may send."""

import json
from pathlib import Path

import pytest

from pipelines.keys import create
from pipelines.warehouse.database import opened
from pipelines.warehouse.init import init
from pipelines.warehouse.keyring import warehouse_key
from pipelines.warehouse.load import LoadResult, load_parcels
from tests.edge.made_feeds import OTHER_TOWN, TOWN, Town, row
from tests.warehouse.parcels import REGISTRY_HEAD

pytestmark = pytest.mark.usefixtures("linkage_in_a_thread")
KINDS = ("linkage", "centre", "load", "warehouse")
AGENT = "310000"
Line = tuple[str, str, int, int]  # municipality, record, from_fy, to_fy
BOTH: tuple[Line, ...] = tuple(
    (code, record, 1990, 2030) for code in (TOWN, OTHER_TOWN) for record in ("claim", "child_checkup")
)


@pytest.fixture
def agent(tmp_path: Path) -> Town:
    for kind in (*KINDS, "edge"):
        create(kind, tmp_path / kind)
    sender = Town(tmp_path / "agent", tmp_path, AGENT)
    for record in ("claim", "child_checkup"):
        sender.feeds.put(record, row(record, TOWN), row(record, OTHER_TOWN), feed="claims")
    note = {"delivery": "delta", "municipalities": [TOWN, OTHER_TOWN]}
    (sender.feeds.path / "claims" / "delivery.json").write_text(json.dumps(note), "utf-8")
    return sender


def loaded(agent: Town, lines: tuple[Line, ...]) -> tuple[LoadResult, list[tuple[str, ...]]]:
    """What became of the agent's parcel, and the municipality and record of every row that landed."""
    signing = (agent.home / "submitter" / "submitter-1.pub").read_text().strip()
    registry = agent.home / "registry.csv"
    told = (f"{AGENT},{signing},{m},{record},{first},{last},0\n" for m, record, first, last in lines)
    registry.write_text(REGISTRY_HEAD + "".join(told), "utf-8")
    centre = agent.centre
    init(centre / "w", [centre / "warehouse"], registry)
    agent.send()
    done = load_parcels(agent.out, centre / "w", [centre / kind for kind in KINDS])
    with opened(centre / "w", warehouse_key([centre / "warehouse"])) as connection:
        rows = [connection.execute(f"SELECT residence_municipality_code, '{r}' FROM landing.{r}").fetchall()
                for r in ("claim", "child_checkup")]  # fmt: skip
    return done, sorted(row for part in rows for row in part)


def test_one_parcel_lands_for_every_municipality(agent: Town) -> None:
    done, landed = loaded(agent, BOTH)
    assert (done.accepted, done.rows) == (1, 4)
    assert landed == sorted((m, record) for m, record, *_ in BOTH)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (tuple(line for line in BOTH if line[0] == TOWN), "out_of_scope_municipality"),
        (tuple(line for line in BOTH if line[1] == "claim"), "out_of_scope_record"),
        (tuple(line for line in BOTH if line != (OTHER_TOWN, "claim", 1990, 2030)), "out_of_scope_period"),
        ((*BOTH[:3], (*BOTH[3][:2], 1990, 2020)), "out_of_scope_period"),
    ],
)
def test_a_parcel_beyond_the_registry_is_refused_whole(agent: Town, lines: tuple[Line, ...], reason: str) -> None:
    done, landed = loaded(agent, lines)
    assert [o.reason for o in done.outcomes] == [reason]
    assert landed == []
