"""Which shown cell, were it hidden too, would give a cell the room that it lacks.

A cell is held by the equations that it stands in. From a table in the middle it is known how strongly each equation
holds it (the multipliers of the projection of its change); a shown cell that stands in strongly holding equations, and
is large enough to give way, lets it go. Nearness alone does not find it: what holds a small category of a village may
be that the city beside it hides too little of its own.
"""

import numpy as np

from pipelines.release.projection import Projection
from pipelines.release.system import Mask, Rows, Values
from pipelines.release.view import View

AT_ONCE = 64
MANY = 200_000_000  # pairs of a found and a shown cell; beyond, some are relieved, which relieves most of the others
LEAST_SCALE = 0.1  # of a hidden cell that the middle leaves next to nothing


def relieving(seen: View, middle: Values, found: Rows, may_hide: Mask, loss: Values) -> Rows:
    """For every `found` cell (of very many, for some spread over them) the cell to hide beside it; fewer where nothing
    would help.

    middle: a table that fits, NaN for shown cells. may_hide, loss: of every cell, what hiding it loses.
    """
    columns = seen.columns()
    equations = seen.lines.equations(seen.system.n_cells).tocsc()
    part = equations[:, columns].tocsr()
    used = np.flatnonzero(np.diff(part.indptr))
    at = np.full(seen.system.n_cells, -1)
    at[columns] = np.arange(len(columns))
    found, free = found[at[found] >= 0], np.flatnonzero(may_hide)
    if not len(found) or not len(free):
        return found[:0]
    found = found[:: -(-len(found) * len(free) // MANY)]
    holding = Projection(part[used], np.maximum(np.nan_to_num(middle[columns], nan=LEAST_SCALE), LEAST_SCALE))
    of_free = equations[:, free].tocsr()[used].T.tocsr()
    picked: set[int] = set()
    for some in np.array_split(found, range(AT_ONCE, len(found), AT_ONCE)):
        change = np.zeros((len(columns), len(some)))
        change[at[some], np.arange(len(some))] = 1
        pull = np.abs(of_free @ holding.multipliers(change))
        gives = np.minimum(seen.system.value[free][:, None], seen.width[some])
        gain = (pull * gives) ** 2 / loss[free][:, None]
        best = gain.argmax(axis=0)
        picked |= set(free[best[gain.max(axis=0) > 0]].tolist())
    return np.array(sorted(picked), dtype=np.int64)
