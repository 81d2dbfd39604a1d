"""Counts that no difference and no inequality ties tell nothing of each other: they are suppressed apart, side by side."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

import numpy as np
import polars as pl
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from pipelines.release.system import Pair

Given = TypeVar("Given")
Done = TypeVar("Done")

WORTH_A_PROCESS = 20_000  # cells; a process takes a second to begin
PROCESSES = 2
# Processes share the processor: threads of their own would only stand in each other's way
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}


def families(counts: Iterable[str], pairs: Iterable[Pair], nested: pl.DataFrame | None = None) -> list[list[str]]:
    """Counts in groups that no pair ties, declared or nested in the data (inner, outer)."""
    ids = sorted(set(counts))
    nth = {count: n for n, count in enumerate(ids)}
    ties = {(p.inner, p.outer) for p in pairs}
    ties |= set() if nested is None else set(nested.select("inner", "outer").iter_rows())
    ends = np.array([(nth[i], nth[o]) for i, o in ties if i in nth and o in nth], dtype=np.int64).reshape(-1, 2).T
    graph = sp.csr_array((np.ones(ends.shape[1]), (ends[0], ends[1])), shape=(len(ids), len(ids)))
    _, label = connected_components(graph, directed=False)
    found: list[list[str]] = [[] for _ in range(label.max(initial=-1) + 1)]
    for count, family in zip(ids, label, strict=True):
        found[family].append(count)
    return found


def worth_a_process(families: list[list[str]], count_of_cell: pl.Series) -> list[list[str]]:
    """The families, small ones together until they have WORTH_A_PROCESS cells; the largest first, so that none is left to
    run alone in the end."""
    sizes = dict(count_of_cell.value_counts().iter_rows())

    def size(counts: list[str]) -> int:
        return sum(sizes[count] for count in counts)

    groups: list[list[str]] = []
    for family in families:
        if not groups or size(groups[-1]) >= WORTH_A_PROCESS:
            groups.append([])
        groups[-1] += family
    return sorted(groups, key=size, reverse=True)


def each(do: Callable[[Given], Done], families: list[Given], n_cells: int) -> list[Done]:
    """`do` of every family, in processes of their own where there are several and much to do."""
    if len(families) < 2 or n_cells < WORTH_A_PROCESS:
        return [do(family) for family in families]
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    try:
        with ProcessPoolExecutor(min(PROCESSES, len(families)), get_context("spawn")) as pool:
            return list(pool.map(do, families))
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
