"""The same visits through the towns' feeds and their agent's claims: one core, whatever is loaded first."""

import json
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import polars as pl
import pytest

from pipelines.edge.depart import Departure
from pipelines.edge.folder import Folder, read_folder
from pipelines.feeds import FEEDS
from pipelines.records import RECORDS
from pipelines.records.parcel import TOKENS_TABLE
from synthetic.agents import agent_of
from synthetic.cohort import make_cohort
from tests.edge.made_feeds import FIXED_KEYS, departed
from tests.edge.made_feeds import Folder as Feeds
from tests.synthetic.conftest import COUNTED
from tests.synthetic.test_same_core import CORE, KEYS, NOT_IN_EHR, OWN_NUMBERS, rows
from tests.warehouse.parcels import Town
from tests.warehouse.shelf import Shelf, shelf

TOWNS = ("313025", "313254")
AGENT = agent_of(TOWNS[0])
BY_HEARSAY, COST_ONLY = "3", "2"  # code list mchdb-L5
OF_EVIDENCE = {"evidence_code", "antenatal_visits", "is_seen_postpartum_1m", "is_seen"}
Core = dict[str, pl.DataFrame]


@pytest.fixture(scope="module")
def feeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two towns of a prefecture; their agent's parts are put into one delivery."""
    root = tmp_path_factory.mktemp("towns")
    for code in TOWNS:
        records = (*COUNTED, "claim", "information_request")
        made = make_cohort(
            root / code, municipality=code, faults="none", jobs=1, others=("claims", "requests"), records=records
        )
        (made.out / "feeds" / code).rename(root / f"{code}.feeds")
        _put_together(made.out / "feeds" / AGENT / "claims", root / "agent" / AGENT / "claims")
        (root / f"{code}.feeds").rename(root / code / code)
    return root


def _put_together(part: Path, whole: Path) -> None:
    whole.mkdir(parents=True, exist_ok=True)
    for path in part.glob("*.csv"):
        there = (whole / path.name).read_text("utf-8") if (whole / path.name).exists() else ""
        lines = path.read_text("utf-8").splitlines(keepends=True)
        (whole / path.name).write_text(there + "".join(lines[1 if there else 0 :]), "utf-8")
    note = {"delivery": "delta", "municipalities": list(TOWNS)}
    (whole / "delivery.json").write_text(json.dumps(note), "utf-8")


@pytest.fixture(scope="module")
def delivered(feeds: Path) -> dict[str, Departure]:
    """Submitter -> what leaves of its delivery."""
    where = {code: feeds / code / code for code in TOWNS} | {AGENT: feeds / "agent" / AGENT}
    return {
        code: departed(Feeds(path), keys=replace(FIXED_KEYS, submitter=code)) for code, path in where.items()
    }  # fmt: skip


def core(home: Path, delivered: dict[str, Departure], order: tuple[str, ...], word: str = "") -> Core:
    """What the centre holds after these deliveries; `word`: whose word counts for the visits, the town's where empty."""
    with shelf(home) as opened:
        lines = [(code, code, word != AGENT) for code in TOWNS] + [(AGENT, code, word == AGENT) for code in TOWNS]
        opened.register(*lines)
        opened.connection.execute(
            "UPDATE state.registry SET is_authority = submitter <> ? WHERE record NOT IN ('antenatal_visit', 'postpartum_visit')", [AGENT])  # fmt: skip
        for code in order:
            left = delivered[code]
            opened.take_tables(Town(code, Path()), dict(left.records), left.tokens[TOKENS_TABLE])
        opened.core("arrival")
        return {table: told(opened, table) for table in CORE}


def told(opened: Shelf, table: str) -> pl.DataFrame:
    whole = opened.connection.execute(f"SELECT * FROM core.{table}").pl()
    kept = sorted(set(whole.columns) - KEYS)
    return whole.select(kept).sort(kept)


@pytest.fixture(scope="module")
def alone(delivered: dict[str, Departure], tmp_path_factory: pytest.TempPathFactory) -> Core:
    return core(tmp_path_factory.mktemp("alone"), delivered, TOWNS)


@pytest.fixture(scope="module")
def together(delivered: dict[str, Departure], tmp_path_factory: pytest.TempPathFactory) -> Core:
    return core(tmp_path_factory.mktemp("together"), delivered, (*TOWNS, AGENT))


@pytest.mark.parametrize("order", list(permutations((*TOWNS, AGENT)))[1:])
def test_the_core_is_the_same_in_every_order(
    delivered: dict[str, Departure], together: Core, tmp_path: Path, order: tuple[str, ...]
) -> None:
    again = core(tmp_path, delivered, order)
    assert [table for table in CORE if not again[table].equals(together[table])] == []


def test_the_agents_claims_add_no_visit_and_change_no_value(alone: Core, together: Core) -> None:
    for table in CORE:
        assert alone[table].height > 20, table
        kept = [c for c in alone[table].columns if c not in OF_EVIDENCE]
        assert alone[table].select(kept).sort(kept).equals(together[table].select(kept).sort(kept)), table


def test_what_the_towns_have_by_hearsay_is_borne_out_and_no_other_evidence_changes(alone: Core, together: Core) -> None:
    before, after = (evidence(c["antenatal_visit"]) for c in (alone, together))
    assert before["1"] == after["1"] > 1000
    assert after[BY_HEARSAY] < before[BY_HEARSAY] / 2, "a woman with one pregnancy has her vouchers"
    assert after[COST_ONLY] - before[COST_ONLY] == before[BY_HEARSAY] - after[BY_HEARSAY]


def evidence(visits: pl.DataFrame) -> dict[str, int]:
    return dict(visits["evidence_code"].cast(pl.String).value_counts().iter_rows())


def test_where_the_agent_has_the_word_its_vouchers_are_the_visits(
    delivered: dict[str, Departure], alone: Core, tmp_path: Path
) -> None:
    """As many as the towns know, of women with one pregnancy in these years; none without a month that the towns tell."""
    found = core(tmp_path, delivered, (AGENT, *TOWNS), word=AGENT)["antenatal_visit"]
    theirs = alone["antenatal_visit"].filter(pl.col("visit_no") <= 14)
    assert 0.6 * theirs.height < found.height <= theirs.height
    assert found.select("municipality_code", "visit_no").unique().height == 28


def test_a_claim_and_a_request_say_the_same_through_both_feeds(feeds: Path) -> None:
    for code in TOWNS:
        own = read_folder(feeds / code / code)
        agent = _of_town(read_folder(feeds / "agent" / AGENT), code)
        for record, feed, theirs in (("claim", "claims", agent), ("information_request", "requests", own)):
            both = {c.field for c in FEEDS[feed].columns(RECORDS[record])} & {
                c.field for c in FEEDS["municipal"].columns(RECORDS[record])
            }
            accepted = next(f.rows for f in own.files if f.arrived.record.name == record)
            fields = sorted((both - OWN_NUMBERS - {"claim_line_no"}) & set(accepted.columns))
            assert len(fields) > 10
            sent = rows(theirs, record, feed, fields)
            assert rows(own, record, "municipal", fields).equals(sent) and sent.height > (
                100 if record == "claim" else 0
            )


def _of_town(folder: Folder, code: str) -> Folder:
    files = [replace(f, rows=f.rows.filter(pl.col("residence_municipality_code") == code)) for f in folder.files]
    return replace(folder, files=files)


@pytest.fixture(scope="module")
def three_ways(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, Departure]]:
    """Feed -> its submitter and what leaves: a town's own files, a hospital's as a delivery of its own, the agent's."""
    code, home = TOWNS[1], tmp_path_factory.mktemp("three")
    records = (*COUNTED, "claim")
    made = make_cohort(home, municipality=code, faults="none", jobs=1, others=("ehr", "claims"), records=records)
    whole, hospital = made.out / "feeds", home / "hospital" / code
    hospital.mkdir(parents=True)
    (whole / code / "ehr").rename(hospital / "ehr")
    folders = {"municipal": (code, whole / code), "ehr": (code, hospital), "claims": (AGENT, whole / AGENT)}
    return {
        feed: (submitter, departed(Feeds(path), keys=replace(FIXED_KEYS, submitter=submitter)))
        for feed, (submitter, path) in folders.items()
    }


def core_of(home: Path, ways: dict[str, tuple[str, Departure]], order: tuple[str, ...]) -> Core:
    with shelf(home) as opened:
        opened.register((TOWNS[1], TOWNS[1], True), (AGENT, TOWNS[1], False))
        senders = {submitter: Town(submitter, Path()) for submitter, _ in ways.values()}
        for submitter, left in (ways[feed] for feed in order):
            opened.take_tables(senders[submitter], dict(left.records), left.tokens[TOKENS_TABLE])
        opened.core("arrival")
        return {table: told(opened, table) for table in CORE}


@pytest.mark.parametrize("order", list(permutations(("municipal", "ehr", "claims"))))
def test_town_hospital_and_agent_tell_of_one_visit_once_in_every_order(
    three_ways: dict[str, tuple[str, Departure]], tmp_path: Path, order: tuple[str, ...]
) -> None:
    alone = core_of(tmp_path / "alone", three_ways, ("municipal",))
    found = core_of(tmp_path / "all", three_ways, order)
    for table in CORE:
        kept = [c for c in alone[table].columns if c not in OF_EVIDENCE | NOT_IN_EHR]
        assert alone[table].height > 20, table
        assert found[table].select(kept).sort(kept).equals(alone[table].select(kept).sort(kept)), table
