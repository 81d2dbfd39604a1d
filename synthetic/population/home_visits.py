"""The visit at home that every family with a newborn is offered (新生児訪問, 乳児家庭全戸訪問)."""

import numpy as np
import polars as pl

from synthetic.parameters import parameters
from synthetic.population.calendar import dates
from synthetic.population.checkups import Invitations
from synthetic.population.visits import Scene, codes

NEWBORN, PREMATURE, INFANT = 3, 4, 5  # code list 019-143
NEWBORN_DAYS, LAST_DAY = 28, 120  # indicators.md, domain.md 2.2: newborn under 28 days, all infants until 4 months
NOT_DONE, DONE = 1, 2  # code list 019-236


def home_visits(scene: Scene, _: Invitations) -> pl.DataFrame:
    """One row per visited child of a resident: visit_date, visit_target_code (019-143), met_child_code (019-236)."""
    p, draws, c, window = parameters()["home_visit"], scene.draws, scene.children, scene.window
    d = scene.deliveries
    of_delivery = d.of.id[c.of]  # twins are visited together
    engaged = scene.mothers.engagement[d.mother[c.of]]
    early = draws.happens("home_visit.early", of_delivery, p["as_newborn"])
    wait = np.where(
        early, 8 + draws.below("home_visit.day", of_delivery, NEWBORN_DAYS - 8),
        NEWBORN_DAYS + draws.below("home_visit.day", of_delivery, LAST_DAY - NEWBORN_DAYS),
    )  # fmt: skip
    visited = draws.happens(
        "home_visit.visited", of_delivery, np.clip(p["visited"] + p["more_if_engaged"] * engaged, 0, 1)
    )
    on = c.born + wait
    keep = (
        visited & ~c.is_stillborn & (on < c.died) & (on >= window.start) & (on <= window.end) & scene.is_here(c.of, on)
    )
    at = np.flatnonzero(keep)
    small = (d.weeks[c.of[at]] < 37) | (c.weight_g[at] < 2000)
    target = np.where(small, PREMATURE, np.where(wait[at] < NEWBORN_DAYS, NEWBORN, INFANT))
    met = draws.happens("home_visit.met", c.id[at], p["met_child"])
    return pl.DataFrame({
        "row": c.id[at], "who": len(scene.mothers) + at, "visit_date": dates(on[at]), "visit_target_code": codes(target),
        "met_child_code": codes(np.where(met, DONE, NOT_DONE)),
    })  # fmt: skip
