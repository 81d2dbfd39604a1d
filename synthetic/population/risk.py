"""What makes an event likely adds up, and it happens above a threshold.

Effects and draws are in standard deviations of a normal liability (Falconer 1965), so that only sums and products are
needed: exp and log differ between processors.
"""

from functools import cache
from math import sqrt
from statistics import NormalDist
from typing import Any

import numpy as np

from synthetic.draws import Draws, Floats, Ids
from synthetic.population.households import Flags, Pregnancies

_SMALLEST = 1 / 16384  # as the table of the normal draws


@cache
def cut(share: float) -> float:
    """What a standard normal number exceeds with this share; rounded so that the last bit of a library cannot show."""
    within = min(max(share, _SMALLEST), 1 - _SMALLEST)
    return round(-NormalDist().inv_cdf(within), 6)


def cuts(shares: Floats) -> Floats:
    """`cut` of each."""
    return np.array([cut(float(share)) for share in shares.ravel()]).reshape(shares.shape)


def classes(latent: Floats, weights: list[float]) -> Ids:
    """Position of the class that a standard normal number falls into; low numbers are in the first."""
    above = 1 - np.cumsum(np.array(weights, dtype=np.float64))[:-1] / sum(weights)
    return np.searchsorted(cuts(above), latent, side="right").astype(np.int64)


def latent(draws: Draws, stream: str, ids: Ids, *parts: tuple[float, Floats]) -> Floats:
    """Standard normal numbers that have these standard normal parts in common; the rest is each row's own."""
    total = sqrt(1 - sum(weight * weight for weight, _ in parts)) * draws.normal(stream, ids)
    for weight, part in parts:
        total += weight * part
    return total


def raised(base: Floats, effects: dict[str, Any], **causes: Floats | Ids | Flags) -> Floats:
    """A liability with what each cause adds to it: its number times its effect."""
    total = base.copy()
    for name, cause in causes.items():
        total += effects[name] * cause
    return total


def previous_of(pregnancies: Pregnancies) -> Ids:
    """Position of the same mother's pregnancy before, -1 for the first in view."""
    order = np.argsort(pregnancies.household * 8 + pregnancies.order, kind="stable")
    later = np.flatnonzero(pregnancies.order[order] > 0)
    previous = np.full(len(pregnancies), -1)
    previous[order[later]] = order[later - 1]
    return previous


def with_recurrence(liability: Floats, effects: dict[str, Any], previous: Ids, order: Ids) -> Flags:
    """What happens above `threshold`, sooner by `before` where it happened in the pregnancy before."""
    happens = liability > effects["threshold"]
    again = liability + effects["before"] > effects["threshold"]
    for nth in range(1, int(order.max(initial=0)) + 1):
        at = np.flatnonzero(order == nth)
        happens[at] = np.where(happens[previous[at]], again[at], happens[at])
    return happens
