"""Children at birth, and the few that die."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from synthetic.draws import Draws, Floats, Ids
from synthetic.parameters import numbers, parameters
from synthetic.population.calendar import FAR
from synthetic.population.deliveries import Deliveries
from synthetic.population.households import Flags, person
from synthetic.population.mothers import Mothers
from synthetic.population.risk import latent, raised

BOY, GIRL = 1, 2
STILLBIRTH, ASPHYXIA = 3, 2  # code list 019-230


@dataclass(frozen=True)
class Children:
    """One row per child, in the order of the deliveries; `of` is the position of the delivery."""

    id: Ids
    of: Ids
    order: Ids  # 1, 2, 3 among the children of the delivery
    sex: Ids
    born: Ids
    weight_g: Ids
    weight_deviation: Floats  # in standard deviations for weeks and sex
    length_cm: Floats
    head_cm: Floats
    is_stillborn: Flags
    finding: Ids  # 0: none
    in_intensive_care: Flags
    died: Ids  # FAR: did not

    def __len__(self) -> int:
        return len(self.id)


def children_of(draws: Draws, deliveries: Deliveries, mothers: Mothers) -> Children:
    of = np.repeat(np.arange(len(deliveries.day)), deliveries.children)
    order = (
        1 + np.arange(len(of)) - np.repeat(np.cumsum(deliveries.children) - deliveries.children, deliveries.children)
    )
    ids, weeks = person(deliveries.of.id[of], order), deliveries.weeks[of]
    births = parameters()["births"]
    sex = _sex(draws, deliveries, of, order, ids)
    weight, deviation = _weight(draws, deliveries, mothers, of, ids, sex)
    stillborn = draws.happens(
        "child.stillborn", ids, np.where(weeks < 28, births["stillborn_below_28_weeks"], births["stillborn"])
    )
    small = (weeks < 34) | (weight < 2000)
    return Children(
        id=ids, of=of, order=order, sex=sex, born=deliveries.day[of], weight_g=weight, weight_deviation=deviation,
        length_cm=np.round(49 + (weight - 3000) * 0.0046 + 0.9 * draws.normal("child.length", ids), 1).clip(24, 58),
        head_cm=np.round(33.2 + (weight - 3000) * 0.0026 + 0.8 * draws.normal("child.head", ids), 1).clip(18, 39),
        is_stillborn=stillborn,
        finding=np.where(stillborn, STILLBIRTH, np.where(
            draws.happens("child.asphyxia", ids, births["asphyxia"] * np.where(small, 6.0, 1.0)), ASPHYXIA, 0)),
        in_intensive_care=draws.happens(
            "child.nicu", ids, np.where(small, births["nicu_small"], births["nicu_other"])),
        died=_died(draws, ids, deliveries.day[of], weeks, stillborn),
    )  # fmt: skip


def _sex(draws: Draws, deliveries: Deliveries, of: Ids, order: Ids, ids: Ids) -> Ids:
    """Twins of one egg share the first child's draw."""
    births = parameters()["births"]
    one_egg = draws.happens("child.one_egg", deliveries.of.id, births["one_egg_twins"])[of]
    source = np.where(one_egg, person(deliveries.of.id[of], 1), ids)
    return np.where(draws.happens("child.sex", source, births["boys"]), BOY, GIRL)


@cache
def _mean_weight() -> Floats:
    """Mean by completed week, straight between the weeks of the table."""
    weeks, mean = numbers("birth_weight", "weeks"), numbers("birth_weight", "mean_g")
    table = np.zeros(46)
    for low, high, start, end in zip(weeks[:-1], weeks[1:], mean[:-1], mean[1:], strict=True):
        for week in range(int(low), int(high) + 1):
            table[week] = start + (end - start) * (week - low) / (high - low)
    table[43:] = mean[-1]
    return table


def expected_weight(weeks: Ids, sex: Ids, children: Ids) -> Floats:
    """Mean birth weight in grams by completed week, sex and number of children."""
    p = parameters()["birth_weight"]
    of_sex = np.where(sex == BOY, p["boys_g"], -p["boys_g"]) / 3000
    of_plurality = np.where(children > 1, p["multiple_share"], 1.0)
    expected: Floats = _mean_weight()[weeks] * (1 + p["shift_g"] / 3000) * of_plurality * (1 + of_sex)
    return expected


def _weight(draws: Draws, deliveries: Deliveries, mothers: Mothers, of: Ids, ids: Ids, sex: Ids) -> tuple[Ids, Floats]:
    """Birth weight (2 g steps) and its deviation; siblings share a part of it."""
    p, d = parameters()["birth_weight"], deliveries
    of_mother = draws.normal("mother.weight", mothers.id)[d.mother][of]
    own = latent(draws, "child.weight", ids, (p["of_mother"], of_mother))
    of_pregnancy = raised(
        np.where(d.weeks >= 37, *(-mean for mean in p["effects_mean"])), p, first=d.births_before == 0, smoking=d.smokes, diabetes=d.has_diabetes,
        hypertensive=d.is_hypertensive, bmi_unit=mothers.bmi[d.mother] - 21,
    )  # fmt: skip
    deviation = own + of_pregnancy[of]
    grams = expected_weight(d.weeks[of], sex, d.children[of]) * (1 + p["spread"] * deviation)
    return (np.round(np.clip(grams, 320, 5600) / 2) * 2).astype(np.int64), deviation


def _died(draws: Draws, ids: Ids, born: Ids, weeks: Ids, stillborn: Flags) -> Ids:
    """Day of death in infancy: half in the first month."""
    births = parameters()["births"]
    share = np.where(weeks < 32, births["dies_in_infancy_below_32_weeks"], births["dies_in_infancy"])
    dies = draws.happens("child.dies", ids, share) & ~stillborn
    u = draws.uniform("child.death", ids)
    return np.where(dies, born + np.floor(u * u * u * 360).astype(np.int64) + 1, FAR)
