"""Pregnancies from the last period to the delivery: when, how many children, what went wrong, and where."""

from dataclasses import dataclass

import numpy as np

from synthetic.draws import Draws, Floats, Ids
from synthetic.parameters import numbers, parameters, shares
from synthetic.places import places
from synthetic.population.calendar import month_shares, month_starts
from synthetic.population.households import Flags, Pregnancies, residence
from synthetic.population.mothers import YEAR, Mothers
from synthetic.population.risk import cuts, latent, previous_of, raised, with_recurrence

AFTER_DELIVERY = 45  # stands for a notification after delivery in `weeks_late`
PAPER_STAGE_UNKNOWN = 6
HOSPITAL, CLINIC = 1, 2  # mchdb-L3


@dataclass(frozen=True)
class Deliveries:
    """One row per pregnancy; days since 1970, weeks completed."""

    of: Pregnancies
    mother: Ids  # position among the mothers
    age: Ids  # completed years at delivery
    births_before: Ids
    day: Ids
    weeks: Ids
    last_period: Ids
    children: Ids
    previous: Ids  # position of the mother's pregnancy before, -1 for the first in view
    smoking: Floats  # standard normal liability of the habit, from this pregnancy on
    smokes: Flags
    is_hypertensive: Flags
    has_diabetes: Flags
    notified: Ids
    stage: Ids  # code list 019-090
    method: Ids  # 019-225
    course: Ids  # 019-224
    facility_kind: Ids  # mchdb-L3
    returns_home: Flags  # 里帰り
    place: Ids  # municipality of the delivery
    home: Ids  # residence on the day of delivery


def deliveries_of(draws: Draws, pregnancies: Pregnancies, mothers: Mothers) -> Deliveries:
    p, ids = parameters(), pregnancies.id
    mother = np.searchsorted(mothers.household, pregnancies.household)
    day = _day(draws, pregnancies)
    age = ((day - mothers.born[mother]) / YEAR).astype(np.int64)
    by_age = age_class(age)
    births_before = mothers.births_before[mother] + pregnancies.order
    children = _children(draws, ids)
    previous = previous_of(pregnancies)
    habit = p["mother"]["smoking_in_common"]
    smoking = latent(draws, "pregnancy.smokes", ids, (habit, mothers.smoking[mother]))
    smokes = smoking > cuts(by_age_class("smoking_by_age", p["pregnancy"]["smoking"]))[by_age]
    expecting = _Expecting(draws, pregnancies, previous, mothers.frailty[mother], mothers.bmi[mother], age,
                           births_before == 0, children > 1, smokes)  # fmt: skip
    diabetes, hypertensive = _diabetes(expecting), _hypertensive(expecting)
    weeks = _weeks(draws, ids, children > 1, _preterm(expecting, diabetes, hypertensive))
    last_period = day - weeks * 7 - draws.below("pregnancy.day", ids, 7)
    notified, stage = _notified(draws, ids, by_age, mothers.engagement[mother], last_period, day)
    kind = np.array([1, 2, 3, 5])[draws.picked("place.kind", ids, shares("pregnancy", "place_of_delivery"))]
    returns, place, home = _place(draws, pregnancies, births_before, day)
    return Deliveries(
        of=pregnancies, mother=mother, age=age, births_before=births_before, day=day, weeks=weeks,
        last_period=last_period, children=children, previous=previous, smoking=smoking, smokes=smokes,
        is_hypertensive=hypertensive, has_diabetes=diabetes,
        notified=notified, stage=stage, method=_method(draws, ids, children, kind),
        course=np.where(draws.happens("pregnancy.breech", ids, p["pregnancy"]["breech"]), 2, 1),
        facility_kind=kind, returns_home=returns, place=place, home=home,
    )  # fmt: skip


def _day(draws: Draws, pregnancies: Pregnancies) -> Ids:
    year = pregnancies.fiscal_year - 1990
    month = draws.picked("pregnancy.month", pregnancies.id, month_shares())
    start, following = month_starts()[year, month], month_starts()[year, month + 1]
    return start + draws.below("pregnancy.date", pregnancies.id, following - start)


def age_class(age: Ids) -> Ids:
    """Position of the five-year class: under 20, 20-24, and so on, 45 and over."""
    return np.clip(age // 5 - 3, 0, 6)


def by_age_class(name: str, mean: float) -> Floats:
    """Share per five-year class of age, with the given mean over the births."""
    births, factor = numbers("mother", "age_births"), numbers("mother", name)
    return factor * mean * births.sum() / (births * factor).sum()


def _children(draws: Draws, ids: Ids) -> Ids:
    births = parameters()["births"]
    u = draws.uniform("pregnancy.children", ids)
    return 1 + (u < births["twins"] + births["triplets"]) + (u < births["triplets"])


@dataclass(frozen=True)
class _Expecting:
    """What the risks of a pregnancy depend on."""

    draws: Draws
    of: Pregnancies
    previous: Ids
    frailty: Floats
    bmi: Floats
    age: Ids
    is_first: Flags
    is_multiple: Flags
    smokes: Flags

    def liability(self, name: str) -> Floats:
        return latent(self.draws, f"risk.{name}", self.of.id, (parameters()["risk"][name]["frailty"], self.frailty))

    def happens(self, name: str, liability: Floats) -> Flags:
        return with_recurrence(liability, parameters()["risk"][name], self.previous, self.of.order)


def _diabetes(e: _Expecting) -> Flags:
    effects = parameters()["risk"]["diabetes"]
    return e.happens("diabetes", raised(
        e.liability("diabetes"), effects, five_years_of_age=(e.age - 31) / 5, bmi_unit=e.bmi - 21, multiple=e.is_multiple,
    ))  # fmt: skip


def _hypertensive(e: _Expecting) -> Flags:
    effects = parameters()["risk"]["hypertensive"]
    return e.happens("hypertensive", raised(
        e.liability("hypertensive"), effects, five_years_of_age=(e.age - 31) / 5, over_40=e.age >= 40,
        bmi_unit=e.bmi - 21, first=e.is_first, multiple=e.is_multiple,
    ))  # fmt: skip


def _preterm(e: _Expecting, diabetes: Flags, hypertensive: Flags) -> Flags:
    effects = parameters()["risk"]["preterm"]
    return e.happens("preterm", raised(
        e.liability("preterm"), effects, over_40=e.age >= 40, thin=e.bmi < 18.5, smoking=e.smokes, diabetes=diabetes,
        hypertensive=hypertensive, multiple=e.is_multiple,
    ))  # fmt: skip


def _weeks(draws: Draws, ids: Ids, multiple: Flags, preterm: Flags) -> Ids:
    """Completed weeks: the week within preterm or term."""
    p = parameters()["pregnancy"]
    early, term = np.array(p["weeks_preterm_single"]), np.array(p["weeks_term"])
    u = "pregnancy.week"

    def week(table: Ids, single: str, several: str) -> Ids:
        return table[
            np.where(
                multiple,
                draws.picked(u, ids, shares("pregnancy", several)),
                draws.picked(u, ids, shares("pregnancy", single)),
            )
        ]

    return np.where(
        preterm,
        week(early, "preterm_single_shares", "preterm_multiple_shares"),
        week(term, "term_single_shares", "term_multiple_shares"),
    )


def _notified(
    draws: Draws, ids: Ids, by_age: Ids, engagement: Floats, last_period: Ids, delivered: Ids
) -> tuple[Ids, Ids]:
    """Day and stage (code list 019-090) of the notification; what would come after delivery does."""
    p = parameters()["pregnancy"]
    reluctance = latent(draws, "notified.late", ids, (-p["late_by_engagement"], engagement))
    late = reluctance > cuts(by_age_class("late_by_age", p["notified_late"]))[by_age]
    early_week = np.array(p["weeks_early"])[
        draws.picked("notified.early_week", ids, shares("pregnancy", "weeks_early_shares"))
    ]
    late_week = np.array(p["weeks_late"])[
        draws.picked("notified.late_week", ids, shares("pregnancy", "weeks_late_shares"))
    ]
    week = np.where(late, late_week, early_week)
    day = last_period + week * 7 + draws.below("notified.day", ids, 7)
    after = (week == AFTER_DELIVERY) | (day >= delivered)
    day = np.where(after, delivered + 1 + draws.below("notified.after", ids, 14), day)
    stage = np.where(after, 5, 1 + np.searchsorted([11, 19, 27], week, side="left"))
    return day, np.where(draws.happens("notified.unknown", ids, p["stage_unknown"]), PAPER_STAGE_UNKNOWN, stage)


def _method(draws: Draws, ids: Ids, children: Ids, facility_kind: Ids) -> Ids:
    p = parameters()["pregnancy"]
    u = draws.uniform("pregnancy.method", ids)
    single = np.where(facility_kind == HOSPITAL, p["cesarean_hospital"], 0.0)
    single = np.where(facility_kind == CLINIC, p["cesarean_clinic"], single)
    cesarean = np.where(children > 1, p["cesarean_multiple"], single)
    return np.where(u < cesarean, 2, np.where(u < cesarean + p["instrumental"], 3, 1))


def _place(draws: Draws, of: Pregnancies, births_before: Ids, day: Ids) -> tuple[Flags, Ids, Ids]:
    """Returns home for the delivery; municipality of the delivery; residence on that day."""
    p, ids = parameters()["antenatal"], of.id
    home = residence(of.home, of.next_home, of.moved, day)
    share = np.where(births_before == 0, p["return_home_first"], p["return_home_later"])
    returns = draws.happens("place.returns", ids, share)
    u = draws.uniform("place.where", ids)
    nearby = places().within(places().prefecture[home], u)
    far = draws.happens("place.far", ids, p["return_home_other_prefecture"])
    parents = np.where(far, places().anywhere(u), nearby)
    commutes = draws.happens("place.commutes", ids, p["commutes"])
    return returns, np.where(returns, parents, np.where(commutes, nearby, home)), home


def usual_place(draws: Draws, of: Pregnancies) -> Ids:
    """Where a resident of the submitter is seen when she has not gone to her parents."""
    commutes = draws.happens("place.commutes", of.id, parameters()["antenatal"]["commutes"])
    nearby = places().within(places().prefecture[of.submitter], draws.uniform("place.where", of.id))
    return np.where(commutes, nearby, of.submitter)
