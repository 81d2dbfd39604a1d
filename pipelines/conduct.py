"""Commands that lay two stations one behind the other: a warehouse with its ledger, a release from a warehouse."""

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from pipelines.indicators import COUNTS
from pipelines.reference import units
from pipelines.release.assemble import Source
from pipelines.release.audit import audit_published
from pipelines.release.certificate import certificate_of, check_certificate
from pipelines.release.findings import Finding
from pipelines.release.ledger import Ledger
from pipelines.release.preview import Previewed, preview
from pipelines.release.quality import quality_rows
from pipelines.release.run import Released, release
from pipelines.release.writing import replace_file

LEDGER_HEAD = "ledger_head"
JUDGED_BY = "link_quality"  # table of core: how well people are linked, which needs the register of residents
OF_AGENTS = {"claim"}  # sent by agents for many towns, a line per voucher: the demo has no agent


def counted_records() -> tuple[str, ...]:
    """Records of the towns that the declared counts are made of, and those by which a release judges its links."""
    from pipelines.warehouse.lineage import records_behind

    found = records_behind({*(count.grain for count in COUNTS.values()), JUDGED_BY})
    return tuple(name for name in found if name not in OF_AGENTS)


def init_warehouse(folder: Path, keys: Sequence[Path], registry: Path, ledger: Path | None = None) -> list[Path]:
    """An encrypted warehouse with its registry, and the ledger of its releases, begun where there is none.

    ledger: where it is kept, by default beside the warehouse as `<W>.ledger.jsonl`. Returns what was begun.
    """
    from pipelines.warehouse.init import init

    whole = folder.resolve()
    ledger = ledger or whole.with_name(f"{whole.name}.ledger.jsonl")
    init(folder, keys, registry)
    if (folder / LEDGER_HEAD).exists():
        return [folder]
    ledger.parent.mkdir(parents=True, exist_ok=True)
    Ledger.create(ledger, folder / LEDGER_HEAD)
    return [folder, ledger]


def release_from(
    folder: Path,
    keys: Sequence[Path],
    ledger: Path,
    out: Path,
    status: str,
    policy: str,
    years: tuple[int, int] | None,
    created_on: date | None = None,
    certificate: Path | None = None,
) -> Released:
    """A release from the warehouse in `folder`; takes the warehouse key only. Raises ReleaseError and leaves all as it was.

    A final or revised one ends the watch over a version change (privacy, hole 20).
    """
    from pipelines.warehouse.cohort import settle

    with _source_and_ledger(folder, keys, ledger) as (source, chain):
        done = release(source, chain, out, status, policy, years, created_on or date.today(), certificate)
        if status != "provisional":
            settle(source.connection)
        return done


def preview_from(
    folder: Path,
    keys: Sequence[Path],
    ledger: Path,
    status: str,
    policy: str,
    years: tuple[int, int] | None,
    created_on: date | None = None,
) -> Previewed:
    """What such a release would show under every policy, and change; publishes and writes down nothing."""
    with _source_and_ledger(folder, keys, ledger) as (source, chain):
        return preview(source, chain, status, policy, years, created_on or date.today())


@contextmanager
def _source_and_ledger(folder: Path, keys: Sequence[Path], ledger: Path) -> Iterator[tuple[Source, Ledger]]:
    from pipelines.warehouse.database import opened
    from pipelines.warehouse.keyring import warehouse_key

    key = warehouse_key(keys)
    chain = Ledger.open(ledger, folder / LEDGER_HEAD)
    with opened(folder, key) as connection:
        yield _source(connection, _derived(key, "release")), chain


@dataclass(frozen=True)
class Audited:
    findings: list[Finding]

    def summary(self) -> dict[str, Any]:
        return {"findings": [vars(f) for f in self.findings]}

    def lines(self) -> Iterator[str]:
        for finding in self.findings:
            yield f"{finding.sentence_ja} / {finding.sentence_en}"
        yield f"監査: 問題 {len(self.findings)} 件 / audit: {len(self.findings)} findings"


def audit_file(published: Path, ledger: Path | None, certificate: Path | None = None) -> Audited:
    """Attacks a published file as an outsider would; with a certificate its tables stand for the search of intervals."""
    found = audit_published(published, ledger, with_intervals=certificate is None)
    return Audited(found if certificate is None else [*found, *check_certificate(published, certificate)])


def certify(published: Path, to: Path) -> None:
    """Writes the certificate of a published file, made from that file alone."""
    replace_file(to, certificate_of(published))


def _derived(key: str, purpose: str) -> bytes:
    """A secret of the warehouse for one purpose; it never leaves (privacy, holes 14 and 23)."""
    return hmac.new(key.encode(), f"mchdb {purpose}".encode(), hashlib.sha256).digest()


def _source(connection: duckdb.DuckDBPyConnection, secret: bytes) -> Source:
    from pipelines.records import RECORDS
    from pipelines.warehouse.cohort import compared
    from pipelines.warehouse.refresh import refresh_if_stale
    from pipelines.warehouse.schema import prepare

    prepare(connection)
    refresh_if_stale(connection)
    codes = connection.execute("SELECT DISTINCT municipality_code FROM state.registry ORDER BY 1").fetchall()
    closed = connection.execute("SELECT fiscal_year FROM state.period WHERE status = 'closed' ORDER BY 1").fetchall()
    known = set(units()["code6"])
    marked = "SELECT DISTINCT synthetic_seed FROM state.parcel WHERE synthetic_seed IS NOT NULL"
    seeds = [seed for (seed,) in connection.execute(marked).fetchall()]
    arrival = connection.sql("SELECT municipality_code, fiscal_year, record, rows FROM core.arrival").pl()
    return Source(
        connection=connection,
        secret=secret,
        watermark=_watermark(connection, secret),
        municipalities=[code for (code,) in codes if code in known],
        closed_years=tuple(year for (year,) in closed),
        arrival=arrival,
        quality=quality_rows(connection, arrival),
        records=RECORDS,
        is_synthetic=bool(seeds),
        seed=seeds[0] if len(seeds) == 1 else None,
        cohorts=compared(connection),
    )


def _watermark(connection: duckdb.DuckDBPyConnection, secret: bytes) -> str:
    """A keyed name for everything that was loaded: unkeyed digests of unpublished data do not leave (privacy, hole 14)."""
    rows = connection.execute("SELECT submitter, sequence, manifest_sha256 FROM state.parcel ORDER BY 1, 2").fetchall()
    said = hmac.new(secret, b"batches", hashlib.sha256)
    for submitter, sequence, digest in rows:
        said.update(f"{submitter}|{sequence}|".encode() + digest)
    return said.hexdigest()[:16]
