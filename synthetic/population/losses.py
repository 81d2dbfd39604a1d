"""Pregnancies that ended before their time: miscarriages, stillbirths before and after 22 weeks, each with its own dates."""

import numpy as np
import polars as pl

from synthetic.draws import Floats, Ids
from synthetic.parameters import numbers, parameters, shares
from synthetic.population.calendar import FAR, dates
from synthetic.population.checkups import Invitations
from synthetic.population.deliveries import age_class
from synthetic.population.households import Flags
from synthetic.population.residency import arrival
from synthetic.population.visits import WEEK, Scene, codes

KINDS = pl.Enum(["miscarriage", "stillbirth_12_21w", "stillbirth_22w"])
NAMES = pl.Series(KINDS.categories, dtype=KINDS)
EARLY, LATE, VIABLE = 0, 1, 2
RECOVERS_DAYS = 42  # between a delivery and the next last period


def pregnancy_losses(scene: Scene, _: Invitations) -> pl.DataFrame:
    """One row per loss of a resident in the years sent.

    row: unique. pregnancy_id: for a stillbirth from 22 weeks, whose delivery has records; else null.
    next_pregnancy_id: for the others, the pregnancy that followed. kind: `KINDS`. notified_date: null where she lost it
    before she would have notified. is_induced: null from 22 weeks on (not told apart).
    """
    return pl.concat([_before_22_weeks(scene), _from_22_weeks(scene)])


def _before_22_weeks(scene: Scene) -> pl.DataFrame:
    """Before a pregnancy that went on: ended some weeks before its last period, after the delivery before."""
    d, draws, p = scene.deliveries, scene.draws, parameters()["loss"]
    ids, age = d.of.id, age_class(d.age)
    u = draws.uniform("loss", ids)
    early = numbers("loss", "miscarriage_by_age")[age]
    lost = u < early + p["from_12_weeks"]
    kind = np.where(u < early, EARLY, LATE)
    weeks = np.where(
        kind == EARLY,
        np.array(p["weeks_early"])[draws.picked("loss.week", ids, shares("loss", "weeks_early_shares"))],
        12 + draws.below("loss.week", ids, 10),
    )
    ended = d.last_period - p["wait_from_days"] - draws.below("loss.wait", ids, p["wait_to_days"] - p["wait_from_days"])
    last_period = ended - weeks * WEEK - draws.below("loss.day", ids, WEEK)
    recovered = np.where(d.previous < 0, -FAR, d.day[d.previous] + RECOVERS_DAYS)
    at = np.flatnonzero(lost & (last_period >= recovered) & _lives_here(scene, ended))
    notified = last_period + (6 + draws.below("loss.notified", ids, 6)) * WEEK
    return pl.DataFrame({
        "row": ids[at] * 4 + kind[at], "who": d.mother[at], "pregnancy_id": pl.repeat(None, len(at), dtype=pl.Int64, eager=True),
        "next_pregnancy_id": ids[at], "kind": NAMES[kind[at]],
        "last_period_date": dates(last_period[at]), "ended_date": dates(ended[at]), "gestation_weeks": codes(weeks[at]),
        "notified_date": dates(np.where(notified < ended, notified, FAR)[at]),
        "is_induced": pl.Series(draws.happens("loss.induced", ids, np.where(kind == LATE, p["induced"], 0.0))[at]),
    })  # fmt: skip


def _lives_here(scene: Scene, on: Ids) -> Flags:
    """Known to the submitter on the day, within the years sent."""
    d, window = scene.deliveries, scene.window
    earliest, came = arrival(scene)
    of = np.arange(len(on))
    known = (on >= came[d.mother]) & (scene.mothers.moved > earliest)[d.mother]
    known |= on >= d.of.moved
    here: Flags = known & scene.is_here(of, on) & (on >= window.start) & (on <= window.end)
    return here


def _from_22_weeks(scene: Scene) -> pl.DataFrame:
    d, c, window = scene.deliveries, scene.children, scene.window
    at = np.flatnonzero(
        c.is_stillborn & (c.born >= window.start) & (c.born <= window.end) & scene.is_here(c.of, c.born)
    )
    of = c.of[at]
    none: Floats = np.full(len(at), FAR)
    return pl.DataFrame({
        "row": c.id[at] * 4 + VIABLE, "who": d.mother[of], "pregnancy_id": d.of.id[of],
        "next_pregnancy_id": pl.repeat(None, len(at), dtype=pl.Int64, eager=True),
        "kind": NAMES[np.full(len(at), VIABLE)],
        "last_period_date": dates(d.last_period[of]), "ended_date": dates(c.born[at]), "gestation_weeks": codes(d.weeks[of]),
        "notified_date": dates(np.where(d.notified[of] < c.born[at], d.notified[of], none)),
        "is_induced": pl.repeat(None, len(at), dtype=pl.Boolean, eager=True),
    })  # fmt: skip
