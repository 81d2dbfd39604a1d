"""The line rule: under every shown sum, enough is hidden that no part can be worked out from the others.

A heuristic that makes the audit's work short; it is the audit that decides.
"""

import hmac
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.release.primary import Reason, Terms, with_inner_hidden
from pipelines.release.system import KEYS, TOTAL, LineKind, Mask, Rows, System, Values

UNITS_OF_CHANCE = 2**32
NEVER = np.iinfo(np.int64).max
# What a reader misses most goes last: totals before categories, pooled years before single ones; a medical area's own
# number goes before its municipalities'. Measured on the cells of prefectures 17, 31 and 47.
WEIGHT_OF_TOTAL, WEIGHT_OF_POOLED, WEIGHT_OF_MEDICAL_AREA = 30.0, 3.0, 0.3


@dataclass(frozen=True)
class Choice:
    """What decides which cell is hidden for another: how much is lost with it, mixed with a secret draw per cell."""

    system: System
    draw: Values  # 0.5..1.5, keyed
    loss: Values

    def weight(self, reason: Rows) -> Values:
        """What is lost with every row, and with those that it would draw after it."""
        return self.loss * self.draw * (1 + _new_lines(self.system, reason))

    def rank(self, reason: Rows) -> Rows:
        """Position of every row in the order of choice; the smallest goes first."""
        weight = self.weight(reason)
        weight[self.system.value <= 0] = np.inf  # a zero adds no mass: last of all
        rank = np.empty(len(weight), dtype=np.int64)
        rank[np.lexsort((self.draw, weight))] = np.arange(len(weight))
        return rank


def choice(system: System, secret: bytes) -> Choice:
    """Keyed draws: whoever lacks `secret` cannot replay the choice from the values (privacy, hole 23)."""
    ids = system.frame.select(pl.concat_str(KEYS, separator="|")).to_series()
    drawn = np.frombuffer(b"".join(hmac.digest(secret, cell.encode(), "sha256")[:4] for cell in ids), dtype=">u4")
    return Choice(system, 0.5 + drawn / UNITS_OF_CHANCE, _loss(system))


def _loss(system: System) -> Values:
    """How much a reader loses with each row."""
    frame = system.frame
    loss = 1 + system.value
    loss = loss * np.where((frame["breakdown_id"] == TOTAL).to_numpy(), WEIGHT_OF_TOTAL, 1)
    loss = loss * np.where(frame["period_kind"].str.starts_with("pooled").to_numpy(), WEIGHT_OF_POOLED, 1)
    return loss * np.where((frame["level"] == "medical_area").to_numpy(), WEIGHT_OF_MEDICAL_AREA, 1)


def close_lines(system: System, terms: Terms, reason: Rows, chosen: Choice, because: Reason) -> Rows:
    """Hides until no line is too thin or nothing is left to hide on it; `because` is the reason of what it hides."""
    reason = with_inner_hidden(system, reason)
    while True:
        picked = _one_per_line(system, thin_lines(system, terms, reason), terms, reason, chosen)
        if not len(picked):
            return reason
        reason[_published(system, picked)] = because
        reason = with_inner_hidden(system, reason)


def thin_lines(system: System, terms: Terms, reason: Rows) -> Mask:
    """Lines on which too little is hidden: under a shown sum of areas fewer than three, or less than k without the
    largest; under any other, fewer than two, or less than k."""
    lines, value = system.lines, system.value
    is_unknown = unknown(system, terms, reason > 0)
    entry, start = is_unknown[lines.cells], lines.start[:-1]
    hidden = np.add.reduceat(entry, start, dtype=np.int64)
    masses = np.where(entry, value[lines.cells], 0)
    largest = np.maximum.reduceat(masses, start)
    mass = np.add.reduceat(masses, start) - np.where(lines.kind == LineKind.AREA, largest, 0)
    k = np.maximum.reduceat(np.where(entry, terms.k[lines.cells], 0), start)
    is_open_sum = ~is_unknown[lines.cells[start]]
    needed = np.where((lines.kind == LineKind.AREA) & is_open_sum, terms.hidden_areas, 2)
    return (hidden > 0) & ((hidden < needed) | is_open_sum & (mass < k))


def unknown(system: System, terms: Terms, is_hidden: Mask) -> Mask:
    """Hidden rows that are really unknown: neither known publicly nor the parts of a shown zero."""
    return is_hidden & ~terms.is_public & ~parts_of_zero(system, terms, is_hidden)


def parts_of_zero(system: System, terms: Terms, is_hidden: Mask) -> Mask:
    """Rows that shown zeros say are zero: parts and inner counts of one, and sums of nothing but zeros.

    That nobody is there is published with the zero (the primary rule decided that it may be), not derived. A public
    figure that is hidden here does not count: an auditor of the file alone must come to the same.
    """
    lines, nesting = system.lines, system.nesting
    is_zero = ~is_hidden & (system.value == 0)
    start, sums, sure = lines.start[:-1], lines.cells[lines.start[:-1]], nesting.is_certain
    while True:
        before = int(is_zero.sum())
        is_zero[lines.cells[is_zero[sums][lines.of_entry]]] = True
        others = np.add.reduceat(~is_zero[lines.cells], start, dtype=np.int64) - ~is_zero[sums]
        is_zero[sums[others == 0]] = True
        is_zero[nesting.inner[sure & is_zero[nesting.outer]]] = True
        is_zero[nesting.complement[sure & is_zero[nesting.outer]]] = True
        if int(is_zero.sum()) == before:
            return is_zero


def _one_per_line(system: System, is_thin: Mask, terms: Terms, reason: Rows, chosen: Choice) -> Rows:
    """The first row in the order of choice on every thin line that still has one to hide."""
    thin = system.lines.picked(is_thin)
    if not len(thin):
        return np.zeros(0, dtype=np.int64)
    rank = chosen.rank(reason)
    is_free = (reason == 0) & ~terms.is_public
    first = np.minimum.reduceat(np.where(is_free[thin.cells], rank[thin.cells], NEVER), thin.start[:-1])
    row_of_rank = np.argsort(rank)
    return np.unique(row_of_rank[first[first < NEVER]])


def _published(system: System, rows: Rows) -> Rows:
    """Published cells to hide for `rows`: a complement is hidden by its inner count."""
    inner_of = np.arange(len(system.value))
    sure = system.nesting.is_certain
    inner_of[system.nesting.complement[sure]] = system.nesting.inner[sure]
    return inner_of[rows]


def _new_lines(system: System, reason: Rows) -> Rows:
    """How many lines without a hidden cell each row lies on: hiding it would draw others."""
    lines, hidden = system.lines, reason > 0
    is_closed = np.add.reduceat(hidden[lines.cells], lines.start[:-1], dtype=np.int64) == 0
    return np.bincount(lines.cells, weights=is_closed[lines.of_entry], minlength=len(reason)).astype(np.int64)
