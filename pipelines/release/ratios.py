"""What must hold among the shown values alone: none beside a status that hides it, no ratio that says more than its
counts, no two means whose difference is a few people."""

from collections.abc import Iterator

import polars as pl

from pipelines.declaration import Indicator
from pipelines.release.findings import Finding, of_frame
from pipelines.release.published import Published
from pipelines.release.symbols import SHOWN
from pipelines.release.system import KEYS, TOTAL

FILLED = {
    "count": ("value",),
    "proportion": ("numerator", "denominator", "value", "ci_low", "ci_high"),
    "rate": ("numerator", "denominator", "value", "ci_low", "ci_high"),
    "mean": ("denominator", "value", "ci_low", "ci_high"),
}


def beside_status(release: Published) -> Iterator[Finding]:
    """A value exactly where the status shows one, in counts and in every column of an observation."""
    is_shown = pl.col("status").is_in(SHOWN)
    for frame, keys, columns in (
        (release.cells, KEYS, ("value",)),
        (release.observations, ("indicator_id", *KEYS[1:]), FILLED["proportion"]),
    ):
        filled = pl.any_horizontal(pl.col(c).is_not_null() for c in columns)
        yield from of_frame("value_beside_hidden", frame.filter(~is_shown & filled), keys)
        yield from of_frame("shown_without_value", frame.filter(is_shown & pl.col("value").is_null()), keys)


def ratios(release: Published) -> Iterator[Finding]:
    """Observations: all of what their kind has or nothing, and only where their counts are shown (privacy, hole 24)."""
    counts = release.cells.filter(pl.col("status").is_in(SHOWN)).select(*KEYS, "value")
    levels = dict(release.areas.select("area_code", "level").iter_rows())
    for indicator in release.indicators.values():
        own = release.observations.filter(pl.col("indicator_id") == indicator.id, pl.col("status").is_in(SHOWN))
        keys = ("indicator_id", *KEYS[1:])
        wanted = FILLED[indicator.kind]
        half = pl.any_horizontal(
            *(pl.col(c).is_null() for c in wanted), *(pl.col(c).is_not_null() for c in _empty_columns(indicator))
        )
        yield from of_frame("half_shown", own.filter(half), keys)
        for count_id in _counts_of(indicator):
            there = counts.filter(pl.col("count_id") == count_id)
            yield from of_frame("without_its_counts", own.join(there, on=list(KEYS[1:]), how="anti"), keys)
            told = "denominator" if count_id == indicator.denominator else "numerator"
            other = own.join(there, on=list(KEYS[1:]), suffix="_counted").filter(
                pl.col(told) != pl.col("value_counted")
            )
            yield from of_frame("contradiction", other, keys)
        if indicator.kind == "mean":
            level = pl.col("area_code").replace_strict(levels, default=None)
            few = (pl.col("denominator") < release.policy.mean_shown_from) & ~level.is_in(["nation", "prefecture"])
            yield from of_frame("mean_of_few", own.filter(few), keys)
            yield from _mean_differences(release, own)


def _mean_differences(release: Published, means: pl.DataFrame) -> Iterator[Finding]:
    """Shown means of nested members that differ by 1..k-1 of them: the few that differ would be told (hole 13)."""
    members = means.select(*KEYS[1:], count_id="indicator_id", value="denominator")
    within = pl.concat([_inside_area(members, release.areas), _inside_total(members), _inside_years(members)])
    own = members.rename({"value": "part"}).join(within, on=KEYS).join(release.areas, on="area_code")
    rest = pl.col("whole") - pl.col("part")
    k = pl.col("population").map_elements(lambda p: release.policy.k_for(p) or 0, return_dtype=pl.Int64)
    yield from of_frame("mean_difference", own.filter(rest >= 1, rest < k), KEYS)


def _inside_area(members: pl.DataFrame, areas: pl.DataFrame) -> pl.DataFrame:
    """KEYS of a part and `whole`, the members of the area above it."""
    above = members.join(areas.select("area_code", "parent_code"), on="area_code")
    whole = members.rename({"area_code": "parent_code", "value": "whole"})
    return above.join(whole, on=[k if k != "area_code" else "parent_code" for k in KEYS]).select(*KEYS, "whole")


def _inside_total(members: pl.DataFrame) -> pl.DataFrame:
    keys = [k for k in KEYS if k not in ("breakdown_id", "category_code")]
    whole = members.filter(pl.col("breakdown_id") == TOTAL).select(*keys, whole="value")
    return members.filter(pl.col("breakdown_id") != TOTAL).join(whole, on=keys).select(*KEYS, "whole")


def _inside_years(members: pl.DataFrame) -> pl.DataFrame:
    keys = [k for k in KEYS if k not in ("period", "period_kind")]
    is_pooled = pl.col("period_kind").str.starts_with("pooled")
    whole = members.filter(is_pooled).select(*keys, whole="value", span="period")
    inside = (pl.col("period") >= pl.col("span").str.head(4)) & (pl.col("period") <= pl.col("span").str.tail(4))
    return members.filter(~is_pooled).join(whole, on=keys).filter(inside).select(*KEYS, "whole")


def _empty_columns(indicator: Indicator) -> list[str]:
    """Columns that a kind never fills; a count may repeat its value as the numerator."""
    may = {*FILLED[indicator.kind], *(("numerator",) if indicator.kind == "count" else ())}
    return [c for c in FILLED["proportion"] if c not in may]


def _counts_of(indicator: Indicator) -> tuple[str, ...]:
    if indicator.kind == "mean":
        return (str(indicator.denominator),)
    return (indicator.numerator, indicator.denominator) if indicator.denominator else (indicator.numerator,)
