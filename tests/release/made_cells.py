"""Cells at real size: the municipalities of chosen prefectures, births drawn, every declared count split at random."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.declaration import Indicator, at_or_above
from pipelines.indicators import COUNTS, INDICATORS
from pipelines.reference import units

YEARS = ("2022", "2023", "2024")
POOLED = "2022-2024"
SHARES: dict[str, tuple[float, ...]] = {
    "sex": (0.512, 0.488, 0.0),
    "age5": (0.005, 0.07, 0.26, 0.37, 0.233, 0.058, 0.003, 0.001),
    "parity": (0.46, 0.36, 0.178, 0.002),
    "plur": (0.979, 0.02, 0.001),
    "nat": (0.965, 0.032, 0.003),
    "place": (0.35, 0.5, 0.145, 0.005),
    "programme": (0.335, 0.333, 0.332),
}
INNER = {
    "low_birth_weight": 0.094, "very_low_birth_weight": 0.08, "preterm_births": 0.056, "early_notifications": 0.95,
    "deliveries_notified_early": 0.92, "postpartum_1m_seen": 0.86, "epds_complete": 0.85, "epds_high": 0.1,
    "smoking_yes": 0.02, "relaxed_yes": 0.87,
}  # fmt: skip
OUTER = {
    "live_births": 1.0, "new_notifications": 1.02, "deliveries_22w": 0.99, "smoking_answered": 0.92,
    "relaxed_answered": 2.7, "checkup_3to5m_target": 1.0, "checkup_18m_target": 1.05, "checkup_3y_target": 1.1,
}  # fmt: skip
ATTENDANCE = 0.955


@dataclass(frozen=True)
class MadeCells:
    cells: pl.DataFrame
    areas: pl.DataFrame


def made_cells(prefectures: tuple[str, ...] = ("17", "31", "47"), seed: int = 1) -> MadeCells:
    """Cells and areas of those prefectures, three single years and the pooled ones, of the counts named above."""
    rng = np.random.default_rng(seed)
    towns = units().filter(pl.col("pref_code").is_in(prefectures)).sort("code6")
    atoms = pl.concat([_atoms(rng, towns, year) for year in YEARS])
    return MadeCells(_at_every_level(atoms, made_areas(prefectures)), made_areas(prefectures))


def made_areas(prefectures: tuple[str, ...]) -> pl.DataFrame:
    """area_code, level, parent_code, population of nation, prefectures, medical areas and municipalities."""
    towns = units().filter(pl.col("pref_code").is_in(prefectures)).sort("code6")
    towns = towns.with_columns(
        nth=pl.col("secondary_medical_area").rank("dense").over("pref_code").cast(pl.Int64),
        population=pl.col("population_20250101"),
        prefecture=pl.col("pref_code") + "0000",
    ).with_columns(medical_area=pl.format("{}M{}", "pref_code", pl.col("nth").cast(pl.String).str.zfill(2)))
    columns = ("area_code", "level", "parent_code", "population")
    town = towns.select(
        area_code="code6", level=pl.lit("municipality"), parent_code="medical_area", population="population"
    )
    medical = towns.group_by("medical_area", "prefecture").agg(pl.sum("population")).sort("medical_area")
    prefecture = medical.group_by("prefecture").agg(pl.sum("population")).sort("prefecture")
    return pl.concat([
        prefecture.select(area_code=pl.lit("000000"), level=pl.lit("nation"), parent_code=pl.lit(None, pl.String), population=pl.sum("population")).head(1),
        prefecture.select(area_code="prefecture", level=pl.lit("prefecture"), parent_code=pl.lit("000000"), population="population"),
        medical.select(area_code="medical_area", level=pl.lit("medical_area"), parent_code="prefecture", population="population"),
        town.select(columns),
    ])  # fmt: skip


def lowest_levels() -> dict[tuple[str, str], tuple[str, str]]:
    """(count, breakdown) -> lowest level of single years, of pooled years: the finest of its indicators."""
    finest: dict[tuple[str, str], tuple[str, str]] = {}
    for indicator in INDICATORS.values():
        for count_id in counts_of(indicator):
            for breakdown in ("all", *(b.id for b in indicator.breakdowns)):
                single, pooled = finest.get((count_id, breakdown), ("nation", "nation"))
                own_single, own_pooled = _levels(indicator, breakdown)
                finest[count_id, breakdown] = (_finer(single, own_single), _finer(pooled, own_pooled))
    return finest


def counts_of(indicator: Indicator) -> tuple[str, ...]:
    numerator = () if indicator.kind == "mean" else (indicator.numerator,)
    return (*numerator, indicator.denominator) if indicator.denominator else numerator


def _levels(indicator: Indicator, breakdown_id: str) -> tuple[str, str]:
    floor = next((b.lowest_level for b in indicator.breakdowns if b.id == breakdown_id), "municipality")
    single, pooled = indicator.lowest_level, indicator.lowest_level_pooled
    return _coarser(single, floor), _coarser(pooled, floor)


def _coarser(a: str, b: str) -> str:
    return b if _finer(a, b) == a else a


def _finer(a: str, b: str) -> str:
    return a if len(at_or_above(a)) > len(at_or_above(b)) else b


def _atoms(rng: np.random.Generator, towns: pl.DataFrame, year: str) -> pl.DataFrame:
    births = rng.poisson(towns["births_2024"].to_numpy())
    drawn: dict[tuple[str, str], np.ndarray] = {}  # (count, breakdown) -> town x category
    every = {b.id: b for i in INDICATORS.values() for b in i.breakdowns if b.id in SHARES}
    for count_id, share in OUTER.items():
        total = births if share == 1.0 else rng.poisson(births * share)
        drawn[count_id, "all"] = total[:, None]
        for b in every.values():
            drawn[count_id, b.id] = rng.multinomial(total, np.array(SHARES[b.id]) / sum(SHARES[b.id]))
    for count_id, share in INNER.items():
        outer = str(COUNTS[count_id].within)
        total = rng.binomial(drawn[outer, "all"][:, 0], share)
        drawn[count_id, "all"] = total[:, None]
        for b in every.values():
            drawn[count_id, b.id] = np.array(
                [
                    rng.multivariate_hypergeometric(c, t) if t else np.zeros_like(c)
                    for c, t in zip(drawn[outer, b.id], total, strict=True)
                ]
            )
    for age in ("3to5m", "18m", "3y"):
        target = drawn[f"checkup_{age}_target", "sex"]
        drawn[f"checkup_{age}_seen", "sex"] = rng.binomial(target, ATTENDANCE) + rng.poisson(target * 0.005)
        drawn[f"checkup_{age}_seen", "all"] = drawn[f"checkup_{age}_seen", "sex"].sum(axis=1, keepdims=True)
    frames = []
    for count_id, breakdown_id in (key for key in lowest_levels() if key in drawn):
        codes = ["all"] if breakdown_id == "all" else [c.code for c in every[breakdown_id].categories]
        table = drawn[count_id, breakdown_id]
        frames += [
            pl.DataFrame({"area_code": towns["code6"], "value": table[:, i]}).select(
                count_id=pl.lit(count_id), period=pl.lit(year), period_kind=pl.lit(COUNTS[count_id].basis),
                area_code="area_code", breakdown_id=pl.lit(breakdown_id), category_code=pl.lit(code),
                value=pl.col("value").cast(pl.Int64),
            )
            for i, code in enumerate(codes)
        ]  # fmt: skip
    return pl.concat(frames)


def _at_every_level(atoms: pl.DataFrame, areas: pl.DataFrame) -> pl.DataFrame:
    keys = ["count_id", "period", "period_kind", "area_code", "breakdown_id", "category_code"]
    pooled = atoms.with_columns(period=pl.lit(POOLED), period_kind=pl.lit("pooled_3y"))
    level = pl.concat([atoms, pooled]).group_by(keys).agg(pl.sum("value"))
    levels = [level]
    for _ in range(3):
        up = level.join(areas.select("area_code", "parent_code"), on="area_code")
        level = up.with_columns(area_code="parent_code").group_by(keys).agg(pl.sum("value"))
        levels.append(level)
    allowed = [
        (count_id, breakdown_id, kind, shown)
        for (count_id, breakdown_id), (single, pool) in lowest_levels().items()
        for kind, lowest in ((COUNTS[count_id].basis, single), ("pooled_3y", pool))
        for shown in at_or_above(lowest)
    ]
    wanted = pl.DataFrame(allowed, schema=["count_id", "breakdown_id", "period_kind", "level"], orient="row")
    every = pl.concat(levels).join(areas.select("area_code", "level"), on="area_code")
    return (
        every.join(wanted, on=["count_id", "breakdown_id", "period_kind", "level"], how="semi")
        .select(*keys, "value")
        .sort(keys)
    )
