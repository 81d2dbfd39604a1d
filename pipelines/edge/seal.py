"""The sealed parcel: two members for two recipients, one signed manifest in both, padded, sorted, of a random name.

Everything is made in memory: nothing in plain text is written to a disk (privacy, hole 25).
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl
import pyrage
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pipelines.keys import Recipient
from pipelines.records.parcel import (
    FORMAT_VERSION,
    HEADER,
    MANIFEST,
    PADDING,
    SEALED_RECORDS,
    SEALED_TOKENS,
    SIGNATURE,
    SMALLEST_SEALED_BYTES,
)

FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # a member carries no time of its making
LOCAL_HEADER, CENTRAL_HEADER, ZIP_END = 30, 46, 22  # bytes beside the names and contents of a ZIP (APPNOTE 4.3)


Compression = Literal["zstd", "uncompressed"]


@dataclass(frozen=True)
class Sealed:
    """content: pieces of the `.parcel` file. manifest_hash: SHA-256 of the manifest, hex; the next one names it."""

    content: list[bytes]
    manifest_hash: str


def seal(
    records: Mapping[str, pl.DataFrame],
    tokens: Mapping[str, pl.DataFrame],
    facts: Mapping[str, Any],
    recipients: Mapping[str, Recipient],
    signing_key: str,
) -> Sealed:
    """A parcel out of sorted tables.

    facts: the manifest without `format`, `recipients` and `tables`. signing_key: Ed25519 private key, 64 hex digits.
    """
    members = {"load": _parquets(records, "zstd"), "linkage": _parquets(tokens, "uncompressed")}
    fingerprints = {kind: recipients[kind].fingerprint for kind in sorted(members)}
    tables = {
        n: _described(t, members[k][n]) for k, part in (("load", records), ("linkage", tokens)) for n, t in part.items()
    }
    manifest = canonical_json({"format": FORMAT_VERSION, **facts, "recipients": fingerprints, "tables": tables})
    signature = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(signing_key)).sign(manifest)
    head = {MANIFEST: manifest, SIGNATURE: signature}
    sealed = {k: _encrypted(padded_zip(head | _named(m)), recipients[k]) for k, m in members.items()}
    header = canonical_json({"format": FORMAT_VERSION, "recipients": fingerprints})
    outer = {HEADER: header, SEALED_RECORDS: sealed["load"], SEALED_TOKENS: sealed["linkage"]}
    return Sealed(_zipped(outer).pieces, hashlib.sha256(manifest).hexdigest())


def canonical_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


class Pieces:
    """A file in memory that holds each piece written to it as it is: a table of a large town is not copied on its way."""

    def __init__(self) -> None:
        self._written: dict[int, bytes] = {}
        self._at = 0

    @property
    def pieces(self) -> list[bytes]:
        return [piece for _, piece in sorted(self._written.items())]

    def tell(self) -> int:
        return self._at

    def seek(self, at: int) -> None:
        """To the end, or to where a piece begins, whose place another of its length then takes (a header of a ZIP)."""
        self._at = at

    def write(self, piece: bytes) -> int:
        self._written[self._at] = piece
        self._at += len(piece)
        return len(piece)

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Nothing is open."""


class _Reading:
    """The pieces as one file to read from."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._files = [io.BytesIO(piece) for piece in reversed(pieces)]

    def read(self, size: int) -> bytes:
        while self._files:
            if some := self._files[-1].read(size):
                return some
            self._files.pop()
        return b""


def padded_zip(members: Mapping[str, bytes]) -> list[bytes]:
    """Pieces of a stored zip whose length is a power of two, at least SMALLEST_SEALED_BYTES."""
    named = {**members, PADDING: b""}
    bare = ZIP_END + sum(LOCAL_HEADER + CENTRAL_HEADER + 2 * len(n) + len(c) for n, c in named.items())
    length = max(SMALLEST_SEALED_BYTES, 1 << (bare - 1).bit_length())
    content = _zipped({**members, PADDING: bytes(length - bare)})
    if content.tell() != length:
        raise RuntimeError("the padding of a sealed member does not reach its length")
    return content.pieces


def _parquets(tables: Mapping[str, pl.DataFrame], compression: Compression) -> dict[str, bytes]:
    return {name: _parquet(table, compression) for name, table in tables.items()}


def _parquet(table: pl.DataFrame, compression: Compression) -> bytes:
    """Parquet without statistics and without metadata of the source. Tokens are random: compressing finds nothing."""
    file = io.BytesIO()
    level = 1 if compression == "zstd" else None
    table.write_parquet(file, statistics=False, compression=compression, compression_level=level)
    return file.getvalue()


def _described(table: pl.DataFrame, content: bytes) -> dict[str, Any]:
    return {"rows": len(table), "columns": table.columns, "sha256": hashlib.sha256(content).hexdigest()}


def _named(parquets: Mapping[str, bytes]) -> dict[str, bytes]:
    return {f"{name}.parquet": content for name, content in parquets.items()}


def _zipped(members: Mapping[str, bytes]) -> Pieces:
    file = Pieces()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, FIXED_TIME), content)
    return file


def _encrypted(content: list[bytes], recipient: Recipient) -> bytes:
    sealed = io.BytesIO()
    pyrage.encrypt_io(_Reading(content), sealed, [pyrage.x25519.Recipient.from_str(recipient.text)])
    return sealed.getvalue()
