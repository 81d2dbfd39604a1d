"""Hearing of newborns: the first test, and what followed where it was not passed (1-3-6 rule, domain.md 2.2)."""

import numpy as np
import polars as pl

from synthetic.draws import Ids
from synthetic.parameters import numbers, parameters, shares
from synthetic.population.calendar import dates
from synthetic.population.checkups import Invitations
from synthetic.population.households import Flags
from synthetic.population.visits import Scene, codes

FIRST, CONFIRMING, EXAM = 1, 2, 3  # test_stage_code (要確認)
AABR, OAE = 1, 3  # code list 019-111
PASS, REFER = 1, 2  # code list 019-112


def newborn_screenings(scene: Scene, _: Invitations) -> pl.DataFrame:
    """One row per test of a resident's newborn: test_stage_code, test_date, hearing_method_code, hearing_result_code."""
    c, draws, p = scene.children, scene.draws, parameters()["newborn_screening"]
    method = np.array([AABR, OAE])[draws.picked("hearing.method", c.id, shares("newborn_screening", "method_shares"))]
    tested = draws.happens("hearing.tested", c.id, p["tested"]) & ~c.is_stillborn
    by_aabr, by_oae = numbers("newborn_screening", "refer")
    refer = draws.happens("hearing.refer", c.id, np.where(method == AABR, by_aabr, by_oae))
    again = draws.happens("hearing.refer_again", c.id, p["refer_again"])
    parts = [
        _tests(scene, tested, FIRST, 1 + draws.below("hearing.day", c.id, 4), method, refer),
        _tests(scene, tested & refer, CONFIRMING, 5 + draws.below("hearing.second", c.id, 10), method, again),
    ]
    examined = tested & refer & again & draws.happens("hearing.exam", c.id, p["examined"])
    loss = draws.happens("hearing.loss", c.id, p["hearing_loss"])
    parts.append(
        _tests(scene, examined, EXAM, 30 + draws.below("hearing.exam_day", c.id, 75), np.full(len(c), AABR), loss)
    )
    return pl.concat(parts)


def _tests(scene: Scene, who: Flags, stage: int, after: Ids, method: Ids, refer: Flags) -> pl.DataFrame:
    c, window = scene.children, scene.window
    on = c.born + after
    at = np.flatnonzero(who & (on < c.died) & (on >= window.start) & (on <= window.end) & scene.is_here(c.of, on))
    return pl.DataFrame({
        "row": c.id[at] * 4 + stage, "who": len(scene.mothers) + at, "test_stage_code": codes(np.full(len(at), stage)),
        "test_date": dates(on[at]), "hearing_method_code": codes(method[at]),
        "hearing_result_code": codes(np.where(refer[at], REFER, PASS)),
    })  # fmt: skip
