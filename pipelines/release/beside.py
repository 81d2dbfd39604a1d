"""What a reader still has beside a release: years, pooled years and areas that only earlier releases showed.

2021-2023 of an earlier release, less 2022 and 2023 of this one, is 2021. So the audit attacks with every earlier value
that this release does not replace, as long as nothing published says that its data have changed since: a reader who
mixes two states of the data works out nothing. An earlier value is put aside

- where anything that it is a sum of was shown with another value since, or keeps an earlier one now;
- where it does not add up with what is shown, or is smaller than what it holds or what lies within it;
- and at the gate of a release, which knows, where its true value is another one now.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import polars as pl

from pipelines.declaration import Count
from pipelines.release.borders import BEFORE, bordered, with_former, with_known_sums, with_strips
from pipelines.release.system import KEYS, WHAT, Mask, Pair, Rows, System, build
from pipelines.release.vintage import same_quantity

# statuses inside an audit, of cells that this release has not: shown by an earlier one; and shown once, but with data
# that may have changed since, so that the cell is unknown and no secret
EARLIER, OUTDATED = "earlier", "outdated"
NEVER, NOW = -1, np.iinfo(np.int64).max


def with_earlier(
    cells: pl.DataFrame, areas: pl.DataFrame, past: pl.DataFrame, counts: Mapping[str, Count], pairs: Iterable[Pair],
    succession: pl.DataFrame, recorded: pl.DataFrame, is_held: Mask, outdated: pl.DataFrame | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame] | None:  # fmt: skip
    """The cells (KEYS, value, status) of a release with those beside it, and the areas of both; None where there are
    none beside it.

    past: `Ledger.earlier_cells(with_hidden=True)`. recorded: `Ledger.populations`. is_held: cells that keep an earlier
    value. outdated: KEYS of earlier values known to be no longer true. Raises IncompleteCells.
    """
    same = same_quantity(past, counts)
    former = succession.filter(pl.col("old_code").is_in(same["area_code"].unique().implode()))
    rows = _absent(same, cells, areas, former)
    if rows.is_empty():
        return None
    told = _with_status(rows, outdated)
    every = with_strips(
        pl.concat([cells.select(*KEYS, "value", "status"), told.cast({"value": cells.schema["value"]})]), former
    )
    around = with_former(areas, former, recorded)
    here = around.filter((pl.col("level") != BEFORE) | pl.col("area_code").is_in(every["area_code"].unique().implode()))
    every = _filled(every, here, former)
    is_shown = pl.Series(np.concatenate([~is_held, np.ones(every.height - cells.height, dtype=bool)]))
    known = every.with_columns(value=pl.when(is_shown).then("value"))
    system = bordered(build(known, here, tuple(pairs)), former)
    doubtful = _doubtful(system, every, same, ~is_shown.to_numpy())
    kept = every.with_columns(
        value=pl.when(~pl.Series(doubtful)).then("value"),
        status=pl.when(pl.Series(doubtful)).then(pl.lit(OUTDATED)).otherwise("status"),
    )
    return with_known_sums(kept, former, EARLIER), here


def _with_status(rows: pl.DataFrame, outdated: pl.DataFrame | None) -> pl.DataFrame:
    keys = (rows.clear() if outdated is None else outdated).select(KEYS).unique().with_columns(is_old=pl.lit(True))
    known = pl.when(pl.col("is_old").is_null()).then("value")
    status = (
        pl.when(known.is_not_null()).then(pl.lit(EARLIER)).when(pl.col("value").is_not_null()).then(pl.lit(OUTDATED))
    )
    joined = rows.join(keys, on=list(KEYS), how="left", maintain_order="left")
    return joined.select(*KEYS, value=known, status=status.otherwise(pl.lit("suppressed")))


def _absent(same: pl.DataFrame, cells: pl.DataFrame, areas: pl.DataFrame, former: pl.DataFrame) -> pl.DataFrame:
    """Cells of earlier releases that this one has not, with the last value that each was shown with (or null).

    A count and period with an area of which nobody says what became of it is left out: its sums cannot be said.
    """
    old, here = former["old_code"].implode(), areas["area_code"].implode()
    is_old = pl.col("area_code").is_in(old) & ~pl.col("area_code").is_in(here)
    gone = same.filter(~pl.col("area_code").is_in(here), ~is_old).select("count_id", "period").unique()
    beside = same.join(cells.select(KEYS), on=list(KEYS), how="anti").filter(pl.col("area_code").is_in(here))
    found = pl.concat([beside, same.filter(is_old)]).join(gone, on=["count_id", "period"], how="anti")
    last = pl.col("value").sort_by("sequence").drop_nulls().last()
    return found.group_by(KEYS).agg(value=last).sort(KEYS)


def _filled(every: pl.DataFrame, areas: pl.DataFrame, former: pl.DataFrame) -> pl.DataFrame:
    """A cell for every area of a level that has one: who was not in an earlier release added nothing to its sums, but
    an area made of former ones was there in them."""
    levels = areas.filter(pl.col("level") != BEFORE).select("area_code", "level")
    there = every.join(levels, on="area_code").select(*WHAT, "level").unique()
    missing = there.join(levels, on="level").join(every, on=list(KEYS), how="anti")
    was_there = pl.col("area_code").is_in(former["new_code"].implode())
    status = pl.when(was_there).then(pl.lit(OUTDATED)).otherwise(pl.lit("not_collected"))
    nothing = missing.select(*KEYS, value=pl.lit(None, every.schema["value"]), status=status)
    return pl.concat([every, nothing.sort(KEYS)])


def _doubtful(system: System, every: pl.DataFrame, same: pl.DataFrame, is_held: Mask) -> Mask:
    """Earlier values whose data may have changed since they were shown."""
    is_earlier = (every["status"] == EARLIER).to_numpy()
    shown_at, moved_at = _history(every, same)
    moved_at[is_held] = NOW
    doubtful = is_earlier & (_of_what_it_holds(system, moved_at, is_earlier) >= shown_at)
    while True:
        new = is_earlier & ~doubtful & _does_not_fit(system, doubtful)
        if not new.any():
            return doubtful
        doubtful |= new


def _history(every: pl.DataFrame, same: pl.DataFrame) -> tuple[Rows, Rows]:
    """Per cell: when it was last shown, and when it was last shown with another value than it has."""
    values = same.filter(pl.col("value").is_not_null()).select(*KEYS, "sequence", then="value")
    told = every.select(*KEYS, "value").with_row_index("row").join(values, on=list(KEYS))
    other = pl.col("sequence").filter(pl.col("value").is_not_null() & (pl.col("then") != pl.col("value")))
    by_row = told.group_by("row").agg(shown=pl.col("sequence").max(), moved=other.max())
    shown_at, moved_at = np.full(every.height, NEVER), np.full(every.height, NEVER)
    shown_at[by_row["row"].to_numpy()] = by_row["shown"].to_numpy()
    moved_at[by_row["row"].to_numpy()] = by_row["moved"].fill_null(NEVER).to_numpy()
    return shown_at, moved_at


def _of_what_it_holds(system: System, moved_at: Rows, is_earlier: Mask) -> Rows:
    """When anything in each sum last moved; an earlier value's own past is no doubt about it."""
    lines, moved = system.cell_lines, moved_at.copy()
    sums, found = lines.cells[lines.start[:-1]], np.full(len(moved_at), NEVER)
    is_part = np.ones(len(lines.cells), dtype=bool)
    is_part[lines.start[:-1]] = False
    while True:
        before = found.copy()
        np.maximum.at(found, sums[lines.of_entry[is_part]], moved[lines.cells[is_part]])
        moved = np.maximum(moved_at, found)
        if np.array_equal(before, found):
            return np.where(is_earlier, found, NEVER)


def _does_not_fit(system: System, is_aside: Mask) -> Mask:
    """Cells of sums that do not add up or are less than their known parts, and of pairs of which the part is larger
    than the whole."""
    wrong = np.zeros(system.n_cells, dtype=bool)
    value = np.where(is_aside, np.nan, system.value[: system.n_cells])
    lines, (inner, outer) = system.cell_lines, system.certain
    gap = np.abs(lines.equations(system.n_cells) @ value) >= 1  # NaN, an unknown part, is no contradiction
    least = lines.equations(system.n_cells) @ np.nan_to_num(value)
    gap |= (least >= 1) & ~np.isnan(value[lines.cells[lines.start[:-1]]])
    wrong[lines.cells[gap[lines.of_entry]]] = True
    larger = value[inner] > value[outer]
    wrong[inner[larger]] = wrong[outer[larger]] = True
    return wrong
