"""The local list of whom to reach, by one declared rule on one day: local number, rule, month; it stays in the town hall.

Protected households are left out before anything is counted, and the result says only that they are (privacy, hole 5).
Where the submitter's state is named, the lines are remembered there, so that a later parcel can tell how many were listed,
and how many of those were reached.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipelines.declaration import OutreachRule
from pipelines.edge.at_home import AtHome, Earlier, at_home, earlier
from pipelines.edge.grains import grains, subject
from pipelines.edge.private import refuse_parcel_folder, write_private
from pipelines.edge.problem import USAGE, EdgeProblem
from pipelines.edge.reached import followed, remembered
from pipelines.edge.state import listed_before, remember
from pipelines.edge.told import known, reachable, told_rows
from pipelines.indicators.outreach import RULES, STOPS

ALWAYS_NEEDED = ("residency_spell", "delivery", "birth")  # without them a list would hold the dead and those who left
MERGED = "merged"
IS_LISTED = pl.col("stop").is_null()
COUNTED = (
    "件数のために、この名簿を記号(自分の鍵による)だけで覚えました。次の四半期が終わった後の送付で件数だけを送り、消します。",
    "for its count this list is remembered, as tokens under your own key alone; the first parcel after the next quarter has ended "
    "takes the counts along, and the tokens are deleted.",
)
STARTS_A_FORMULA = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "＝",
    "＋",
    "－",
    "＠",
)  # full-width too: spreadsheets read both


@dataclass(frozen=True)
class OutreachResult:
    """listed: lines of the list. stopped: reason -> people whom a stop keeps off it. Counts, no values."""

    submitter: str
    rule: OutreachRule
    listed: int
    stopped: dict[str, int]
    warnings: list[tuple[str, str]]
    file: Path

    def summary(self) -> dict[str, Any]:
        told = {"submitter": self.submitter, "rule": self.rule.id, "listed": self.listed, "stopped": self.stopped}
        return {**told, "warnings": [en for _, en in self.warnings], "file": self.file}

    def lines(self) -> Iterator[str]:
        rule = self.rule
        yield f"{self.submitter} {rule.label_ja} ({rule.id}): {self.listed:,} 件 / lines"
        yield f"条件 / condition: {rule.definition_ja} / {rule.definition_en}"
        yield f"対応 / action: {rule.action_ja} / {rule.action_en}"
        named = {s.id: f"{s.label_ja} / {s.label_en}" for s in STOPS}
        named[MERGED] = "優先度の高い規則の名簿に載る世帯 / household on the list of a higher rule"
        yield from (f"名簿から除いた件数 / kept off the list: {named[s]}: {n:,}" for s, n in self.stopped.items())
        yield from (f"{ja} / {en}" for ja, en in self.warnings)
        yield f"庁外に出さないこと / keep in the town hall: {self.file}"


def outreach(
    feeds: Path, rule_id: str, as_of: date, protected: Path, out: Path, layout: Path | None = None,
    state: Path | None = None, keys: Sequence[Path] = (), today: date | None = None,
) -> OutreachResult:  # fmt: skip
    """Writes the list of one rule as CSV, 0600, and remembers its lines in `state` where that is named.

    keys: with `state`, the directory of the local key. today: the day after which no list is counted. Raises EdgeProblem
    (2, 64, 75), KeyProblem (77), OSError; then nothing was made, but a list whose lines could not be remembered.
    """
    rule = _rule(rule_id)
    refuse_parcel_folder(out.parent)
    with earlier(state, keys) as before:
        home = at_home(feeds, protected, layout, before)
        _refuse_unknown(home, (*ALWAYS_NEEDED, *rule.records))
        people = reachable(home)
        connection = grains(told_rows(home, people), known(home))
        lines = _lines(connection, rule, as_of, people["local_number"])
        above = [_lines(connection, r, as_of, people["local_number"]) for r in _above(rule)]
        warnings = [*home.told, *_stale(connection, rule, as_of), *_unseen(home, rule)]
        taken = pl.concat([pl.Series(dtype=pl.String), *(a.filter(IS_LISTED)["household"] for a in above)])
        is_taken = IS_LISTED & pl.col("household").is_in(taken.implode())
        lines = lines.with_columns(stop=pl.when(is_taken).then(pl.lit(MERGED)).otherwise("stop"))
        once = lines.unique(["local_number", "month"], keep="first", maintain_order=True)
        listed = once.filter(IS_LISTED).sort("month", "local_number")
        stopped = {s: once.filter(pl.col("stop") == s).height for s in (*(stop.id for stop in STOPS), MERGED)}
        file = write_private(out, _csv(listed, rule))
        if before:
            now = followed(listed_before(before.directory), home, connection)
            said = _not_counted(before, rule, as_of, today or date.today())
            own = lines.filter(IS_LISTED)
            remember(before.directory, now if said else remembered(now, own, rule, as_of, home.keys))
            warnings.append(said or COUNTED)
        connection.close()
    return OutreachResult(home.folder.submitter, rule, listed.height, stopped, warnings, file)


def _not_counted(before: Earlier, rule: OutreachRule, as_of: date, today: date) -> tuple[str, str] | None:
    """Why no count of this list will travel, or None where it will."""
    if not rule.reached:
        return (
            "この規則の件数は送りません(載る人に妊娠の喪失のおそれがあるため)。何も覚えていません。",
            "no count of this rule is sent (whoever is on it may have lost a pregnancy); nothing is remembered.",
        )
    if as_of.isoformat() < before.state.counted_before or as_of > today:
        return (
            "基準日の四半期の件数は送付済みか、基準日がまだ来ていません。この名簿は件数に入りません。",
            "the counts of that day's quarter have been sent, or the day has not come; this list is not counted.",
        )
    return None


def _rule(rule_id: str) -> OutreachRule:
    if rule_id not in RULES:
        names = ", ".join(RULES)
        raise EdgeProblem(f"--rule には {names} のいずれかを指定してください。", f"--rule takes one of {names}.", USAGE)
    return RULES[rule_id]


def _above(rule: OutreachRule) -> list[OutreachRule]:
    """The rules before which this one stands back: they are declared in the order of their priority."""
    order = list(RULES)
    return [RULES[name] for name in order[: order.index(rule.id)]]


def _refuse_unknown(home: AtHome, records: tuple[str, ...]) -> None:
    """Raises EdgeProblem (2) where a record of the register, without which the list would be wrong, was not accepted."""
    if missing := _without_file(home, records):
        named = ", ".join(missing)
        raise EdgeProblem(
            f"この名簿には、受け付けられる {named} のファイルが必要です(転出・死亡・喪失の人を除くため)。何も作りません。",
            f"this list needs an acceptable file of {named} (to leave out who moved, died or lost a child); nothing is made.",
        )


def _without_file(home: AtHome, records: tuple[str, ...]) -> list[str]:
    files = [f for f in home.folder.files if f.arrived.feed.is_register and not f.arrived.is_refused]
    return [r for r in dict.fromkeys(records) if r not in {f.arrived.record.name for f in files}]


def _unseen(home: AtHome, rule: OutreachRule) -> list[tuple[str, str]]:
    """A sentence where help may have been given that no file tells of."""
    if not (missing := _without_file(home, rule.beside)):
        return []
    named = ", ".join(missing)
    return [
        (f"要確認: {named} のファイルがありません。そこに書かれた対応は見えないので、連絡の前に確かめてください。",
         f"make sure first: there is no file of {named}; help that stands there cannot be seen.")
    ]  # fmt: skip


def _lines(
    connection: duckdb.DuckDBPyConnection, rule: OutreachRule, as_of: date, reachable: pl.Series
) -> pl.DataFrame:
    """`local_number, household, month, stop, subject`: whom the rule meets, with the first stop that keeps them off the list."""
    stop = " ".join(f"WHEN coalesce({s.condition}, FALSE) THEN '{s.id}'" for s in STOPS)
    met = connection.execute(
        f"SELECT local_number, household, strftime({rule.month}, '%Y-%m') AS month, CASE {stop} END AS stop, "
        f"{subject(rule.grain)} AS subject "
        f"FROM own.{rule.grain} CROSS JOIN (SELECT CAST(? AS DATE) AS as_of) "
        f"WHERE ({rule.population}) AND ({rule.condition})",
        [as_of],
    ).pl()
    return met.filter(pl.col("local_number").is_in(reachable.implode()))


def _stale(connection: duckdb.DuckDBPyConnection, rule: OutreachRule, as_of: date) -> list[tuple[str, str]]:
    """A sentence where the record that the rule misses may only be late."""
    if rule.fresh is None:
        return []
    record, days = rule.fresh
    row = connection.execute(f"SELECT max(recorded_date) FROM told.{record} WHERE is_register").fetchone()
    if row and row[0] is not None and (as_of - row[0]).days <= days:
        return []
    return [
        (f"要確認: {record} の最後の登録が基準日の {days} 日より前です。紙や請求の遅れかもしれないので、連絡の前に確かめてください。",
         f"make sure first: the last row of {record} was recorded more than {days} days before the day; visits may only be late.")
    ]  # fmt: skip


def _csv(listed: pl.DataFrame, rule: OutreachRule) -> str:
    """Local number, rule, month, and nothing else; every cell quoted, none a formula; a byte order mark, for spreadsheets."""
    rows = ((number, rule.id, month) for number, month in listed.select("local_number", "month").iter_rows())
    text = "".join(",".join(map(quoted, row)) + "\r\n" for row in (("local_number", "rule", "month"), *rows))
    return "\ufeff" + text


def quoted(cell: str) -> str:
    """A cell of CSV that no spreadsheet takes for a formula (privacy, hole 25)."""
    harmless = f"'{cell}" if cell.startswith(STARTS_A_FORMULA) else cell
    return '"' + harmless.replace('"', '""') + '"'
