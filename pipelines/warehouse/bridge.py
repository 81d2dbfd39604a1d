"""The one bridging period between two versions of the linkage domain: opened, used once, dropped (privacy, hole 20).

While it is open, parcels of the former version, of the current one and of both are taken, and a former pseudonym stands
for the current one that a row carried beside it. Closing writes the current ones into a new file and leaves the pairs and
the former ones behind. What no row carried over keeps its links under a pseudonym drawn at random.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.records.linkage import LinkageVersion
from pipelines.warehouse.applied import CURRENT, FORMER, RETIRED, versions
from pipelines.warehouse.cohort import remember
from pipelines.warehouse.database import opened, transaction
from pipelines.warehouse.keyring import warehouse_key
from pipelines.warehouse.problem import USAGE, WarehouseProblem
from pipelines.warehouse.refresh import refresh_if_stale
from pipelines.warehouse.rewrite import copy, rewritten, tables
from pipelines.warehouse.schema import prepare

ENOUGH_PERCENT = 98  # of those known under the former version; the rest could not be found again (privacy, hole 20)


@dataclass(frozen=True)
class Bridge:
    """residents: keys known under the former version; carried: those of them that the current version reaches."""

    former: LinkageVersion
    current: LinkageVersion
    residents: int
    carried: int

    @property
    def is_enough(self) -> bool:
        return 100 * self.carried >= ENOUGH_PERCENT * self.residents

    def summary(self) -> dict[str, object]:
        told = {"former": str(self.former), "current": str(self.current)}
        return {**told, "residents": self.residents, "carried": self.carried}

    def lines(self) -> Iterator[str]:
        yield (
            f"橋渡し {self.former} → {self.current}: {self.residents:,} 人中 {self.carried:,} 人を引き継ぎ / "
            f"bridge {self.former} to {self.current}: {self.carried:,} of {self.residents:,} residents carried over"
        )


def open_bridge(former: LinkageVersion, new: LinkageVersion, folder: Path, keys: Sequence[Path]) -> None:
    """Begins the bridging period from the version in use to a later one that never was in use.

    Raises WarehouseProblem 64 for any other pair: a bridge cannot be used twice.
    """
    with opened(folder, warehouse_key(keys)) as connection:
        prepare(connection)
        _refuse_unless_next(former, new, versions(connection))
        refresh_if_stale(connection)
        with transaction(connection):
            remember(connection)
            connection.execute("UPDATE state.linkage_domain SET status = ?", [RETIRED])
            connection.execute(
                "UPDATE state.linkage_domain SET status = ? WHERE key_version = ? AND canon_version = ?",
                [FORMER, *former],
            )
            connection.execute("INSERT INTO state.linkage_domain VALUES (?, ?, ?)", [*new, CURRENT])


def close_bridge(folder: Path, keys: Sequence[Path], *, anyway: bool = False) -> Bridge:
    """Ends the bridging period; the former version is retired, and no byte of the new file holds one of its pseudonyms.

    anyway: even where fewer than 98 % were carried over (a key that must go at once).
    Raises WarehouseProblem 64 without an open bridge, or where too few were carried over.
    """
    key = warehouse_key(keys)
    with rewritten(folder, key) as connection:
        bridge = open_one(connection, "before")
        if bridge is None:
            raise _problem("開いている橋渡しがありません。", "No bridge is open.")
        if not (bridge.is_enough or anyway):
            raise _problem(
                f"閉じるには {ENOUGH_PERCENT} % 以上の引き継ぎが必要ですが、{bridge.residents:,} 人中 {bridge.carried:,} 人です。"
                "提出元に全件を --bridge-from で送ってもらうか、鍵を直ちに止めるときは --anyway を付けます。",
                f"Closing needs {ENOUGH_PERCENT} % carried over; {bridge.carried:,} of {bridge.residents:,} residents are. "
                "Have the submitters send everything with --bridge-from, or say --anyway where a key must go at once.",
            )
        instead = _crossed(connection, bridge)
        for table in tables(connection):
            copy(connection, table, instead.get(table))
    with opened(folder, key) as connection:
        refresh_if_stale(connection)
    return bridge


def open_one(connection: duckdb.DuckDBPyConnection, database: str = "warehouse") -> Bridge | None:
    """The bridge that is open, with how far it reaches."""
    known = connection.execute(
        f"SELECT status, key_version, canon_version FROM {database}.state.linkage_domain WHERE status <> ?", [RETIRED]
    ).fetchall()
    of_status = {status: LinkageVersion(key, canon) for status, key, canon in known}
    if FORMER not in of_status:
        return None
    former, current = of_status[FORMER], of_status[CURRENT]
    reached = connection.execute(
        f"""WITH former AS (SELECT t.resident_key, bool_or(b.former IS NOT NULL) AS is_paired
                FROM {database}.landing.token t
                LEFT JOIN {database}.state.bridge b ON b.rule = t.rule AND b.former = t.pseudonym
                WHERE t.key_version = $1 AND t.canon_version = $2 GROUP BY t.resident_key),
            current AS (SELECT DISTINCT resident_key FROM {database}.landing.token
                WHERE key_version = $3 AND canon_version = $4)
        SELECT count(*), count(*) FILTER (WHERE f.is_paired OR c.resident_key IS NOT NULL)
        FROM former f LEFT JOIN current c ON c.resident_key = f.resident_key""",
        [*former, *current],
    ).fetchone()
    return Bridge(former, current, *(reached or (0, 0)))


def _crossed(connection: duckdb.DuckDBPyConnection, bridge: Bridge) -> dict[str, str]:
    """SELECTs for the tables that the bridge leaves behind; the drawn pseudonyms end with this connection."""
    of_former = f"t.key_version = {bridge.former.key} AND t.canon_version = {bridge.former.canon}"
    paired = "before.landing.token t JOIN before.state.bridge b ON b.rule = t.rule AND b.former = t.pseudonym"
    alone = """before.landing.token t ANTI JOIN before.state.bridge b ON b.rule = t.rule AND b.former = t.pseudonym"""
    connection.execute(f"""CREATE TEMP TABLE drawn AS SELECT rule, pseudonym, uuid() AS kept
        FROM (SELECT DISTINCT t.rule, t.pseudonym FROM {alone} WHERE {of_former})""")
    return {
        "landing.token": f"""
            SELECT t.* FROM before.landing.token t WHERE NOT ({of_former})
            UNION SELECT t.submitter, t.resident_key, t.rule, b.current, {bridge.current.key}, {bridge.current.canon}
                FROM {paired} WHERE {of_former}
            UNION SELECT t.submitter, t.resident_key, t.rule, d.kept, t.key_version, t.canon_version
                FROM before.landing.token t JOIN drawn d ON d.rule = t.rule AND d.pseudonym = t.pseudonym
                WHERE {of_former}""",
        "state.bridge": "SELECT * FROM before.state.bridge WHERE FALSE",
        "state.linkage_domain": f"""SELECT key_version, canon_version,
            CASE status WHEN '{FORMER}' THEN '{RETIRED}' ELSE status END AS status FROM before.state.linkage_domain""",
    }


def _refuse_unless_next(former: LinkageVersion, new: LinkageVersion, known: dict[LinkageVersion, str]) -> None:
    if FORMER in known.values():
        raise _problem("橋渡しはすでに開いています。", "A bridge is open already.")
    if known.get(former) != CURRENT:
        [current] = [version for version, status in known.items() if status == CURRENT]
        raise _problem(
            f"橋渡しは使用中の版 {current} からだけ開けます。一度使った橋渡しは二度と開けません。",
            f"A bridge leads from the version in use, {current}, and from no other; none is opened twice.",
        )
    if new in known or new.key < former.key or new.canon < former.canon:
        raise _problem(
            f"橋渡しの先には、{former} より後の、まだ使ったことのない版が必要です。",
            f"A bridge leads to a version later than {former} that was never in use.",
        )


def _problem(ja: str, en: str) -> WarehouseProblem:
    return WarehouseProblem(ja, en, USAGE)
