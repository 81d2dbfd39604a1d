"""What the registry and the parcels applied so far say about a new parcel; nothing in here asks about people."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from pipelines.records.linkage import LinkageVersion
from pipelines.warehouse.manifest import Manifest
from pipelines.warehouse.refusal import Refused

CURRENT, FORMER, RETIRED = "current", "former", "retired"  # a version; `former` while a bridge leads away from it
Line = tuple[str, str, int, int]  # municipality, record, from_fy, to_fy


@dataclass(frozen=True)
class Scope:
    """What one submitter may send."""

    lines: tuple[Line, ...]

    def covers(self, municipality: str, record: str, years: range) -> bool:
        spans = [(a, b) for m, r, a, b in self.lines if (m, r) == (municipality, record)]
        return all(any(a <= year <= b for a, b in spans) for year in years)


@dataclass(frozen=True)
class Standing:
    """What a new parcel is judged by: the registry, the versions in use, the feeds known, the parcels applied."""

    signing_keys: Mapping[str, str]
    scopes: Mapping[str, Scope]
    versions: Mapping[LinkageVersion, str]  # -> CURRENT, FORMER or RETIRED
    centre_chain: tuple[int, ...]  # versions of the centre key, in the order in which they lie over each other
    feeds: frozenset[str]
    applied: Mapping[str, Sequence[tuple[int, str]]]  # submitter -> sequence and digest, the last parcel first


def standing(connection: duckdb.DuckDBPyConnection) -> Standing:
    """What holds now; parcels that are being applied are not in it."""
    lines, applied = defaultdict(list), defaultdict(list)
    for submitter, *line in connection.execute(
        "SELECT submitter, municipality_code, record, from_fy, to_fy FROM state.registry"
    ).fetchall():
        lines[submitter].append(tuple(line))
    for submitter, sequence, digest in connection.execute(
        "SELECT submitter, sequence, lower(hex(manifest_sha256)) FROM state.parcel ORDER BY sequence DESC"
    ).fetchall():
        applied[submitter].append((sequence, digest))
    return Standing(
        dict(connection.execute("SELECT DISTINCT submitter, signing_key FROM state.registry").fetchall()),
        {submitter: Scope(tuple(of_submitter)) for submitter, of_submitter in lines.items()},
        versions(connection),
        centre_chain(connection),
        frozenset(feed for (feed,) in connection.execute("SELECT feed FROM state.feed").fetchall()),
        applied,
    )


def versions(connection: duckdb.DuckDBPyConnection, database: str = "warehouse") -> dict[LinkageVersion, str]:
    """Every version there ever was in this linkage domain, with its status."""
    asked = f"SELECT key_version, canon_version, status FROM {database}.state.linkage_domain"
    rows = connection.execute(asked).fetchall()
    return {LinkageVersion(key, canon): status for key, canon, status in rows}


def centre_chain(connection: duckdb.DuckDBPyConnection, database: str = "warehouse") -> tuple[int, ...]:
    """Versions of the centre key that the stored pseudonyms went through, the first one first."""
    rows = connection.execute(f"SELECT version FROM {database}.state.centre_key ORDER BY version").fetchall()
    return tuple(version for (version,) in rows)


def check_scope(manifest: Manifest, scope: Scope) -> None:
    """Municipalities, records and years of the manifest against the registry. Raises Refused."""
    known_municipalities = {municipality for municipality, *_ in scope.lines}
    if not manifest.municipalities or not set(manifest.municipalities) <= known_municipalities:
        raise Refused("out_of_scope_municipality")
    filled = [name for name, table in manifest.records.items() if table.rows]
    if not set(filled) <= {record for _, record, *_ in scope.lines}:
        raise Refused("out_of_scope_record")
    if not all(any(scope.covers(m, r, manifest.years) for m in manifest.municipalities) for r in filled):
        raise Refused("out_of_scope_period")


def check_versions(known: Mapping[LinkageVersion, str], manifest: Manifest) -> None:
    """Versions in use: another one would split every person in two (privacy, hole 20). Raises Refused.

    Two versions in one parcel are a bridge: taken while it is open, from the former version to the current one.
    """
    if manifest.key_version not in {version.key for version in known}:
        raise Refused("unknown_key_version")
    if manifest.version not in known:
        raise Refused("unknown_canon_version")
    if known[manifest.version] == RETIRED:
        raise Refused("retired_version")
    if manifest.bridge_from and (known.get(manifest.bridge_from), known[manifest.version]) != (FORMER, CURRENT):
        raise Refused("bridge_not_open")


def check_sequence(applied: Sequence[tuple[int, str]], manifest: Manifest) -> None:
    """Replay, stale sequence, broken chain. Raises Refused.

    A parcel follows the last one applied: a higher sequence number that names its manifest. Numbers may be skipped
    (a parcel that was never sent), parcels may not: the one missing may hold the cancellation of a protected person.
    The first parcel that a warehouse sees of a submitter starts the chain.
    """
    if any(digest == manifest.digest for _, digest in applied):
        raise Refused("replay")
    if applied and manifest.sequence <= applied[0][0]:
        raise Refused("stale_sequence")
    if applied and manifest.previous != applied[0][1]:
        raise Refused("broken_chain")
