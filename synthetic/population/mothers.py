"""Mothers: born when, how many births before, what her pregnancies have in common."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from synthetic.draws import Draws, Floats, Ids, cumulative
from synthetic.parameters import numbers, parameters
from synthetic.population.calendar import Window, start_of
from synthetic.population.households import MOST_PREGNANCIES, Flags, Pregnancies

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
    middle = _middle(pregnancies, first, window)
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


def _middle(pregnancies: Pregnancies, first: Pregnancies, window: Window) -> Ids:
    """Day in the middle of a mother's pregnancies of the years sent, or of all in view where there are none."""
    within = pregnancies.where((pregnancies.fiscal_year >= window.first) & (pregnancies.fiscal_year <= window.last))
    mother = np.searchsorted(first.household, within.household)
    earliest, latest = np.full(len(first), 9999), np.zeros(len(first), dtype=np.int64)
    np.minimum.at(earliest, mother, within.fiscal_year)
    np.maximum.at(latest, mother, within.fiscal_year)
    none = latest == 0
    earliest, latest = np.where(none, first.fiscal_year, earliest), np.where(none, first.last, latest)
    middle: Ids = (start_of(earliest) + start_of(latest)) // 2 + 183
    return middle


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
    shares = parity_of_first_in_view(len(window.birth_years))
    more, less = _first_if_planned(shares[year, 0])
    planned = draws.uniform("family.gap", first.id) < _planned_share()
    younger = 31.5 - age_days / YEAR
    share_first = shares[year, 0] + np.where(planned, more, -less)
    room = 4 * share_first * (1 - share_first)  # none where all of them or nobody is at her first
    share_first = np.clip(share_first + family["first_per_year_of_age"] * younger * room, 0, 1)
    bounds = np.cumsum(shares[:, 1:], axis=1) / shares[:, 1:].sum(axis=1, keepdims=True)
    u = draws.uniform("mother.births", first.mother)
    later = 1 + (u[:, None] >= bounds[year, :-1]).sum(axis=1)
    return np.where(draws.happens("mother.first", first.mother, share_first), 0, later)


def _planned_share() -> float:
    return float(numbers("family", "next_child_shares").sum())


def _first_if_planned(share_first: Floats) -> tuple[Floats, Floats]:
    """By how much a woman who will have another child is more often at her first, and the others less; the mean stays."""
    planned = _planned_share()
    more = np.minimum(parameters()["family"]["first_if_next_is_planned"], 0.97 - share_first)
    return more, more * planned / (1 - planned)


@cache
def parity_of_first_in_view(years: int) -> Floats:
    """Births before the view of mothers new in it: row: year, column: 0, 1, 2, 3, so that every year has the same parity.

    Who is linked to a pregnancy before has one birth more than that; the others make up what is then missing.
    """
    family = parameters()["family"]
    told, by_gap = numbers("family", "parity"), []
    parity = np.append(told, 1 - told.sum())
    unlinked = 1.0
    for gap, share in zip(family["next_child_years"], family["next_child_shares"], strict=True):
        by_gap.append((gap, unlinked * share))
        unlinked *= 1 - share
    new = np.zeros((years, len(parity)))
    of_planned = np.zeros(
        (years, MOST_PREGNANCIES, len(parity))
    )  # by the mother's number of pregnancies in view before
    for year in range(years):
        for gap, share in by_gap:
            if year >= gap:
                of_planned[year, 1:, 1:] += share * of_planned[year - gap, :-1, :-1]
                of_planned[year, 1:, -1] += share * of_planned[year - gap, :-1, -1]
        linked = of_planned[year].sum(axis=0)
        new[year] = np.maximum(parity - linked, 0.002)
        new[year] /= new[year].sum()
        more, _ = _first_if_planned(new[year, :1])
        planned = new[year] * np.concatenate(
            [1 + more / new[year, :1], np.repeat(1 - more / (1 - new[year, 0]), len(parity) - 1)]
        )
        of_planned[year, 0] = (1 - linked.sum()) * planned
    return new
