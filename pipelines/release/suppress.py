"""Joint suppression: hides until neither an outsider nor a submitter can work out what the policy protects.

The order: each cell by itself (primary), each line (secondary), then the audit as the gate; what it finds is relieved
by hiding one more cell that holds it, the next time one more beside it, then its lines, a bounded number of times, and
then by ever larger pieces in a fixed order. Every
step only hides, and where everything is hidden nothing is left to find: it always ends.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl

from pipelines.declaration import Count, Indicator, Policy
from pipelines.release.bounds import too_narrow
from pipelines.release.fallback import FALLBACKS, fallback, lines_of
from pipelines.release.families import each, families, worth_a_process
from pipelines.release.line_rule import Choice, choice, close_lines
from pipelines.release.primary import Reason, Terms, never_shown, primary, terms, with_public
from pipelines.release.proof import Proof
from pipelines.release.reach import reach
from pipelines.release.relief import relieving
from pipelines.release.system import KEYS, Mask, Pair, Rows, System, Values, build, pairs_of
from pipelines.release.view import View, to_keep_open, view

REPAIRS = 8
QUICK_REPAIRS = 40
FEW = 1e-3  # of all cells: fewer that are found quickly can wait for the first search
STUBBORN = 3  # turns, after which more is hidden at once for a cell that is still found
RINGS = 4
LARGEST_BLOCK = 2_000  # columns in which submitters are tried as a whole; what is left in a larger one is hidden more


@dataclass(frozen=True)
class Protected:
    """cells: the input with is_shown and reason ('' | primary | secondary | fallback | policy), for the release only;
    log: the fallbacks taken, one sentence each; reach: how much is shown by the primary rule alone and in the end;
    cases: what the decision was made on, one for every family of counts."""

    cells: pl.DataFrame
    log: tuple[str, ...]
    reach: pl.DataFrame
    cases: tuple["Case", ...]

    @property
    def own_rows_only(self) -> System | None:
        """The system, where there is one and it holds the cells of this release and no others."""
        one = self.cases[0] if len(self.cases) == 1 else None
        return one.system if one and one.n_own == one.system.n_cells else None


@dataclass(frozen=True)
class Case:
    """What stays the same while more is hidden. n_own: cells of this release; behind them stand those of earlier ones."""

    system: System
    terms: Terms
    chosen: Choice
    n_own: int

    @cached_property
    def width(self) -> Values:
        return to_keep_open(self.system, self.terms)

    def seen(self, reason: Rows) -> View:
        return view(self.system, self.terms, reason > 0, self.width)

    @property
    def is_beside(self) -> Mask:
        row = np.arange(len(self.system.value))
        return (row >= self.n_own) & (row < self.system.n_cells)


@dataclass(frozen=True)
class Asked:
    """Cells of one family of counts, and all that the decision needs."""

    cells: pl.DataFrame
    areas: pl.DataFrame
    counts: Mapping[str, Count]
    pairs: tuple[Pair, ...]
    policy: Policy
    secret: bytes
    nested: pl.DataFrame | None
    already_public: pl.DataFrame | None
    beside: pl.DataFrame | None

    def of(self, family: Sequence[str]) -> "Asked":
        def own(cells: pl.DataFrame | None, column: str = "count_id") -> pl.DataFrame | None:
            return None if cells is None else cells.filter(pl.col(column).is_in(family))

        return replace(
            self, cells=self.cells.filter(pl.col("count_id").is_in(family)), nested=own(self.nested, "inner"),
            already_public=own(self.already_public), beside=own(self.beside),
        )  # fmt: skip


def protect(
    cells: pl.DataFrame,
    areas: pl.DataFrame,
    counts: Mapping[str, Count],
    indicators: Mapping[str, Indicator],
    policy: Policy,
    secret: bytes,
    nested: pl.DataFrame | None = None,
    already_public: pl.DataFrame | None = None,
    beside: pl.DataFrame | None = None,
) -> Protected:
    """Decides which of `cells` (KEYS, value) may be shown; the same secret gives the same decision.

    areas: area_code, level, parent_code, population. nested: inner, outer and the keys of a cell in which the data
    nest two counts that no declaration nests. already_public: KEYS of cells that an earlier release showed. beside:
    cells (KEYS, value, is_told) of years and pooled years that earlier releases published and this one does not; a
    reader still has the values marked `is_told`.
    Raises IncompleteCells where an equation would be missing.
    """
    pairs = pairs_of(counts, indicators.values())
    numbered = cells.with_row_index("nth")
    asked = Asked(numbered, areas, counts, pairs, policy, secret, nested, already_public, beside)
    tied = families(cells["count_id"].unique(), pairs, nested)
    apart = [asked.of(family) for family in worth_a_process(tied, cells["count_id"])]
    done = each(_protect, apart, cells.height) or [_protect(asked)]
    return Protected(
        pl.concat([d.cells for d in done]).sort("nth").drop("nth"), tuple(line for d in done for line in d.log),
        pl.concat([d.reach for d in done]).sort("count_id", "is_pooled"), tuple(case for d in done for case in d.cases),
    )  # fmt: skip


def _protect(asked: Asked) -> Protected:
    cells = asked.cells
    every = pl.concat([part.select(*KEYS, "value") for part in (cells, asked.beside) if part is not None])
    system = build(every, asked.areas, asked.pairs, asked.nested)
    stated = with_public(system, terms(system, asked.counts, asked.policy), asked.already_public)
    case = Case(system, _nothing_new(system, stated, asked.beside), choice(system, asked.secret), cells.height)
    first = primary(system, case.terms)
    reason, log = until_safe(case, close_lines(system, case.terms, first, case.chosen, Reason.SECONDARY))
    return Protected(_with_reasons(cells, reason), log, reach(system, cells.height, first, reason), (case,))


def _nothing_new(system: System, stated: Terms, beside: pl.DataFrame | None) -> Terms:
    """The terms when of the cells `beside`, the last of the system, nothing is shown but what is told already."""
    rows = np.zeros(len(system.value), dtype=bool)
    if beside is not None:
        rows[system.n_cells - beside.height : system.n_cells] = ~beside["is_told"].to_numpy()
    return never_shown(stated, rows)


def reach_under(protected: Protected, counts: Mapping[str, Count], policy: Policy) -> pl.DataFrame:
    """What another policy would show of the same cells: by the primary rule alone and after the line rule, before the
    audit's repairs."""
    return pl.concat([_reach_of(case, counts, policy) for case in protected.cases]).sort("count_id", "is_pooled")


def _reach_of(case: Case, counts: Mapping[str, Count], policy: Policy) -> pl.DataFrame:
    stated = never_shown(terms(case.system, counts, policy), case.is_beside)
    first = primary(case.system, stated)
    return reach(case.system, case.n_own, first, close_lines(case.system, stated, first, case.chosen, Reason.SECONDARY))


def until_safe(case: Case, reason: Rows) -> tuple[Rows, tuple[str, ...]]:
    """Repairs a bounded number of times, then falls back in ever larger pieces, until the audit finds nothing or nothing
    of what is tied to a found cell is left to hide."""
    proof = Proof.of_nothing(case.system.n_cells)
    times = np.zeros(case.system.n_cells, dtype=np.int64)
    stage: dict[str, int] = {}
    log: list[str] = []
    turn, is_first = 0, True
    while True:
        reason, left, is_again, proof = _quickly_repaired(case, reason, proof, may_leave=is_first)
        found, proof = _found(case, reason, left, proof, is_again=is_again)
        before = int((reason > 0).sum())
        times += found
        if found.any() and turn < REPAIRS:
            rows = _beside(case, reason, case.seen(reason), np.flatnonzero(found), proof.middle)
            rows = np.union1d(rows, _nearest(case, reason, np.flatnonzero(found & (times > 1))))
            rows = np.union1d(rows, _around(case, reason, found & (times >= STUBBORN)))
            reason = _hide(case, reason, rows, Reason.SECONDARY)
        while found.any() and int((reason > 0).sum()) == before and min_stage(case, found, stage) < len(FALLBACKS):
            rows, sentences = fallback(case.system, np.flatnonzero(found), stage)
            reason = _hide(case, reason, rows, Reason.FALLBACK)
            log += sentences
        if not is_again and int((reason > 0).sum()) == before:
            return reason, tuple(log)
        turn, is_first = turn + bool(found.any()), False


def min_stage(case: Case, found: Mask, stage: dict[str, int]) -> int:
    """The stage of the count that has fallen back least."""
    counts = case.system.frame["count_id"].gather(np.flatnonzero(found)).unique()
    return min(stage.get(c, 0) for c in counts)


def _quickly_repaired(case: Case, reason: Rows, proof: Proof, *, may_leave: bool) -> tuple[Rows, Mask, bool, Proof]:
    """The reasons after repairs of what is found quickly, what of it no repair helps, whether to look again (repairs ran
    out, or at first only few among very many were found, which wait for the search), and what is proven so far."""
    times = np.zeros(case.system.n_cells, dtype=np.int64)
    for _ in range(QUICK_REPAIRS):
        seen = case.seen(reason)
        left, proof = _quickly_found(case, reason, seen, proof)
        times += left
        rows = np.flatnonzero(left)
        beside = np.union1d(_nearest(case, reason, rows), _beside(case, reason, seen, rows, proof.middle))
        beside = np.union1d(beside, _around(case, reason, left & (times >= STUBBORN)))
        if not len(beside):
            return reason, left, False, proof
        reason = _hide(case, reason, beside, Reason.SECONDARY)
        if may_leave and len(rows) < FEW * case.system.n_cells:
            break
    return reason, np.zeros_like(times, dtype=bool), True, proof


def _found(case: Case, reason: Rows, left: Mask, proof: Proof, *, is_again: bool) -> tuple[Mask, Proof]:
    """The cells that the audit still finds, those `left` among them, and what is proven so far."""
    seen = case.seen(reason)
    proof = proof.continued(seen)
    found = left | proof.is_open(seen)
    if not (is_again or found.any()):
        rows, proof = proof.told(seen, LARGEST_BLOCK, with_sums=True)
        found[rows] = True
    return found, proof


def _quickly_found(case: Case, reason: Rows, seen: View, proof: Proof) -> tuple[Mask, Proof]:
    """What line-by-line arithmetic narrows too much, else what is told exactly."""
    found = too_narrow(case.system, case.terms, reason > 0, seen.width) & seen.is_target
    if not found.any():
        rows, proof = proof.told(seen, LARGEST_BLOCK)
        found[rows] = True
    return found, proof


def _hide(case: Case, reason: Rows, rows: Rows, because: Reason) -> Rows:
    """Hides the published cells `rows` and closes the lines again."""
    reason = reason.copy()
    reason[rows[reason[rows] == 0]] = because
    return close_lines(case.system, case.terms, reason, case.chosen, because)


def _around(case: Case, reason: Rows, found: Mask) -> Rows:
    """What may be hidden of the lines that the found cells are part of."""
    rows = lines_of(case.system, np.flatnonzero(found))
    return rows[_may_hide(case, reason)[rows]]


def _nearest(case: Case, reason: Rows, found: Rows) -> Rows:
    """For every found cell the first in the order of choice of the shown ones nearest to it."""
    system = case.system
    rank = case.chosen.rank(reason)
    is_free = _may_hide(case, reason)
    picked: set[int] = set()
    for row in found:
        ring = np.array([row])
        for _ in range(RINGS):
            ring = system.neighbours(ring)
            free = ring[is_free[ring]]
            if len(free):
                picked.add(int(free[rank[free].argmin()]))
                break
    return np.array(sorted(picked), dtype=np.int64)


def _beside(case: Case, reason: Rows, seen: View, found: Rows, middle: Values) -> Rows:
    """For every found cell the shown one that would give it the most room for what is lost with it, mixed with a secret
    draw; the nearest where none would."""
    n = case.system.n_cells
    picked = relieving(seen, middle, found, _may_hide(case, reason)[:n], case.chosen.weight(reason)[:n])
    return picked if len(picked) else _nearest(case, reason, found)


def _may_hide(case: Case, reason: Rows) -> Mask:
    may_hide = (reason == 0) & ~case.terms.is_public
    may_hide[case.system.n_cells :] = False
    return may_hide


def _with_reasons(cells: pl.DataFrame, reason: Rows) -> pl.DataFrame:
    names = {int(r): "" if r == Reason.SHOWN else r.name.lower() for r in Reason}
    known = pl.Series("reason", reason[: cells.height], dtype=pl.Int64)
    return cells.with_columns(known.replace_strict(names, return_dtype=pl.String)).with_columns(
        is_shown=pl.col("reason") == ""
    )
