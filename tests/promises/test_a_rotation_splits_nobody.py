"""Promise: a new edge key, or a new centre key, splits nobody, and leaves no pseudonym of the old one (privacy, hole 20)."""

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl
import pytest

from pipelines.conduct import init_warehouse, preview_from, release_from
from pipelines.keys import KeyProblem, create
from pipelines.records.linkage import LinkageVersion
from pipelines.release.errors import UnsafeError
from pipelines.warehouse import database
from pipelines.warehouse.backup import backup, restore
from pipelines.warehouse.bridge import Crossing, close_bridge, open_bridge
from pipelines.warehouse.cohort import compared
from pipelines.warehouse.database import DATABASE, opened
from pipelines.warehouse.keyring import warehouse_key
from pipelines.warehouse.linkage_client import linkage_process
from pipelines.warehouse.linkage_process import second_pseudonyms
from pipelines.warehouse.load import load_parcels
from pipelines.warehouse.period import close_year, open_year
from pipelines.warehouse.problem import WarehouseProblem
from pipelines.warehouse.refresh import refresh_if_stale
from pipelines.warehouse.rekey import rekey
from pipelines.warehouse.status import status
from tests.promises.test_keys_are_apart import forms
from tests.warehouse.parcels import ANAMIZU, EDGE_KEYS, SUZU, WAKASA, Centre, Row, Town, first_token, new_centre
from tests.warehouse.shelf import birth, delivery, of_child

pytestmark = pytest.mark.usefixtures("linkage_in_a_thread")
ROOT = Path(__file__).parents[2]
FIRST, SECOND, THIRD = map(LinkageVersion, (1, 2, 3))
State = dict[str, list[tuple[Any, ...]]]
CHILDREN, MOVED_EARLY, MOVED_LATE = range(30), range(8), range(8, 16)
RULES = ("name", "given_phone")


def tokens(child: int) -> dict[str, str]:
    return dict.fromkeys(RULES, f"c{child}")


def born() -> list[Row]:
    """All that the first town holds: its children, what a hospital saw of half of them, a mother."""
    seen = [
        of_child("child_checkup", f"pmh-c{i}", "31", "2023-09", feed="ehr", tokens=tokens(i)) for i in CHILDREN[::2]
    ]  # fmt: skip
    return [delivery("m1/1"), *(birth(f"c{i}", f"m{i}/1", tokens=tokens(i)) for i in CHILDREN), *seen]


def moved(children: range) -> list[Row]:
    """What another town tells of children who were born in the first."""
    return [of_child("child_checkup", f"c{i}", "33", "2024-12", tokens=tokens(i)) for i in children]


class World:
    """A centre and three towns; `early` and `late` are loaded before and after a change of keys."""

    def __init__(self, root: Path) -> None:
        self.centre = new_centre(root)
        self.towns = {code: self.centre.town(code) for code in (SUZU, ANAMIZU, WAKASA)}
        registry = self.centre.registry(*self.towns.values())
        init_warehouse(self.centre.folder, self.centre.warehouse_keys, registry, root / "ledger.jsonl")
        self.parcels = 0

    def copied(self, root: Path) -> "World":
        """The same in a copy of its folder."""
        shutil.copytree(self.centre.root, root, dirs_exist_ok=True)
        copy = object.__new__(World)
        copy.centre, copy.parcels = Centre(root), self.parcels
        copy.towns = {code: replace(town, keys=root / "keys" / code) for code, town in self.towns.items()}
        return copy

    def load(self, *sent: tuple[str, list[Row]]) -> list[str | None]:
        """Parcels of these towns, loaded at once; the reason of each."""
        self.parcels += 1
        out = self.centre.root / f"parcels-{self.parcels}"
        for code, rows in sent:
            self.towns[code].send(rows, out)
        return [o.reason for o in load_parcels(out, self.centre.folder, self.centre.load_keys).outcomes]

    def early(self) -> None:
        assert self.load((SUZU, born()), (ANAMIZU, moved(MOVED_EARLY))) == [None, None]
        close_year(2023, self.centre.folder, self.centre.warehouse_keys)

    def late(self) -> list[str | None]:
        return self.load((WAKASA, moved(MOVED_LATE)))

    def sends_with(self, edge: int, bridge_from: int | None = None) -> None:
        for town in self.towns.values():
            town.edge, town.bridge_from = edge, bridge_from

    def open(self) -> None:
        open_bridge(FIRST, SECOND, self.centre.folder, self.centre.warehouse_keys)

    def close(self, *, anyway: bool = False) -> None:
        close_bridge(self.centre.folder, self.centre.warehouse_keys, anyway=anyway)

    def rekey(self) -> int:
        return rekey(self.centre.folder, [self.centre.keys / "warehouse", self.centre.keys / "centre"])

    def ask(self, query: str) -> pl.DataFrame:
        with opened(self.centre.folder, warehouse_key(self.centre.warehouse_keys)) as connection:
            return connection.execute(query).pl()

    def core(self, *, with_ids: bool = True) -> State:
        """Every row of the current state."""
        return self.state("core", with_ids=with_ids)

    def state(self, *schemas: str, with_ids: bool = True) -> State:
        """Every row of every table of these schemas."""
        asked = "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'warehouse' ORDER BY ALL"
        found = {}
        with opened(self.centre.folder, warehouse_key(self.centre.warehouse_keys)) as connection:
            for name in (f"{s}.{t}" for s, t in connection.execute(asked).fetchall() if s in schemas):
                rows = connection.sql(f"SELECT * FROM {name}")
                kept = [c for c, kind in zip(rows.columns, rows.types, strict=True) if with_ids or str(kind) != "UUID"]
                found[name] = sorted(rows.pl().select(kept).rows(), key=str)
        return found

    def people(self) -> set[frozenset[str]]:
        """Resident keys that are one person."""
        found = self.ask("SELECT person_id, list(resident_key) AS keys FROM core.resident GROUP BY person_id")
        return {frozenset(keys) for keys in found["keys"].to_list()}

    def pseudonyms(self, edge: int) -> list[bytes]:
        """Second pseudonyms of the children's composite tokens under an edge key."""
        return self.under([(rule, first_token(rule, f"c{i}", EDGE_KEYS[edge])) for rule in RULES for i in CHILDREN])

    def under(self, first: list[tuple[str, bytes]], *versions: int) -> list[bytes]:
        """What a chain of centre keys makes of (rule, token), in this order."""
        keys = [(self.centre.keys / "centre" / f"centre-{v}.key").read_text().strip() for v in versions or (1,)]
        rules, made = zip(*first, strict=True)
        places = [place.to_bytes(4, "big") for place in range(len(first))]
        told = second_pseudonyms(pl.DataFrame({"record_key": places, "rule": rules, "token": made}), *keys)
        return told.sort("record_key")["pseudonym"].to_list()


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A centre that loaded the first parcels; each test works on a copy."""
    world = World(tmp_path_factory.mktemp("loaded"))
    world.early()
    return world


@pytest.fixture
def world(loaded: World, tmp_path: Path) -> World:
    return loaded.copied(tmp_path)


@pytest.fixture(scope="module")
def unrotated_world(loaded: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Where no key ever changed."""
    world = loaded.copied(tmp_path_factory.mktemp("unrotated"))
    assert world.late() == [None]
    linked = {len(keys) for keys in world.people()}
    assert linked == {1, 2, 3}, "movers and what the hospital saw are linked, else there is nothing to split"
    return world


@pytest.fixture(scope="module")
def unrotated(unrotated_world: World) -> State:
    return unrotated_world.core()


@pytest.fixture(scope="module")
def unrotated_numbers(unrotated_world: World) -> State:
    return unrotated_world.core(with_ids=False)


def bridged(world: World) -> None:
    """The whole bridging period: the first town sends all it holds under both keys, the others nothing of the old."""
    world.open()
    world.sends_with(2, bridge_from=1)
    assert world.load((SUZU, born())) == [None]


def test_the_same_persons_and_the_same_numbers(world: World, unrotated: State) -> None:
    """Rotated in the middle of a cohort; what the towns did not send again crosses by the rows that were."""
    bridged(world)
    world.close()
    world.sends_with(2)
    assert world.late() == [None]
    assert world.core() == unrotated


def test_also_while_the_bridge_is_open(world: World, unrotated: State) -> None:
    bridged(world)
    world.sends_with(2)
    assert world.late() == [None]
    assert world.core() == unrotated


def test_a_pair_outlives_the_row_that_carried_it(world: World) -> None:
    """The first town takes its child back; one town knows it by the former version alone, another by the current one."""
    bridged(world)
    world.sends_with(2)
    gone = of_child("child_checkup", "pmh-c0", "31", "2023-09", feed="ehr", tokens={}, is_cancelled=True)
    assert world.load((SUZU, [birth("c0", "m0/1", is_cancelled=True, tokens={}), gone])) == [None]
    assert world.load((WAKASA, moved(range(1)))) == [None]
    both = f"""SELECT count(*) FROM core.resident o JOIN core.resident n ON n.person_id = o.person_id
        WHERE o.submitter = '{ANAMIZU}' AND n.submitter = '{WAKASA}'"""
    assert world.ask(both).item() == 1
    world.close()
    assert world.ask(both).item() == 1


def test_also_where_a_town_rotates_later_than_the_others(world: World, unrotated: State) -> None:
    bridged(world)
    world.sends_with(1)
    assert world.late() == [None]
    world.close()
    assert world.core() == unrotated


def test_what_was_not_sent_again_stays_linked_among_itself(world: World) -> None:
    before = world.people()
    world.open()
    world.close(anyway=True)
    assert world.people() == before


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Warehouses without encryption, so that their bytes can be searched."""
    monkeypatch.setattr(database, "_encryption", lambda key: "BLOCK_SIZE 262144")


def hits(folder: Path, pseudonyms: list[bytes]) -> int:
    stored = [file.read_bytes() for file in folder.rglob("*") if file.is_file()]
    return sum(any(form in content for form in forms(p) for content in stored) for p in pseudonyms)


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("anyway", [False, True])
def test_no_byte_of_the_closed_warehouse_holds_a_former_pseudonym(tmp_path: Path, anyway: bool) -> None:
    """Pairs, former pseudonyms, those that nobody carried over: searched in file, log and spill."""
    world = World(tmp_path)
    world.early()
    former = world.pseudonyms(1)
    assert hits(world.centre.folder, former) == len(former), "the search finds what is there"
    if anyway:
        world.open()
    else:
        bridged(world)
        assert world.ask("SELECT * FROM state.bridge").height == len(former) + 1, "and the mother's"
    world.close(anyway=anyway)
    assert hits(world.centre.folder, former) == 0
    assert world.ask("SELECT * FROM state.bridge").is_empty()
    assert hits(world.centre.folder, world.pseudonyms(2)) == (0 if anyway else len(former))


def test_without_a_bridge_the_release_is_blocked_and_says_why(world: World, tmp_path: Path) -> None:
    """Eight children of thirty moved, and are there twice."""
    world.open()
    world.close(anyway=True)
    world.sends_with(2)
    assert world.late() == [None]
    keys, ledger = world.centre.warehouse_keys, tmp_path / "ledger.jsonl"
    before = ledger.read_bytes()
    with pytest.raises(UnsafeError, match=r"cohorts 2023 are new") as blocked:
        release_from(world.centre.folder, keys, ledger, tmp_path / "p.duckdb", "final", "standard", (2023, 2023))
    assert blocked.value.exit_code == 3
    with pytest.raises(UnsafeError):
        preview_from(world.centre.folder, keys, ledger, "final", "standard", (2023, 2023))
    assert ledger.read_bytes() == before and not (tmp_path / "p.duckdb").exists()


def test_what_is_left_behind_is_found_again_when_it_is_sent_in_the_version_in_use(world: World, tmp_path: Path) -> None:
    """The way out that the sentence names: the town's own keys of its residents stay, and bear tokens of both versions."""
    world.open()
    world.close(anyway=True)
    world.sends_with(2)
    assert world.late() == [None]
    assert watched(world) == (30, 38, 38 - len(MOVED_LATE))
    assert world.load((SUZU, born())) == [None]
    assert watched(world) == (30, 30, len(MOVED_EARLY)), "nobody is split, but what the other town knows is not found"
    assert world.load((ANAMIZU, moved(MOVED_EARLY))) == [None]
    assert watched(world) == (30, 30, 0)
    keys, ledger, out = world.centre.warehouse_keys, tmp_path / "ledger.jsonl", tmp_path / "p.duckdb"
    release_from(world.centre.folder, keys, ledger, out, "final", "standard", (2023, 2023))


def test_who_came_late_to_a_year_opened_again_is_not_taken_for_split(world: World, tmp_path: Path) -> None:
    """A tenth more children than before, none of them there twice: the bridge carried everybody over."""
    bridged(world)
    world.close()
    came_late(world)
    assert watched(world) == (30, 33, 0)
    keys, ledger, out = world.centre.warehouse_keys, tmp_path / "ledger.jsonl", tmp_path / "p.duckdb"
    release_from(world.centre.folder, keys, ledger, out, "final", "standard", (2023, 2023))


def test_who_came_late_stops_the_release_where_people_may_be_split_as_well(world: World, tmp_path: Path) -> None:
    world.open()
    world.close(anyway=True)
    came_late(world)
    keys, ledger = world.centre.warehouse_keys, tmp_path / "ledger.jsonl"
    with pytest.raises(UnsafeError, match=r"cohorts 2023 are new.*send all they hold once more"):
        release_from(world.centre.folder, keys, ledger, tmp_path / "p.duckdb", "final", "standard", (2023, 2023))


def test_of_a_person_known_by_two_rules_both_must_cross(world: World) -> None:
    """Sent again without the telephone: who is known by it alone elsewhere would be split off."""
    world.open()
    world.sends_with(2, bridge_from=1)
    assert world.load((SUZU, [birth(f"c{i}", f"m{i}/1", tokens={"name": f"c{i}"}) for i in CHILDREN])) == [None]
    assert watched(world) == (30, 30, 30)
    assert world.load((SUZU, born())) == [None]
    assert watched(world) == (30, 30, 0)


def came_late(world: World) -> None:
    """Three children whom a town tells of when their year is closed; it is opened for them, and closed again."""
    world.sends_with(2)
    assert world.load((SUZU, [birth(f"late{i}", f"l{i}/1") for i in range(3)])) == [None]
    open_year(2023, world.centre.folder, world.centre.warehouse_keys)
    close_year(2023, world.centre.folder, world.centre.warehouse_keys)


def watched(world: World) -> tuple[int, int, int]:
    """Of the closed cohort: persons before the change, persons now, those left behind."""
    with opened(world.centre.folder, warehouse_key(world.centre.warehouse_keys)) as connection:
        refresh_if_stale(connection)
        [(_, *persons)] = compared(connection).rows()
    return persons[0], persons[1], persons[2]


def test_with_the_bridge_the_release_passes_and_the_watch_ends(world: World, tmp_path: Path) -> None:
    bridged(world)
    watched = "SELECT fiscal_year, persons FROM state.cohort_before"
    assert world.ask(watched).rows() == [(2023, len(CHILDREN))]
    keys, ledger, out = world.centre.warehouse_keys, tmp_path / "ledger.jsonl", tmp_path / "p.duckdb"
    release_from(world.centre.folder, keys, ledger, out, "final", "standard", (2023, 2023))
    assert world.ask(watched).height == 1, "while the bridge is open, people can still be split"
    world.close()
    world.sends_with(2)
    assert world.late() == [None]
    release_from(world.centre.folder, keys, ledger, out, "provisional", "standard", (2023, 2023))
    assert world.ask(watched).height == 1
    release_from(world.centre.folder, keys, ledger, out, "revised", "standard", (2023, 2023))
    assert world.ask(watched).is_empty()


def test_another_rotation_does_not_forgive_whom_the_last_one_split(world: World, tmp_path: Path) -> None:
    """No release passed in between: the cohort is still held against what it was before the first change."""
    world.open()
    world.close(anyway=True)
    world.sends_with(2)
    assert world.late() == [None]
    open_bridge(SECOND, THIRD, world.centre.folder, world.centre.warehouse_keys)
    keys, ledger = world.centre.warehouse_keys, tmp_path / "ledger.jsonl"
    with pytest.raises(UnsafeError, match=r"cohorts 2023 are new"):
        release_from(world.centre.folder, keys, ledger, tmp_path / "p.duckdb", "final", "standard", (2023, 2023))


def test_closing_needs_nearly_everybody_carried_over(world: World) -> None:
    bridge = status(world.centre.folder, world.centre.warehouse_keys).bridge
    assert bridge is None
    world.open()
    before = (world.centre.folder / DATABASE).read_bytes()
    with pytest.raises(WarehouseProblem, match="--anyway") as refused:
        world.close()
    assert refused.value.exit_code == 64
    assert [f.name for f in world.centre.folder.glob("*next*")] == []
    assert (world.centre.folder / DATABASE).stat().st_size == len(before)
    bridge = status(world.centre.folder, world.centre.warehouse_keys).bridge
    assert bridge is not None and (bridge.residents, bridge.carried) == (54, 0)
    assert any("0 of 54" in line for line in status(world.centre.folder, world.centre.warehouse_keys).lines())


def test_no_town_is_left_behind_whole_however_many_the_others_carry_over(world: World) -> None:
    """One child of a third town is 1 of 55 residents, less than 2 % of all; and all that this town has."""
    assert world.load((WAKASA, [birth("w1", "w/1")])) == [None]
    bridged(world)
    bridge = status(world.centre.folder, world.centre.warehouse_keys).bridge
    assert bridge is not None and (bridge.residents, bridge.carried) == (55, 54)
    short = f"{WAKASA}: 1 人中 0 人 / 0 of 1"
    assert [line for line in status(world.centre.folder, world.centre.warehouse_keys).lines() if short in line]
    with pytest.raises(WarehouseProblem, match=rf"{WAKASA} \(0 of 1\)[^/]*--bridge-from") as refused:
        world.close()
    assert refused.value.exit_code == 64
    assert SUZU not in str(refused.value) and ANAMIZU not in str(refused.value)
    assert world.load((WAKASA, [birth("w1", "w/1")])) == [None]
    world.close()


@pytest.mark.parametrize(
    ("residents", "carried", "is_enough"),
    [
        *((1, 1, True), (1, 0, False), (2, 1, True), (2, 0, False), (50, 49, True), (50, 48, False), (51, 49, True)),
        *((100, 98, True), (100, 97, False), (10_000, 9_800, True), (10_000, 9_799, False)),
    ],
)
def test_a_submitter_may_lose_two_per_cent_rounded_up_and_never_all(
    residents: int, carried: int, is_enough: bool
) -> None:
    assert Crossing(WAKASA, residents, carried).is_enough == is_enough


def test_versions_are_taken_and_refused_by_the_state_of_the_bridge(world: World) -> None:
    """Key version of the parcel, the version that it leaves -> reason, before, during and after the bridge."""
    asked: list[tuple[int, int | None]] = [(1, None), (2, 1), (2, None), (3, None), (1, 2)]
    EDGE_KEYS[3] = "d" * 64

    def reasons() -> list[str | None]:
        found = []
        for edge, left in asked:
            town = world.towns[WAKASA]
            kept = (town.sequence, town.previous)
            town.edge, town.bridge_from = edge, left
            found += world.load((WAKASA, []))
            if found[-1]:
                town.sequence, town.previous = kept
        return found

    unknown = "unknown_key_version"
    assert reasons() == [None, unknown, unknown, unknown, "bridge_not_open"]
    world.open()
    assert reasons() == [None, None, None, unknown, "bridge_not_open"]
    world.close(anyway=True)
    assert reasons() == ["retired_version", "bridge_not_open", None, unknown, "retired_version"]
    del EDGE_KEYS[3]


def test_tokens_of_a_version_that_the_manifest_does_not_name_are_refused(world: World) -> None:
    """The manifest says one version, the tokens are of two."""
    world.open()
    town = world.towns[WAKASA]
    town.edge, town.bridge_from = 2, 1
    out = world.centre.root / "lie"
    town.send(moved(MOVED_LATE), out, bridge_from={"key_version": 3, "canon_version": 1})
    [outcome] = load_parcels(out, world.centre.folder, world.centre.load_keys).outcomes
    assert outcome.reason == "unknown_key_version"


def test_a_bridge_is_used_once(world: World) -> None:
    world.open()
    for pair in ((FIRST, SECOND), (SECOND, LinkageVersion(3))):
        with pytest.raises(WarehouseProblem, match="open already"):
            open_bridge(*pair, world.centre.folder, world.centre.warehouse_keys)
    world.close(anyway=True)
    with pytest.raises(WarehouseProblem, match="No bridge"):
        world.close()
    for pair, said in (
        ((FIRST, SECOND), "none is opened twice"),
        ((FIRST, LinkageVersion(3)), "none is opened twice"),
        ((SECOND, FIRST), "never in use"),
        ((SECOND, SECOND), "never in use"),
    ):
        with pytest.raises(WarehouseProblem, match=said) as refused:
            open_bridge(*pair, world.centre.folder, world.centre.warehouse_keys)
        assert refused.value.exit_code == 64
    open_bridge(SECOND, LinkageVersion(2, 2), world.centre.folder, world.centre.warehouse_keys)


def test_a_receipt_does_not_tell_who_was_carried_over(tmp_path: Path) -> None:
    """The same bridged parcel at a centre that knows the children under the former version, and at one that does not."""
    knowing = World(tmp_path / "knowing")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "keys").symlink_to(knowing.centre.keys)
    other = Centre(tmp_path / "other")
    init_warehouse(other.folder, other.warehouse_keys, knowing.centre.root / "registry.csv", tmp_path / "l.jsonl")
    knowing.early()
    parcel = Town(WAKASA, knowing.centre.keys / WAKASA, edge=2, bridge_from=1).send(moved(MOVED_LATE), tmp_path / "out")
    for centre in (knowing.centre, other):
        open_bridge(FIRST, SECOND, centre.folder, centre.warehouse_keys)
        load_parcels(parcel, centre.folder, centre.load_keys)
    receipts = [(c.folder / "receipts" / f"{parcel.stem}.json").read_bytes() for c in (knowing.centre, other)]
    assert receipts[0] == receipts[1] and b'"accepted"' in receipts[0]


def renamed(world: World, people: set[frozenset[str]]) -> set[frozenset[str]]:
    """The same people by their resident keys under the second centre key."""
    keys = sorted({key for person in people for key in person})
    under_second = world.under([("local_person", UUID(k).bytes) for k in keys], 2)
    new = dict(zip(keys, (str(UUID(bytes=p)) for p in under_second), strict=True))
    return {frozenset(new[key] for key in person) for person in people}


@pytest.mark.usefixtures("plain")
def test_a_new_centre_key_changes_every_pseudonym_and_no_join(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.early()
    world.load((SUZU, [birth("c29", "m29/1", is_cancelled=True, tokens={})]))
    people, numbers = world.people(), world.core(with_ids=False)
    stored = " UNION ".join(
        f"SELECT {column} AS key FROM {table} WHERE {column} IS NOT NULL"
        for table, column in world.ask("""SELECT schema_name || '.' || table_name, column_name FROM duckdb_columns()
            WHERE data_type = 'UUID' AND schema_name IN ('state', 'landing', 'core') AND table_name NOT LIKE 'current_%'""").rows()
    )
    old = [UUID(key).bytes for key in world.ask(stored)["key"]]
    assert hits(world.centre.folder, old) > 0.9 * len(old) > 100, "all but those that stand alone in their column"
    create("centre", world.centre.keys / "centre", version=2)
    assert world.rekey() == 2
    assert hits(world.centre.folder, old) == 0
    assert set(world.ask(stored)["key"]).isdisjoint(str(UUID(bytes=key)) for key in old)
    assert world.people() == renamed(world, people)
    assert world.core(with_ids=False) == numbers


def test_loads_go_through_the_same_chain(world: World, unrotated_numbers: State) -> None:
    """A mover finds her person, a correction its row (held beside it: its year is closed)."""
    create("centre", world.centre.keys / "centre", version=2)
    world.rekey()
    assert world.late() == [None]
    assert world.core(with_ids=False) == unrotated_numbers
    world.load((SUZU, [birth("c0", "m0/1", tokens=tokens(0), birth_weight_g_class=2000, revision_no=1)]))
    rows = world.ask("SELECT count(*), count(DISTINCT row_key), count(DISTINCT resident_key) FROM landing.birth").row(0)
    assert rows == (len(CHILDREN) + 1, len(CHILDREN), len(CHILDREN))


def test_a_key_that_is_made_and_not_laid_over_changes_nothing(world: World, unrotated: State) -> None:
    create("centre", world.centre.keys / "centre", version=2)
    assert world.late() == [None]
    assert world.core() == unrotated


def test_re_keying_without_a_newer_key_or_on_an_open_bridge_is_refused(world: World) -> None:
    before = world.core()
    with pytest.raises(WarehouseProblem, match="newer than version 1") as refused:
        world.rekey()
    assert refused.value.exit_code == 77
    create("centre", world.centre.keys / "centre", version=2)
    world.open()
    with pytest.raises(WarehouseProblem, match="while a bridge is open"):
        world.rekey()
    world.close(anyway=True)
    assert world.core() == before
    assert world.rekey() == 2
    (world.centre.keys / "centre" / "centre-1.key").unlink()
    with pytest.raises(WarehouseProblem, match="version 1 of the centre key") as missing:
        world.late()
    assert missing.value.exit_code == 77


def test_the_process_that_opens_the_warehouse_reads_no_centre_key(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    create("centre", world.centre.keys / "centre", version=2)
    read: list[str] = []

    def watched(path: Path) -> str:
        read.append(path.name)
        return path.read_text().strip()

    monkeypatch.setattr("pipelines.keys._read_private", watched)
    monkeypatch.setattr("pipelines.warehouse.rekey.linkage_process", linkage_process)
    world.rekey()
    assert read == ["warehouse-1.key"]
    with pytest.raises(KeyProblem):
        rekey(world.centre.folder, [*world.centre.load_keys])


def test_an_old_copy_is_re_keyed_to_the_same_pseudonyms(world: World, tmp_path: Path) -> None:
    """It still holds the old pseudonyms, and loads under the old chain, until it is re-keyed too."""
    backup(world.centre.folder, tmp_path / "copy", world.centre.warehouse_keys)
    create("centre", world.centre.keys / "centre", version=2)
    world.rekey()
    after = world.core()
    shutil.rmtree(world.centre.folder)
    restore(tmp_path / "copy", world.centre.folder, world.centre.warehouse_keys)
    assert world.core() != after
    world.rekey()
    assert world.core() == after


KILLED = """
import os, signal, sys
from pathlib import Path
import pipelines.warehouse.rewrite as rewrite
from pipelines.warehouse.bridge import close_bridge
from pipelines.warehouse.rekey import rekey
what, folder, keys, at = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
seen = 0
def watch(event, arguments):
    global seen
    if event in ("open", "os.rename", "os.remove", "os.chmod", "duckdb"):
        if str(folder) in str(arguments[0]):
            seen += 1
            if seen == at:
                os.kill(os.getpid(), signal.SIGKILL)
def watched(step):
    def stepped(*given, **named):
        watch("duckdb", [str(folder)])
        return step(*given, **named)
    return stepped
for name in ("prepare", "copy", "_synced", "_take_its_place", "_clear"):
    setattr(rewrite, name, watched(getattr(rewrite, name)))
import pipelines.warehouse.bridge, pipelines.warehouse.rekey
for module in (pipelines.warehouse.bridge, pipelines.warehouse.rekey):
    module.copy = rewrite.copy
    module.refresh_if_stale = watched(module.refresh_if_stale)
sys.addaudithook(watch)
if what == "rekey":
    rekey(folder, [keys / "warehouse", keys / "centre"])
else:
    close_bridge(folder, [keys / "warehouse"])
print(seen)
"""


@pytest.mark.parametrize("what", ["close", "rekey"])
def test_kill_9_anywhere_leaves_one_complete_state(world: World, tmp_path: Path, what: str) -> None:
    if what == "close":
        bridged(world)
    create("centre", world.centre.keys / "centre", version=2)
    whole = tmp_path / "whole"
    shutil.copytree(world.centre.folder, whole)
    before = everything(world)

    def run(at: int) -> "subprocess.CompletedProcess[str]":
        shutil.rmtree(world.centre.folder)
        shutil.copytree(whole, world.centre.folder)
        command = [sys.executable, "-c", KILLED, what, str(world.centre.folder), str(world.centre.keys), str(at)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    done = run(0)
    assert done.returncode == 0, done.stderr
    steps, after = int(done.stdout), everything(world)
    assert after != before
    moments = int(os.environ.get("MCHDB_KILLS", "4"))
    for at in sorted({max(1, steps * i // moments) for i in range(1, moments + 1)}):
        assert run(at).returncode == -signal.SIGKILL
        found = everything(world)
        assert found in (before, after), at
        if found == before:
            world.rekey() if what == "rekey" else world.close()
        assert everything(world) == after
        assert not list(world.centre.folder.glob("*next*"))


def everything(world: World) -> State:
    """All rows that are kept and, made from them, all that are counted; after whatever a killed process left undone."""
    status(world.centre.folder, world.centre.warehouse_keys)
    return world.state("state", "landing", "core")
