"""Opens a sealed parcel: nothing in it is used before seal, signature and hashes verify.

Decrypted by streaming into memory with a limit; entry names and sizes are checked before anything is unpacked.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyrage
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pipelines.keys import Recipient
from pipelines.records.parcel import (
    FORMAT_VERSION,
    HEADER,
    MANIFEST,
    PADDING,
    SEALED_RECORDS,
    SEALED_TOKENS,
    SIGNATURE,
    TOKENS_TABLE,
)  # fmt: skip
from pipelines.warehouse.manifest import Manifest, read_manifest
from pipelines.warehouse.refusal import Refused

LARGEST_SEALED_BYTES = 1 << 30  # a year of a city of millions is some 50 MiB
LARGEST_HEADER_BYTES = 1 << 16
LARGEST_MANIFEST_BYTES = 1 << 20
SIGNATURE_BYTES = 64
OUTER = {HEADER, SEALED_RECORDS, SEALED_TOKENS}


@dataclass(frozen=True)
class Opened:
    """One verified member of a parcel: its manifest and the bytes of its tables."""

    manifest: Manifest
    tables: Mapping[str, bytes]


class Identity:
    """The age identity that opens what is sealed to its recipient, and the fingerprint under which parcels name that one."""

    def __init__(self, text: str) -> None:
        self.opens = pyrage.x25519.Identity.from_str(text.strip())
        self.fingerprint = Recipient(str(self.opens.to_public())).fingerprint


def open_records(path: Path, identity: Identity, signing_keys: Mapping[str, str]) -> Opened:
    """The records member, verified against the signing keys of the registry. Raises Refused."""
    return _open(path, "load", SEALED_RECORDS, identity, signing_keys)


def open_tokens(path: Path, identity: Identity, signing_keys: Mapping[str, str]) -> Opened:
    """The tokens member, verified likewise. Raises Refused."""
    return _open(path, "linkage", SEALED_TOKENS, identity, signing_keys)


def _open(path: Path, role: str, member: str, identity: Identity, signing_keys: Mapping[str, str]) -> Opened:
    sealed_to, plain = _unsealed(path, role, member, identity)
    entries = _entries(plain)
    manifest = _verified(entries, signing_keys)
    if manifest.recipients != sealed_to:
        raise Refused("other_recipient")
    return Opened(manifest, _tables(entries, manifest, role))


def _unsealed(path: Path, role: str, member: str, identity: Identity) -> tuple[dict[str, str], io.BytesIO]:
    """Named recipients, and the decrypted inner zip; age has verified every byte of it when this returns."""
    try:
        with zipfile.ZipFile(path) as outer:
            sizes = _sizes(outer)
            if set(sizes) != OUTER:
                raise Refused("unlisted_entry")
            if sizes[HEADER] > LARGEST_HEADER_BYTES or sizes[member] > LARGEST_SEALED_BYTES:
                raise Refused("too_large")
            recipients = _recipients(outer.read(HEADER))
            if recipients.get(role) != identity.fingerprint:
                raise Refused("other_recipient")
            return recipients, _decrypted(outer, member, identity)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError, RuntimeError):
        raise Refused(_why_no_zip(path)) from None


def _why_no_zip(path: Path) -> str:
    """A zip begins with `PK` and ends with its directory: the one without the other was cut short."""
    with path.open("rb") as file:
        starts = file.read(2) == b"PK"
    return ("altered" if zipfile.is_zipfile(path) else "truncated") if starts else "not_a_parcel"


def _sizes(archive: zipfile.ZipFile) -> dict[str, int]:
    """Entry -> bytes; refuses doubled, compressed and encrypted entries."""
    sizes: dict[str, int] = {}
    for entry in archive.infolist():
        stored = entry.compress_type == zipfile.ZIP_STORED and entry.compress_size == entry.file_size
        if entry.filename in sizes or not stored or entry.flag_bits & 1:
            raise Refused("unlisted_entry")
        sizes[entry.filename] = entry.file_size
    return sizes


def _recipients(header: bytes) -> dict[str, str]:
    content = parsed(header)
    if content.get("format") != FORMAT_VERSION:
        raise Refused("unknown_format")
    recipients = content.get("recipients")
    if not isinstance(recipients, dict) or set(content) != {"format", "recipients"}:
        raise Refused("not_a_parcel")
    return recipients


class _Bounded(io.BytesIO):
    """Memory that takes so many bytes and no more."""

    def write(self, data: Any, /) -> int:
        if self.tell() + len(data) > LARGEST_SEALED_BYTES:
            raise Refused("too_large")
        return super().write(data)


def _decrypted(outer: zipfile.ZipFile, member: str, identity: Identity) -> io.BytesIO:
    plain = _Bounded()
    try:
        with outer.open(member) as sealed:
            pyrage.decrypt_io(sealed, plain, [identity.opens])
    except pyrage.DecryptError as error:
        raise Refused("other_recipient" if "matching keys" in str(error) else "altered") from None
    except OSError:
        raise Refused("altered") from None
    return plain


def _entries(plain: io.BytesIO) -> dict[str, bytes]:
    """Entries of the inner zip, none of them compressed: together they are no longer than what was decrypted."""
    try:
        with zipfile.ZipFile(plain) as inner:
            sizes = _sizes(inner)
            if sizes.get(MANIFEST, 0) > LARGEST_MANIFEST_BYTES or sizes.get(SIGNATURE, 0) != SIGNATURE_BYTES:
                raise Refused("altered")
            if sum(sizes.values()) > plain.getbuffer().nbytes:
                raise Refused("too_large")
            return {name: inner.read(name) for name in sizes if name != PADDING}
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError):
        raise Refused("altered") from None


def _verified(entries: Mapping[str, bytes], signing_keys: Mapping[str, str]) -> Manifest:
    """The manifest, signed by the key that the registry holds for the submitter it names."""
    if MANIFEST not in entries:
        raise Refused("altered")
    signing_key = signing_keys.get(str(parsed(entries[MANIFEST]).get("submitter")))
    if signing_key is None:
        raise Refused("unknown_submitter")
    try:
        public_key(signing_key).verify(entries[SIGNATURE], entries[MANIFEST])
    except InvalidSignature:
        raise Refused("bad_signature") from None
    return read_manifest(entries[MANIFEST])


def _tables(entries: Mapping[str, bytes], manifest: Manifest, role: str) -> dict[str, bytes]:
    """Tables of this member: exactly those that the signed manifest lists, each with the hash it lists."""
    listed = [name for name in manifest.tables if (name == TOKENS_TABLE) == (role == "linkage")]
    found = {name: content for name, content in entries.items() if name not in (MANIFEST, SIGNATURE)}
    if set(found) != {f"{name}.parquet" for name in listed}:
        raise Refused("unlisted_entry")
    tables = {name: found[f"{name}.parquet"] for name in listed}
    if any(hashlib.sha256(tables[name]).hexdigest() != manifest.tables[name].sha256 for name in listed):
        raise Refused("altered")
    return tables


def public_key(text: str) -> Ed25519PublicKey:
    """An Ed25519 public key as the registry writes it. A registry line that is none verifies nothing."""
    try:
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(text.strip()))
    except ValueError:
        raise Refused("bad_signature") from None


def parsed(content: bytes) -> dict[str, Any]:
    """A JSON object; whatever else it is, the parcel was altered."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        raise Refused("altered") from None
    if not isinstance(value, dict):
        raise Refused("altered")
    return value
