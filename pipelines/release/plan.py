"""Every cell that a release will ever show: disclosure control must know them all together."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import polars as pl

from pipelines.declaration import TOTAL, Breakdown, Indicator, Policy, at_or_above


@dataclass(frozen=True)
class Part:
    """One indicator or count, for one kind of period and breakdown, down to one level."""

    id: str
    is_pooled: bool
    breakdown: Breakdown
    levels: tuple[str, ...]


def indicator_parts(indicator: Indicator, levels: tuple[str, ...]) -> Iterator[Part]:
    """What an indicator publishes, within the levels that the status of the release allows."""
    for is_pooled, lowest in ((False, indicator.lowest_level), (True, indicator.lowest_level_pooled)):
        for breakdown in (TOTAL, *indicator.breakdowns):
            open_levels = set(at_or_above(lowest)) & set(at_or_above(breakdown.lowest_level)) & set(levels)
            yield Part(indicator.id, is_pooled, breakdown, tuple(lv for lv in levels if lv in open_levels))


def count_parts(indicators: Iterable[Indicator], levels: tuple[str, ...], sums: dict[str, str]) -> list[Part]:
    """What the counts behind the indicators publish: the union over the indicators that use them.

    sums: id of a Sum -> the count it runs over (a sum itself is never published).
    """
    wanted: dict[tuple[str, bool, str], tuple[Breakdown, set[str]]] = {}
    for indicator in indicators:
        for part in indicator_parts(indicator, levels):
            for count_id in {sums.get(i, i) for i in (indicator.numerator, indicator.denominator) if i}:
                key = (count_id, part.is_pooled, part.breakdown.id)
                wanted.setdefault(key, (part.breakdown, set()))[1].update(part.levels)
    return [
        Part(count_id, is_pooled, breakdown, tuple(lv for lv in levels if lv in found))
        for (count_id, is_pooled, _), (breakdown, found) in wanted.items()
    ]


def periods(basis: str, years: tuple[int, ...], policy: Policy, *, is_pooled: bool) -> list[tuple[str, str, list[int]]]:
    """(period, period_kind, single years in it): the years themselves, or the pooled span where there are enough."""
    if not is_pooled:
        return [(str(y), basis, [y]) for y in years]
    if len(years) < policy.pooled_years:
        return []
    span = years[-policy.pooled_years :]
    return [(f"{span[0]}-{span[-1]}", f"pooled_{policy.pooled_years}y", list(span))]


def skeleton(
    parts: Iterable[Part], basis_of: dict[str, str], areas: pl.DataFrame, years: tuple[int, ...], policy: Policy
) -> pl.DataFrame:
    """id, period, period_kind, area_code, breakdown_id, category_code: one row per cell, measured or not."""
    blocks = []
    for part in parts:
        codes = areas.filter(pl.col("level").is_in(part.levels)).select("area_code")
        spans = periods(basis_of[part.id], years, policy, is_pooled=part.is_pooled)
        times = pl.DataFrame(
            [(p, k) for p, k, _ in spans], schema={"period": pl.String, "period_kind": pl.String}, orient="row"
        )
        categories = pl.DataFrame({"category_code": [c.code for c in part.breakdown.categories]})
        block = times.join(codes, how="cross").join(categories, how="cross")
        blocks.append(block.with_columns(id=pl.lit(part.id), breakdown_id=pl.lit(part.breakdown.id)))
    return pl.concat(blocks).select("id", "period", "period_kind", "area_code", "breakdown_id", "category_code")
