"""The three checkups: target lists of each fiscal year, attendance, measurements, questionnaires."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from synthetic.draws import Draws, Floats, Ids, cumulative
from synthetic.parameters import numbers, parameters, shares
from synthetic.population.calendar import dates, fiscal_year, start_of
from synthetic.population.deliveries import age_class, by_age_class
from synthetic.population.growth import at_age, with_memory
from synthetic.population.households import Flags
from synthetic.population.risk import classes, cut, cuts, latent, raised
from synthetic.population.visits import Scene, codes

BY_AGE, MOVED_IN, CARRIED_OVER = 1, 2, 3  # mchdb-L23
LEFT, DIED, LONG_ABSENT, SEEN_ELSEWHERE = 1, 2, 3, 4  # mchdb-L24
CORRECTED = 2  # the age counts from the due date up to 24 months: in the first two programmes
NO_ANSWER = 9


@dataclass(frozen=True)
class Invitations:
    """One row per child and programme; `seen` FAR when the child never comes."""

    id: Ids
    child: Ids  # position
    programme: Ids  # position among the programmes
    scheduled: Ids
    seen: Ids
    comes: Flags
    is_absent: Flags


def invitations_of(scene: Scene) -> Invitations:
    """Invited at an age that is each municipality's habit; most come on the day, some later, some never."""
    c, draws, p = scene.children, scene.draws, parameters()["checkup"]
    living = np.flatnonzero(~c.is_stillborn)
    n = len(p["programmes"])
    child, programme = np.repeat(living, n), np.tile(np.arange(n), len(living))
    ids = c.id[child] * 8 + programme
    home = scene.home_on(c.of[child], c.born[child])
    habit = draws.below("checkup.habit", home * 8 + programme, 3)
    age = numbers("checkup", "first_day").astype(np.int64)[programme, habit]
    scheduled = c.born[child] + age + draws.below("checkup.day", ids, p["day_spread"])
    delay = p["late_from_days"] + draws.below("checkup.delay", ids, p["late_to_days"] - p["late_from_days"])
    seen = scheduled + np.where(draws.happens("checkup.on_the_day", ids, p["on_the_day"]), 0, delay)
    absent = draws.happens("checkup.absent", ids, p["long_absent"])
    comes = (_willing(scene, ids, child) < cuts(1 - numbers("checkup", "attends"))[programme]) & ~absent
    return Invitations(ids, child, programme, scheduled, seen, comes & (seen < c.died[child]), absent)


def _willing(scene: Scene, ids: Ids, child: Ids) -> Floats:
    """Liability to stay away, by the family's engagement and burdens."""
    d, m, effects = scene.deliveries, scene.mothers, parameters()["risk"]["stays_away"]
    of = scene.children.of[child]
    mother = d.mother[of]
    reluctant = latent(scene.draws, "checkup.comes", ids, (-effects["engagement"], m.engagement[mother]))
    return raised(
        reluctant, effects, late=d.stage[of] > 1, single=m.is_single[mother], smoking=d.smokes[of],
        later=d.births_before[of] > 1,
    )  # fmt: skip


Listed = tuple[Ids, int, Ids, Ids]  # positions of invitations, why they are on a list, its day, why they were taken off


def targets(scene: Scene, i: Invitations) -> pl.DataFrame:
    """The submitters' lists: by age, moved in, carried over; and who was taken off them."""
    parts = [_by_age(scene, i), _moved_in(scene, i), _carried_over(scene, i)]
    at, when, removed = (np.concatenate([part[n] for part in parts]) for n in (0, 2, 3))
    reason = np.repeat([part[1] for part in parts], [len(part[0]) for part in parts])
    year, row = fiscal_year(when), i.id[at] * 4 + reason
    order = np.lexsort((row, scene.submitter_of(i.child[at])))
    order = order[(year[order] >= scene.window.first) & (year[order] <= scene.window.last)]
    at = at[order]
    return pl.DataFrame({
        "row": row[order], "who": len(scene.mothers) + i.child[at], "event": when[order],
        "programme_code": codes(numbers("checkup", "programmes").astype(np.int64)[i.programme[at]]),
        "target_fiscal_year": codes(year[order]), "scheduled_date": dates(when[order]),
        "target_reason_code": codes(reason[order]), "removed_reason_code": codes(removed[order], 0),
    })  # fmt: skip


def _listed_on(scene: Scene, i: Invitations) -> Ids:
    """The list of a year stands on 1 April; who is born later comes on it at birth."""
    return np.maximum(start_of(fiscal_year(i.scheduled)), scene.children.born[i.child])


def _by_age(scene: Scene, i: Invitations) -> Listed:
    c = scene.children
    listed_on = _listed_on(scene, i)
    here = scene.is_here(c.of[i.child], listed_on) & (c.died[i.child] > listed_on)
    at = np.flatnonzero(here)
    left = ~scene.is_here(c.of[i.child[at]], i.scheduled[at])
    died = c.died[i.child[at]] <= i.scheduled[at]
    removed = np.where(died, DIED, np.where(left, LEFT, np.where(i.is_absent[at], LONG_ABSENT, 0)))
    return at, BY_AGE, i.scheduled[at], removed


def _moved_in(scene: Scene, i: Invitations) -> Listed:
    """Comes on the new municipality's list; off it again where the former one had seen the child."""
    p, c = scene.deliveries.of, scene.children
    moved, to = p.moved[c.of[i.child]], p.next_home[c.of[i.child]]
    arrives = (to == p.submitter[c.of[i.child]]) & (moved > c.born[i.child]) & (moved < c.died[i.child])
    before = (moved > _listed_on(scene, i)) & (moved <= i.scheduled)
    waiting = i.comes & (moved > i.scheduled) & (moved <= i.seen)
    had_been_seen = i.comes & (moved > i.seen) & (fiscal_year(np.minimum(moved, 30000)) == fiscal_year(i.seen))
    at = np.flatnonzero(arrives & (before | waiting | had_been_seen))
    when = np.where(before[at], i.scheduled[at], np.where(waiting[at], i.seen[at], moved[at]))
    return at, MOVED_IN, when, np.where(had_been_seen[at], SEEN_ELSEWHERE, 0)


def _carried_over(scene: Scene, i: Invitations) -> Listed:
    """Missed in the old year and asked again in the new one."""
    listed = scene.draws.happens("checkup.listed_again", i.id, parameters()["checkup"]["carried_over_listed"])
    over = i.comes & listed & (fiscal_year(i.seen) > fiscal_year(i.scheduled))
    of = scene.children.of[i.child]
    stayed = scene.is_here(of, i.scheduled) & scene.is_here(of, i.seen)
    at = np.flatnonzero(over & stayed)
    return at, CARRIED_OVER, i.seen[at], np.zeros(len(at), dtype=np.int64)


def seen_here(scene: Scene, i: Invitations) -> Ids:
    """Positions of the checkups that residents came to in the years sent."""
    window = scene.window
    within = (i.seen >= window.start) & (i.seen <= window.end)
    return np.flatnonzero(i.comes & within & scene.is_here(scene.children.of[i.child], i.seen))


def checkups(scene: Scene, i: Invitations) -> pl.DataFrame:
    at = seen_here(scene, i)
    draws, ids = scene.draws, i.id[at]
    height, weight, head = _measures(scene, i, at)
    judged = judgements_of(scene, i, at)
    group = draws.happens("checkup.group", ids, numbers("checkup", "group")[i.programme[at]])
    return pl.DataFrame({
        "row": ids, "who": len(scene.mothers) + i.child[at], "event": i.seen[at],
        "place": scene.submitter_of(i.child[at]), "facility_kind": np.where(group, 4, 2),
        "programme_code": codes(numbers("checkup", "programmes").astype(np.int64)[i.programme[at]]),
        "branch": codes(np.ones(len(at), dtype=np.int64)), "visit_date": dates(i.seen[at]),
        "mode_code": codes(np.where(group, 2, 1)),
        "height_cm": height, "weight_kg": weight, "head_circumference_cm": head,
        "nutrition_code": codes(1 + draws.happens("checkup.nutrition", ids, 0.05)), "judgement_code": codes(1 + judged),
    })  # fmt: skip


def judgements_of(scene: Scene, i: Invitations, at: Ids) -> Ids:
    """Position in code list 019-116."""
    table = parameters()["checkup"]["judgement_shares"]
    return _picked_by(scene.draws, "checkup.judgement", i.id[at], i.programme[at], table)


def _measures(scene: Scene, i: Invitations, at: Ids) -> tuple[Floats, Floats, Floats]:
    """Size by the official tables at the corrected age; deviations go with birth, with the child and with its last one.

    Children born early are behind for their corrected age and catch up.
    """
    c, draws, p = scene.children, scene.draws, parameters()["checkup"]
    child, ids = i.child[at], i.id[at]
    programme, weeks = i.programme[at], scene.deliveries.weeks[c.of[child]]
    of_birth = numbers("checkup", "of_birth_size")[programme]
    of_child = p["of_child"]
    rest = np.sqrt(1 - of_birth * of_birth)
    own = draws.normal("growth.child", c.id)[child]
    age = np.sqrt(1 - of_child * of_child)
    weeks_early = np.where(weeks < 37, 40 - weeks, 0)
    behind = numbers("checkup", "behind_per_week_early")[programme] * weeks_early
    corrected = np.where(programme < CORRECTED, weeks_early, 0)
    months = ((i.seen[at] - c.born[child]) / 30.4375 - corrected / 4.35).astype(np.int64)

    def measure(name: str, stream: str, digits: int) -> Floats:
        noise = of_child * own + age * with_memory(
            draws, stream, ids - programme, programme, numbers("checkup", "kept")
        )
        deviation = np.clip(of_birth * c.weight_deviation[child] + rest * noise - behind, -3.6, 3.6)
        return np.round(at_age(name, c.sex[child], months, deviation), digits)

    return (
        measure("height_cm", "growth.height", 1),
        measure("weight_kg", "growth.weight", 2),
        measure("head_circumference_cm", "growth.head", 1),
    )


def _picked_by(draws: Draws, stream: str, ids: Ids, group: Ids, table: list[list[float]]) -> Ids:
    """Draws from the distribution of each row's group."""
    drawn = [draws.picked(stream, ids, cumulative(row)) for row in table]
    return np.stack(drawn)[group, np.arange(len(ids))]


def questionnaires(scene: Scene, i: Invitations) -> pl.DataFrame:
    """Fifteen-item questionnaire (a part of it), handed in at the checkup."""
    at = seen_here(scene, i)
    at = at[scene.draws.happens("answers.given", i.id[at], parameters()["checkup"]["questionnaire"])]
    ids, programme = i.id[at], i.programme[at]
    draws = scene.draws
    answers = _answers(scene, i, at)
    asked_once = np.where(programme == 0, 0, -1)  # smoking in pregnancy and guidance: at 3-4 months only
    for name in ("guidance_code", "smoking_pregnancy_code"):
        answers[name] = np.where(asked_once == 0, answers[name], -1)
    return pl.DataFrame({
        "row": ids, "who": len(scene.mothers) + i.child[at], "event": i.seen[at],
        "place": scene.submitter_of(i.child[at]),
        "programme_code": codes(numbers("checkup", "programmes").astype(np.int64)[programme]),
        "answered_date": dates(i.seen[at]),
        "respondent_code": codes(np.array([1, 2, 9])[draws.picked("answers.who", ids, cumulative([92, 6, 2]))]),
        **{name: codes(values, -1) for name, values in answers.items()},
        "harsh_items": _harsh(scene, i, at),
    })  # fmt: skip


def _answers(scene: Scene, i: Invitations, at: Ids) -> dict[str, Ids]:
    """Field -> code; 9: no answer, -1: not asked."""
    draws, p, ids = scene.draws, parameters()["checkup"], i.id[at]
    of = scene.children.of[i.child[at]]
    answers = {
        "guidance_code": 1 + draws.picked("answers.guidance", ids, shares("checkup", "guidance_shares")),
        "smoking_pregnancy_code": 1 + scene.deliveries.smokes[of].astype(np.int64),
        "community_code": 1 + draws.picked("answers.community", ids, shares("checkup", "community_shares")),
        **_of_the_household(scene, i, at),
        **_of_the_strain(scene, i, at),
    }
    silent = np.where(scene.deliveries.smokes[of], p["no_answer_if_smoking"], p["no_answer"])
    return {
        name: np.where(draws.happens(f"missing.{name}", ids, silent), NO_ANSWER, values)
        for name, values in answers.items()
    }


def hardship_of(scene: Scene) -> Floats:
    """Per mother: how hard pressed the household is for money."""
    p, m = parameters()["checkup"], scene.mothers
    liability = latent(scene.draws, "household.hardship", m.id, (p["hardship_with_smoking"], m.smoking))
    return liability + p["hardship_if_single"] * m.is_single


def _of_the_household(scene: Scene, i: Invitations, at: Ids) -> dict[str, Ids]:
    """Who smokes, smokes on; who has a family doctor, keeps him; a father who is not there gives no answer."""
    draws, p, ids, programme = scene.draws, parameters()["checkup"], i.id[at], i.programme[at]
    d, m = scene.deliveries, scene.mothers
    of = scene.children.of[i.child[at]]
    mother = d.mother[of]
    smokes_on = latent(draws, "answers.mother_smokes", ids, (p["smoking_kept"], d.smoking[of]))
    of_father = latent(draws, "father.smoking", m.id, (p["smoking_with_mother"], m.smoking))[mother]
    father = latent(draws, "answers.father_smokes", ids, (p["smoking_kept"], of_father))
    doctor = latent(draws, "answers.doctor", ids, (p["doctor_kept"], draws.normal("household.doctor", m.id)[mother]))
    takes_part = latent(draws, "answers.father", ids, (p["father_kept"], draws.normal("father.part", m.id)[mother]))
    economic = latent(draws, "answers.economic", ids, (p["hardship_kept"], hardship_of(scene)[mother]))
    has_doctor = numbers("checkup", "family_doctor")
    doctor_shares = np.column_stack([has_doctor, 0.96 - has_doctor, np.full(len(has_doctor), 0.04)])
    by_age = cuts(np.stack([by_age_class("smoking_by_age", share) for share in p["smoking_mother"]]))
    no_father = m.is_single[mother]
    return {
        "smoking_mother_code": 1 + (smokes_on > by_age[programme, age_class(d.age[of])]).astype(np.int64),
        "smoking_father_code": np.where(no_father, NO_ANSWER, 1 + (father > cuts(numbers("checkup", "smoking_father"))[programme])),
        "family_doctor_code": 1 + _class_by(doctor, programme, doctor_shares),
        "father_childcare_code": np.where(no_father, NO_ANSWER, 1 + _class_by(takes_part, programme, p["father_shares"])),
        "economic_code": 1 + classes(economic, p["economic_shares"]),
    }  # fmt: skip


def _strain(scene: Scene, i: Invitations, at: Ids) -> Floats:
    """What the mother carries and the child asks for, at every age; standard normal."""
    p, c = parameters()["checkup"], scene.children
    child = i.child[at]
    of_mother = scene.mothers.strain[scene.deliveries.mother[c.of[child]]]
    return latent(scene.draws, "child.temperament", c.id[child], (p["strain_of_mother"], of_mother))


def _of_the_strain(scene: Scene, i: Invitations, at: Ids) -> dict[str, Ids]:
    """Relaxed, finds the child difficult, can cope: answers of one and the same family."""
    draws, p, ids, programme = scene.draws, parameters()["checkup"], i.id[at], i.programme[at]
    strain, kept = _strain(scene, i, at), p["strain_kept"]
    relaxed, cannot_say = numbers("checkup", "relaxed"), numbers("checkup", "relaxed_cannot_say")
    three = np.column_stack([relaxed, cannot_say, 1 - relaxed - cannot_say])
    difficulty = 1 + classes(-latent(draws, "answers.difficulty", ids, (kept, strain)), p["difficulty_shares"])
    copes = latent(draws, "answers.cope", ids, (kept, strain)) < cut(1 - p["cope"])
    return {
        "relaxed_code": np.array([1, 3, 2])[_class_by(latent(draws, "answers.relaxed", ids, (kept, strain)), programme, three)],
        "difficulty_code": difficulty,
        "difficulty_cope_code": np.where(difficulty == 3, -1, np.where(copes, 1, 2)),
    }  # fmt: skip


def _class_by(drawn: Floats, group: Ids, table: list[list[float]] | Floats) -> Ids:
    """Class of each standard normal number by the shares of its group."""
    return np.stack([classes(drawn, list(row)) for row in table])[group, np.arange(len(drawn))]


def _harsh(scene: Scene, i: Invitations, at: Ids) -> pl.Series:
    """Items ticked, 8: none of them."""
    draws, ids = scene.draws, i.id[at]
    ticked = pl.Series(["8", "4", "2", "3", "2;4"])
    loses_patience = latent(
        draws, "answers.harsh", ids, (parameters()["checkup"]["strain_kept"], _strain(scene, i, at))
    )
    none = loses_patience < cuts(1 - numbers("checkup", "no_harsh"))[i.programme[at]]
    return ticked[np.where(none, 0, 1 + draws.below("answers.harsh_item", ids, 4))]
