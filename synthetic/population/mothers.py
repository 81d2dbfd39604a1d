"""Mothers: born when, how many births before, what her pregnancies have in common."""

from dataclasses import dataclass

import numpy as np

from synthetic.draws import Draws, Floats, Ids, cumulative
from synthetic.parameters import numbers, parameters
from synthetic.population.calendar import Window, start_of
from synthetic.population.households import Flags, Pregnancies

YEAR = 365.25


@dataclass(frozen=True)
class Mothers:
    """One row each, by submitter and id; `born` in days since 1970, `births_before` the window."""

    submitter: Ids
    household: Ids  # as in `Pregnancies`
    id: Ids
    born: Ids
    births_before: Ids
    is_foreign: Flags
    is_protected: Flags
    is_single: Flags  # no father in the household
    frailty: Floats  # standard normal, as the next three: what her pregnancies have in common
    strain: Floats
    engagement: Floats  # with the services
    smoking: Floats
    height_cm: Floats
    bmi: Floats
    home: Ids
    next_home: Ids
    moved: Ids

    def __len__(self) -> int:
        return len(self.id)


def mothers_of(draws: Draws, pregnancies: Pregnancies, window: Window) -> Mothers:
    first = pregnancies.where(pregnancies.order == 0)
    family = parameters()["family"]
    ids = first.mother
    age_days = _age_days(draws, ids)
    middle = (start_of(first.fiscal_year) + start_of(first.last)) // 2 + 183
    youngest, oldest = start_of(first.fiscal_year) - int(16 * YEAR), start_of(first.last) - int(49 * YEAR)
    return Mothers(
        submitter=first.submitter,
        household=first.household,
        id=ids,
        born=np.clip(middle - age_days, oldest, youngest),
        births_before=_births_before(draws, first, age_days, window),
        is_foreign=draws.happens("mother.foreign", ids, family["foreign"]),
        is_protected=draws.happens("mother.protected", ids, family["not_disclosed"]),
        is_single=draws.happens("mother.single", ids, family["father_absent"]),
        frailty=draws.normal("mother.frailty", ids),
        strain=draws.normal("mother.strain", ids),
        engagement=draws.normal("mother.engagement", ids),
        smoking=draws.normal("mother.smoking", ids),
        height_cm=_spread(draws, "mother.height", ids, "height", "_cm"),
        bmi=_spread(draws, "mother.bmi", ids, "bmi", ""),
        home=first.home,
        next_home=first.next_home,
        moved=first.moved,
    )


def _spread(draws: Draws, stream: str, ids: Ids, name: str, unit: str) -> Floats:
    mother = parameters()["mother"]
    mean, sd = mother[f"{name}_mean{unit}"], mother[f"{name}_sd{unit}"]
    return np.round(np.clip(mean + sd * draws.normal(stream, ids), mean - 2.5 * sd, mean + 4 * sd), 1)


def _age_days(draws: Draws, ids: Ids) -> Ids:
    """Age at the middle of her pregnancies: the published age distribution, even within its classes."""
    bounds = numbers("mother", "age_bounds") * YEAR
    share = np.concatenate([[0.0], cumulative(parameters()["mother"]["age_births"])])
    u = draws.uniform("mother.age", ids)
    low = np.clip(np.searchsorted(share, u, side="right") - 1, 0, len(share) - 2)
    part = (u - share[low]) / (share[low + 1] - share[low])
    shift = parameters()["mother"]["age_shift_years"] * YEAR
    return np.floor(bounds[low] + part * (bounds[low + 1] - bounds[low]) + shift).astype(np.int64)


def _births_before(draws: Draws, first: Pregnancies, age_days: Ids, window: Window) -> Ids:
    """Births before the window; later years have more siblings in it, so fewer before it (parity stays the target)."""
    family = parameters()["family"]
    year = first.fiscal_year - window.birth_years.start
    unlinked = np.ones(64)
    for gap, share in zip(family["next_child_years"], family["next_child_shares"], strict=True):
        unlinked[gap:] *= 1 - share
    share_first = family["first_births"] / unlinked[year]
    share_first = _more_often_if_next_is_planned(draws, first, share_first)
    younger = 31.5 - age_days / YEAR
    share_first = np.clip(share_first + family["first_per_year_of_age"] * younger, 0.03, 0.98)
    later = 1 + draws.picked("mother.births", first.mother, cumulative(family["later_order_shares"]))
    return np.where(draws.happens("mother.first", first.mother, share_first), 0, later)


def _more_often_if_next_is_planned(draws: Draws, first: Pregnancies, share_first: Floats) -> Floats:
    """A woman who will have another child is more often at her first; the mean stays."""
    family = parameters()["family"]
    planned_share = float(numbers("family", "next_child_shares").sum())
    planned = draws.uniform("family.gap", first.id) < planned_share
    more = np.minimum(family["first_if_next_is_planned"], 0.97 - share_first)
    less = more * planned_share / (1 - planned_share)
    return share_first + np.where(planned, more, -less)
