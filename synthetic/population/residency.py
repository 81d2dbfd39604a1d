"""Residency spells of mothers and children in a municipality (resident register)."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl

from synthetic.draws import Ids
from synthetic.places import places
from synthetic.population.calendar import FAR, dates
from synthetic.population.households import Flags
from synthetic.population.visits import Scene, codes

BORN, MOVED_IN, MOVED_OUT, DIED = 1, 2, 3, 4  # mchdb-L7
ROWS_OF_MOTHER = 16  # twice the members of a household: a row number is unique among mothers and children
BEFORE_DAYS = 365  # a pregnancy delivered in the first year began in the year before


@dataclass(frozen=True)
class _Spells:
    """`out` 0 and municipality -1: an empty cell."""

    submitter: Ids
    who: Ids
    row: Ids
    start: Ids
    end: Ids
    reason: Ids
    out: Ids
    previous: Ids
    following: Ids

    @classmethod
    def joined(cls, *parts: "_Spells") -> "_Spells":
        return cls(*(np.concatenate([getattr(part, f) for part in parts]) for f in cls.__dataclass_fields__))

    def at(self, rows: Ids) -> "_Spells":
        return _Spells(*(getattr(self, f)[rows] for f in self.__dataclass_fields__))


def residency_spells(scene: Scene) -> pl.DataFrame:
    """Spells that reach into the years sent, of women from their first pregnancy on and of their children."""
    s, window = _Spells.joined(*_mothers(scene), *_children(scene)), scene.window
    s = s.at(np.flatnonzero((s.end >= window.start - BEFORE_DAYS) & (s.start <= window.end)))
    s = s.at(np.lexsort((s.row, s.submitter)))
    ended = s.end <= window.end  # what ends after the years sent has not ended yet
    code = _code_or_none()
    return pl.DataFrame({
        "row": s.row, "who": s.who, "event": s.start,
        "resident_from_date": dates(s.start), "resident_to_date": dates(np.where(ended, s.end, FAR)),
        "in_reason_code": codes(s.reason), "out_reason_code": codes(np.where(ended, s.out, 0), 0),
        "previous_municipality_code": code[s.previous + 1],
        "next_municipality_code": code[np.where(ended & (s.out == MOVED_OUT), s.following, -1) + 1],
    })  # fmt: skip


@cache
def _code_or_none() -> pl.Series:
    """Code by position + 1; nothing at 0."""
    return pl.Series([None, *places().codes], dtype=pl.String)


def is_native(scene: Scene) -> Flags:
    """Mothers who were born in their first municipality."""
    return scene.draws.happens("residency.native", scene.mothers.id, 0.3) & ~scene.mothers.is_foreign


def arrival(scene: Scene) -> tuple[Ids, Ids]:
    """Per mother: day on which her first pregnancy in view began, and since when she lived in her first municipality."""
    m, d = scene.mothers, scene.deliveries
    earliest = np.full(len(m), FAR)
    np.minimum.at(earliest, d.mother, np.minimum(d.notified, d.last_period))
    years = scene.draws.below("residency.years", m.id, 4000) + 30
    return earliest, np.where(is_native(scene), m.born, np.maximum(earliest - years, m.born + 1))


def first_listed_here(scene: Scene, chosen: Ids) -> Flags:
    """Mothers whose first spell among the chosen municipalities is the submitter's (see `residency_spells`)."""
    m, window = scene.mothers, scene.window
    earliest, came = arrival(scene)
    at_first = (m.moved > earliest) & (m.moved >= window.start - BEFORE_DAYS) & (came <= window.end)
    at_second = (m.moved < FAR) & (m.moved <= window.end)
    here, there = m.home == m.submitter, m.next_home == m.submitter
    listed: Flags = (here & at_first) | (~here & there & at_second & ~(at_first & np.isin(m.home, chosen)))
    return listed


def _mothers(scene: Scene) -> tuple[_Spells, _Spells]:
    m, draws = scene.mothers, scene.draws
    native, (earliest, came) = is_native(scene), arrival(scene)
    before = places().anywhere(draws.uniform("residency.from", m.id))
    here, there = m.home == m.submitter, m.next_home == m.submitter
    # Who left before her first pregnancy was never known to the maternal and child health office.
    first = np.flatnonzero(here & (m.moved > earliest))
    second = np.flatnonzero(there & (m.moved < FAR))
    none = np.full(len(second), -1)
    out = np.where(m.moved < FAR, MOVED_OUT, 0)
    origin = np.where(native | (before == m.home), -1, before)
    return (
        _Spells(m.submitter[first], first, m.id[first] * ROWS_OF_MOTHER, came[first], m.moved[first],
                np.where(native, BORN, MOVED_IN)[first], out[first], origin[first], m.next_home[first]),
        _Spells(m.submitter[second], second, m.id[second] * ROWS_OF_MOTHER + 1, m.moved[second], np.full(len(second), FAR),
                np.full(len(second), MOVED_IN), none + 1, m.home[second], none),
    )  # fmt: skip


def _children(scene: Scene) -> tuple[_Spells, _Spells]:
    c, p = scene.children, scene.deliveries.of
    moved, home, to, submitter = p.moved[c.of], p.home[c.of], p.next_home[c.of], p.submitter[c.of]
    born_at = np.where(moved <= c.born, to, home)
    later = (moved > c.born) & (moved < c.died) & (moved < FAR)
    first = np.flatnonzero((born_at == submitter) & ~c.is_stillborn)
    second = np.flatnonzero(later & (to == submitter) & ~c.is_stillborn)
    left = np.where(later, moved, c.died)
    out = np.where(later, MOVED_OUT, np.where(c.died < FAR, DIED, 0))
    died = np.where(c.died < FAR, DIED, 0)
    none, offset = np.full(len(c), -1), len(scene.mothers)
    return (
        _Spells(submitter[first], offset + first, c.id[first] * 2, c.born[first], left[first],
                np.full(len(first), BORN), out[first], none[first], to[first]),
        _Spells(submitter[second], offset + second, c.id[second] * 2 + 1, moved[second], c.died[second],
                np.full(len(second), MOVED_IN), died[second], home[second], none[second]),
    )  # fmt: skip
