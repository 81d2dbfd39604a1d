"""Fathers of the households: there or not, and how old."""

import numpy as np
import polars as pl

from synthetic.parameters import parameters
from synthetic.population.calendar import dates
from synthetic.population.checkups import Invitations
from synthetic.population.households import person
from synthetic.population.mothers import YEAR
from synthetic.population.visits import Scene

MEMBER = 7  # of a household: children are 1 to 3


def fathers(scene: Scene, _: Invitations) -> pl.DataFrame:
    """One row per mother in view: father_entity_id, is_present, birth_date (null where nobody is known)."""
    m, p, draws = scene.mothers, parameters()["family"], scene.draws
    older = p["father_older_years"] + p["father_older_sd"] * draws.normal("father.older", m.id)
    born = np.minimum(m.born - np.floor(older * YEAR).astype(np.int64), m.born + int(8 * YEAR))
    return pl.DataFrame({
        "who": np.arange(len(m)), "father_entity_id": person(m.id, MEMBER), "is_present": ~m.is_single,
        "birth_date": dates(born).set(pl.Series(m.is_single), None),
    })  # fmt: skip
