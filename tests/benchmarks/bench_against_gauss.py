"""Hidden cells beside those of GaussSuppression (Statistics Norway), on tables of the size of its published figures.

Published figures of GaussSuppression 1.2.3, one count, primaries 1..9: 1,344 cells, 368 primary, 500 hidden; 3,024
cells, 781 primary, 1,086 hidden; no cell of either follows exactly, but 23 and 41 have an interval under 5. The tables
themselves are not published: these are made of the same dimensions (towns and their sum by three crossed strata) with
the same share of primaries, so it is the ratio of hidden to primary that compares.
"""

from dataclasses import replace

import numpy as np
import pytest

from pipelines.release import suppress
from pipelines.release.attack import told_to_outsiders
from pipelines.release.line_rule import choice, close_lines
from pipelines.release.primary import Reason, primary, terms
from pipelines.release.suppress import Case, until_safe
from pipelines.release.system import LineKind, Lines, Nesting, Rows, System
from pipelines.release.view import view
from tests.release import made_tables as t

STRATA = (2, 6, 3)
PUBLISHED = {15: (1344, 368, 500), 35: (3024, 781, 1086)}  # towns: cells, primary, hidden
ONE = t.counts_of(t.count("n"))


def crossed(towns: int, people: float, seed: int = 1) -> System:
    """Towns and their sum, by three strata and all their sums: a system of the same rooms as a release, crossed."""
    rng = np.random.default_rng(seed)
    shares = np.multiply.outer(
        rng.lognormal(0, 1, towns), np.multiply.outer([1, 1], np.multiply.outer(rng.lognormal(0, 1, 6), [6, 3, 1]))
    )
    table = rng.poisson(people * shares / shares.mean())
    for axis in range(table.ndim):
        table = np.concatenate([table.sum(axis=axis, keepdims=True), table], axis=axis)
    nth = np.arange(table.size).reshape(table.shape)
    lines = [np.moveaxis(nth, axis, -1).reshape(-1, table.shape[axis]) for axis in range(table.ndim)]
    kinds = [np.full(len(of), int(LineKind.CATEGORY if axis else LineKind.AREA)) for axis, of in enumerate(lines)]
    sizes = np.concatenate([np.full(len(of), of.shape[1]) for of in lines])
    names = np.stack(np.unravel_index(nth.ravel(), table.shape), axis=1)
    frame = t.cells(
        ("n", "2024", f"T{town}" if town else "P1", "x" if any(strata) else "all", "-".join(map(str, strata)) if any(strata) else "all", int(v))
        for (town, *strata), v in zip(names.tolist(), table.ravel(), strict=True)
    ).join(t.areas({f"T{n}": t.CITY for n in range(1, towns + 1)}), on="area_code", how="left", maintain_order="left")  # fmt: skip
    none = np.zeros(0, dtype=np.int64)
    nothing = Nesting(none, none, none, none.astype(bool))
    sums = Lines(
        np.concatenate([of.ravel() for of in lines]), np.concatenate([[0], np.cumsum(sizes)]), np.concatenate(kinds)
    )
    return System(frame, table.size, table.ravel().astype(float), sums, nothing, nothing)


def of_that_share(towns: int, share: float) -> System:
    """The table whose share of primaries is nearest."""
    made = (crossed(towns, people) for people in np.geomspace(2, 60, 60))
    return min(made, key=lambda system: abs(np.mean(primary(system, terms(system, ONE, t.STANDARD)) > 0) - share))


def not_told_exactly(case: Case, reason: Rows) -> Rows:
    """The protection of GaussSuppression: no hidden cell follows exactly from what is shown."""
    while True:
        told = told_to_outsiders(view(case.system, case.terms, reason > 0))
        if not len(told):
            return reason
        reason[suppress._nearest(case, reason, told)] = Reason.SECONDARY
        reason = close_lines(case.system, case.terms, reason, case.chosen, Reason.SECONDARY)


def by_elimination(system: System, first: Rows) -> int:
    """How many cells the method of GaussSuppression hides of the same table: from the largest cell on, each is shown
    unless a primary cell would then be a sum of shown ones."""
    is_sum = np.zeros(len(first), dtype=bool)
    is_sum[system.lines.cells[system.lines.start[:-1]]] = True
    rows = inner_cells_of(system, is_sum)
    left = rows[first > 0].copy()
    basis = np.zeros((0, rows.shape[1]))
    hidden = int((first > 0).sum())
    for cell in np.argsort(-system.value, kind="stable"):
        if first[cell] > 0:
            continue
        rest = rows[cell] - basis.T @ (basis @ rows[cell])
        rest -= basis.T @ (basis @ rest)
        size = np.linalg.norm(rest)
        if size < 1e-8:
            continue
        unit = rest / size
        after = left - np.outer(left @ unit, unit)
        if (np.linalg.norm(after, axis=1) < 1e-8).any():
            hidden += 1
        else:
            basis, left = np.vstack([basis, unit]), after
    return hidden


def inner_cells_of(system: System, is_sum: np.ndarray) -> np.ndarray:
    """Each cell as a sum of the innermost ones."""
    rows = np.zeros((len(is_sum), int((~is_sum).sum())))
    rows[~is_sum] = np.eye(rows.shape[1])
    lines, known = system.lines, ~is_sum
    while not known.all():
        for start, end in zip(lines.start[:-1], lines.start[1:], strict=True):
            whole, parts = lines.cells[start], lines.cells[start + 1 : end]
            if not known[whole] and known[parts].all():
                rows[whole], known[whole] = rows[parts].sum(axis=0), True
    return rows


@pytest.mark.parametrize("towns", sorted(PUBLISHED))
def test_hidden_cells_beside_gauss_suppression(towns: int) -> None:
    n_cells, n_primary, n_hidden = PUBLISHED[towns]
    system = of_that_share(towns, n_primary / n_cells)
    asked = terms(system, ONE, t.STANDARD)
    first = primary(system, asked)
    assert len(first) == n_cells
    ratios = {}
    for name, stated in {
        "not told exactly": replace(asked, k=np.ones_like(asked.k), hidden_areas=2),
        "and three areas": replace(asked, k=np.ones_like(asked.k)),
        "and k without the largest": asked,
    }.items():
        case = Case(system, stated, choice(system, b"secret"), n_cells)
        reason = not_told_exactly(case, close_lines(system, stated, first.copy(), case.chosen, Reason.SECONDARY))
        ratios[name] = (reason > 0).sum() / (first > 0).sum()
    case = Case(system, asked, choice(system, b"secret"), n_cells)
    done, _ = until_safe(case, close_lines(system, asked, first.copy(), case.chosen, Reason.SECONDARY))
    ratios["all of it, intervals and submitters too"] = (done > 0).sum() / (first > 0).sum()
    print(f"{n_cells} cells, {int((first > 0).sum())} primary (published: {n_primary})")
    theirs = by_elimination(system, first) / (first > 0).sum()
    print(
        f"  hidden per primary: GaussSuppression, its own table {n_hidden / n_primary:.3f}; its method here {theirs:.3f}"
    )
    for name, ratio in ratios.items():
        print(f"  {name:42} {ratio:.3f}  {ratio / theirs:.3f} x")
