"""妊娠届出アンケート: what a woman tells when she files the notification; fields as in the record of that name."""

import numpy as np
import polars as pl

from synthetic.parameters import parameters
from synthetic.places import places
from synthetic.population.calendar import dates
from synthetic.population.checkups import NO_ANSWER, Invitations, hardship_of
from synthetic.population.handbooks import notified_here
from synthetic.population.risk import classes, latent
from synthetic.population.visits import Scene, codes

PLANNED, NO_STAY, NOT_KNOWN = 1, 3, 9  # mchdb-L9
NO, YES = 1, 2  # code list 019-194; in 019-123, 019-195 and 019-196 the first is yes


def pregnancy_questionnaires(scene: Scene, _: Invitations) -> pl.DataFrame:
    """One row per answered questionnaire of a resident: pregnancy_id, answered_date, answers, height and weight before."""
    d, m, draws, p = scene.deliveries, scene.mothers, scene.draws, parameters()["notification_questionnaire"]
    of = notified_here(scene)
    of = of[draws.happens("notified.answers", d.of.id[of], p["answered"])]
    ids, mother = d.of.id[of], d.mother[of]
    stay = np.where(draws.happens("notified.stay_known", ids, p["stay_known"]),
                    np.where(d.returns_home[of], PLANNED, NO_STAY), NOT_KNOWN)  # fmt: skip
    prefecture = places().prefecture[d.place[of]]
    strained = latent(draws, "notified.history", ids, (p["history_with_strain"], m.strain[mother]))
    economic = latent(draws, "notified.economic", ids, (p["economic_kept"], hardship_of(scene)[mother]))

    def answers(name: str, values: np.ndarray) -> pl.Series:
        silent = draws.happens(f"notified.silent_{name}", ids, p["no_answer"])
        return codes(np.where(silent, NO_ANSWER, values))

    def ticked(name: str) -> pl.Series:
        """1: yes, 2: no."""
        return answers(name, np.where(draws.happens(f"notified.{name}", ids, p[name]), 1, 2))

    return pl.DataFrame({
        "row": ids, "who": mother, "pregnancy_id": ids, "answered_date": dates(d.notified[of]),
        "smoking_code": answers("smoking", np.where(d.smokes[of], YES, NO)),
        "drinking_code": answers("drinking", np.where(draws.happens("notified.drinks", ids, p["drinking"]), YES, NO)),
        "satogaeri_code": codes(stay),
        "satogaeri_prefecture_code": pl.Series([None, *(f"{n:02}" for n in range(1, 48))])[np.where(stay == PLANNED, prefecture, 0)],
        "support_person_code": ticked("support_person"), "employed_code": ticked("employed"),
        "economic_code": answers("economic", 1 + classes(economic, parameters()["checkup"]["economic_shares"])),
        "mental_history_code": answers("mental_history", np.where(strained > p["history_above"], 1, 2)),
        "unwanted_code": ticked("unwanted"), "partner_violence_code": ticked("partner_violence"),
        "height_cm": m.height_cm[mother],
        "prepregnancy_weight_kg": np.round(m.bmi[mother] * m.height_cm[mother] * m.height_cm[mother] / 10_000, 1),
    })  # fmt: skip
