"""Opens a parcel as the two recipients together could, for tests only: no process of the project can."""

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pyrage

from pipelines.records.parcel import MANIFEST, SEALED_RECORDS, SEALED_TOKENS


@dataclass(frozen=True)
class Opened:
    """raw: all decrypted bytes. members: sealed member -> name -> content. tables: name -> table."""

    raw: bytes
    members: dict[str, dict[str, bytes]]
    tables: dict[str, pl.DataFrame]
    manifest: dict[str, Any]


def opened(parcel: Path, centre: Path) -> Opened:
    raw: list[bytes] = []
    members = {}
    with zipfile.ZipFile(parcel) as outer:
        for name, kind in ((SEALED_RECORDS, "load"), (SEALED_TOKENS, "linkage")):
            raw.append(unsealed(outer.read(name), centre / kind / f"{kind}-1.key"))
            with zipfile.ZipFile(io.BytesIO(raw[-1])) as inner:
                members[name] = {n: inner.read(n) for n in inner.namelist()}
    files = {n: c for part in members.values() for n, c in part.items() if n.endswith(".parquet")}
    tables = {n.removesuffix(".parquet"): pl.read_parquet(io.BytesIO(c)) for n, c in files.items()}
    return Opened(b"".join(raw), members, tables, json.loads(members[SEALED_RECORDS][MANIFEST]))


def unsealed(sealed: bytes, key: Path) -> bytes:
    return bytes(pyrage.decrypt(sealed, [pyrage.x25519.Identity.from_str(key.read_text().strip())]))
