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
MOST_NAMED = 10  # submitters in one sentence; the status names them all


@dataclass(frozen=True)
class Crossing:
    """One submitter. residents: keys known under the former version; carried: those that the current version reaches."""

    submitter: str
    residents: int
    carried: int

    @property
    def is_enough(self) -> bool:
        """2 % may be lost, rounded up to a whole resident, for of fewer than 50 nobody could be; but never all."""
        lost = self.residents - self.carried
        return self.carried > 0 and 100 * (lost - 1) < (100 - ENOUGH_PERCENT) * self.residents

    def summary(self) -> dict[str, object]:
        return {"submitter": self.submitter, "residents": self.residents, "carried": self.carried}


@dataclass(frozen=True)
class Bridge:
    """residents, carried: of all submitters together, each resident once. short: submitters that lost too many."""

    former: LinkageVersion
    current: LinkageVersion
    residents: int
    carried: int
    short: tuple[Crossing, ...] = ()

    @property
    def is_enough(self) -> bool:
        """So that neither the whole nor a small town, which is nothing of the whole, is left behind."""
        return 100 * self.carried >= ENOUGH_PERCENT * self.residents and not self.short

    def summary(self) -> dict[str, object]:
        told = {"former": str(self.former), "current": str(self.current)}
        short = [crossing.summary() for crossing in self.short]
        return {**told, "residents": self.residents, "carried": self.carried, "short": short}

    def lines(self) -> Iterator[str]:
        yield (
            f"橋渡し {self.former} → {self.current}: {self.residents:,} 人中 {self.carried:,} 人を引き継ぎ / "
            f"bridge {self.former} to {self.current}: {self.carried:,} of {self.residents:,} residents carried over"
        )
        for of in self.short:
            yield (
                f"引き継ぎが足りない提出元 {of.submitter}: {of.residents:,} 人中 {of.carried:,} 人 / "
                f"{of.carried:,} of {of.residents:,} residents carried over, too few"
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

    anyway: even where too few were carried over (a key that must go at once, a submitter that sends no more).
    Raises WarehouseProblem 64 without an open bridge, or where too few were carried over.
    """
    key = warehouse_key(keys)
    with rewritten(folder, key) as connection:
        bridge = open_one(connection, "before")
        if bridge is None:
            raise _problem("開いている橋渡しがありません。", "No bridge is open.")
        if not (bridge.is_enough or anyway):
            raise _too_few(bridge)
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
    (_, residents, carried), *each = connection.execute(
        f"""WITH former AS (SELECT DISTINCT submitter, resident_key FROM {database}.landing.token
                WHERE key_version = $1 AND canon_version = $2),
            reached AS (SELECT t.resident_key FROM {database}.landing.token t
                    JOIN {database}.state.bridge b ON b.rule = t.rule AND b.former = t.pseudonym
                    WHERE t.key_version = $1 AND t.canon_version = $2
                UNION SELECT resident_key FROM {database}.landing.token WHERE key_version = $3 AND canon_version = $4)
        SELECT f.submitter, count(DISTINCT f.resident_key), count(DISTINCT r.resident_key)
        FROM former f LEFT JOIN reached r ON r.resident_key = f.resident_key
        GROUP BY GROUPING SETS ((), f.submitter) ORDER BY f.submitter NULLS FIRST""",
        [*former, *current],
    ).fetchall()
    crossings = [Crossing(*of) for of in each]
    return Bridge(former, current, residents, carried, tuple(c for c in crossings if not c.is_enough))


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


def _too_few(bridge: Bridge) -> WarehouseProblem:
    """Names the submitters whose residents are left behind; none where many lost a few each."""
    named, more = bridge.short[:MOST_NAMED], len(bridge.short[MOST_NAMED:])
    ja = "、".join(f"{of.submitter}({of.residents:,} 人中 {of.carried:,} 人)" for of in named)
    en = ", ".join(f"{of.submitter} ({of.carried:,} of {of.residents:,})" for of in named)
    ja, en = (f"{ja} ほか {more:,}", f"{en} and {more:,} more (see mchdb status)") if more else (ja, en)
    return _problem(
        f"閉じるには、全体でも、どの提出元でも {ENOUGH_PERCENT} % 以上の引き継ぎが必要ですが、全体では {bridge.residents:,} 人中 {bridge.carried:,} 人です。"
        + (f"足りない提出元: {ja}。この提出元に" if named else "提出元に")
        + "全件を --bridge-from で送ってもらってください。鍵を直ちに止めるとき、もう送らない提出元だけが残るときは --anyway を付けます。",
        f"Closing needs {ENOUGH_PERCENT} % carried over, of all together and of every submitter; of all, {bridge.carried:,} of "
        f"{bridge.residents:,} residents are. "
        + (f"Too few of {en}: have these submitters" if named else "Have the submitters")
        + " send everything with --bridge-from. Say --anyway where a key must go at once, or where only submitters that "
        "send no more are left.",
    )
