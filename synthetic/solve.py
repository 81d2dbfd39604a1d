"""Solves the numbers that `parameters.toml` marks as solved, on a fixed pilot: `python -m synthetic.solve`.

The share of a liability moves by the difference of target and figure in standard deviations, a plain share by the
difference itself. Effects shift each other, so it takes some rounds. Prints what to write into the file.
"""

from collections import Counter
from statistics import NormalDist
from typing import Any

import numpy as np

from synthetic.calibration import Tally, report, tally_of
from synthetic.draws import Draws
from synthetic.parameters import parameters
from synthetic.places import chosen
from synthetic.population.calendar import Window
from synthetic.population.facts import facts_of
from synthetic.population.households import column_ids, columns_of, pregnancies_of
from synthetic.population.mothers import parity_of_first_in_view
from synthetic.population.risk import cut

PILOT_SEED, PILOT_PREFECTURES, PILOT_COLUMNS = 20_220_401, ("11", "23", "27", "40", "01"), 160_000
STRETCH, ROUNDS = 4_000, 3
WINDOW = Window(2022, 2024)
Place = tuple[str | int, ...]  # section, name and, in a list, the position
AGES = ("3_4m", "1y6m", "3y")
THRESHOLDS: dict[str, Place] = {
    "diabetes": ("risk", "diabetes", "threshold"), "hypertensive": ("risk", "hypertensive", "threshold"),
    "preterm_single": ("risk", "preterm", "threshold"), "epds": ("risk", "low_mood", "threshold"),
}  # fmt: skip
LIABILITIES: dict[str, Place] = {
    "smoking": ("pregnancy", "smoking"), "cope": ("checkup", "cope"), "caries_3y": ("dental", "caries", 2),
    **{f"attendance_{age}": ("checkup", "attends", i) for i, age in enumerate(AGES)},
    **{f"{name}_{age}": ("checkup", name, i)
       for name in ("smoking_mother", "smoking_father", "no_harsh", "relaxed") for i, age in enumerate(AGES)},
}  # fmt: skip
SHARES: dict[str, Place] = {
    "cesarean_hospital": ("pregnancy", "cesarean_hospital"), "cesarean_clinic": ("pregnancy", "cesarean_clinic"),
    "parity1": ("family", "parity", 0), "parity2": ("family", "parity", 1), "parity3": ("family", "parity", 2), "stillbirths": ("births", "stillborn"),
    "stillbirths_12w": ("loss", "from_12_weeks"),
}  # fmt: skip
COMPLEMENTS: dict[str, Place] = {"early": ("pregnancy", "notified_late")}  # the share of those that are not


def pilot_tally(columns: int = PILOT_COLUMNS) -> Tally:
    """Counts of the pilot with the parameters as they are now."""
    draws, municipalities = Draws(PILOT_SEED), np.array(chosen(PILOT_PREFECTURES))
    counts = columns_of(draws, municipalities, WINDOW)
    every = np.concatenate([column_ids(int(m), range(int(n))) for m, n in zip(municipalities, counts, strict=True)])
    tally: Tally = Counter()
    for start in range(0, min(columns, len(every)), STRETCH):
        stretch = every[start : min(start + STRETCH, columns)]
        tally += tally_of(facts_of(draws, pregnancies_of(draws, stretch, WINDOW), WINDOW))
    return tally


def solved(tally: Tally) -> dict[Place, float]:
    """The numbers that would meet the targets, as far as each acts alone."""
    rows = report(tally, [], (WINDOW.first, WINDOW.last), is_whole=False).select("measure", "target", "value")
    figures = {
        name: (target / 100, value / 100) for name, target, value in rows.iter_rows() if value is not None and target
    }
    shift = {
        name: cut(target) - cut(value) for name, (target, value) in figures.items() if 0 < value < 1 and 0 < target < 1
    }
    new = {place: _at(place) + shift[name] for name, place in THRESHOLDS.items()}
    multiple: Place = ("risk", "preterm", "multiple")
    new[multiple] = _at(multiple) + shift["preterm_single"] - shift["preterm_multiple"]
    normal = NormalDist()
    new |= {place: normal.cdf(-cut(_at(place)) - shift[name]) for name, place in LIABILITIES.items()}
    new |= {place: normal.cdf(-cut(_at(place)) + shift[name]) for name, place in COMPLEMENTS.items()}
    new |= {place: _at(place) + figures[name][0] - figures[name][1] for name, place in SHARES.items()}
    return {place: round(value, 4) for place, value in new.items()}


def _holder(place: Place) -> Any:
    held: Any = parameters()
    for part in place[:-1]:
        held = held[part]
    return held


def _at(place: Place) -> float:
    value: float = _holder(place)[place[-1]]
    return value


def solve() -> dict[Place, float]:
    """Sets the parameters of this process to the solved ones, and returns them."""
    new: dict[Place, float] = {}
    for _ in range(ROUNDS):
        new = solved(pilot_tally())
        for place, value in new.items():
            _holder(place)[place[-1]] = value
        parity_of_first_in_view.cache_clear()
    return new


if __name__ == "__main__":
    for place, value in solve().items():
        print(".".join(map(str, place)), "=", value)
