"""Residency spells of mothers and children in a municipality (resident register)."""

import numpy as np
import polars as pl

from synthetic.draws import Ids
from synthetic.places import places
from synthetic.population.calendar import FAR, dates
from synthetic.population.households import Flags
from synthetic.population.visits import Scene, codes

BORN, MOVED_IN, MOVED_OUT, DIED = 1, 2, 3, 4  # mchdb-L7
BEFORE_DAYS = 365  # a pregnancy delivered in the first year began in the year before


def residency_spells(scene: Scene) -> pl.DataFrame:
    """Spells that reach into the years sent, of women from their first pregnancy on and of their children."""
    spells = pl.concat([_mothers(scene), _children(scene)])
    return (
        spells.filter(pl.col("to") >= scene.window.start - BEFORE_DAYS, pl.col("event") <= scene.window.end)
        .drop("to")
        .sort("submitter", "row")
        .drop("submitter")
    )


def _spells(
    scene: Scene,
    submitter: Ids,
    who: Ids,
    person: Ids,
    spell: int,
    start: Ids,
    end: Ids,
    reason: Ids,
    out: Ids,
    previous: Ids,
    following: Ids,
) -> pl.DataFrame:
    """`out` 0 and municipality -1: an empty cell. What ends after the years sent has not ended yet."""
    ended = end <= scene.window.end
    known = places().codes
    code_of = pl.Series([None, *known], dtype=pl.String)
    return pl.DataFrame({
        "submitter": submitter, "row": person * 2 + spell, "who": who, "event": start, "to": end,
        "resident_from_date": dates(start), "resident_to_date": dates(np.where(ended, end, FAR)),
        "in_reason_code": codes(reason), "out_reason_code": codes(np.where(ended, out, 0), 0),
        "previous_municipality_code": code_of[previous + 1],
        "next_municipality_code": code_of[np.where(ended & (out == MOVED_OUT), following, -1) + 1],
    })  # fmt: skip


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


def _mothers(scene: Scene) -> pl.DataFrame:
    m, draws = scene.mothers, scene.draws
    native, (earliest, came) = is_native(scene), arrival(scene)
    before = places().anywhere(draws.uniform("residency.from", m.id))
    here, there = m.home == m.submitter, m.next_home == m.submitter
    # Who left before her first pregnancy was never known to the maternal and child health office.
    first = np.flatnonzero(here & (m.moved > earliest))
    second = np.flatnonzero(there & (m.moved < FAR))
    none = np.full(len(m), -1)
    out = np.where(m.moved < FAR, MOVED_OUT, 0)
    origin = np.where(native | (before == m.home), -1, before)
    return pl.concat([
        _spells(scene, m.submitter[first], first, m.id[first] << 3, 0, came[first], m.moved[first],
                np.where(native, BORN, MOVED_IN)[first], out[first], origin[first], m.next_home[first]),
        _spells(scene, m.submitter[second], second, m.id[second] << 3, 1, m.moved[second], np.full(len(second), FAR),
                np.full(len(second), MOVED_IN), none[second] + 1, m.home[second], none[second]),
    ])  # fmt: skip


def _children(scene: Scene) -> pl.DataFrame:
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
    return pl.concat([
        _spells(scene, submitter[first], offset + first, c.id[first], 0, c.born[first], left[first],
                np.full(len(first), BORN), out[first], none[first], to[first]),
        _spells(scene, submitter[second], offset + second, c.id[second], 1, moved[second], c.died[second],
                np.full(len(second), MOVED_IN), died[second], home[second], none[second]),
    ])  # fmt: skip
