"""Dental checks at 1 year 6 months and at 3 years: who had caries keeps it."""

import numpy as np
import polars as pl

from synthetic.draws import Ids
from synthetic.parameters import numbers, parameters, shares
from synthetic.population.calendar import dates
from synthetic.population.checkups import Invitations, seen_here
from synthetic.population.risk import cuts, latent
from synthetic.population.visits import Scene, codes

NONE, CARIES = 1, np.array([0, 3, 2])  # code lists 019-243 at 1 year 6 months, 019-130 at 3 years
FREE, FRONT_OR_MOLARS, FRONT_AND_MOLARS, LOWER_FRONT = 1, 2, 3, 4  # code list 019-139: O, A, B, C1


def dental_checks(scene: Scene, i: Invitations) -> pl.DataFrame:
    """One row per child and check: programme_code, visit_date, caries_state_code, teeth, treated teeth, type.

    caries_type_code is that of 019-139 and of the check at 3 years only.
    """
    p, draws = parameters()["dental"], scene.draws
    at = seen_here(scene, i)
    at = at[(i.programme[at] > 0) & draws.happens("dental.seen", i.id[at], numbers("dental", "seen")[i.programme[at]])]
    ids, child, programme = i.id[at], i.child[at], i.programme[at]
    has = _liability(scene, child) > cuts(numbers("dental", "caries"))[programme]
    teeth = np.where(has, _teeth(scene, ids, child), 0)
    treated = np.minimum(teeth, np.floor(teeth * draws.uniform("dental.treated", ids) * p["treated"]).astype(np.int64))
    kind = np.where(teeth > p["teeth_of_one_kind"], FRONT_AND_MOLARS, np.where(has, FRONT_OR_MOLARS, FREE))
    kind = np.where(has & draws.happens("dental.lower", ids, p["lower_front"]), LOWER_FRONT, kind)
    return pl.DataFrame({
        "row": ids, "who": len(scene.mothers) + child,
        "programme_code": codes(numbers("checkup", "programmes").astype(np.int64)[programme]),
        "visit_date": dates(i.seen[at]), "caries_state_code": codes(np.where(has, CARIES[programme], NONE)),
        "caries_teeth_count": codes(teeth), "treated_teeth_count": codes(treated),
        "caries_type_code": codes(np.where(programme == 2, kind, 0), 0),
    })  # fmt: skip


def _liability(scene: Scene, child: Ids) -> np.ndarray:
    """Standard normal, the same at both ages: more often where the family is little engaged or smokes."""
    p, c, d, m = parameters()["dental"], scene.children, scene.deliveries, scene.mothers
    mother = d.mother[c.of]
    every = latent(
        scene.draws,
        "dental.caries",
        c.id,
        (-p["by_engagement"], m.engagement[mother]),
        (p["by_smoking"], m.smoking[mother]),
    )
    return every[child]


def _teeth(scene: Scene, ids: Ids, child: Ids) -> Ids:
    """Teeth with caries; a child has more at 3 years than at 1 year 6 months."""
    p = parameters()["dental"]
    more = 1 + scene.draws.picked("dental.teeth", scene.children.id, shares("dental", "teeth_shares"))[child]
    return np.where(ids % 8 == 2, more, np.minimum(more, p["most_teeth_at_1y6m"]))
