"""When repairs do not help: ever larger pieces are hidden, in a fixed order, until nothing is left to find.

The order is the threat model's: the line, the breakdown of the area, all of the area, the single years (pooled years
only), and last the pooled municipal values; then, for tables that no one would publish, the whole count and all that
is tied to it.
"""

from collections.abc import Callable

import numpy as np
import polars as pl

from pipelines.release.system import Mask, Rows, System

BELOW_PREFECTURE = ("medical_area", "municipality", "ward")


def fallback(system: System, found: Rows, stage: dict[str, int]) -> tuple[Rows, list[str]]:
    """Rows to hide for the found cells, each count at its stage, which moves on; and a sentence for each step."""
    rows: list[Rows] = []
    sentences: list[str] = []
    count = system.frame["count_id"].gather(found)
    for count_id in count.unique().sort():
        step = min(stage.get(count_id, 0), len(FALLBACKS) - 1)
        name_ja, name_en, larger = FALLBACKS[step]
        cells = found[(count == count_id).to_numpy()]
        rows.append(larger(system, cells))
        sentences.append(
            f"{count_id}: {name_ja}を秘匿({len(cells)} セルのため) / {name_en} hidden for {len(cells)} cells"
        )
        stage[count_id] = stage.get(count_id, 0) + 1
    return np.unique(np.concatenate(rows)), sentences


def lines_of(system: System, found: Rows) -> Rows:
    """All parts of the sums that the found cells are part of."""
    lines = system.cell_lines
    is_found = np.isin(lines.cells, found)
    is_found[lines.start[:-1]] = False
    is_hit = np.add.reduceat(is_found, lines.start[:-1]) > 0 if len(lines) else np.zeros(0, dtype=bool)
    is_part = is_hit[lines.of_entry]
    is_part[lines.start[:-1]] = False
    return np.union1d(lines.cells[is_part], found)


def _breakdown_of_area(system: System, found: Rows) -> Rows:
    return _alike(system, found, ["count_id", "area_code", "breakdown_id"])


def _area(system: System, found: Rows) -> Rows:
    return _alike(system, found, ["count_id", "area_code"])


def _single_years(system: System, found: Rows) -> Rows:
    is_low = system.frame["level"].is_in(BELOW_PREFECTURE) & ~system.frame["period_kind"].str.starts_with("pooled")
    return np.union1d(_alike(system, found, ["count_id"], is_low.to_numpy()), found)


def _pooled_years(system: System, found: Rows) -> Rows:
    is_low = system.frame["level"].is_in(BELOW_PREFECTURE)
    return np.union1d(_alike(system, found, ["count_id"], is_low.to_numpy()), found)


def _count(system: System, found: Rows) -> Rows:
    return _alike(system, found, ["count_id"])


def _tied_counts(system: System, found: Rows) -> Rows:
    """Every count that shares an equation or an inequality with the found ones, however remotely."""
    rows = found
    while True:
        wider = system.neighbours(rows)
        wider = _alike(system, wider[wider < system.n_cells], ["count_id"])
        if len(wider) == len(rows):
            return rows
        rows = wider


def _alike(system: System, found: Rows, keys: list[str], allowed: Mask | None = None) -> Rows:
    """Published cells with the same `keys` as any of the found ones."""
    frame = system.frame.head(system.n_cells).with_row_index("row")
    if allowed is not None:
        frame = frame.filter(pl.Series(allowed[: system.n_cells]))
    wanted = system.frame[found].select(keys).unique()
    return frame.join(wanted, on=keys, how="semi")["row"].to_numpy().astype(np.int64)


FALLBACKS: tuple[tuple[str, str, Callable[[System, Rows], Rows]], ...] = (
    ("並び", "the line", lines_of),
    ("地域の内訳", "the breakdown of the area", _breakdown_of_area),
    ("地域の全て", "all of the area", _area),
    ("都道府県より下の単年", "single years below prefectures", _single_years),
    ("都道府県より下の全て", "everything below prefectures", _pooled_years),
    ("計数の全て", "the whole count", _count),
    ("結び付く計数の全て", "all counts tied to it", _tied_counts),
)
