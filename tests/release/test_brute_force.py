"""Small tables against brute force: every table of whole numbers that fits what is shown, counted one by one.

What the audit finds told or too narrow must be just what the lists of tables say, and so must what the certificate,
which shares no code with the audit, cannot prove. Each table has counts of its own, so that one audit and one
certificate take them all. MCHDB_BRUTE says how many tables (1000 for a thorough run).
"""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipelines.declaration import Count
from pipelines.release.attack import told_to_outsiders
from pipelines.release.certificate import certificate_of, check_certificate
from pipelines.release.primary import terms
from pipelines.release.proof import Proof
from pipelines.release.system import KEYS, System, build, pairs_of
from pipelines.release.view import View, view
from tests.release import made_tables as t
from tests.release.made_published import published

TABLES = int(os.environ.get("MCHDB_BRUTE", "150"))
TREE = t.areas(dict.fromkeys("ABC", t.CITY))
FREE, CAP = 3, 45  # how many numbers may be chosen freely, and up to what
SEARCHES = 12
Cell = tuple[str, ...]


def crossed(rng: np.random.Generator, name: str) -> list[t.Row]:
    """Three towns by two categories, with every sum."""
    inner = rng.integers(0, 7, (3, 2))
    rows: list[t.Row] = [
        (name, "2024", a, "b", str(c), int(inner[i, c])) for i, a in enumerate("ABC") for c in range(2)
    ]
    rows += [(name, "2024", "P1", "b", str(c), int(inner[:, c].sum())) for c in range(2)]
    return rows + t.totals(name, {"P1": int(inner.sum())} | {a: int(inner[i].sum()) for i, a in enumerate("ABC")})


def nested(rng: np.random.Generator, name: str) -> list[t.Row]:
    """Three towns and their sum, and what lies within each."""
    outer = rng.integers(0, 14, 3)
    inner = rng.binomial(outer, 0.5)
    return [
        row
        for count, values in ((name, outer), (f"{name}in", inner))
        for row in t.totals(count, {"P1": int(values.sum()), **dict(zip("ABC", values.tolist(), strict=True))})
    ]


def made() -> tuple[pl.DataFrame, dict[str, Count]]:
    """Cells with half of them hidden, and their counts."""
    rows: list[t.Row] = []
    counts: dict[str, Count] = {}
    rng, nth = np.random.default_rng(7), 0
    while len({row[0].removesuffix("in") for row in rows}) < TABLES:
        nth += 1
        name, kind = f"t{nth}", nested if nth % 2 else crossed
        table = kind(rng, name)
        of_table = t.counts_of(t.count(name), *([t.count(f"{name}in", within=name)] if kind is nested else []))
        hidden = rng.random(len(table)) < rng.choice([0.3, 0.5, 0.7])
        shown = [(*row[:5], None if is_hidden else row[5]) for row, is_hidden in zip(table, hidden, strict=True)]
        system = build(t.cells(shown), TREE, pairs_of(of_table, []))
        equations, _ = unknowns(system)
        n_free = equations.shape[1] - (np.linalg.matrix_rank(equations) if equations.size else 0)
        if hidden.any() and n_free <= FREE:
            rows += shown
            counts |= of_table
    return t.cells(rows), counts


def unknowns(system: System) -> tuple[np.ndarray, np.ndarray]:
    """The equations of the unknown cells, and what they add up to."""
    value = system.value[: system.n_cells]
    whole = system.cell_lines.equations(system.n_cells).toarray()
    return whole[:, np.isnan(value)], -(whole @ np.nan_to_num(value))


def every_table(system: System) -> np.ndarray:
    """All whole numbers up to CAP that the unknown cells can be, one table per row."""
    left, right = unknowns(system)
    pivots, solved = eliminated(np.column_stack([left, right]))
    free = [c for c in range(left.shape[1]) if c not in pivots]
    grid = (
        np.indices([CAP] * len(free)).reshape(len(free), CAP ** len(free)).T
    )  # one row, of nothing, where nothing is free
    tables = np.zeros((len(grid), left.shape[1]))
    tables[:, free] = grid
    for row, pivot in enumerate(pivots):
        tables[:, pivot] = solved[row, -1] - grid @ solved[row, free]
    whole = np.tile(system.value[: system.n_cells], (len(tables), 1))
    whole[:, np.isnan(system.value[: system.n_cells])] = tables
    inner, outer = system.certain
    fits = (tables > -1e-9).all(axis=1) & (np.abs(tables - tables.round()) < 1e-9).all(axis=1)
    return tables[fits & (whole[:, inner] <= whole[:, outer] + 1e-9).all(axis=1)]


def eliminated(rows: np.ndarray) -> tuple[list[int], np.ndarray]:
    """Pivot columns and the rows solved for them; the last column is the right side."""
    rows, pivots = rows.astype(float), list[int]()
    for column in range(rows.shape[1] - 1):
        at = len(pivots)
        here = np.flatnonzero(np.abs(rows[at:, column]) > 1e-9)
        if len(here):
            rows[[at, at + here[0]]] = rows[[at + here[0], at]]
            rows[at] /= rows[at, column]
            others = np.arange(len(rows)) != at
            rows[others] -= np.outer(rows[others, column], rows[at])
            pivots.append(column)
    return pivots, rows


def too_narrow_by_force(table: pl.DataFrame, counts: dict[str, Count]) -> Iterator[Cell]:
    """Unknown cells that differ by less than the policy asks in all the tables there are."""
    system = build(table, TREE, pairs_of(counts, []))
    tables = every_table(system)
    assert len(tables), "the true table fits"
    width = terms(system, counts, t.STANDARD).width[: system.n_cells][np.isnan(system.value[: system.n_cells])]
    keys = system.frame.head(system.n_cells).filter(pl.col("value").is_nan() | pl.col("value").is_null()).select(KEYS)
    for cell, span, asked in zip(keys.iter_rows(), np.ptp(tables, axis=0), width, strict=True):
        if span < asked:
            yield cell


@pytest.fixture(scope="module")
def case() -> tuple[pl.DataFrame, dict[str, Count], View]:
    table, counts = made()
    system = build(table, TREE, pairs_of(counts, []))
    return table, counts, view(system, terms(system, counts, t.STANDARD), np.isnan(system.value))


@pytest.fixture(scope="module")
def by_force(case: tuple[pl.DataFrame, dict[str, Count], View]) -> set[Cell]:
    """Without what shown zeros say of their parts: that was published with them."""
    table, counts, seen = case
    names = pl.col("count_id").str.strip_suffix("in")
    found = {
        cell
        for (name,), rows in table.group_by(names, maintain_order=True)
        for cell in too_narrow_by_force(rows, {c: counts[c] for c in (name, f"{name}in") if c in counts})
    }
    return found & cells_of(seen, seen.is_target)


def cells_of(seen: View, marked: np.ndarray) -> set[Cell]:
    return set(seen.system.frame.head(seen.system.n_cells).filter(pl.Series(marked)).select(KEYS).iter_rows())


def test_the_audit_finds_what_brute_force_finds(
    case: tuple[pl.DataFrame, dict[str, Count], View], by_force: set[Cell]
) -> None:
    _, _, seen = case
    proof = Proof.of_nothing(seen.system.n_cells)
    for nth in range(SEARCHES):
        proof = proof.continued(seen, 40 if nth > 1 else 0)
    told = np.isin(np.arange(seen.system.n_cells), told_to_outsiders(seen)) & seen.is_target
    found = cells_of(seen, proof.is_open(seen))
    print(f"{TABLES} tables, {int(seen.is_target.sum())} hidden cells: {len(by_force)} told or too narrow")
    assert found == by_force
    assert cells_of(seen, told) <= by_force
    assert 0 < len(cells_of(seen, told)) < len(by_force) < int(seen.is_target.sum())


def test_the_certificate_proves_what_brute_force_proves(
    case: tuple[pl.DataFrame, dict[str, Count], View], by_force: set[Cell], tmp_path: Path
) -> None:
    table, counts, _ = case
    path = published(tmp_path / "p.duckdb", table, TREE, counts)
    found = check_certificate(path, certificate_of(path))
    assert {f.rule for f in found} == {"certificate_too_narrow"}
    assert {f.cell for f in found} == by_force
