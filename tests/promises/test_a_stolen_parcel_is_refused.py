"""Promise: a parcel altered, replayed, redirected or signed by another changes nothing (privacy, hole 17)."""

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pyrage
import pytest

from pipelines.edge.seal import canonical_json, padded_zip
from pipelines.keys import create, find
from pipelines.records.parcel import HEADER, MANIFEST, PADDING, SEALED_RECORDS, SEALED_TOKENS, SIGNATURE
from pipelines.warehouse.backup import backup, restore
from pipelines.warehouse.database import opened
from pipelines.warehouse.init import init
from pipelines.warehouse.keyring import warehouse_key
from pipelines.warehouse.load import load_parcels
from pipelines.warehouse.open_parcel import Identity, Opened, open_records
from pipelines.warehouse.refusal import REASONS, Refused
from tests.warehouse.parcels import ANAMIZU, SUZU, Centre, Town, new_centre, recipients
from tests.warehouse.shelf import birth, delivery

pytestmark = pytest.mark.usefixtures("linkage_in_a_thread")
ROWS = [delivery("m1/1"), birth("c1", "m1/1")]


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Centre:
    return new_centre(tmp_path_factory.mktemp("centre"))


@pytest.fixture(scope="module")
def town(centre: Centre) -> Town:
    return centre.town(SUZU)


@pytest.fixture
def parcel(town: Town, tmp_path: Path) -> Path:
    return town.send(ROWS, tmp_path / "out")


def open_by(centre: Centre, town: Town, path: Path) -> Opened:
    identity = (centre.keys / "load" / "load-1.key").read_text()
    return open_records(path, Identity(identity), {town.code: town.signing_key})


def reason(centre: Centre, town: Town, path: Path) -> str:
    with pytest.raises(Refused) as refused:
        open_by(centre, town, path)
    return refused.value.reason


def outer(path: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """The parcel with other entries in its outer zip."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    change(entries)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def inner(centre: Centre, path: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """What the holder of the load identity could make of it: opened, changed, sealed again to the same recipient."""
    identity = pyrage.x25519.Identity.from_str((centre.keys / "load" / "load-1.key").read_text().strip())

    def reseal(entries: dict[str, bytes]) -> None:
        with zipfile.ZipFile(io.BytesIO(pyrage.decrypt(entries[SEALED_RECORDS], [identity]))) as archive:
            members = {n: archive.read(n) for n in archive.namelist() if n != PADDING}
        change(members)
        entries[SEALED_RECORDS] = pyrage.encrypt(b"".join(padded_zip(members)), [identity.to_public()])

    return outer(path, reseal)


def test_an_untouched_parcel_opens(centre: Centre, town: Town, parcel: Path) -> None:
    assert open_by(centre, town, parcel).manifest.submitter == town.code


@pytest.mark.parametrize("position", [0.3, 0.6, 0.9])
def test_one_byte_altered(centre: Centre, town: Town, parcel: Path, position: float) -> None:
    content = bytearray(parcel.read_bytes())
    at = int(len(content) // 2 * position) + 400
    content[at] ^= 1
    parcel.write_bytes(content)
    assert reason(centre, town, parcel) == "altered"


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_cut_short(centre: Centre, town: Town, parcel: Path, share: float) -> None:
    content = parcel.read_bytes()
    parcel.write_bytes(content[: int(len(content) * share)])
    assert reason(centre, town, parcel) in ("truncated", "not_a_parcel")


def test_a_sealed_member_cut_short(centre: Centre, town: Town, parcel: Path) -> None:
    def cut(entries: dict[str, bytes]) -> None:
        entries[SEALED_RECORDS] = entries[SEALED_RECORDS][:-100_000]

    assert reason(centre, town, outer(parcel, cut)) == "altered"


def test_another_recipient_in_the_header(centre: Centre, town: Town, parcel: Path) -> None:
    def redirect(entries: dict[str, bytes]) -> None:
        entries[HEADER] = canonical_json({"format": 1, "recipients": {"load": "0" * 64, "linkage": "0" * 64}})

    assert reason(centre, town, outer(parcel, redirect)) == "other_recipient"


def test_a_parcel_forwarded_by_another_centre(centre: Centre, town: Town, tmp_path: Path) -> None:
    """Sealed to a thief by mistake, opened by him, sealed on to us: the signature is over the recipients too."""
    thief = new_centre(tmp_path / "thief")
    taken = Town(town.code, thief.keys / town.code)
    (thief.keys / town.code).mkdir()
    for name in ("submitter-1.key", "submitter-1.pub"):
        (taken.keys / name).write_bytes((town.keys / name).read_bytes())
    path = taken.send(ROWS, tmp_path)
    identity = pyrage.x25519.Identity.from_str((thief.keys / "load" / "load-1.key").read_text().strip())
    ours = recipients(centre.keys)

    def forward(entries: dict[str, bytes]) -> None:
        plain = pyrage.decrypt(entries[SEALED_RECORDS], [identity])
        entries[SEALED_RECORDS] = pyrage.encrypt(plain, [pyrage.x25519.Recipient.from_str(ours["load"].text)])
        entries[HEADER] = canonical_json({"format": 1, "recipients": {k: r.fingerprint for k, r in ours.items()}})

    assert reason(centre, town, outer(path, forward)) == "other_recipient"


def test_members_swapped_with_the_header_kept(centre: Centre, town: Town, parcel: Path) -> None:
    def swap(entries: dict[str, bytes]) -> None:
        entries[SEALED_RECORDS], entries[SEALED_TOKENS] = entries[SEALED_TOKENS], entries[SEALED_RECORDS]

    assert reason(centre, town, outer(parcel, swap)) == "other_recipient"


def test_a_body_changed_under_the_old_signature(centre: Centre, town: Town, parcel: Path) -> None:
    def change(members: dict[str, bytes]) -> None:
        members["birth.parquet"] = members["delivery.parquet"]

    assert reason(centre, town, inner(centre, parcel, change)) == "altered"


def test_a_manifest_changed_under_the_old_signature(centre: Centre, town: Town, parcel: Path) -> None:
    def change(members: dict[str, bytes]) -> None:
        members[MANIFEST] = canonical_json(json.loads(members[MANIFEST]) | {"sequence": 99})

    assert reason(centre, town, inner(centre, parcel, change)) == "bad_signature"


def test_signed_again_by_somebody_else(centre: Centre, town: Town, parcel: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    def sign_again(members: dict[str, bytes]) -> None:
        members[SIGNATURE] = Ed25519PrivateKey.generate().sign(members[MANIFEST])

    assert reason(centre, town, inner(centre, parcel, sign_again)) == "bad_signature"


def test_two_manifests(centre: Centre, town: Town, parcel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    identity = pyrage.x25519.Identity.from_str((centre.keys / "load" / "load-1.key").read_text().strip())

    def double(entries: dict[str, bytes]) -> None:
        buffer = io.BytesIO(pyrage.decrypt(entries[SEALED_RECORDS], [identity]))
        with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(buffer, "a") as archive:
            archive.writestr(MANIFEST, b"{}")
        entries[SEALED_RECORDS] = pyrage.encrypt(buffer.getvalue(), [identity.to_public()])

    assert reason(centre, town, outer(parcel, double)) == "unlisted_entry"


@pytest.mark.parametrize("name", ["residency_spell.parquet", "../evil", "notes.txt"])
def test_an_entry_that_no_manifest_lists(centre: Centre, town: Town, parcel: Path, name: str) -> None:
    assert reason(centre, town, inner(centre, parcel, lambda members: members.update({name: b"x"}))) == "unlisted_entry"


def test_an_entry_beside_the_members(centre: Centre, town: Town, parcel: Path) -> None:
    assert reason(centre, town, outer(parcel, lambda entries: entries.update({"more": b"x"}))) == "unlisted_entry"


def test_a_compressed_entry_is_never_unpacked(centre: Centre, town: Town, parcel: Path) -> None:
    """A small sealed member could hold a large one: nothing in a parcel is compressed but its own tables."""
    with zipfile.ZipFile(parcel) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(parcel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content if name == HEADER else bytes(10_000_000))
    assert reason(centre, town, parcel) == "unlisted_entry"


def test_larger_than_memory_allows(centre: Centre, town: Town, parcel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.warehouse.open_parcel.LARGEST_SEALED_BYTES", 1 << 19)
    assert reason(centre, town, parcel) == "too_large"


def test_decryption_stops_at_the_limit(
    centre: Centre, town: Town, parcel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the outer sizes lie, the memory that takes the plain bytes is bounded all the same."""
    monkeypatch.setattr("pipelines.warehouse.open_parcel._sizes", lambda archive: dict.fromkeys(archive.namelist(), 1))
    monkeypatch.setattr("pipelines.warehouse.open_parcel.LARGEST_SEALED_BYTES", 1 << 19)
    assert reason(centre, town, parcel) == "too_large"


def test_an_unknown_submitter(centre: Centre, town: Town, parcel: Path) -> None:
    identity = (centre.keys / "load" / "load-1.key").read_text()
    with pytest.raises(Refused, match="unknown_submitter"):
        open_records(parcel, Identity(identity), {"other": town.signing_key})


LIES: list[tuple[dict[str, Any], str]] = [
    ({"key_version": 2}, "unknown_key_version"),
    ({"canon_version": 2}, "unknown_canon_version"),
    ({"municipalities": [SUZU, ANAMIZU]}, "out_of_scope_municipality"),
    ({"municipalities": [ANAMIZU]}, "out_of_scope_municipality"),
    ({"municipalities": []}, "out_of_scope_municipality"),
    ({"span": [2021, 2024]}, "out_of_scope_period"),
    ({"span": [2024, 2022]}, "altered"),
    ({"record_versions": {"delivery": 1, "birth": 7}}, "unknown_record"),
    ({"sequence": 0}, "altered"),
]


def test_what_the_manifest_may_not_say(tmp_path: Path) -> None:
    centre = new_centre(tmp_path)
    town = centre.town(SUZU)
    init(centre.folder, centre.warehouse_keys, centre.registry(town))
    expected = {town.send(ROWS, tmp_path / "parcels", **facts).stem: reason for facts, reason in LIES}
    outcomes = load_parcels(tmp_path / "parcels", centre.folder, centre.load_keys).outcomes
    assert {o.parcel: o.reason for o in outcomes} == expected
    assert state(centre) == {}


def test_rows_of_a_foreign_municipality_under_an_honest_manifest(tmp_path: Path) -> None:
    centre = new_centre(tmp_path)
    town = centre.town(SUZU)
    init(centre.folder, centre.warehouse_keys, centre.registry(town))
    town.send([delivery("m1/1", residence_municipality_code=ANAMIZU)], centre.root / "parcels")
    [outcome] = load_parcels(centre.root / "parcels", centre.folder, centre.load_keys).outcomes
    assert outcome.reason == "out_of_scope_municipality"
    assert state(centre) == {}


def test_replays_after_a_correction_and_after_a_restore(tmp_path: Path) -> None:
    centre = new_centre(tmp_path)
    town = centre.town(SUZU)
    init(centre.folder, centre.warehouse_keys, centre.registry(town))
    first = town.send([birth("c1", "m1/1", birth_weight_g_class=2000)], tmp_path / "first")
    second = town.send([birth("c1", "m1/1", is_cancelled=True, tokens={})], tmp_path / "second")
    third = town.send([birth("c2", "m1/1")], tmp_path / "third")

    assert reasons(centre, third.parent) == [None]  # the first that a warehouse sees begins the chain
    assert reasons(centre, first.parent) == ["stale_sequence"]

    fresh = Centre(tmp_path)
    fresh.folder.rename(tmp_path / "other")
    init(fresh.folder, fresh.warehouse_keys, tmp_path / "registry.csv")
    assert reasons(fresh, first.parent) == [None]
    assert reasons(fresh, third.parent) == ["broken_chain"]  # the cancellation in between must not be passed over
    backup(fresh.folder, tmp_path / "copy-before", fresh.warehouse_keys)
    assert reasons(fresh, second.parent) == [None]
    assert reasons(fresh, third.parent) == [None]
    after = state(fresh)
    assert reasons(fresh, first.parent) == ["replay"]
    assert reasons(fresh, second.parent) == ["replay"]
    assert state(fresh) == after

    backup(fresh.folder, tmp_path / "copy", fresh.warehouse_keys)
    fresh.folder.rename(tmp_path / "lost")
    restore(tmp_path / "copy", fresh.folder, fresh.warehouse_keys)
    assert state(fresh) == after
    assert reasons(fresh, first.parent) == ["replay"]
    assert state(fresh) == after

    fresh.folder.rename(tmp_path / "lost-again")
    restore(tmp_path / "copy-before", fresh.folder, fresh.warehouse_keys)
    assert reasons(fresh, first.parent) == ["replay"]
    assert reasons(fresh, second.parent) == [None]
    assert reasons(fresh, third.parent) == [None]
    assert state(fresh) == after


def test_a_signing_key_changes_by_its_line_in_the_registry(tmp_path: Path) -> None:
    """The chain goes on under the new key; what the old one signs from then on is refused."""
    centre = new_centre(tmp_path)
    town = centre.town(SUZU)
    init(centre.folder, centre.warehouse_keys, centre.registry(town))
    assert reasons(centre, town.send(ROWS, tmp_path / "1").parent) == [None]
    public = [centre.keys / kind / f"{kind}-1.pub" for kind in ("linkage", "load")]
    create("submitter", town.keys, version=2, recipients=public)
    renewed = replace(town, signing=2)
    early = replace(renewed).send([birth("c2", "m2/1")], tmp_path / "early")
    assert reasons(centre, early.parent) == ["bad_signature"]
    init(centre.folder, centre.warehouse_keys, centre.registry(renewed))
    assert reasons(centre, replace(town).send([birth("c2", "m2/1")], tmp_path / "old").parent) == ["bad_signature"]
    assert reasons(centre, early.parent) == [None]
    assert find(["submitter"], [town.keys]).recipients().keys() == {"linkage", "load"}


def reasons(centre: Centre, parcels: Path) -> list[str | None]:
    return [o.reason for o in load_parcels(parcels, centre.folder, centre.load_keys).outcomes]


def state(centre: Centre) -> dict[str, list[tuple[object, ...]]]:
    """Everything landed and counted; empty where there is nothing."""
    tables = ("landing.birth", "landing.delivery", "landing.token", "state.parcel", "state.tombstone", "core.birth")
    with opened(centre.folder, warehouse_key(centre.warehouse_keys)) as connection:
        there = connection.execute("SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'core'").fetchone()
        found = {
            t: connection.execute(f"SELECT * FROM {t} ORDER BY ALL").fetchall()
            for t in tables[: 6 if there != (0,) else 5]
        }
    return {t: rows for t, rows in found.items() if rows}


def test_every_refusal_has_its_sentence_in_both_languages() -> None:
    assert all(ja.endswith("。") and en.endswith(".") for ja, en in REASONS.values())


def test_the_sealed_tables_are_what_was_sent(centre: Centre, town: Town, parcel: Path) -> None:
    """The helper of these tests seals as the edge does; a parcel that could not be opened would prove nothing."""
    identity = (centre.keys / "load" / "load-1.key").read_text()
    member = open_records(parcel, Identity(identity), {town.code: town.signing_key})
    assert pl.read_parquet(io.BytesIO(member.tables["birth"]))["birth_weight_g_class"].to_list() == [2900]
