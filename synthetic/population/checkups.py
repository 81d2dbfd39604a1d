"""The three checkups: target lists of each fiscal year, attendance, measurements, questionnaires."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from synthetic.draws import Draws, Floats, Ids, cumulative
from synthetic.parameters import numbers, parameters, shares
from synthetic.population.calendar import dates, fiscal_year, start_of
from synthetic.population.growth import at_age
from synthetic.population.households import Flags
from synthetic.population.visits import Scene, codes

BY_AGE, MOVED_IN, CARRIED_OVER = 1, 2, 3  # mchdb-L23
LEFT, DIED, LONG_ABSENT, SEEN_ELSEWHERE = 1, 2, 3, 4  # mchdb-L24
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
    comes = draws.happens("checkup.comes", ids, numbers("checkup", "attends")[programme]) & ~absent
    return Invitations(ids, child, programme, scheduled, seen, comes & (seen < c.died[child]), absent)


def targets(scene: Scene, invited: Invitations) -> pl.DataFrame:
    """The submitters' lists: by age, moved in, carried over; and who was taken off them."""
    parts = [_by_age(scene, invited), _moved_in(scene, invited), _carried_over(scene, invited)]
    listed = pl.concat(parts)
    first, last = scene.window.first, scene.window.last
    return (
        listed.filter(pl.col("target_fiscal_year").is_between(first, last)).sort("submitter", "row").drop("submitter")
    )


def _list(scene: Scene, i: Invitations, at: Ids, reason: int, when: Ids, removed: Ids) -> pl.DataFrame:
    return pl.DataFrame({
        "submitter": scene.submitter_of(i.child[at]), "row": i.id[at] * 4 + reason, "who": len(scene.mothers) + i.child[at], "event": when,
        "programme_code": codes(numbers("checkup", "programmes").astype(np.int64)[i.programme[at]]),
        "target_fiscal_year": codes(fiscal_year(when)), "scheduled_date": dates(when),
        "target_reason_code": codes(np.full(len(at), reason)), "removed_reason_code": codes(removed, 0),
    })  # fmt: skip


def _listed_on(scene: Scene, i: Invitations) -> Ids:
    """The list of a year stands on 1 April; who is born later comes on it at birth."""
    return np.maximum(start_of(fiscal_year(i.scheduled)), scene.children.born[i.child])


def _by_age(scene: Scene, i: Invitations) -> pl.DataFrame:
    c = scene.children
    listed_on = _listed_on(scene, i)
    here = scene.is_here(c.of[i.child], listed_on) & (c.died[i.child] > listed_on)
    at = np.flatnonzero(here)
    left = ~scene.is_here(c.of[i.child[at]], i.scheduled[at])
    died = c.died[i.child[at]] <= i.scheduled[at]
    removed = np.where(died, DIED, np.where(left, LEFT, np.where(i.is_absent[at], LONG_ABSENT, 0)))
    return _list(scene, i, at, BY_AGE, i.scheduled[at], removed)


def _moved_in(scene: Scene, i: Invitations) -> pl.DataFrame:
    """Comes on the new municipality's list; off it again where the former one had seen the child."""
    p, c = scene.deliveries.of, scene.children
    moved, to = p.moved[c.of[i.child]], p.next_home[c.of[i.child]]
    arrives = (to == p.submitter[c.of[i.child]]) & (moved > c.born[i.child]) & (moved < c.died[i.child])
    before = (moved > _listed_on(scene, i)) & (moved <= i.scheduled)
    waiting = i.comes & (moved > i.scheduled) & (moved <= i.seen)
    had_been_seen = i.comes & (moved > i.seen) & (fiscal_year(np.minimum(moved, 30000)) == fiscal_year(i.seen))
    at = np.flatnonzero(arrives & (before | waiting | had_been_seen))
    when = np.where(before[at], i.scheduled[at], np.where(waiting[at], i.seen[at], moved[at]))
    return _list(scene, i, at, MOVED_IN, when, np.where(had_been_seen[at], SEEN_ELSEWHERE, 0))


def _carried_over(scene: Scene, i: Invitations) -> pl.DataFrame:
    """Missed in the old year and asked again in the new one."""
    listed = scene.draws.happens("checkup.listed_again", i.id, parameters()["checkup"]["carried_over_listed"])
    over = i.comes & listed & (fiscal_year(i.seen) > fiscal_year(i.scheduled))
    of = scene.children.of[i.child]
    stayed = scene.is_here(of, i.scheduled) & scene.is_here(of, i.seen)
    at = np.flatnonzero(over & stayed)
    return _list(scene, i, at, CARRIED_OVER, i.seen[at], np.zeros(len(at), dtype=np.int64))


def _seen(scene: Scene, i: Invitations) -> Ids:
    window = scene.window
    within = (i.seen >= window.start) & (i.seen <= window.end)
    return np.flatnonzero(i.comes & within & scene.is_here(scene.children.of[i.child], i.seen))


def checkups(scene: Scene, i: Invitations) -> pl.DataFrame:
    at = _seen(scene, i)
    draws, p, ids = scene.draws, parameters()["checkup"], i.id[at]
    height, weight, head = _measures(scene, i, at)
    judged = _picked_by(draws, "checkup.judgement", ids, i.programme[at], p["judgement_shares"])
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


def _measures(scene: Scene, i: Invitations, at: Ids) -> tuple[Floats, Floats, Floats]:
    """Size by the official tables; deviations go with birth, with the child and with the day."""
    c, draws, p = scene.children, scene.draws, parameters()["checkup"]
    child, ids = i.child[at], i.id[at]
    of_birth = numbers("checkup", "of_birth_size")[i.programme[at]]
    of_child = p["of_child"]
    rest = np.sqrt(1 - of_birth * of_birth)
    own = draws.normal("growth.child", c.id)[child]
    day = np.sqrt(1 - of_child * of_child)
    weeks_early = np.clip(40 - scene.deliveries.weeks[c.of[child]], 0, 17)
    months = ((i.seen[at] - c.born[child]) / 30.4375 - weeks_early / 4.35 * (i.programme[at] == 0)).astype(np.int64)

    def measure(name: str, stream: str, digits: int) -> Floats:
        noise = of_child * own + day * draws.normal(stream, ids)
        deviation = np.clip(of_birth * c.weight_deviation[child] + rest * noise, -3.6, 3.6)
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
    at = _seen(scene, i)
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
        "harsh_items": _harsh(draws, ids, programme),
    })  # fmt: skip


def _answers(scene: Scene, i: Invitations, at: Ids) -> dict[str, Ids]:
    """Field -> code; 9: no answer, -1: not asked."""
    draws, p, ids, programme = scene.draws, parameters()["checkup"], i.id[at], i.programme[at]
    of = scene.children.of[i.child[at]]

    def share(name: str) -> Floats:
        return numbers("checkup", name)[programme]

    u = draws.uniform("answers.relaxed", ids)
    relaxed = np.where(u < share("relaxed"), 1, np.where(u < share("relaxed") + share("relaxed_cannot_say"), 3, 2))
    difficulty = 1 + draws.picked("answers.difficulty", ids, shares("checkup", "difficulty_shares"))
    doctor = draws.uniform("answers.doctor", ids)
    answers = {
        "guidance_code": 1 + draws.picked("answers.guidance", ids, shares("checkup", "guidance_shares")),
        "smoking_pregnancy_code": 1 + scene.deliveries.smokes[of].astype(np.int64),
        "smoking_mother_code": 1 + draws.happens("answers.mother_smokes", ids, share("smoking_mother")),
        "smoking_father_code": 1 + draws.happens("answers.father_smokes", ids, share("smoking_father")),
        "family_doctor_code": np.where(doctor < share("family_doctor"), 1, np.where(doctor < 0.96, 2, 3)),
        "community_code": 1 + draws.picked("answers.community", ids, shares("checkup", "community_shares")),
        "father_childcare_code": 1 + _picked_by(draws, "answers.father", ids, programme, p["father_shares"]),
        "relaxed_code": relaxed,
        "difficulty_code": difficulty,
        "difficulty_cope_code": np.where(
            difficulty == 3, -1, np.where(draws.happens("answers.cope", ids, p["cope"]), 1, 2)),
        "economic_code": 1 + draws.picked("answers.economic", ids, shares("checkup", "economic_shares")),
    }  # fmt: skip
    return {
        name: np.where(draws.happens(f"missing.{name}", ids, p["no_answer"]), NO_ANSWER, values)
        for name, values in answers.items()
    }


def _harsh(draws: Draws, ids: Ids, programme: Ids) -> pl.Series:
    """Items ticked, 8: none of them."""
    ticked = pl.Series(["8", "4", "2", "3", "2;4"])
    u = draws.uniform("answers.harsh", ids)
    which = 1 + draws.below("answers.harsh_item", ids, 4)
    return ticked[np.where(u < numbers("checkup", "no_harsh")[programme], 0, which)]
