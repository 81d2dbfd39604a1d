"""母子健康手帳: one per child, issued when the pregnancy is notified; on paper, and linked to an app for a growing share."""

import numpy as np
import polars as pl

from synthetic.draws import Ids
from synthetic.parameters import parameters
from synthetic.population.calendar import FAR, dates
from synthetic.population.checkups import Invitations
from synthetic.population.visits import Scene, codes

PAPER, PAPER_AND_APP = 1, 3  # handbook_kind_code (要確認)


def notified_here(scene: Scene) -> Ids:
    """Pregnancies that a resident notified in the years sent."""
    on, window = scene.deliveries.notified, scene.window
    return np.flatnonzero((on >= window.start) & (on <= window.end) & scene.is_here(np.arange(len(on)), on))


def handbooks(scene: Scene, _: Invitations) -> pl.DataFrame:
    """One row per child of a pregnancy notified by a resident: pregnancy_id, child_order, issued_date, handbook_kind_code.

    linked_date: when the app was linked, null without one.
    """
    d, draws, p, window = scene.deliveries, scene.draws, parameters()["handbook"], scene.window
    on, here = d.notified, notified_here(scene)
    of = np.repeat(here, d.children[here])
    order = 1 + np.arange(len(of)) - np.repeat(np.cumsum(d.children[here]) - d.children[here], d.children[here])
    linked = draws.happens("handbook.linked", d.of.id, p["linked"])
    linked_on = on + draws.below("handbook.linked_day", d.of.id, p["linked_within_days"])
    linked_on = np.where(linked & (linked_on <= window.end), linked_on, FAR)
    return pl.DataFrame({
        "row": d.of.id[of] * 4 + order, "who": d.mother[of], "pregnancy_id": d.of.id[of], "child_order": codes(order),
        "issued_date": dates(on[of]), "handbook_kind_code": codes(np.where(linked_on[of] < FAR, PAPER_AND_APP, PAPER)),
        "linked_date": dates(linked_on[of]),
    })  # fmt: skip
