"""What a release changes of the one before it, in cells and never in people.

Everything here follows from the two published files: which cells are shown in which, with which value, and which keep
an earlier one. A cell of an indicator is shown where all of its counts are.
"""

from collections.abc import Iterable, Mapping

import polars as pl

from pipelines.declaration import Count, Indicator
from pipelines.release.chain import count_identity
from pipelines.release.ledger import CELL_KEY

CELL = CELL_KEY[1:]
KINDS = {
    "newly_shown": ("新たに表示", "newly shown"),
    "changed": ("値が変わる", "changed"),
    "kept_earlier": ("前の値のまま", "kept at the earlier value"),
    "unchanged": ("変わらない", "unchanged"),
    "withdrawn": ("表示をやめる", "withdrawn"),
    "left_out": ("今回の対象外", "not part of this release"),
}
SCHEMA = {
    "indicator_id": pl.String(), "level": pl.String(), "kind": pl.String(), "cells": pl.Int64(), "smallest_change": pl.Int64()
}  # fmt: skip


def changes(
    cells: pl.DataFrame, earlier: pl.DataFrame, indicators: Iterable[Indicator], counts: Mapping[str, Count],
    areas: pl.DataFrame,
) -> pl.DataFrame:  # fmt: skip
    """indicator_id, level, kind, cells, smallest_change; empty where nothing was published before.

    cells: `Decision.cells`. earlier: `Ledger.earlier_cells`; its last release is the one compared with.
    smallest_change: of the changed counts, in people, from published values: never below the policy's k.
    """
    states = _states(cells, _last(earlier, counts)).join(areas.select("area_code", "level"), on="area_code")
    found = [_of_indicator(indicator, states) for indicator in indicators] if earlier.height else []
    told = pl.concat([pl.DataFrame(schema=SCHEMA), *found])
    return told.sort("indicator_id", "level", "kind")


def change_lines(found: pl.DataFrame) -> list[str]:
    """One sentence per indicator and level in which anything is other than it was."""
    told = []
    for (indicator, level), rows in found.group_by("indicator_id", "level", maintain_order=True):
        by = {row["kind"]: row for row in rows.iter_rows(named=True)}
        if set(by) == {"unchanged"}:
            continue
        smallest = by.get("changed", {}).get("smallest_change")
        for_ja = "、".join(f"{KINDS[k][0]} {by[k]['cells']:,}" for k in KINDS if k in by)
        for_en = ", ".join(f"{KINDS[k][1]} {by[k]['cells']:,}" for k in KINDS if k in by)
        least = f"(最小の変化 {smallest} / smallest change {smallest})" if smallest else ""
        told.append(f"{indicator} · {level}: {for_ja} / {for_en} {least}".rstrip())
    return told


def _last(earlier: pl.DataFrame, counts: Mapping[str, Count]) -> pl.DataFrame:
    """CELL_KEY and `before` of the last release, for counts that are defined as they were."""
    same = pl.DataFrame(
        [(i, count_identity(c)) for i, c in counts.items()],
        schema={"count_id": pl.String, "count_identity": pl.String}, orient="row",
    )  # fmt: skip
    last = earlier.filter(pl.col("sequence") == pl.col("sequence").max())
    return last.join(same, on=["count_id", "count_identity"], how="semi").select(*CELL_KEY, before="value")


def _states(cells: pl.DataFrame, last: pl.DataFrame) -> pl.DataFrame:
    """CELL_KEY, before, now, is_held, is_here: every cell of either release."""
    now = cells.select(*CELL_KEY, "is_held", now="value", is_here=pl.lit(True))
    both = now.join(last, on=CELL_KEY, how="full", coalesce=True)
    return both.with_columns(pl.col("is_held", "is_here").fill_null(False))


def _of_indicator(indicator: Indicator, states: pl.DataFrame) -> pl.DataFrame:
    needed = [indicator.denominator] if indicator.kind == "mean" else [indicator.numerator, indicator.denominator]
    ids = [i for i in needed if i]
    moved = (pl.col("now") - pl.col("before")).abs()
    whole = pl.len() == len(ids)
    own = states.filter(pl.col("count_id").is_in(ids)).group_by(*CELL, "level").agg(
        was=whole & pl.col("before").is_not_null().all(), is_now=whole & pl.col("now").is_not_null().all(),
        is_held=pl.col("is_held").any(), is_here=pl.col("is_here").all(),
        least=moved.filter(moved > 0).min(),
    )  # fmt: skip
    both = pl.col("was") & pl.col("is_now")
    kind = (
        pl.when(both & pl.col("is_held")).then(pl.lit("kept_earlier"))
        .when(both & (pl.col("least") > 0)).then(pl.lit("changed"))
        .when(both).then(pl.lit("unchanged"))
        .when("is_now").then(pl.lit("newly_shown"))
        .when(pl.col("was") & pl.col("is_here")).then(pl.lit("withdrawn"))
        .when("was").then(pl.lit("left_out"))
    )  # fmt: skip
    return (
        own.with_columns(kind=kind)
        .drop_nulls("kind")
        .group_by("level", "kind")
        .agg(cells=pl.len(), smallest_change=pl.col("least").filter(pl.col("kind") == "changed").min())
        .select(pl.lit(indicator.id).alias("indicator_id"), "level", "kind", "cells", "smallest_change")
        .cast(SCHEMA)  # type: ignore[arg-type]
    )
