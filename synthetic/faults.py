"""Wrong rows on purpose, each with its line in the answer key: one draw per row, a stretch of it per kind."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from synthetic.draws import Draws, Ids
from synthetic.fault_kinds import KINDS, Kind, Sheet, eligible, only
from synthetic.fault_rates import HOUSEHOLD_KINDS, MILLION, RESERVED, STRETCH


@dataclass(frozen=True)
class Faulty:
    """A sheet with its faults, and the answer key by position of the row as sent.

    changed: faulty rows as text; `at`: positions in the sheet of the rows they stand for, or (adds) that they follow.
    """

    sheet: Sheet
    changed: pl.DataFrame
    at: Ids
    adds: np.ndarray
    key: pl.DataFrame  # fault_id, kind, position, field, entity_id, expected

    def position(self, at: Ids) -> Ids:
        """Where rows of the sheet stand among the rows sent; the number of rows sent, for the number of rows."""
        added = self.at[self.adds]
        moved: Ids = at + np.searchsorted(added, at, side="left")
        return moved

    @property
    def about(self) -> pl.DataFrame:
        """Whose the rows sent are."""
        copies = np.ones(len(self.sheet.rows), dtype=np.int64)
        copies[self.at[self.adds]] = 2
        return self.sheet.about[np.repeat(np.arange(len(copies)), copies)]


def _drawn(draws: Draws, sheet: Sheet, rates: dict[str, int]) -> tuple[Ids, Ids]:
    """Positions of rows that may be faulty, and the number of their kind: one draw per row, a stretch of it per kind."""
    u = draws.uniform(f"fault.{sheet.feed}.{sheet.record.name}", sheet.about["row"].to_numpy())
    start = np.arange(len(KINDS)) * STRETCH
    end = start + np.array([rates.get(kind.name, 0) / MILLION for kind in KINDS])
    number = np.searchsorted(start, u, side="right") - 1
    at = np.flatnonzero(u < end[number])
    free = draws.uniform("fault.household", sheet.about["household"][at].to_numpy()) >= RESERVED
    free &= ~sheet.rows["is_not_disclosed"][at].to_numpy()
    return at[free], number[at[free]]


def with_faults(draws: Draws, sheet: Sheet, rates: dict[str, int]) -> Faulty:
    """The sheet with its faults; only the rows that have one are looked at."""
    flagged, protected = _flagged(draws, sheet, rates)
    at, number = _drawn(draws, sheet, rates)
    few = replace(sheet, rows=sheet.rows[at], about=sheet.about[at])
    cells = {cell.name: cell for cell in as_text(few.rows).get_columns()}
    adds, hits = np.zeros(len(at), dtype=bool), []
    for kind, fields, mine in _hits(few, number):
        cells |= {f: cells[f].scatter(mine, text) for f, text in kind.change(draws, few, mine).items()}
        adds[mine] = kind.adds
        hits.append((kind, fields, mine))
    mine = np.sort(np.concatenate([np.zeros(0, dtype=np.int64), *(rows for _, _, rows in hits)]))
    sent = Faulty(flagged, pl.DataFrame(list(cells.values()))[mine], at[mine], adds[mine], _joined([]))
    told = [*protected, *((kind, fields, at[rows]) for kind, fields, rows in hits)]
    return replace(sent, key=_joined([answer for hit in told for answer in _answers(sheet, *hit, sent)]))


def _hits(few: Sheet, number: Ids) -> Iterator[tuple[Kind, tuple[str, ...], Ids]]:
    """Kinds of fault that the sheet has, their fields, and the positions of their rows."""
    for n in np.unique(number):
        kind = KINDS[n]
        fields = kind.fields(few)
        is_sent = fields and few.has(*fields)
        mine = np.flatnonzero((number == n) & eligible(kind, few, fields)) if is_sent else np.zeros(0, dtype=np.int64)
        if len(mine):
            yield kind, fields, mine


def as_text(rows: pl.DataFrame) -> pl.DataFrame:
    """Cells as they are sent; flags as 1 and 0."""
    return rows.with_columns(pl.selectors.boolean().cast(pl.Int8)).cast(pl.String)


Answer = tuple[str, str, int, str, int, str]


def _answers(sheet: Sheet, kind: Kind, fields: tuple[str, ...], at: Ids, sent: Faulty) -> Iterator[Answer]:
    """At the changed rows, and at the original ones where something is expected of them."""
    whose = sheet.about[at]
    field = "" if kind.is_of_row else fields[-1]
    for row, entity, place in zip(whose["row"], whose["entity_id"], sent.position(at).tolist(), strict=True):
        fault = f"{kind.name}/{sheet.feed}/{sheet.record.name}/{row}"
        rule = kind.expected.replace("{event}", sheet.record.event)
        yield fault, kind.name, place + kind.adds, field, entity, rule
        if kind.original:
            yield fault, kind.name, place, field, entity, kind.original


KEY_SCHEMA = {
    "fault_id": pl.String, "kind": pl.String, "position": pl.Int64, "field": pl.String, "entity_id": pl.Int64,
    "expected": pl.String,
}  # fmt: skip


def _joined(answers: list[Answer]) -> pl.DataFrame:
    return pl.DataFrame(answers, KEY_SCHEMA, orient="row")


def household_fault(draws: Draws, households: Ids, name: str, rates: dict[str, int]) -> np.ndarray:
    """Households with a fault of this kind, within the reserved stretch."""
    u = draws.uniform("fault.household", households)
    start = HOUSEHOLD_KINDS.index(name) * RESERVED / len(HOUSEHOLD_KINDS)
    hit: np.ndarray = (u >= start) & (u < start + rates.get(name, 0) / MILLION)
    return hit


def _flagged(
    draws: Draws, sheet: Sheet, rates: dict[str, int]
) -> tuple[Sheet, list[tuple[Kind, tuple[str, ...], Ids]]]:
    """Protected, but only one record of one feed says so."""
    says_so = ("pmh", "child_checkup"), ("municipal", "antenatal_visit"), ("municipal", "child_questionnaire")
    if (sheet.feed, sheet.record.name) not in says_so or not sheet.has("is_not_disclosed"):
        return sheet, []
    households = sheet.about["household"].to_numpy()
    hit = household_fault(draws, households, "protected_in_one_feed", rates)
    hit &= ~sheet.rows["is_not_disclosed"].to_numpy()
    hit &= draws.below("fault.flag", households, len(says_so)) == says_so.index((sheet.feed, sheet.record.name))
    kind = Kind("protected_in_one_feed", "excluded", only("is_not_disclosed"), lambda d, s, a: {})
    rows = sheet.rows.with_columns(pl.col("is_not_disclosed") | pl.Series(hit))
    return replace(sheet, rows=rows), [(kind, ("is_not_disclosed",), np.flatnonzero(hit))]
