"""Promise: with any one key and all that is stored, nobody recomputes a token from a guessed identity (privacy, hole 1).

The attacker holds the edge key, which stands in every town hall, and everything the centre stores.
"""

import io
import shutil
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import duckdb
import polars as pl
import pytest

from pipelines.keys import KeyProblem
from pipelines.records.parcel import TOKENS_TABLE
from pipelines.warehouse import linkage_client
from pipelines.warehouse.database import attached, opened
from pipelines.warehouse.init import init
from pipelines.warehouse.keyring import apart, linkage_keys, load_keys, warehouse_key
from pipelines.warehouse.linkage_process import read_tokens, second_pseudonyms, serve
from pipelines.warehouse.load import load_parcels
from pipelines.warehouse.open_parcel import Identity, open_records, open_tokens
from pipelines.warehouse.refusal import Refused
from tests.warehouse.parcels import SUZU, Centre, Town, first_token, new_centre
from tests.warehouse.shelf import birth, delivery

CHILDREN = 200
RULES = ("name", "given_phone")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Centre, Town, Path]:
    """A warehouse with one parcel of 200 children whose identities the attacker guesses."""
    centre = new_centre(tmp_path_factory.mktemp("centre"))
    town = centre.town(SUZU)
    init(centre.folder, centre.warehouse_keys, centre.registry(town))
    rows = [birth(f"c{i}", f"m{i}/1", tokens=dict.fromkeys(RULES, f"c{i}")) for i in range(CHILDREN)]
    parcel = town.send([*rows, delivery("m1/1")], centre.root / "parcels")
    load_parcels(centre.root / "parcels", centre.folder, centre.load_keys)
    return centre, town, parcel


def guesses() -> list[bytes]:
    return [first_token(rule, f"c{i}") for rule in RULES for i in range(CHILDREN)]


def hits(content: bytes) -> int:
    """First tokens found in any form in which a store could hold them."""
    return sum(any(form in content for form in forms(t)) for t in guesses())


def forms(token: bytes) -> list[bytes]:
    """Bytes, hex in both cases, UUID as text, and UUID as DuckDB stores it: a signed number, its lowest byte first."""
    as_number = bytes([token[0] ^ 0x80, *token[1:]])[::-1]
    return [token, token.hex().encode(), token.hex().upper().encode(), str(UUID(bytes=token)).encode(), as_number]


def test_the_form_in_which_duckdb_stores_a_key_is_searched_for(tmp_path: Path) -> None:
    tokens = [token.hex() for token in guesses()]
    with duckdb.connect(str(tmp_path / "open.duckdb")) as connection:
        connection.execute("CREATE TABLE t AS SELECT CAST(unnest(?) AS UUID) AS k", [tokens])
    assert hits((tmp_path / "open.duckdb").read_bytes()) == len(tokens)


def test_the_guesses_are_right(loaded: tuple[Centre, Town, Path]) -> None:
    """Edge key and linkage identity together do break the pseudonyms: they are what is never in one place."""
    centre, town, parcel = loaded
    identity = linkage_keys([centre.keys / "linkage", centre.keys / "centre"]).text("linkage")
    member = open_tokens(parcel, Identity(identity), {SUZU: town.signing_key})
    assert set(guesses()) <= set(read_tokens(member)["token"])


def test_no_first_token_is_in_anything_stored(loaded: tuple[Centre, Town, Path]) -> None:
    centre, _, _ = loaded
    with opened(centre.folder, warehouse_key(centre.warehouse_keys)) as connection:
        stored = [f for f in centre.folder.rglob("*") if f.is_file()]
        assert len(stored) >= 3
        assert sum(hits(f.read_bytes()) for f in stored) == 0
        for schema, table in connection.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall():
            plain = io.BytesIO()
            connection.execute(f"SELECT * FROM {schema}.{table}").pl().write_ipc(plain)
            assert hits(plain.getvalue()) == 0, (schema, table)
    assert sum(hits(f.read_bytes()) for f in centre.folder.rglob("*") if f.is_file()) == 0


def test_no_first_token_passes_the_pipe(loaded: tuple[Centre, Town, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """The load process receives second pseudonyms and nothing before them."""
    centre, town, parcel = loaded
    with linkage_client.linkage_process([centre.keys / "linkage", centre.keys / "centre"]) as linkage:
        linkage.ask(parcel, {SUZU: town.signing_key})
        message, frame = linkage_client.receive(linkage._answers)
    if frame is None:
        raise RuntimeError(f"the linkage process refused: {message}")
    assert set(frame.columns) == {"record_key", "rule", "pseudonym"}
    assert frame.height > CHILDREN * len(RULES)
    assert set(frame["pseudonym"]) & set(guesses()) == set()
    plain = io.BytesIO()
    frame.write_ipc(plain)
    assert hits(plain.getvalue()) == 0


def test_the_load_identity_cannot_open_the_tokens(loaded: tuple[Centre, Town, Path]) -> None:
    centre, town, parcel = loaded
    own = load_keys([centre.keys / "load", centre.keys / "warehouse"])
    with pytest.raises(Refused, match="other_recipient"):
        open_tokens(parcel, Identity(own.text("load")), {SUZU: town.signing_key})


def test_the_linkage_identity_cannot_open_the_records(loaded: tuple[Centre, Town, Path]) -> None:
    centre, town, parcel = loaded
    own = linkage_keys([centre.keys / "linkage", centre.keys / "centre"])
    with pytest.raises(Refused, match="other_recipient"):
        open_records(parcel, Identity(own.text("linkage")), {SUZU: town.signing_key})


def test_the_records_member_holds_no_token(loaded: tuple[Centre, Town, Path]) -> None:
    centre, town, parcel = loaded
    own = load_keys([centre.keys / "load", centre.keys / "warehouse"])
    member = open_records(parcel, Identity(own.text("load")), {SUZU: town.signing_key})
    assert TOKENS_TABLE not in member.tables
    assert sum(hits(content) for content in member.tables.values()) == 0


def test_another_centre_key_gives_other_pseudonyms() -> None:
    tokens = pl.DataFrame({"record_key": [b"k" * 16], "rule": ["name"], "token": [b"t" * 16]})
    first, other = (second_pseudonyms(tokens, key)["pseudonym"].item() for key in ("one", "two"))
    assert first != other and len(first) == 16


def test_each_process_reads_its_own_keys_alone(
    loaded: tuple[Centre, Town, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The load process reads no byte of the other two keys: their files could be another user's."""
    centre, _, _ = loaded
    read: list[str] = []

    def watched(path: Path) -> str:
        read.append(path.name)
        return path.read_text().strip()

    monkeypatch.setattr("pipelines.keys._read_private", watched)
    load_parcels(centre.root / "parcels", centre.folder, centre.load_keys)
    assert sorted(read) == ["load-1.key", "warehouse-1.key"]


def test_the_linkage_process_is_given_no_other_directory(loaded: tuple[Centre, Town, Path]) -> None:
    centre, _, _ = loaded
    for_load, for_linkage = apart(centre.load_keys)
    assert {d.name for d in for_load} == {"load", "warehouse"}
    assert {d.name for d in for_linkage} == {"linkage", "centre"}
    with pytest.raises(KeyProblem):
        linkage_keys(for_load)
    with pytest.raises(KeyProblem):
        load_keys(centre.load_keys)


def test_no_argument_and_no_variable_of_the_linkage_process_is_a_key(
    loaded: tuple[Centre, Town, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    centre, _, _ = loaded
    texts = [k.read_text().strip() for k in centre.keys.rglob("*.key")]
    seen: list[str] = []
    start = subprocess.Popen

    def watched(arguments: list[str], **options: object) -> "subprocess.Popen[bytes]":
        seen.extend([*arguments, *map(str, dict(options["env"]).values())])  # type: ignore[call-overload]
        return start(arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(linkage_client.subprocess, "Popen", watched)
    load_parcels(centre.root / "parcels", centre.folder, centre.load_keys)
    assert seen and not [t for t in texts if any(t in s for s in seen)]


def test_the_release_opens_the_warehouse_with_its_key_alone(loaded: tuple[Centre, Town, Path], tmp_path: Path) -> None:
    centre, _, _ = loaded
    with opened(centre.folder, warehouse_key(centre.warehouse_keys)) as connection:
        assert connection.execute("SELECT count(*) FROM core.birth").fetchone() == (CHILDREN,)
    with pytest.raises(KeyProblem):
        warehouse_key(centre.load_keys)


def test_the_warehouse_is_closed_to_every_other_key(loaded: tuple[Centre, Town, Path], tmp_path: Path) -> None:
    centre, _, _ = loaded
    copy = tmp_path / "w"
    shutil.copytree(centre.folder, copy)
    for kind in ("load", "linkage", "centre"):
        with pytest.raises(Exception, match="key"):
            attached(copy, (centre.keys / kind / f"{kind}-1.key").read_text().strip())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows writes no core files")
def test_neither_process_leaves_a_core(loaded: tuple[Centre, Town, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Both forbid core dumps of themselves before they read a key."""
    import resource

    centre, _, _ = loaded
    told: list[object] = []

    def watched(path: Path) -> str:
        told.append(path.name)
        return path.read_text().strip()

    monkeypatch.setattr(resource, "setrlimit", lambda what, limits: told.append((what, limits)))
    monkeypatch.setattr("pipelines.keys._read_private", watched)
    forbidden = (resource.RLIMIT_CORE, (0, 0))

    serve([centre.keys / "linkage", centre.keys / "centre"], io.BytesIO(), io.BytesIO())
    assert told == [forbidden, "linkage-1.key", "centre-1.key"]
    told.clear()
    load_parcels(centre.root / "parcels", centre.folder, centre.load_keys)
    assert told == [forbidden, "load-1.key", "warehouse-1.key"]
