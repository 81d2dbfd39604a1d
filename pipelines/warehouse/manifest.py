"""The manifest of a parcel: what the submitter signed for (design, chapter 6)."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from pipelines.records import RECORDS
from pipelines.records.linkage import LinkageVersion
from pipelines.records.parcel import FORMAT_VERSION, LAG_TABLE, OUTREACH_TABLE, RECORD_VERSION_SPAN, TOKENS_TABLE
from pipelines.warehouse.refusal import Refused

LAST_YEAR = 9999
MOST_ROWS = 50_000_000  # of one table; a nation's year of one record is 10 million
KEYS: dict[str, type] = {
    "format": int, "submitter": str, "municipalities": list, "span": list, "sequence": int, "previous": str,
    "key_version": int, "canon_version": int, "key_generation": int, "record_versions": dict, "recipients": dict,
    "tables": dict, "refusals": dict,
}  # fmt: skip
OPTIONAL: dict[str, type] = {  # the first two absent where 1..9; the last there in a bridging period alone
    "excluded": int, "windowed": int, "synthetic_seed": int, "bridge_from": dict,
}  # fmt: skip


@dataclass(frozen=True)
class Table:
    rows: int
    columns: tuple[str, ...]
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """Content of `manifest.json`; `digest` is the SHA-256 of its bytes, which the next parcel names as `previous`."""

    submitter: str
    municipalities: tuple[str, ...]
    span: tuple[int, ...]  # first and last fiscal year of the events; empty where there are none
    sequence: int
    previous: str
    key_version: int
    canon_version: int
    record_versions: dict[str, int]
    recipients: dict[str, str]
    tables: dict[str, Table]
    refusals: dict[str, int]
    digest: str
    synthetic_seed: int | None  # of a made-up cohort; None for real people
    key_generation: int  # of the submitter's own key: of its local numbers
    bridge_from: LinkageVersion | None = None  # the version that is left, where rows carry both

    @property
    def version(self) -> LinkageVersion:
        """Of the composite tokens."""
        return LinkageVersion(self.key_version, self.canon_version)

    @property
    def years(self) -> range:
        """Fiscal years of the span."""
        return range(self.span[0], self.span[1] + 1) if self.span else range(0)

    @property
    def records(self) -> dict[str, Table]:
        """Tables of records, without tokens and counts."""
        return {name: table for name, table in self.tables.items() if name in RECORDS}


def read_manifest(content: bytes) -> Manifest:
    """The checked manifest. Raises Refused: unknown_format, unknown_record, altered."""
    raw: dict[str, Any] = json.loads(content)
    if raw.get("format") != FORMAT_VERSION:
        raise Refused("unknown_format")
    _check_form(raw)
    _check_records(raw)
    return Manifest(
        raw["submitter"], tuple(raw["municipalities"]), tuple(raw["span"]), raw["sequence"],
        raw["previous"], raw["key_version"], raw["canon_version"], raw["record_versions"], raw["recipients"],
        {name: Table(t["rows"], _names(t["columns"]), t["sha256"]) for name, t in raw["tables"].items()},
        raw["refusals"], hashlib.sha256(content).hexdigest(), raw.get("synthetic_seed"),
        raw["key_generation"], _bridge_from(raw),
    )  # fmt: skip


def _check_form(raw: dict[str, Any]) -> None:
    wanted = KEYS | {k: t for k, t in OPTIONAL.items() if k in raw}
    typed = set(raw) == set(wanted) and all(isinstance(raw[k], t) for k, t in wanted.items())
    if not (typed and _is_span(raw["span"]) and all(isinstance(m, str) for m in raw["municipalities"])):
        raise Refused("altered")
    tables = raw["tables"].values()
    if raw["sequence"] < 1 or not all(_is_table(t) for t in tables) or not _whole(list(raw["refusals"].values())):
        raise Refused("altered")


def _bridge_from(raw: dict[str, Any]) -> LinkageVersion | None:
    told = raw.get("bridge_from")
    if told is None:
        return None
    if set(told) != {"key_version", "canon_version"} or not _whole(list(told.values())):
        raise Refused("altered")
    former = LinkageVersion(told["key_version"], told["canon_version"])
    if former == (raw["key_version"], raw["canon_version"]):
        raise Refused("altered")
    return former


def _is_span(span: list[Any]) -> bool:
    return not span or (_whole(span, 2) and span[0] <= span[1] <= LAST_YEAR)


def _is_table(table: Any) -> bool:
    return (
        isinstance(table, dict) and set(table) == {"rows", "columns", "sha256"} and _whole([table["rows"]])
        and table["rows"] <= MOST_ROWS and isinstance(table["columns"], (int, list)) and isinstance(table["sha256"], str)
    )  # fmt: skip


def _check_records(raw: dict[str, Any]) -> None:
    """Version N and N-1 of a record are read; a table that is no record is the tokens or one of counts."""
    versions = raw["record_versions"]
    if not {name for name in raw["tables"] if name in RECORDS} <= set(versions):
        raise Refused("altered")
    if (
        not set(raw["tables"]) <= set(RECORDS) | {TOKENS_TABLE, LAG_TABLE, OUTREACH_TABLE}
        or TOKENS_TABLE not in raw["tables"]
    ):
        raise Refused("unknown_record")
    for name, version in versions.items():
        newest = RECORDS[name].version if name in RECORDS else 0
        if not (isinstance(version, int) and max(newest - RECORD_VERSION_SPAN, 0) < version <= newest):
            raise Refused("unknown_record")


def _whole(numbers: list[Any], length: int | None = None) -> bool:
    """Whole numbers from 0 on, so many of them."""
    return (length is None or len(numbers) == length) and all(type(n) is int and n >= 0 for n in numbers)


def _names(columns: int | list[str]) -> tuple[str, ...]:
    return tuple(columns) if isinstance(columns, list) else ()
