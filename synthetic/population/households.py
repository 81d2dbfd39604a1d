"""Who bears children when, and where she lives.

A municipality has as many columns as births in a year; a column has one slot per fiscal year, and a slot is one
pregnancy. Slots of a column a few years apart may be of one mother (siblings). So the births of a year are those of the
official table, siblings need no search, and an entity depends on its own column only.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthetic.draws import Draws, Ids
from synthetic.parameters import numbers, parameters
from synthetic.places import places
from synthetic.population.calendar import FAR, FIRST_YEAR, Window

MOST_PREGNANCIES = 3  # of a mother in view; more of them in long windows would crowd out the first births
COLUMN_BITS, SLOT_BITS, MEMBER_BITS = 16, 5, 3
ID_BITS = 40  # more than the id of a pregnancy has
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Pregnancies:
    """Slots in use, one row each, in column and year order.

    id: column and fiscal year of the delivery. mother: id of her first pregnancy within the window.
    order: 0 for that one; last: fiscal year of her last; home, next_home: municipalities before and from `moved`.
    submitter: who looks at them; a household that moves is seen by two, in rows of their own.
    """

    submitter: Ids
    id: Ids
    fiscal_year: Ids
    mother: Ids
    order: Ids
    last: Ids
    home: Ids
    next_home: Ids
    moved: Ids  # day; FAR: never

    def where(self, keep: Flags) -> "Pregnancies":
        return Pregnancies(*(getattr(self, name)[keep] for name in self.__dataclass_fields__))

    @property
    def household(self) -> Ids:
        """Number of the household as this submitter sees it; it rises with submitter and mother."""
        return (self.submitter << ID_BITS) + self.mother

    def __len__(self) -> int:
        return len(self.id)


def columns_of(draws: Draws, municipalities: Ids, window: Window) -> Ids:
    """Number of columns of each municipality: the births of its largest year."""
    return births_by_year(draws, municipalities, window).max(axis=1)


def column_ids(municipality: int, columns: range) -> Ids:
    return (municipality << COLUMN_BITS) + np.arange(columns.start, columns.stop, dtype=np.int64)


def person(pregnancy: Ids, member: Ids | int) -> Ids:
    """Id of a person: member 0 is the mother (of her first pregnancy), 1 to 3 are the children in birth order."""
    return (pregnancy << MEMBER_BITS) + member


def slot_id(column: Ids, fiscal_year: Ids | int) -> Ids:
    return (column << SLOT_BITS) + (fiscal_year - FIRST_YEAR)


def births_by_year(draws: Draws, municipality: Ids, window: Window) -> Ids:
    """Pregnancies per municipality and fiscal year, around the births of the official table."""
    births = parameters()["births"]
    limit = births["year_to_year_limit"]
    mean = places().births[municipality] / births["children_per_delivery"]
    years = []
    for year in window.birth_years:
        ids = municipality * 100 + (year - FIRST_YEAR)
        deviation = np.clip(draws.normal("births.year", ids), -limit, limit) * births["year_to_year"]
        expected = mean + deviation * np.sqrt(mean)
        years.append(np.floor(np.maximum(expected, 0) + draws.uniform("births.round", ids)))
    return np.stack(years, axis=1).astype(np.int64)


def _in_use(draws: Draws, columns: Ids, window: Window) -> Flags:
    municipality, row = np.unique(columns >> COLUMN_BITS, return_inverse=True)
    return (columns & ((1 << COLUMN_BITS) - 1))[:, None] < births_by_year(draws, municipality, window)[row]


def _previous(draws: Draws, columns: Ids, used: Flags, window: Window) -> Ids:
    """Slot of the mother's previous pregnancy, or -1; of two that could be it, the later one is."""
    gaps = parameters()["family"]["next_child_years"]
    bounds = np.concatenate([np.cumsum(numbers("family", "next_child_shares")), [1.0]])
    years = list(window.birth_years)
    gap = np.stack(
        [np.array([*gaps, 0])[draws.picked("family.gap", slot_id(columns, y), bounds)] for y in years], axis=1
    )
    previous = np.full(used.shape, -1)
    for j in range(len(years)):
        for g in sorted(gaps, reverse=True):
            if j >= g:
                previous[:, j] = np.where((gap[:, j - g] == g) & used[:, j - g] & used[:, j], j - g, previous[:, j])
    return previous


def _chains(previous: Ids) -> tuple[Ids, Ids, Ids]:
    """Per slot: slot of the mother's first pregnancy, its number in her row (from 0), slot of her last."""
    rows, previous = np.arange(len(previous)), previous.copy()
    first = np.tile(np.arange(previous.shape[1]), (len(previous), 1))
    order, last = np.zeros_like(first), first.copy()
    for j in range(previous.shape[1]):
        full = order[rows, previous[:, j]] >= MOST_PREGNANCIES - 1
        previous[full, j] = -1
        linked = previous[:, j] >= 0
        at = rows[linked], previous[linked, j]
        first[linked, j], order[linked, j] = first[at], order[at] + 1
    for j in reversed(range(previous.shape[1])):
        linked = previous[:, j] >= 0
        last[rows[linked], previous[linked, j]] = last[linked, j]
    return first, order, np.take_along_axis(last, first, axis=1)


def pregnancies_of(draws: Draws, columns: Ids, window: Window, submitter: Ids | None = None) -> Pregnancies:
    """All pregnancies of these columns, each seen by the submitter next to it (its own, when none is named)."""
    used = _in_use(draws, columns, window)
    first, order, last = _chains(_previous(draws, columns, used, window))
    year = np.broadcast_to(np.array(window.birth_years), used.shape)
    start = window.birth_years.start
    column = np.broadcast_to(columns[:, None], used.shape)[used]
    mother = slot_id(column, first[used] + start)
    home = column >> COLUMN_BITS
    moved, next_home = _moves(draws, mother, home, window)
    seen_by = home if submitter is None else np.broadcast_to(submitter[:, None], used.shape)[used]
    return Pregnancies(
        seen_by,
        slot_id(column, year[used]),
        year[used],
        mother,
        order[used],
        last[used] + start,
        home,
        next_home,
        moved,
    )


def _destination(draws: Draws, mother: Ids, home: Ids) -> Ids:
    u = draws.uniform("move.to", mother)
    far = draws.happens("move.far", mother, parameters()["family"]["moves_to_other_prefecture"])
    to = places().within(places().prefecture[home], u)
    to[far] = places().anywhere(u[far])
    return to


def _moves(draws: Draws, mother: Ids, home: Ids, window: Window) -> tuple[Ids, Ids]:
    """Day of the household's move (FAR: never) and where it goes."""
    moved, next_home = np.full(len(mother), FAR), home.copy()
    at = np.flatnonzero(draws.happens("move", mother, parameters()["family"]["moves"]))
    ids = mother[at]
    to = _destination(draws, ids, home[at])
    span = window.end - window.population_start
    when = window.population_start + np.floor(draws.uniform("move.day", ids) * span).astype(np.int64)
    next_home[at] = to
    moved[at] = np.where(to == home[at], FAR, when)
    return moved, next_home


def residence(home: Ids, next_home: Ids, moved: Ids, on: Ids) -> Ids:
    """Municipality of residence on a day; the day of the move belongs to the new one."""
    return np.where(on >= moved, next_home, home)


def arrivals(draws: Draws, columns: Ids, window: Window, chosen: Ids) -> tuple[Ids, Ids]:
    """Mothers of these columns that move to one of the chosen municipalities, and where to.

    Every slot is tried as if it were a mother's first; the few that would move here are then looked at in full.
    """
    slots = np.concatenate([slot_id(columns, year) for year in window.birth_years])
    slots = slots[draws.happens("move", slots, parameters()["family"]["moves"])]
    home = slots >> (SLOT_BITS + COLUMN_BITS)
    to = _destination(draws, slots, home)
    here = np.isin(to, chosen) & (to != home)
    candidates = pregnancies_of(draws, np.unique(slots[here] >> SLOT_BITS), window)
    comes = (candidates.order == 0) & (candidates.moved < FAR) & np.isin(candidates.next_home, chosen)
    return candidates.mother[comes], candidates.next_home[comes]
