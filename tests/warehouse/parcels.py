"""Small parcels for tests: rows as a town would have them after the edge, sealed with the edge's own seal."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

import polars as pl

from pipelines.edge.seal import seal
from pipelines.keys import Recipient, create
from pipelines.records import RECORDS
from pipelines.records.parcel import LAG_SCHEMA, LAG_TABLE, TOKEN_SCHEMA, TOKENS_TABLE, record_schema

REGISTRY_HEAD = "submitter,signing_key,municipality,record,from_fy,to_fy,is_authority\n"
EDGE_KEY = "e" * 64
EDGE_KEYS = {1: EDGE_KEY, 2: "f" * 64}  # by version
SUZU, ANAMIZU, WAKASA = "172057", "174611", "313254"  # under 50 births a year: never quarantined
KANAZAWA = "172014"


@dataclass(frozen=True)
class Row:
    """One row: `key` names it at its source, `person` and `pregnancy` are local numbers, tokens are rule -> identity."""

    record: str
    key: str
    person: str
    values: Mapping[str, Any]
    pregnancy: str | None = None
    feed: str = "municipal"
    tokens: Mapping[str, str] = field(default_factory=dict)


def first_token(rule: str, text: str, key: str = EDGE_KEY) -> bytes:
    return hmac.new(key.encode(), f"{rule}|{text}".encode(), hashlib.sha256).digest()[:16]


@dataclass
class Town:
    """A submitter with its keys, sequence and chain.

    edge: version of the edge key that it sends with. bridge_from: the version that it leaves, in a bridging period. signing: version of its signing key.
    """

    code: str
    keys: Path
    municipality: str = ""
    sequence: int = 0
    previous: str = ""
    changes: dict[str, Any] = field(default_factory=dict)
    edge: int = 1
    bridge_from: int | None = None
    signing: int = 1

    def __post_init__(self) -> None:
        self.municipality = self.municipality or self.code

    @property
    def signing_key(self) -> str:
        return (self.keys / f"submitter-{self.signing}.pub").read_text().strip()

    def local(self, rule: str, feed: str, *parts: str) -> bytes:
        domain = "|".join([rule, self.code, "" if feed == "municipal" else feed, *parts])
        return hmac.new(self.code.encode() * 8, domain.encode(), hashlib.sha256).digest()[:16]

    def send(
        self,
        rows: Sequence[Row],
        out: Path,
        span: Sequence[int] = (2022, 2024),
        also: Mapping[str, pl.DataFrame] = MappingProxyType({}),
        **facts: Any,
    ) -> Path:
        """A sealed parcel in `out`; `also`: more tables of counts. `facts` replace what the manifest would say."""
        self.sequence += 1
        records, tokens = self.tables(rows)
        records |= also
        versions = {c: facts[c] for c in ("key_version", "canon_version") if c in facts}
        tokens = tokens.with_columns(pl.lit(v, pl.Int32).alias(c) for c, v in versions.items())
        said = {
            "submitter": self.code, "municipalities": [self.municipality], "span": list(span),
            "sequence": self.sequence, "previous": self.previous, "key_version": self.edge, "canon_version": 1,
            "key_generation": 1, "record_versions": {n: RECORDS[n].version for n in records if n in RECORDS},
            "refusals": {}, "excluded": 0, "windowed": 0,
            **({"bridge_from": {"key_version": self.bridge_from, "canon_version": 1}} if self.bridge_from else {}),
        } | facts  # fmt: skip
        signing = (self.keys / f"submitter-{self.signing}.key").read_text().split()[0]
        sealed = seal(records, {TOKENS_TABLE: tokens}, said, recipients(self.keys.parent), signing)
        self.previous = sealed.manifest_hash
        path = out / f"{secrets.token_hex(16)}.parcel"
        out.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(sealed.content))
        return path

    def tables(self, rows: Sequence[Row]) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
        keys = [secrets.token_bytes(16) for _ in rows]
        records = {
            name: _frame(name, [(k, r) for k, r in zip(keys, rows, strict=True) if r.record == name], self.municipality)
            for name in sorted({r.record for r in rows})
        }
        tokens = [
            {"record_key": key, "rule": rule, "key_version": version, "canon_version": 1, "token": token}
            for key, row in zip(keys, rows, strict=True) for rule, version, token in self._tokens(row)
        ]  # fmt: skip
        records[LAG_TABLE] = pl.DataFrame(schema=LAG_SCHEMA)
        return records, pl.DataFrame(tokens, schema=TOKEN_SCHEMA).sort("record_key")

    def _tokens(self, row: Row) -> Iterable[tuple[str, int, bytes]]:
        yield "local_row", 1, self.local("local_row", row.feed, row.record, row.key)
        yield "local_person", 1, self.local("local_person", row.feed, row.person)
        if row.pregnancy is not None:
            yield "local_pregnancy", 1, self.local("local_pregnancy", row.feed, row.pregnancy)
        for version in filter(None, (self.edge, self.bridge_from)):
            yield from (
                (rule, version, first_token(rule, text, EDGE_KEYS[version])) for rule, text in row.tokens.items()
            )


def _frame(record: str, rows: list[tuple[bytes, Row]], municipality: str) -> pl.DataFrame:
    schema = record_schema(RECORDS[record])
    given = [
        {"residence_municipality_code": municipality, **r.values, "record_key": k, "feed": r.feed} for k, r in rows
    ]
    if unknown := {name for row in given for name in row} - set(schema):
        raise KeyError(f"{record} has no column {unknown}")
    return pl.DataFrame([{c: row.get(c) for c in schema} for row in given], schema=schema).sort("record_key")


def recipients(keys: Path) -> dict[str, Recipient]:
    return {kind: Recipient((keys / kind / f"{kind}-1.pub").read_text().strip()) for kind in ("load", "linkage")}


@dataclass(frozen=True)
class Centre:
    """Key directories of a centre, and where its warehouse stands."""

    root: Path

    @property
    def folder(self) -> Path:
        return self.root / "warehouse"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def load_keys(self) -> list[Path]:
        return [self.keys / kind for kind in ("load", "warehouse", "linkage", "centre")]

    @property
    def warehouse_keys(self) -> list[Path]:
        return [self.keys / "warehouse"]

    def town(self, code: str, municipality: str = "") -> Town:
        """A submitter with a signing key pinned to this centre."""
        public = tuple(self.keys / kind / f"{kind}-1.pub" for kind in ("linkage", "load"))
        create("submitter", self.keys / code, recipients=public)
        return Town(code, self.keys / code, municipality)

    def registry(
        self, *towns: Town, authority: Sequence[Town] | None = None, years: tuple[int, int] = (2022, 2024)
    ) -> Path:
        """A registry of all records for these towns; without `authority` each one is."""
        lines = [
            f"{t.code},{t.signing_key},{t.municipality},{record},{years[0]},{years[1]},{str(authority is None or t in authority).lower()}\n"
            for t in towns for record in RECORDS
        ]  # fmt: skip
        path = self.root / "registry.csv"
        path.write_text(REGISTRY_HEAD + "".join(lines), "utf-8")
        return path


def new_centre(root: Path) -> Centre:
    for kind in ("linkage", "load", "centre", "warehouse"):
        create(kind, root / "keys" / kind)
    return Centre(root)


def month(text: str) -> date:
    """`2024-05` as the first day of the month."""
    return date.fromisoformat(f"{text}-01")
