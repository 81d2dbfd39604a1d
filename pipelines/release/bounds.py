"""What simple arithmetic tells of hidden cells: bounds passed from line to line until they stand still.

Every reader gets at least this far, so a cell that is too narrow here is too narrow; it costs milliseconds, and spares
the linear programs the hopeless cells.
"""

import numpy as np

from pipelines.release.line_rule import parts_of_zero, unknown
from pipelines.release.polytope import CEILING
from pipelines.release.primary import Terms
from pipelines.release.system import Mask, System, Values

STEPS = 30


def bounds(system: System, terms: Terms, is_hidden: Mask) -> tuple[Values, Values]:
    """Lowest and highest value of every row (cells and complements) that line-by-line arithmetic leaves."""
    is_unknown = unknown(system, terms, is_hidden) | np.isnan(system.value)
    is_zero = parts_of_zero(system, terms, is_hidden)
    low = np.where(is_unknown | is_zero, 0.0, system.value)
    high = np.where(is_zero, 0.0, np.where(is_unknown, CEILING, system.value))
    for _ in range(STEPS):
        before = (low.copy(), high.copy())
        _along_lines(system, low, high)
        _along_nesting(system, low, high)
        if np.array_equal(before[0], low) and np.array_equal(before[1], high):
            break
    return low, high


def public_room(system: System, terms: Terms) -> Values:
    """The interval that public figures alone leave to each row; no release can keep more open than that."""
    everything = np.ones(len(system.value), dtype=bool)
    if not terms.is_public.any():
        return np.full(len(system.value), np.inf)
    low, high = bounds(system, terms, everything)
    return high - low


def too_narrow(system: System, terms: Terms, is_hidden: Mask, width: Values) -> Mask:
    """Published cells that are unknown and keep less than `width` under line-by-line arithmetic, or whose complement
    does while both of its counts are unknown."""
    nesting, sure = system.nesting, system.nesting.is_certain
    low, high = bounds(system, terms, is_hidden)
    is_unknown = unknown(system, terms, is_hidden)
    narrow = is_unknown & (high - low < np.pad(width, (0, len(low) - len(width)), constant_values=0))
    inner, rest = nesting.inner[sure], nesting.complement[sure]
    both = is_unknown[inner] & is_unknown[nesting.outer[sure]] & is_unknown[rest]
    narrow[inner[both & (high[rest] - low[rest] < width[inner])]] = True
    return narrow[: system.n_cells]


def _along_lines(system: System, low: Values, high: Values) -> None:
    """sum = parts: each part lies between the sum without the others at their most and at their least."""
    lines = system.lines
    start, of_entry, cells = lines.start[:-1], lines.of_entry, lines.cells
    sums = cells[start]
    least = np.add.reduceat(low[cells], start) - low[sums]
    most = np.add.reduceat(high[cells], start) - high[sums]
    part = np.ones(len(cells), dtype=bool)
    part[start] = False
    up = (high[sums] - least)[of_entry] + low[cells]
    down = (low[sums] - most)[of_entry] + high[cells]
    np.minimum.at(high, cells[part], up[part])
    np.maximum.at(low, cells[part], down[part])
    np.minimum.at(high, sums, most)
    np.maximum.at(low, sums, least)


def _along_nesting(system: System, low: Values, high: Values) -> None:
    """outer = inner + complement, and none is below zero."""
    nesting, sure = system.nesting, system.nesting.is_certain
    inner, outer, rest = nesting.inner[sure], nesting.outer[sure], nesting.complement[sure]
    np.minimum.at(high, inner, high[outer] - low[rest])
    np.minimum.at(high, rest, high[outer] - low[inner])
    np.minimum.at(high, outer, high[inner] + high[rest])
    np.maximum.at(low, outer, low[inner] + low[rest])
    np.maximum.at(low, inner, low[outer] - high[rest])
    np.maximum.at(low, rest, low[outer] - high[inner])
