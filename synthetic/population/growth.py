"""Size at an age: mean and SD by sex and completed months, from the official tables."""

from functools import cache

import numpy as np

from pipelines.reference import growth_table, head_circumference_table
from synthetic.draws import Draws, Floats, Ids

OLDEST = 83


@cache
def _table(measure: str) -> tuple[Floats, Floats]:
    """Mean and SD, row: sex code - 1, column: completed months."""
    rows = head_circumference_table() if measure == "head_circumference_cm" else growth_table(measure)
    mean, sd = np.zeros((2, OLDEST + 1)), np.zeros((2, OLDEST + 1))
    for key, m, s in zip(rows["key"], rows["mean"], rows["sd"], strict=True):
        sex, months = divmod(int(key), 1000)
        mean[sex - 1, months], sd[sex - 1, months] = m, s
    return mean, sd


def with_memory(draws: Draws, stream: str, ids: Ids, ages: Ids, kept: Floats) -> Floats:
    """Standard normal numbers of each child at its age (a position); `kept` of them goes on to the next age.

    kept: correlation of neighbouring ages, one for each step. ids: of a child at the first age; it rises by one.
    """
    current = draws.normal(stream, ids)
    for age, correlation in enumerate(kept, start=1):
        at = np.flatnonzero(ages >= age)
        new = np.sqrt(1 - correlation * correlation)
        current[at] = correlation * current[at] + new * draws.normal(stream, ids[at] + age)
    return current


def at_age(measure: str, sex: Ids, months: Ids, deviation: Floats) -> Floats:
    """Value that lies `deviation` SD from the mean of the table."""
    mean, sd = _table(measure)
    at = (sex - 1, np.clip(months, 0, 78))
    return mean[at] + deviation * sd[at]


def deviation_at_age(measure: str, sex: Ids, months: Ids, value: Floats) -> Floats:
    """How many SD a value lies from the mean of the table."""
    mean, sd = _table(measure)
    at = (sex - 1, np.clip(months, 0, 78))
    return (value - mean[at]) / sd[at]
