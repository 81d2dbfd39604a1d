"""Notifications, antenatal visits, deliveries, births and postpartum visits as facts of the submitters' residents."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from synthetic.draws import Draws, Floats, Ids
from synthetic.parameters import numbers, parameters, shares
from synthetic.population.calendar import Window, dates
from synthetic.population.children import Children
from synthetic.population.deliveries import Deliveries, usual_place
from synthetic.population.households import Flags, residence
from synthetic.population.mood import low_mood
from synthetic.population.mothers import Mothers

WEEK, AFTER_BIRTH_DAYS = 7, 56
FOR_NEW, FOR_MOVED_IN = 1, 2  # code list 019-089
RESULT, COST_ONLY = 1, 2  # mchdb-L5


@dataclass(frozen=True)
class Scene:
    """The households in view, each with the submitter that looks at it."""

    draws: Draws
    window: Window
    mothers: Mothers
    deliveries: Deliveries
    children: Children

    def home_on(self, of: Ids, days: Ids) -> Ids:
        """Residence of these pregnancies' mothers on these days."""
        p = self.deliveries.of
        return residence(p.home[of], p.next_home[of], p.moved[of], days)

    def is_here(self, of: Ids, days: Ids) -> Flags:
        return self.home_on(of, days) == self.deliveries.of.submitter[of]

    def submitter_of(self, child: Ids) -> Ids:
        return self.deliveries.of.submitter[self.children.of[child]]

    def is_carried(self) -> Flags:
        """Pregnancies whose records are sent: delivered within the years, or open at their end."""
        d = self.deliveries
        return (d.of.fiscal_year >= self.window.first) & (d.notified <= self.window.end)


def codes(values: Ids, none: int | None = None) -> pl.Series:
    """Codes as small numbers; `none` is an empty cell."""
    series = pl.Series(values.astype(np.int16))
    return series if none is None else series.set(series == none, None)


def notifications(scene: Scene) -> pl.DataFrame:
    """The filing, and the second one of a woman who moved in while pregnant."""
    d, window = scene.deliveries, scene.window
    carried = np.flatnonzero(scene.is_carried())
    new = carried[scene.is_here(carried, d.notified[carried])]
    moved = d.of.moved
    again_on = moved + scene.draws.below("notified.again", d.of.id, 15)
    again = (moved > d.notified) & (again_on < d.day) & (again_on <= window.end) & (d.of.next_home == d.of.submitter)
    comes = carried[again[carried]]
    of = np.concatenate([new, comes])
    reason = np.repeat([FOR_NEW, FOR_MOVED_IN], [len(new), len(comes)])
    order = np.lexsort((reason, d.of.id[of], d.of.submitter[of]))
    of, reason = of[order], reason[order]
    day = np.where(reason == FOR_NEW, d.notified[of], again_on[of])
    weeks = (day - d.last_period[of]) // WEEK
    stage = np.where(reason == FOR_NEW, d.stage[of], 1 + np.searchsorted([11, 19, 27], weeks, side="left"))
    known = (stage != 5) & (stage != 6)
    return pl.DataFrame({
        "row": d.of.id[of] * 2 + (reason - 1), "who": d.mother[of], "pregnancy": d.of.id[of],
        "event": day, "notified_date": dates(day),
        "notification_reason_code": codes(reason), "notification_stage_code": codes(stage),
        "gestation_weeks_at_notification": codes(np.where(known, weeks, -1), -1),
        "due_date": dates(d.last_period[of] + 280), "expected_children": codes(d.children[of]),
        "parity": codes(d.births_before[of]),
        "interview_done_code": codes(1 + scene.draws.happens(
            "notified.interview", d.of.id[of], parameters()["pregnancy"]["interviewed"])),
    })  # fmt: skip


def antenatal_visits(scene: Scene) -> pl.DataFrame:
    """Visits from the notification (its tickets) to the delivery, numbered through the pregnancy."""
    d, draws, p = scene.deliveries, scene.draws, parameters()["antenatal"]
    carried = np.flatnonzero(scene.is_carried())
    weeks = np.array(p["weeks"])
    of, scheduled = np.repeat(carried, len(weeks)), np.tile(weeks, len(carried))
    ids = d.of.id[of] * 32 + np.tile(np.arange(len(weeks)), len(carried))
    day = d.last_period[of] + scheduled * WEEK + draws.below("antenatal.day", ids, WEEK)
    seen = (day >= d.notified[of]) & (day < d.day[of]) & (day <= scene.window.end)
    seen &= draws.happens("antenatal.seen", ids, _by_engagement(scene, p["attended"])[of])
    visit_no = _numbered(seen, len(weeks))
    keep = seen & scene.is_here(of, day)
    return _antenatal_frame(scene, of[keep], ids[keep], day[keep], scheduled[keep], visit_no[keep])


def _by_engagement(scene: Scene, share: float) -> Floats:
    """Share of the visits that a pregnant woman comes to: who misses one misses more."""
    missing = parameters()["antenatal"]["missing_by_engagement"]
    of_mother = 1 - missing * np.clip(scene.mothers.engagement, -2, 2)
    return np.clip(1 - (1 - share) * of_mother, 0, 1)[scene.deliveries.mother]


def _numbered(seen: Flags, per_pregnancy: int) -> Ids:
    return np.cumsum(seen.reshape(-1, per_pregnancy), axis=1, dtype=np.int64).reshape(-1)


def _antenatal_frame(scene: Scene, of: Ids, ids: Ids, day: Ids, weeks: Ids, visit_no: Ids) -> pl.DataFrame:
    d, draws, p = scene.deliveries, scene.draws, parameters()["antenatal"]
    away = d.returns_home[of] & (weeks >= p["return_home_from_week"])
    usual = usual_place(draws, d.of)[of]
    cost_only = away & draws.happens("antenatal.cost_only", d.of.id, p["return_home_cost_only"])[of]
    hypertensive = d.is_hypertensive[of] & (weeks >= 20 + draws.below("antenatal.onset", d.of.id, 16)[of])
    systolic, diastolic = _pressure(scene, of, ids, hypertensive)
    protein = np.where(hypertensive, 3, 1)
    protein = np.where(draws.happens("antenatal.protein", ids, np.where(hypertensive, 0.4, 0.03)), 2, protein)
    diabetes = d.has_diabetes[of] & (weeks >= 24)
    sugar = np.where(draws.happens("antenatal.sugar", ids, np.where(diabetes, 0.3, 0.02)), 3, 1)
    judgement = np.where(hypertensive, 4, np.where(diabetes, 2, 1))
    return pl.DataFrame({
        "row": ids, "who": d.mother[of], "pregnancy": d.of.id[of], "event": day,
        "place": np.where(away, d.place[of], usual), "facility_kind": d.facility_kind[of],
        "is_away": away, "is_cost_only": cost_only,
        "visit_no": codes(visit_no), "visit_kind_code": codes(1 + away.astype(np.int64)), "visit_date": dates(day),
        "gestation_weeks_at_visit": codes(weeks), "weight_kg": _weight_kg(scene, of, ids, weeks),
        "blood_pressure_systolic_mmhg": codes(systolic), "blood_pressure_diastolic_mmhg": codes(diastolic),
        "urine_protein_code": codes(protein), "urine_sugar_code": codes(sugar),
        "hypertensive_disorder_code": codes(1 + hypertensive.astype(np.int64)),
        "gestational_diabetes_code": codes(1 + diabetes.astype(np.int64)), "judgement_code": codes(judgement),
    })  # fmt: skip


def _pressure(scene: Scene, of: Ids, ids: Ids, hypertensive: Flags) -> tuple[Ids, Ids]:
    d, draws = scene.deliveries, scene.draws
    usual = 108 + 0.9 * (scene.mothers.bmi[d.mother] - 21) + 7 * draws.normal("antenatal.pressure", d.of.id)
    systolic = usual[of] + 34 * hypertensive + 5 * draws.normal("antenatal.systolic", ids)
    diastolic = systolic * 0.61 + 4 * draws.normal("antenatal.diastolic", ids)
    high = np.round(np.clip(systolic, 82, 210) / 2).astype(np.int64) * 2
    return high, np.minimum(np.round(np.clip(diastolic, 42, 130) / 2).astype(np.int64) * 2, high - 12)


def _weight_kg(scene: Scene, of: Ids, ids: Ids, weeks: Ids) -> pl.Series:
    d, m, draws = scene.deliveries, scene.mothers, scene.draws
    height = m.height_cm[d.mother] / 100
    before = m.bmi[d.mother] * height * height
    gain = 10.5 - 0.5 * (m.bmi[d.mother] - 21) + 2.5 * draws.normal("antenatal.gain", d.of.id)
    share = np.clip((weeks - 10) / 30, 0, 1)
    weight = before[of] + gain[of] * share + 0.4 * draws.normal("antenatal.weight", ids)
    return pl.Series(np.round(np.clip(weight, 31, 150), 1))


def deliveries(scene: Scene) -> pl.DataFrame:
    d = scene.deliveries
    of = np.flatnonzero(_delivered_here(scene))
    still = np.bincount(scene.children.of, weights=scene.children.is_stillborn, minlength=len(d.day)).astype(np.int64)
    outcome = np.where(still == 0, 1, np.where(still == d.children, 2, 3))
    return pl.DataFrame({
        "row": d.of.id[of], "who": d.mother[of], "pregnancy": d.of.id[of], "event": d.day[of],
        "place": d.place[of], "facility_kind": d.facility_kind[of], "is_away": d.returns_home[of],
        "delivery_date": dates(d.day[of]), "gestation_weeks": codes(d.weeks[of]),
        "course_code": codes(d.course[of]), "method_code": codes(d.method[of]),
        "number_of_children": codes(d.children[of]), "outcome_code": codes(outcome[of]),
        "parity": codes(d.births_before[of]),
    })  # fmt: skip


def _delivered_here(scene: Scene) -> Flags:
    d, window = scene.deliveries, scene.window
    within = (d.of.fiscal_year >= window.first) & (d.of.fiscal_year <= window.last)
    return within & (d.home == d.of.submitter)


def births(scene: Scene) -> pl.DataFrame:
    """Every child, the stillborn too: their rows must stay at the source."""
    d, c = scene.deliveries, scene.children
    at = np.flatnonzero(_delivered_here(scene)[c.of])
    of = c.of[at]
    return pl.DataFrame({
        "row": c.id[at], "who": len(scene.mothers) + at, "mother": d.mother[of], "pregnancy": d.of.id[of],
        "event": c.born[at], "place": d.place[of], "facility_kind": d.facility_kind[of],
        "is_away": d.returns_home[of],
        "child_order": codes(c.order[at]), "birth_weight_g": codes(c.weight_g[at]),
        "birth_length_cm": c.length_cm[at], "head_circumference_cm": c.head_cm[at],
        "gestation_weeks": codes(d.weeks[of]), "plurality": codes(d.children[of]),
        "special_finding_code": codes(c.finding[at], 0),
        "nicu_code": codes(1 + c.in_intensive_care[at].astype(np.int64)),
    })  # fmt: skip


def postpartum_visits(scene: Scene) -> pl.DataFrame:
    """The 2-week and the 1-month checkup with their EPDS."""
    d, draws, p = scene.deliveries, scene.draws, parameters()["postpartum"]
    within = (d.of.fiscal_year >= scene.window.first) & (d.of.fiscal_year <= scene.window.last)
    of = np.repeat(np.flatnonzero(within), 2)
    kind = np.tile([1, 2], len(of) // 2)
    ids = d.of.id[of] * 2 + (kind - 1)
    wait = np.where(kind == 1, 11 + draws.below("postpartum.day", ids, 9), 26 + draws.below("postpartum.day", ids, 16))
    attended = [_by_engagement(scene, p[name])[of] for name in ("two_weeks", "one_month")]
    seen = draws.happens("postpartum.seen", ids, np.where(kind == 1, *attended))
    branch = _numbered(seen, 2)
    day = d.day[of] + wait
    keep = seen & scene.is_here(of, day) & (day <= scene.window.end + AFTER_BIRTH_DAYS)
    of, ids, kind, day, branch = of[keep], ids[keep], kind[keep], day[keep], branch[keep]
    away = d.returns_home[of] & draws.happens("postpartum.away", ids, np.where(kind == 1, 0.95, 0.5))
    items = _epds(scene, of, ids)
    total = sum(np.where(values < 0, 0, values) for values in items)
    return pl.DataFrame({
        "row": ids, "who": d.mother[of], "pregnancy": d.of.id[of], "event": day,
        "place": np.where(away, d.place[of], usual_place(draws, d.of)[of]),
        "facility_kind": d.facility_kind[of], "is_away": away,
        "branch": codes(branch), "visit_kind_code": codes(kind), "visit_date": dates(day),
        **{f"epds_item_{i}": codes(values, -1) for i, values in enumerate(items, start=1)},
        "judgement_code": codes(np.where(total >= 9, 4, np.where(draws.happens("postpartum.guided", ids, 0.08), 2, 1))),
    })  # fmt: skip


def _epds(scene: Scene, of: Ids, ids: Ids) -> list[Ids]:
    """Ten items that add up to a drawn total, high where the mood is low; -1: not answered."""
    d, draws, p = scene.deliveries, scene.draws, parameters()["postpartum"]
    high = low_mood(draws, scene.mothers, d, scene.children)[of]
    low_total = draws.picked("epds.low_total", ids, shares("postpartum", "epds_totals_low"))
    high_total = 9 + draws.picked("epds.high_total", ids, shares("postpartum", "epds_totals_high"))
    total = np.where(high, high_total, low_total)
    bounds = np.concatenate([[0], np.cumsum(numbers("postpartum", "epds_item_weights"))]).astype(np.int64)
    bounds = bounds * 1000 // bounds[-1]
    offset = draws.below("epds.offset", ids, 1000)
    parts = [(total * bound + offset) // 1000 for bound in bounds]
    asked = draws.happens("epds.asked", ids, p["epds_asked"])
    missing = [draws.happens(f"epds.missing_{i}", ids, p["epds_item_missing"]) for i in range(10)]
    return [
        np.where(asked & ~gone, after - before, -1)
        for before, after, gone in zip(parts[:-1], parts[1:], missing, strict=True)
    ]
