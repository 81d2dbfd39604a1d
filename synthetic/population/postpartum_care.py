"""産後ケア: who uses it after the delivery, how often, in which form."""

import numpy as np
import polars as pl

from synthetic.draws import Ids
from synthetic.parameters import parameters, shares
from synthetic.population.calendar import dates
from synthetic.population.checkups import Invitations
from synthetic.population.households import Flags
from synthetic.population.mood import low_mood
from synthetic.population.risk import cuts, latent, raised
from synthetic.population.visits import Scene, codes

CESAREAN = 2  # code list 019-225


def users(scene: Scene) -> Flags:
    """Women who use it after this delivery, by the fiscal year's share."""
    d, effects = scene.deliveries, parameters()["risk"]["postpartum_care"]
    p = parameters()["postpartum_care"]
    liability = raised(
        latent(scene.draws, "risk.postpartum_care", d.of.id), effects, first=d.births_before == 0, multiple=d.children > 1,
        cesarean=d.method == CESAREAN, low_mood=low_mood(scene.draws, scene.mothers, d, scene.children),
    )  # fmt: skip
    by_year = np.array(p["use_by_fiscal_year"])
    year = np.clip(d.of.fiscal_year - p["first_fiscal_year"], 0, len(by_year) - 1)
    return liability - effects["mean"] > cuts(by_year)[year]


def postpartum_care(scene: Scene, _: Invitations) -> pl.DataFrame:
    """One row per use of a resident: pregnancy_id, use_no, service_code (019-108), applied_date, used_date, days."""
    p, draws, d, window = parameters()["postpartum_care"], scene.draws, scene.deliveries, scene.window
    of = np.flatnonzero(users(scene))
    times = 1 + draws.picked("postpartum_care.uses", d.of.id[of], shares("postpartum_care", "uses_shares"))
    of, nth = np.repeat(of, times), _numbered(times)
    ids = d.of.id[of] * 8 + nth
    first = p["first_from_days"] + draws.below("postpartum_care.first", d.of.id, p["first_to_days"])[of]
    used = d.day[of] + first + nth * (7 + draws.below("postpartum_care.every", d.of.id, 14)[of])
    keep = (used >= window.start) & (used <= window.end) & scene.is_here(of, used)
    of, nth, ids, used = of[keep], nth[keep], ids[keep], used[keep]
    service = 1 + draws.picked("postpartum_care.service", d.of.id[of], shares("postpartum_care", "service_shares"))
    overnight = 2 + draws.below("postpartum_care.nights", ids, 3)
    return pl.DataFrame({
        "row": ids, "who": d.mother[of], "pregnancy_id": d.of.id[of], "use_no": codes(nth + 1), "service_code": codes(service),
        "applied_date": dates(used - 1 - draws.below("postpartum_care.applied", ids, 21)), "used_date": dates(used),
        "days": codes(np.where(service == 1, overnight, 1)),
    })  # fmt: skip


def _numbered(times: Ids) -> Ids:
    """0, 1, ... for each of them."""
    return np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
