"""Children referred after a checkup, and what became of it."""

import numpy as np
import polars as pl

from synthetic.draws import Ids
from synthetic.parameters import parameters, shares
from synthetic.population.calendar import FAR, dates
from synthetic.population.checkups import Invitations, judgements_of, seen_here
from synthetic.population.households import Flags
from synthetic.population.visits import Scene, codes

REFERRED = (
    3  # position in code list 019-116: from here on the child is sent on (4: for an examination, 5: for treatment)
)


def detailed_exams(scene: Scene, i: Invitations) -> pl.DataFrame:
    """One row per referral of a resident: programme_code, referred_date, domain_code, examined_date, result_code (019-106).

    domain_code: 1 body, 2 development, 3 eyes, 4 ears, 5 urine, 6 hips, 9 other (要確認). examined_date and result_code are
    null while she has not been, or after the years sent.
    """
    p, draws, c = parameters()["referral"], scene.draws, scene.children
    at = seen_here(scene, i)
    at = at[judgements_of(scene, i, at) >= REFERRED]
    ids, child = i.id[at], i.child[at]
    examined = (
        i.seen[at] + p["wait_from_days"] + draws.below("referral.wait", ids, p["wait_to_days"] - p["wait_from_days"])
    )
    goes = _goes(scene, ids, child) & (examined <= scene.window.end) & (examined < c.died[child])
    result = 1 + draws.picked("referral.result", ids, shares("referral", "result_shares"))
    domain = np.array([1, 2, 3, 4, 5, 6, 9])[_picked_by(scene, ids, i.programme[at])]
    return pl.DataFrame({
        "row": ids, "who": len(scene.mothers) + child, "programme_code": codes(np.array([31, 34, 36])[i.programme[at]]),
        "referred_date": dates(i.seen[at]), "domain_code": codes(domain),
        "examined_date": dates(np.where(goes, examined, FAR)), "result_code": codes(np.where(goes, result, 0), 0),
    })  # fmt: skip


def _goes(scene: Scene, ids: Ids, child: Ids) -> Flags:
    p, d = parameters()["referral"], scene.deliveries
    engaged = scene.mothers.engagement[d.mother[scene.children.of[child]]]
    share = np.clip(p["examined"] + p["more_if_engaged"] * engaged, 0, 1)
    return scene.draws.happens("referral.goes", ids, share)


def _picked_by(scene: Scene, ids: Ids, programme: Ids) -> Ids:
    """Eyes and ears are examined at 3 years, hips at 3-4 months."""
    tables = parameters()["referral"]["domain_shares"]
    drawn = [scene.draws.picked("referral.domain", ids, np.cumsum(row) / sum(row)) for row in tables]
    return np.stack(drawn)[programme, np.arange(len(ids))]
