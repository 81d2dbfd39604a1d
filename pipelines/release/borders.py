"""Moved borders: what an area was before, or became, as sums over the smallest pieces (privacy, hole 22).

A reader who has a count on old and on new borders subtracts one from the other. Every row of the published table
`area_succession` is a piece: what went from an old area into a new one. An old area is the sum of its pieces, and so
is a new one; a piece that is all of an old or of a new area is that area.
"""

from dataclasses import replace

import numpy as np
import polars as pl

from pipelines.declaration import LEVELS
from pipelines.release.system import KEYS, WHAT, LineKind, Lines, System

BEFORE = "before"  # in place of a level: such an area has cells in some periods only
SUCCESSION = {"old_code": pl.String(), "new_code": pl.String()}  # columns that the audit reads


def pieces(succession: pl.DataFrame) -> pl.DataFrame:
    """old_code, new_code, piece. An area that keeps its code is compared with itself, as any change of a value is."""
    moved = succession.select("old_code", "new_code").unique().filter(pl.col("old_code") != pl.col("new_code"))
    is_whole = pl.len().over("old_code") == 1
    is_all_of_new = pl.len().over("new_code") == 1
    strip = pl.concat_str("old_code", pl.lit(">"), "new_code")
    return moved.with_columns(
        piece=pl.when(is_whole).then("old_code").when(is_all_of_new).then("new_code").otherwise(strip)
    ).sort("old_code", "new_code")


def with_strips(cells: pl.DataFrame, succession: pl.DataFrame) -> pl.DataFrame:
    """The cells (KEYS, value, status), and an unknown one for every strip between an old and a new area."""
    strips = pieces(succession).filter(pl.col("piece").str.contains(">"))
    old = cells.join(strips, left_on="area_code", right_on="old_code")
    both = old.join(cells, left_on=[*WHAT, "new_code"], right_on=[*WHAT, "area_code"], how="semi")
    unknown = both.select(
        *(pl.col("piece").alias(k) if k == "area_code" else k for k in KEYS),
        value=pl.lit(None, cells.schema["value"]), status=pl.lit("suppressed"),
    )  # fmt: skip
    return pl.concat([cells, unknown.select(cells.columns)])


def with_known_sums(cells: pl.DataFrame, succession: pl.DataFrame, status: str) -> pl.DataFrame:
    """The cells, in which an area whose former areas are all known is known by their sum: earlier releases told it."""
    parts = pieces(succession).filter(pl.col("piece") != pl.col("new_code"))
    named = parts.select("piece", "new_code", n=pl.len().over("new_code"))
    known = named.join(cells.drop_nulls("value"), left_on="piece", right_on="area_code")
    sums = known.group_by("new_code", *WHAT).agg(pl.sum("value").alias("sum"), pl.len().alias("known"), pl.first("n"))
    whole = sums.filter(pl.col("known") == pl.col("n")).select(*WHAT, "sum", area_code="new_code")
    joined = cells.join(whole, on=list(KEYS), how="left", maintain_order="left")
    is_told = pl.col("value").is_null() & pl.col("sum").is_not_null()
    return joined.with_columns(
        value=pl.coalesce("value", "sum"), status=pl.when(is_told).then(pl.lit(status)).otherwise("status")
    ).select(cells.columns)


def with_former(areas: pl.DataFrame, succession: pl.DataFrame, recorded: pl.DataFrame) -> pl.DataFrame:
    """The areas (area_code, level, parent_code, population), former ones and strips too.

    A former area has the smallest population that was `recorded` of it, else that of the area it went into; a strip
    is no larger than what it lies in.
    """
    people = pl.concat([areas.select("area_code", "population"), recorded.select("area_code", "population")])
    smallest = people.group_by("area_code").agg(pl.min("population"))
    named = pl.concat([
        pieces(succession).select("new_code", "old_code", area_code=name) for name in ("piece", "old_code")
    ])  # fmt: skip
    former = named.filter(~pl.col("area_code").is_in(areas["area_code"].implode()))
    found = [former.join(smallest, left_on=key, right_on="area_code") for key in ("area_code", "old_code", "new_code")]
    known = pl.concat([each.select("area_code", "population") for each in found])
    rows = known.group_by("area_code").agg(pl.min("population")).select(
        "area_code", level=pl.lit(BEFORE), parent_code=pl.lit(None, pl.String), population="population"
    )  # fmt: skip
    return pl.concat([areas.select(rows.columns), rows.cast(dict(areas.select(rows.columns).schema))])  # type: ignore[arg-type]


def bordered(system: System, succession: pl.DataFrame) -> System:
    """The system with a sum for every area whose borders moved, in every period in which all of its terms are there."""
    known = pieces(succession)
    if known.is_empty():
        return system
    terms = pl.concat([
        known.select(whole="new_code", part="piece"),
        known.filter(pl.len().over("old_code") > 1).select(whole="old_code", part="piece"),
    ]).filter(pl.col("whole") != pl.col("part"))  # fmt: skip
    rows = system.frame.head(system.n_cells).select(*KEYS).with_row_index("row")
    parts = terms.with_columns(n=pl.len().over("whole")).join(rows, left_on="part", right_on="area_code")
    sums = rows.rename({"row": "sum_row"})
    lines = parts.join(sums, left_on=["whole", *WHAT], right_on=["area_code", *WHAT])
    whole = lines.group_by("sum_row").agg("row", pl.first("n")).filter(pl.col("row").list.len() == pl.col("n"))
    return replace(
        system, frame=_of_its_sender(system.frame, known), lines=_appended(system.lines, whole.sort("sum_row"))
    )


def _of_its_sender(frame: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """A piece is told by the area that it went into, as a ward is by its city; a former area of several by itself."""
    went = known.filter(pl.col("piece") != pl.col("new_code")).select(area_code="piece", went_into="new_code")
    is_former, is_piece = ~pl.col("level").is_in(LEVELS), pl.col("went_into").is_not_null()
    level = (
        pl.when(is_former & is_piece)
        .then(pl.lit("ward"))
        .when(is_former)
        .then(pl.lit("municipality"))
        .otherwise("level")
    )
    above = pl.when(is_former).then("went_into").otherwise("parent_code")
    joined = frame.join(went, on="area_code", how="left", maintain_order="left")
    return joined.with_columns(level=level, parent_code=above).select(frame.columns)


def _appended(lines: Lines, more: pl.DataFrame) -> Lines:
    cells = [np.array([s, *sorted(parts)], dtype=np.int64) for s, parts in more.select("sum_row", "row").iter_rows()]
    sizes = np.concatenate([np.diff(lines.start), np.array([len(c) for c in cells], dtype=np.int64)])
    return Lines(
        np.concatenate([lines.cells, *cells]),
        np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        np.concatenate([lines.kind, np.full(len(cells), int(LineKind.AREA))]),
    )
