"""Routine vaccinations of children, dose by dose; the schedule of `parameters.toml` is 要確認."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl

from synthetic.draws import Ids
from synthetic.parameters import parameters
from synthetic.population.calendar import FAR, dates, day
from synthetic.population.checkups import Invitations
from synthetic.population.risk import cuts, latent
from synthetic.population.visits import Scene

MONTH = 30.4375


@dataclass(frozen=True)
class Dose:
    """A dose of a series: due at this age, at the earliest so many days after the one before."""

    series: int
    number: int
    due: int  # age in days
    after: int
    is_first: bool


@cache
def series_names() -> pl.Series:
    names = list(parameters()["vaccination"]["series"])
    return pl.Series(names, dtype=pl.Enum(names))


@cache
def schedule() -> tuple[Dose, ...]:
    """Doses of all series in the order of the file."""
    doses = []
    for n, plan in enumerate(parameters()["vaccination"]["series"].values()):
        gaps = [0, *plan["days_after"]]
        doses += [
            Dose(n, k + 1, round(months * MONTH), gap, k == 0)
            for k, (months, gap) in enumerate(zip(plan["due_months"], gaps, strict=True))
        ]
    return tuple(doses)


def vaccinations(scene: Scene, _: Invitations) -> pl.DataFrame:
    """One row per dose of a resident child in the years sent: series, dose_no, vaccinated_date."""
    c, p = scene.children, parameters()["vaccination"]
    living = np.flatnonzero(~c.is_stillborn)
    refuses, delay = _habits(scene, living)
    plans = list(p["series"].values())
    parts = []
    given = np.full(len(living), FAR)
    for nth, dose in enumerate(schedule()):
        plan = plans[dose.series]
        due = (
            c.born[living]
            + dose.due
            + delay
            + scene.draws.below("vaccination.day", c.id[living] * 64 + nth, p["day_spread"])
        )
        if dose.is_first:
            within = (c.born[living] >= day(*plan["born_from"])) & (c.born[living] < day(*plan["born_before"]))
            takes = within & (refuses < cuts(1 - np.array([plan["coverage"]]))[0])
            given = np.where(takes, due, FAR)
        else:
            goes_on = scene.draws.happens("vaccination.next", c.id[living] * 64 + nth, p["goes_on"])
            given = np.where(goes_on & (given < FAR), np.maximum(due, given + dose.after), FAR)
        parts.append(_given(scene, living, given, nth))
    return pl.concat(parts)


def _habits(scene: Scene, living: Ids) -> tuple[np.ndarray, Ids]:
    """Liability to refuse, and the days that a family is late, by its engagement."""
    c, p = scene.children, parameters()["vaccination"]
    engaged = scene.mothers.engagement[scene.deliveries.mother[c.of[living]]]
    refuses = latent(scene.draws, "vaccination.refuses", c.id[living], (-p["by_engagement"], engaged))
    late = latent(scene.draws, "vaccination.late", c.id[living], (-p["by_engagement"], engaged))
    return refuses, np.floor(np.maximum(late + 1, 0) * p["late_days_per_sd"]).astype(np.int64)


def _given(scene: Scene, living: Ids, given: Ids, nth: int) -> pl.DataFrame:
    """A dose of those who were resident, alive and within the years sent on its day."""
    c, window, dose = scene.children, scene.window, schedule()[nth]
    at = np.flatnonzero((given >= window.start) & (given <= window.end) & (given < c.died[living]))
    child, on = living[at], given[at]
    here = scene.is_here(c.of[child], on)
    child, on = child[here], on[here]
    n = len(child)
    return pl.DataFrame({
        "who": len(scene.mothers) + child, "series": series_names().new_from_index(dose.series, n),
        "dose_no": np.full(n, dose.number, dtype=np.uint8), "vaccinated_date": dates(on),
    })  # fmt: skip
