"""The primary rule: what the policy says of every cell by itself, before anything is hidden for the sake of another."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
import polars as pl

from pipelines.declaration import LEVELS, Count, Policy
from pipelines.release.system import KEYS, TOTAL, Mask, Nesting, Rows, System, Values

OF_PERSONS = ("person", "pregnancy", "event")  # any other subject is not personal and has no threshold


class Reason(IntEnum):
    """Why a cell is hidden; for the release's own log and reach only, the published symbol is one."""

    SHOWN = 0
    POLICY = 1
    PRIMARY = 2
    SECONDARY = 3
    FALLBACK = 4


@dataclass(frozen=True)
class Terms:
    """What the policy says about each row of a system (published cells, then complements).

    k: threshold of the row's area; under the lowest tier that of the next one.
    width: what an attacker's interval must keep open.
    is_closed: never shown, whatever its value (lowest tier, sensitivity class).
    is_public: the State prints it or it stands in an earlier release: known to everybody, no protection, no target.
    """

    k: Rows
    width: Values
    is_closed: Mask
    is_public: Mask
    is_sensitive: Mask
    zero_shown_from: int
    hidden_areas: int


def terms(system: System, counts: Mapping[str, Count], policy: Policy) -> Terms:
    """The policy's terms for every row of `system`."""
    lowest_k = max(tier.k for tier in policy.tiers if tier.k)
    population = system.frame["population"].to_numpy()
    tier = {p: policy.k_for(p) for p in np.unique(population).tolist()}
    is_person = ~_of_counts(system, {c.id for c in counts.values() if c.subject not in OF_PERSONS})
    k = np.where(is_person, [tier[p] or lowest_k for p in population.tolist()], 1).astype(np.int64)
    is_empty_tier = np.array([tier[p] is None for p in population.tolist()], dtype=bool)
    return Terms(
        k=k,
        width=np.where(is_person, np.maximum(policy.interval_floor, k / 2), 0),
        is_closed=is_person & (is_empty_tier | _below_class(system, counts, policy)),
        is_public=_is_public(system, counts, policy),
        is_sensitive=_of_counts(system, {c.id for c in counts.values() if c.is_sensitive}),
        zero_shown_from=policy.zero_shown_from,
        hidden_areas=policy.hidden_areas_on_a_line,
    )


def primary(system: System, terms: Terms) -> Rows:
    """Reason of every row by its own value and by its difference from what it lies within; complements stay SHOWN.

    Hidden are: closed cells; values of 1..k-1; the inner count of a difference of 1..k-1; 100 %, and zero of a
    sensitive count, of fewer than `zero_shown_from`. A complement is hidden by hiding its inner count.
    """
    value, cells = system.value, np.arange(len(system.value)) < system.n_cells
    reason = np.zeros(len(value), dtype=np.int8)
    reason[cells & (value >= 1) & (value < terms.k)] = Reason.PRIMARY
    nesting, here = system.nesting, system.only_here
    too_much = has_small_rest(nesting, value, terms) | is_all_or_none(nesting, value, terms)
    reason[nesting.inner[too_much]] = Reason.PRIMARY
    reason[here.inner[has_small_rest(here, value, terms)]] = Reason.PRIMARY
    reason[cells & terms.is_closed] = Reason.POLICY
    return with_inner_hidden(system, reason)


def has_small_rest(nesting: Nesting, value: Values, terms: Terms) -> Mask:
    """Pairs whose difference is 1..k-1; known counts are known anyway."""
    rest = np.abs(value[nesting.outer] - value[nesting.inner])
    is_public = terms.is_public[nesting.inner] & terms.is_public[nesting.outer]
    return (rest >= 1) & (rest < terms.k[nesting.inner]) & ~is_public


def is_all_or_none(nesting: Nesting, value: Values, terms: Terms) -> Mask:
    """Pairs that tell of everyone in a small group: all of it, or none of it where the count is sensitive."""
    inner, outer = value[nesting.inner], value[nesting.outer]
    is_public = terms.is_public[nesting.inner] & terms.is_public[nesting.outer]
    is_none = (inner == 0) & terms.is_sensitive[nesting.inner]
    return (outer >= 1) & (outer < terms.zero_shown_from) & ((inner == outer) | is_none) & ~is_public


def with_inner_hidden(system: System, reason: Rows) -> Rows:
    """A hidden denominator hides what lies within it; a complement is hidden with its inner count."""
    reason, nesting = reason.copy(), system.nesting
    for _ in range(len(LEVELS)):  # nesting is a chain of a few counts
        drawn = (reason[nesting.outer] > 0) & (reason[nesting.inner] == 0)
        reason[nesting.inner[drawn]] = reason[nesting.outer[drawn]]
    sure = nesting.is_certain
    reason[nesting.complement[sure]] = np.maximum(reason[nesting.inner[sure]], reason[nesting.outer[sure]])
    return reason


def _below_class(system: System, counts: Mapping[str, Count], policy: Policy) -> Mask:
    """Cells below the lowest level, or of municipalities below the lowest population, of their count's class."""
    rank = {level: i for i, level in enumerate(LEVELS)}
    rows = system.frame.select("count_id", "level", "population")
    class_of = {c.id: c.sensitivity.value for c in counts.values()}
    limits = pl.DataFrame({
        "count_id": list(class_of),
        "lowest": [rank[policy.lowest_level.get(s, LEVELS[-1])] for s in class_of.values()],
        "least": [policy.lowest_population.get(s, 0) for s in class_of.values()],
    })  # fmt: skip
    depth = pl.col("level").replace_strict(rank, return_dtype=pl.Int64)
    is_small = (depth >= rank["municipality"]) & (pl.col("population") < pl.col("least"))
    joined = rows.join(limits, on="count_id", how="left", maintain_order="left")
    return joined.select((depth > pl.col("lowest")) | is_small).to_series().fill_null(False).to_numpy()


def _is_public(system: System, counts: Mapping[str, Count], policy: Policy) -> Mask:
    """Totals of counts that the State prints, where the policy takes them as known."""
    if not policy.complement_off_for_publicly_known:
        return np.zeros(len(system.value), dtype=bool)
    printed = _of_counts(system, {c.id for c in counts.values() if c.known_publicly})
    is_public = printed & (system.frame["breakdown_id"] == TOTAL).to_numpy()
    return with_public_rests(system, is_public)


def with_public(system: System, terms: Terms, already_public: pl.DataFrame | None) -> Terms:
    """The terms when cells of earlier releases (KEYS) are known to everybody as well."""
    if already_public is None or already_public.is_empty():
        return terms
    known = system.frame.select(KEYS).with_row_index("row").join(already_public.select(KEYS), on=KEYS, how="semi")
    is_public = terms.is_public.copy()
    is_public[known["row"].to_numpy()] = True
    return replace(terms, is_public=with_public_rests(system, is_public))


def never_shown(terms: Terms, rows: Mask) -> Terms:
    """The terms when `rows` are not for this release to show."""
    return replace(terms, is_closed=terms.is_closed | rows)


def with_public_rests(system: System, is_public: Mask) -> Mask:
    """The complement of two known counts is known."""
    is_public, sure = is_public.copy(), system.nesting.is_certain
    both = is_public[system.nesting.inner[sure]] & is_public[system.nesting.outer[sure]]
    is_public[system.nesting.complement[sure]] = both
    return is_public


def _of_counts(system: System, ids: set[str]) -> Mask:
    return system.frame["count_id"].is_in(sorted(ids)).to_numpy()
