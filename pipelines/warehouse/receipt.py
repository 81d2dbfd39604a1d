"""Receipts: what a submitter is told. They depend on the parcel, the registry and the versions in use alone (privacy, hole 4).

No digest (hole 14), no time, and nothing about who was known: the same parcel has the same bytes everywhere.
"""

import json
import os
import re
from pathlib import Path

import duckdb

from pipelines.warehouse.database import RECEIPTS
from pipelines.warehouse.manifest import Manifest
from pipelines.warehouse.refusal import Refused

SAFE_NAME = re.compile(r"[0-9A-Za-z_-]{1,64}")


def accepted_receipt(parcel: str, manifest: Manifest) -> bytes:
    """What was taken: submitter, sequence number, span, municipalities, rows by record."""
    return _as_json({
        "format": 1, "parcel": parcel, "status": "accepted", "submitter": manifest.submitter,
        "sequence": manifest.sequence, "span": list(manifest.span), "municipalities": sorted(manifest.municipalities),
        "rows": {name: table.rows for name, table in sorted(manifest.records.items())},
    })  # fmt: skip


def refused_receipt(parcel: str, refused: Refused) -> bytes:
    return _as_json({
        "format": 1, "parcel": parcel, "status": "refused", "reason": refused.reason,
        "sentence_ja": refused.sentence_ja, "sentence_en": refused.sentence_en,
    })  # fmt: skip


def parcel_name(path: Path) -> str:
    """The random name that the edge gave the file; any other text does not enter a receipt."""
    return path.stem if SAFE_NAME.fullmatch(path.stem) else "unnamed"


def write_refused(folder: Path, parcel: str, receipt: bytes) -> None:
    """Beside the accepted one: a replay does not take the receipt of its parcel away."""
    _write(folder / RECEIPTS / f"{parcel}.refused.json", receipt)


def write_accepted(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Every receipt of the warehouse as a file; those lost between a commit and its file appear now."""
    for name, receipt in connection.execute("SELECT file_name, receipt FROM state.parcel").fetchall():
        path = folder / RECEIPTS / f"{name}.json"
        if not path.exists():
            _write(path, receipt)


def _write(path: Path, content: bytes) -> None:
    draft = path.with_suffix(".part")
    with draft.open("wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _as_json(content: dict[str, object]) -> bytes:
    return json.dumps(content, ensure_ascii=False, sort_keys=True, indent=1).encode() + b"\n"
