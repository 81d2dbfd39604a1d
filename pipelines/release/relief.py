"""Which shown cell, were it hidden too, would give a cell the room that it lacks.

A cell is held by the equations that it stands in. From a table in the middle it is known how strongly each equation
holds it (the multipliers of the projection of its change); a shown cell that stands in strongly holding equations, and
is large enough to give way, lets it go. Nearness alone does not find it: what holds a small category of a village may
be that the city beside it hides too little of its own.
"""

import numpy as np
import scipy.sparse as sp

from pipelines.declaration import LEVELS
from pipelines.release.fallback import BELOW_PREFECTURE
from pipelines.release.projection import Projection
from pipelines.release.system import Mask, Rows, Values, blocks_of
from pipelines.release.view import View

AT_ONCE = 64
MANY = 200_000_000  # pairs of a found and a shown cell; beyond, some are relieved, which relieves most of the others
LEAST_SCALE = 0.1  # of a hidden cell that the middle leaves next to nothing


def relieving(seen: View, middle: Values, found: Rows, may_hide: Mask, loss: Values) -> Rows:
    """For every `found` cell (of very many, for some spread over them) the cell to hide beside it; fewer where nothing
    would help. Cells below prefectures are relieved as if the prefectures stood still, each in its own.

    middle: a table that fits, NaN for shown cells. may_hide, loss: of every cell, what hiding it loses.
    """
    columns, found = seen.columns(), found[(seen.is_unknown & ~seen.is_public)[found]]
    level = seen.system.frame["level"]
    equations = seen.equations.tocsc()
    picked: list[Rows] = [found[:0]]
    for levels in (BELOW_PREFECTURE, LEVELS):
        part = columns[level.gather(columns).is_in(levels).to_numpy()]
        here = found[level.gather(found).is_in(levels).to_numpy()]
        block = blocks_of(equations[:, part]) if len(here) else np.zeros_like(part)
        for one in np.unique(block[np.isin(part, here)]):
            some = part[block == one]
            picked.append(_in_block(seen, equations, some, middle, np.intersect1d(here, some), may_hide, loss))
        found = np.setdiff1d(found, here)
    return np.unique(np.concatenate(picked))


def _in_block(
    seen: View, equations: sp.csc_array, columns: Rows, middle: Values, found: Rows, may_hide: Mask, loss: Values
) -> Rows:
    """`relieving` for what is found among `columns`, when all other cells stand still."""
    part = equations[:, columns].tocsr()
    used = np.flatnonzero(np.diff(part.indptr))
    around = equations[:, may_hide].tocsr()[used].tocsc()
    touched = np.flatnonzero(np.diff(around.indptr))
    of_free, free = around[:, touched].T.tocsr(), np.flatnonzero(may_hide)[touched]
    if not len(free):
        return free
    found = found[:: -(-len(found) * len(free) // MANY)]
    holding = Projection(part[used], np.maximum(np.nan_to_num(middle[columns], nan=LEAST_SCALE), LEAST_SCALE))
    picked: list[Rows] = []
    for some in np.array_split(found, range(AT_ONCE, len(found), AT_ONCE)):
        change = np.zeros((len(columns), len(some)))
        change[np.searchsorted(columns, some), np.arange(len(some))] = 1
        pull = np.abs(of_free @ holding.multipliers(change))
        gives = np.minimum(seen.system.value[free][:, None], seen.width[some])
        gain = (pull * gives) ** 2 / loss[free][:, None]
        picked.append(free[gain.argmax(axis=0)[gain.max(axis=0) > 0]])
    return np.concatenate(picked)
