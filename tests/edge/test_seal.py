"""The sealed parcel: two members, one manifest, a signature that covers it, padding, nothing of the source."""

import hashlib
import io
import json
import zipfile
from pathlib import Path

import pyrage
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pipelines.edge.seal import padded_zip
from pipelines.records.parcel import MANIFEST, SIGNATURE
from tests.edge.made_feeds import STRANGER, Town, row
from tests.edge.opened_parcel import opened, unsealed

FACTS = {
    "format", "submitter", "municipalities", "span", "sequence", "previous", "key_version", "canon_version",
    "key_generation", "record_versions", "recipients", "tables", "refusals", "excluded", "windowed",
}  # fmt: skip


def test_a_parcel_holds_two_members_and_the_same_signed_manifest(town: Town, centre: Path) -> None:
    town.whole_family()
    parcel = town.send().parcel
    with zipfile.ZipFile(parcel) as outer:
        assert outer.namelist() == ["header.json", "records.zip.age", "tokens.zip.age"]
        header = json.loads(outer.read("header.json"))
    inside = opened(parcel, centre)
    records, tokens = inside.members.values()
    assert records[MANIFEST] == tokens[MANIFEST]
    assert header == {"format": 1, "recipients": inside.manifest["recipients"]}
    public = Ed25519PublicKey.from_public_bytes(
        bytes.fromhex((town.home / "submitter" / "submitter-1.pub").read_text().strip())
    )
    for member in (records, tokens):
        public.verify(member[SIGNATURE], member[MANIFEST])
    assert set(inside.manifest) == FACTS
    files = records | tokens
    for name, told in inside.manifest["tables"].items():
        table = inside.tables[name]
        assert (told["rows"], told["columns"]) == (len(table), table.columns)
        assert told["sha256"] == hashlib.sha256(files[f"{name}.parquet"]).hexdigest()


def test_each_member_opens_with_its_own_identity_alone(town: Town, centre: Path) -> None:
    town.whole_family()
    with zipfile.ZipFile(town.send().parcel) as outer:
        for name, other in (("records.zip.age", "linkage"), ("tokens.zip.age", "load")):
            with pytest.raises(pyrage.DecryptError):
                unsealed(outer.read(name), centre / other / f"{other}-1.key")


def test_the_chain_names_the_manifest_before(town: Town, centre: Path) -> None:
    town.feeds.put("birth", row("birth"))
    first, second = (opened(town.send().parcel, centre) for _ in range(2))
    assert (first.manifest["sequence"], first.manifest["previous"], second.manifest["sequence"]) == (1, "", 2)
    assert second.manifest["previous"] == hashlib.sha256(first.members["records.zip.age"][MANIFEST]).hexdigest()


@pytest.mark.parametrize("size", [0, 1, 1000, (1 << 20) - 400, 1 << 20, (1 << 20) + 1, 3 << 20])
def test_a_member_is_padded_to_a_power_of_two_and_can_be_read(size: int) -> None:
    content = b"".join(padded_zip({"a": bytes(size)}))
    assert len(content) >= 1 << 20
    assert len(content).bit_count() == 1
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.read("a") == bytes(size)
        assert archive.testzip() is None


def test_small_numbers_of_people_are_left_out_of_the_manifest(town: Town, centre: Path) -> None:
    rows = [row("child_checkup", person_local=str(i), is_not_disclosed="1") for i in range(12)]
    stranger = row("child_checkup", **STRANGER)
    for flagged, told in ((rows[:9], None), (rows, 12), ([], 0)):
        town.feeds.put("child_checkup", stranger, *flagged)
        assert opened(town.send().parcel, centre).manifest.get("excluded") == told
