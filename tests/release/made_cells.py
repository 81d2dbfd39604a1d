"""Cells at real size: the births of every municipality are drawn, and every count is split off them at random.

The numbers of a count and year are the same whatever other counts and years are drawn beside them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from zlib import crc32

import numpy as np
import polars as pl

from pipelines.declaration import LEVELS, Breakdown, Count, Indicator
from pipelines.indicators import COUNTS, INDICATORS, SUMS
from pipelines.reference import municipalities
from pipelines.release.areas import registered_tree
from pipelines.release.plan import count_parts
from pipelines.release.system import KEYS

YEARS = ("2022", "2023", "2024")
SHARES: dict[str, tuple[float, ...]] = {
    "all": (1.0,),
    "sex": (0.512, 0.488, 0.0),
    "age5": (0.005, 0.07, 0.26, 0.37, 0.233, 0.058, 0.003, 0.001),
    "parity": (0.46, 0.36, 0.178, 0.002),
    "plur": (0.979, 0.02, 0.001),
    "nat": (0.965, 0.032, 0.003),
    "place": (0.35, 0.5, 0.145, 0.005),
    "programme": (0.335, 0.333, 0.332),
    "contract": (0.8, 0.1, 0.05, 0.04, 0.01),
    "rule": (0.25, 0.15, 0.2, 0.15, 0.15, 0.05, 0.05),
}


@dataclass(frozen=True)
class Draw:
    """A count as a `share` of the births, or of the count that it is drawn `of`; nearly: some come from outside it."""

    share: float
    of: str | None = None
    nearly: bool = False


ATTENDANCE, FROM_OUTSIDE = 0.955, 0.005
DECLARED: dict[str, Draw] = {
    "live_births": Draw(1.0), "new_notifications": Draw(1.02), "deliveries_22w": Draw(0.99),
    "smoking_answered": Draw(0.92), "relaxed_answered": Draw(2.7), "checkup_3to5m_target": Draw(1.0),
    "checkup_18m_target": Draw(1.05), "checkup_3y_target": Draw(1.1), "claims_submitted": Draw(15.0),
    "outreach_listed": Draw(0.1), "low_birth_weight": Draw(0.094, "live_births"),
    "very_low_birth_weight": Draw(0.08, "low_birth_weight"), "preterm_births": Draw(0.056, "live_births"),
    "early_notifications": Draw(0.95, "new_notifications"),
    "deliveries_notified_early": Draw(0.92, "deliveries_22w"), "postpartum_1m_seen": Draw(0.86, "deliveries_22w"),
    "epds_complete": Draw(0.85, "deliveries_22w"), "epds_high": Draw(0.1, "epds_complete"),
    "smoking_yes": Draw(0.02, "smoking_answered"), "relaxed_yes": Draw(0.87, "relaxed_answered"),
    "claims_returned": Draw(0.015, "claims_submitted"), "outreach_reached": Draw(0.7, "outreach_listed"),
    **{f"checkup_{age}_seen": Draw(ATTENDANCE, f"checkup_{age}_target", nearly=True) for age in ("3to5m", "18m", "3y")},
}  # fmt: skip


@dataclass(frozen=True)
class MadeCells:
    cells: pl.DataFrame
    areas: pl.DataFrame


def made_cells(prefectures: tuple[str, ...] = ("17", "31", "47"), seed: int = 1) -> MadeCells:
    """Cells and areas of those prefectures, three single years and the pooled ones, of every declared count."""
    areas = made_areas(prefectures)
    made = Made(areas, COUNTS, INDICATORS, DECLARED, seed)
    return MadeCells(made.cells(YEARS, {f"{YEARS[0]}-{YEARS[-1]}": YEARS}), areas)


def made_areas(prefectures: tuple[str, ...], *, with_wards: bool = False) -> pl.DataFrame:
    """area_code, level, parent_code, population, births (of the lowest areas only) of nation, prefectures, medical areas,
    municipalities, and of the wards of designated cities where asked."""
    lowest = municipalities().filter(pl.col("pref_code").is_in(prefectures)).select(
        "type", area_code="code6", parent_code="parent_city_code6", population="population_20250101", births="births_2024"
    )  # fmt: skip
    is_ward = pl.col("type") == "designated_ward"
    towns = registered_tree(lowest.filter(~is_ward)["area_code"].to_list())
    wards = lowest.filter(is_ward & with_wards).select(
        "area_code", pl.lit("ward").alias("level"), "parent_code", "population"
    )
    divided = wards["parent_code"].unique()
    births = lowest.select(
        "area_code", pl.when(~pl.col("area_code").is_in(divided.implode())).then("births").alias("births")
    )
    return pl.concat([towns, wards], how="vertical_relaxed").join(
        births, on="area_code", how="left", maintain_order="left"
    )


@dataclass(frozen=True)
class Made:
    """Counts of `areas`, drawn as `draws` say; those without a draw are left out."""

    areas: pl.DataFrame
    counts: Mapping[str, Count]
    indicators: Mapping[str, Indicator]
    draws: Mapping[str, Draw]
    seed: int = 1

    @cached_property
    def lowest(self) -> pl.DataFrame:
        return self.areas.drop_nulls("births").sort("area_code")

    @cached_property
    def plan(self) -> list[tuple[str, bool, Breakdown, tuple[str, ...]]]:
        """count, is_pooled, breakdown, levels: what the indicators publish of the counts that are drawn."""
        over = {s.id: s.over for s in SUMS.values()}
        parts = count_parts(self.indicators.values(), LEVELS, over)
        return [(p.id, p.is_pooled, p.breakdown, p.levels) for p in parts if p.id in self.draws]

    def cells(self, years: Iterable[str], spans: Mapping[str, Iterable[str]]) -> pl.DataFrame:
        """KEYS and value of single years and of pooled `spans`, at every level that is published."""
        atoms = pl.concat([frame for year in years for frame in self._atoms(year)])
        pooled = [
            atoms.filter(pl.col("period").is_in(list(of))).with_columns(
                period=pl.lit(span), period_kind=pl.lit("pooled_3y")
            )
            for span, of in spans.items()
        ]
        level = pl.concat([atoms, *pooled]).group_by(KEYS).agg(pl.sum("value"))
        levels = []
        parent = self.areas.select("area_code", "parent_code")
        while not level.is_empty():
            levels.append(level)
            up = level.join(parent, on="area_code").drop_nulls("parent_code")
            level = up.with_columns(area_code="parent_code").group_by(KEYS).agg(pl.sum("value"))
        every = (
            pl.concat(levels)
            .group_by(KEYS)
            .agg(pl.sum("value"))
            .join(self.areas.select("area_code", "level"), on="area_code")
        )
        wanted = [
            (count_id, is_pooled, breakdown.id, level)
            for count_id, is_pooled, breakdown, at in self.plan
            for level in at
        ]
        keys = pl.DataFrame(wanted, schema=["count_id", "is_pooled", "breakdown_id", "level"], orient="row")
        is_pooled = pl.col("period_kind").str.starts_with("pooled")
        published = every.with_columns(is_pooled=is_pooled).join(keys, on=keys.columns, how="semi")
        return published.select(*KEYS, "value").sort(KEYS)

    def _atoms(self, year: str) -> Iterator[pl.DataFrame]:
        """The lowest areas in one year."""
        drawn: dict[str, dict[str, np.ndarray]] = {}
        breakdowns = {b.id: b for _, _, b, _ in self.plan}
        wanted = {(count_id, b.id) for count_id, _, b, _ in self.plan}
        for count_id, draw in self.draws.items():
            total, outside = self._totals(year, count_id, draw, drawn)
            drawn[count_id] = {}
            for breakdown_id, breakdown in breakdowns.items():
                rng, shares = self._rng(year, count_id, breakdown_id), np.array(SHARES[breakdown_id])
                table = _inside(rng, drawn[draw.of][breakdown_id], total) if draw.of else 0
                table = table + rng.multinomial(outside, shares / shares.sum())
                drawn[count_id][breakdown_id] = table
                if (count_id, breakdown_id) in wanted:
                    yield from self._rows(self.counts[count_id], year, breakdown, table)

    def _rng(self, *names: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, *(crc32(name.encode()) for name in names)])

    def _totals(
        self, year: str, count_id: str, draw: Draw, drawn: Mapping[str, Mapping[str, np.ndarray]]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Of every lowest area, how many are drawn of another count and how many from outside it."""
        rng = self._rng(year, count_id)
        if draw.of is None:
            births = self.lowest["births"].to_numpy()
            return np.zeros_like(births), rng.poisson(births * draw.share)
        outer = drawn[draw.of]["all"][:, 0]
        return rng.binomial(outer, draw.share), rng.poisson(outer * FROM_OUTSIDE * draw.nearly)

    def _rows(self, count: Count, year: str, breakdown: Breakdown, table: np.ndarray) -> Iterator[pl.DataFrame]:
        for nth, category in enumerate(breakdown.categories):
            yield pl.DataFrame({"area_code": self.lowest["area_code"], "value": table[:, nth]}).select(
                count_id=pl.lit(count.id), period=pl.lit(year), period_kind=pl.lit(count.basis), area_code="area_code",
                breakdown_id=pl.lit(breakdown.id), category_code=pl.lit(category.code),
                value=pl.col("value").cast(pl.Int64),
            )  # fmt: skip


def _inside(rng: np.random.Generator, table: np.ndarray, total: np.ndarray) -> np.ndarray:
    """`total` of those in each row of `table`, drawn without regard to the category (multivariate hypergeometric)."""
    left, rest = total.copy(), table.sum(axis=1)
    found = np.zeros_like(table)
    for category in range(table.shape[1]):
        rest = rest - table[:, category]
        found[:, category] = rng.hypergeometric(table[:, category], rest, left)
        left = left - found[:, category]
    return found
