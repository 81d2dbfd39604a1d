"""Routine vaccinations of children, dose by dose; the schedule of `parameters.toml` is 要確認."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl

from synthetic.draws import Ids
from synthetic.parameters import parameters
from synthetic.population.calendar import FAR, dates, day
from synthetic.population.checkups import Invitations
from synthetic.population.risk import cut, latent
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
    living = np.flatnonzero(~scene.children.is_stillborn)
    seen = [(nth, *_given(scene, living, on)) for nth, on in enumerate(_days(scene, living))]
    dose = np.repeat([nth for nth, _, _ in seen], [len(child) for _, child, _ in seen])
    series, number = (np.array([getattr(dose, of) for dose in schedule()]) for of in ("series", "number"))
    return pl.DataFrame({
        "who": len(scene.mothers) + np.concatenate([child for _, child, _ in seen]), "series": series_names()[series[dose]],
        "dose_no": number.astype(np.uint8)[dose], "vaccinated_date": dates(np.concatenate([on for _, _, on in seen])),
    })  # fmt: skip


def _days(scene: Scene, living: Ids) -> Iterator[Ids]:
    """Per dose of the schedule: the day on which each child is given it; FAR: never."""
    p, draws, ids, born = (
        parameters()["vaccination"],
        scene.draws,
        scene.children.id[living] * 64,
        scene.children.born[living],
    )
    refuses, delay = _habits(scene, living)
    plans, given = list(p["series"].values()), np.full(len(living), FAR)
    ready = born + delay
    for nth, dose in enumerate(schedule()):
        plan = plans[dose.series]
        due = ready + dose.due + draws.below("vaccination.day", ids + nth, p["day_spread"])
        if dose.is_first:
            within = (born >= day(*plan["born_from"])) & (born < day(*plan["born_before"]))
            takes = within & (refuses < cut(1 - plan["coverage"]))
            given = np.where(takes, due, FAR)
        else:
            goes_on = draws.happens("vaccination.next", ids + nth, p["goes_on"])
            given = np.where(goes_on & (given < FAR), np.maximum(due, given + dose.after), FAR)
        yield given


def _habits(scene: Scene, living: Ids) -> tuple[np.ndarray, Ids]:
    """Liability to refuse, and the days that a family is late, by its engagement."""
    c, p = scene.children, parameters()["vaccination"]
    engaged = scene.mothers.engagement[scene.deliveries.mother[c.of[living]]]
    refuses = latent(scene.draws, "vaccination.refuses", c.id[living], (-p["by_engagement"], engaged))
    late = latent(scene.draws, "vaccination.late", c.id[living], (-p["by_engagement"], engaged))
    return refuses, np.floor(np.maximum(late + 1, 0) * p["late_days_per_sd"]).astype(np.int64)


def _given(scene: Scene, living: Ids, given: Ids) -> tuple[Ids, Ids]:
    """Children who were resident, alive and within the years sent on the day of a dose, and that day."""
    c, window = scene.children, scene.window
    at = np.flatnonzero((given >= window.start) & (given <= window.end) & (given < c.died[living]))
    child, on = living[at], given[at]
    here = scene.is_here(c.of[child], on)
    return child[here], on[here]
