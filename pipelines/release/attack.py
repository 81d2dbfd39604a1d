"""The first two audits: which hidden cells follow exactly from what is shown, by equations alone."""

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as sla
from scipy.sparse.csgraph import connected_components

from pipelines.release.system import LineKind, Mask, Rows
from pipelines.release.view import View

PRECISION = 1e-13  # of the projection; determined components end near 1e-11, free ones above 1e-3
ZERO = 1e-6
SEEDS = (1, 2)
MAX_STEPS = 20_000


def peel(equations: sp.csr_array) -> Mask:
    """Unknowns that fall one after the other: an equation with one unknown tells it, and so on."""
    left = np.ones(equations.shape[1], dtype=bool)
    where = (equations != 0).astype(np.int64)
    while True:
        single = where @ left.astype(np.int64) == 1
        told = left & (where[single].T @ np.ones(int(single.sum()), dtype=np.int64) > 0)
        if not told.any():
            return ~left
        left &= ~told


def determined(equations: sp.csr_array) -> Mask:
    """Unknowns that the equations fix together: a random change that breaks no equation leaves them as they are."""
    fixed = np.ones(equations.shape[1], dtype=bool)
    for seed in SEEDS:
        if fixed.any():
            fixed &= np.abs(_free_change(equations, seed)) < ZERO
    return fixed


def _free_change(equations: sp.csr_array, seed: int) -> np.ndarray:
    """A random vector projected on the null space of the equations."""
    change = np.random.default_rng(seed).standard_normal(equations.shape[1])
    if not equations.shape[0]:
        return change
    transposed = equations.T.tocsr()
    fit = sla.lsmr(transposed, change, atol=PRECISION, btol=PRECISION, conlim=0, maxiter=MAX_STEPS)
    return change - transposed @ fit[0]


def told_to_submitters(seen: View) -> dict[str, Rows]:
    """Per municipality: hidden cells of others that it can work out exactly, knowing all of its own cells."""
    system = seen.system
    columns = np.flatnonzero(seen.is_unknown)
    equations = seen.unknown_equations()
    _, block = connected_components(abs(equations.T) @ abs(equations), directed=False)
    area = system.frame["area_code"].head(system.n_cells).to_numpy()[columns]
    lowest = np.isin(system.frame["level"].head(system.n_cells).to_numpy()[columns], ("municipality", "ward"))
    told: dict[str, Rows] = {}
    for submitter in np.unique(area[lowest]):
        own = lowest & (area == submitter)
        near = np.flatnonzero(np.isin(block, np.unique(block[own])))
        found = _told_to(equations, near, own, seen, columns)
        if len(found):
            told[str(submitter)] = columns[found]
    return told


def _told_to(equations: sp.csr_array, near: Rows, own: Mask, seen: View, columns: Rows) -> Rows:
    """Columns of `near` that are fixed once the `own` ones are known, without the sums of own and shown cells."""
    known = own.copy()
    known[_own_sums(seen, columns, own)] = True
    others = near[~known[near]]
    part = equations.tocsc()[:, others].tocsr()
    return others[determined(part[np.diff(part.indptr) > 0])]


def _own_sums(seen: View, columns: Rows, own: Mask) -> Rows:
    """Sums of areas whose only unknown part is the submitter's own: they tell it nothing about another."""
    lines = seen.lines
    is_other = seen.is_unknown.copy()
    is_other[columns[own]] = False
    at = np.full(seen.system.n_cells, -1)
    at[columns] = np.arange(len(columns))
    sums, is_area = lines.cells[lines.start[:-1]], lines.kind == LineKind.AREA
    mine: list[int] = []
    while True:
        parts = np.add.reduceat(is_other[lines.cells], lines.start[:-1], dtype=np.int64) - is_other[sums]
        new = np.unique(sums[is_area & (parts == 0) & is_other[sums]])
        if not len(new):
            return at[np.array(mine, dtype=np.int64)]
        is_other[new] = False
        mine.extend(new.tolist())
