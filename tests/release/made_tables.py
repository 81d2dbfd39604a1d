"""Small tables of counts with their areas, and the release an auditor would see of them."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from pipelines.declaration import Count, Indicator, Policy, Sensitivity
from pipelines.release.policy import load_policy
from pipelines.release.published import Published
from pipelines.release.system import KEYS

NATION = "000000"
CITY, TOWN, VILLAGE = 100_000, 9_000, 900  # inhabitants of the three tiers: k = 10, k = 20, nothing shown
STANDARD = load_policy("standard")
PARITY = load_policy("official_parity")
Row = tuple[str, str, str, str, str, int | None]  # count_id, period, area_code, breakdown_id, category_code, value


def count(count_id: str, sensitivity: Sensitivity = Sensitivity.S0, **words: Any) -> Count:
    return Count(
        count_id, count_id, count_id, grain="g", subject="person", counting="event", basis="fiscal_year",
        sensitivity=sensitivity, population="TRUE", **words,
    )  # fmt: skip


def counts_of(*counts: Count) -> dict[str, Count]:
    return {c.id: c for c in counts}


def proportion(numerator: str, denominator: str, kind: str = "proportion") -> dict[str, Indicator]:
    """One indicator of two counts."""
    return {
        "i": Indicator("i", kind, "i", "i", "", "", numerator=numerator, denominator=denominator, unit="%",
                       official_source="")
    }  # fmt: skip


def areas(towns: Mapping[str, int], parent: str = "P1", level: str = "prefecture") -> pl.DataFrame:
    """One area `parent` (a prefecture, without anything above it) and its municipalities with their inhabitants."""
    rows: list[tuple[str, str, str | None, int]] = [(parent, level, None, sum(towns.values()) + 1_000_000)]
    rows += [(code, "municipality", parent, people) for code, people in towns.items()]
    return pl.DataFrame(rows, schema=["area_code", "level", "parent_code", "population"], orient="row")


def cells(rows: Iterable[Row]) -> pl.DataFrame:
    keyed = [(c, p, "pooled_2y" if "-" in p else "fiscal_year", a, b, g, v) for c, p, a, b, g, v in rows]
    schema = {**dict.fromkeys(KEYS, pl.String), "value": pl.Int64}
    return pl.DataFrame(keyed, schema=schema, orient="row")


def totals(count_id: str, values: Mapping[str, int | None], period: str = "2024") -> list[Row]:
    """One count's totals by area."""
    return [(count_id, period, area, "all", "all", value) for area, value in values.items()]


def seen(
    table: pl.DataFrame,
    areas: pl.DataFrame,
    counts: Mapping[str, Count],
    indicators: Mapping[str, Indicator] | None = None,
    policy: Policy = STANDARD,
    status: Mapping[str, str] | None = None,
) -> Published:
    """What is published of `table`: a null (or is_shown false) is suppressed; `status` renames that of an area."""
    is_shown = pl.col("is_shown") if "is_shown" in table.columns else pl.col("value").is_not_null()
    told = pl.when(is_shown).then(pl.lit("observed")).otherwise(pl.lit("suppressed"))
    named = pl.col("area_code").replace_strict(dict(status or {}), default=None, return_dtype=pl.String)
    published = table.select(
        *KEYS, value=pl.when(is_shown).then("value"), status=pl.coalesce(named, told)
    )  # fmt: skip
    nothing = pl.DataFrame(schema={"indicator_id": pl.String})
    return Published("final", published, nothing, areas, dict(counts), dict(indicators or {}), policy)


def written_back(table: pl.DataFrame, row: int) -> pl.DataFrame:
    """The table with one hidden cell shown after all."""
    return table.with_columns(is_shown=pl.col("is_shown") | (pl.int_range(pl.len()) == row))


def random_case(rng: np.random.Generator) -> tuple[pl.DataFrame, pl.DataFrame, dict[str, Count], dict[str, Indicator]]:
    """Cells, areas, counts and indicators of a small made-up country; all-zero ones and single children happen."""
    tree = _random_tree(rng)
    outer, inner = count("o", known_publicly=bool(rng.random() < 0.5)), count("n", within="o", is_sensitive=True)
    seen_, third = count("r", known_publicly=bool(rng.random() < 0.5)), count("m", Sensitivity.S2, within="n")
    counts = counts_of(outer, inner, third, seen_)
    size = int(rng.choice([0, 3, 12, 60, 400]))
    towns = tree.filter(pl.col("level") == "municipality")["area_code"].to_list()
    atoms: list[Row] = []
    for town in towns:
        for year in ("2023", "2024"):
            for category in ("1", "2", "unknown"):
                n = int(rng.poisson(size * (0.02 if category == "unknown" else 0.5) * rng.random() * 2))
                n_inner = int(rng.binomial(n, rng.choice([0.0, 0.05, 0.5, 0.95, 1.0])))
                drawn = {"o": n, "n": n_inner, "m": int(rng.binomial(n_inner, 0.3)), "r": int(rng.poisson(n))}
                atoms += [(c, year, town, "sex", category, v) for c, v in drawn.items()]
    indicators = proportion("n", "o") | {"r": replace(proportion("r", "o", "rate")["i"], id="r")}
    return rolled_up(cells(atoms), tree), tree, counts, indicators


def _random_tree(rng: np.random.Generator) -> pl.DataFrame:
    rows: list[tuple[str, str, str | None, int]] = [(NATION, "nation", None, 10**7)]
    for p in range(rng.integers(1, 3)):
        rows.append((f"P{p}", "prefecture", NATION, 10**6))
        for m in range(rng.integers(1, 4)):
            rows.append((f"P{p}M{m}", "medical_area", f"P{p}", 10**5))
            people = rng.choice([VILLAGE, TOWN, TOWN, CITY], size=rng.integers(1, 6))
            rows += [(f"P{p}M{m}T{t}", "municipality", f"P{p}M{m}", int(n)) for t, n in enumerate(people)]
    return pl.DataFrame(rows, schema=["area_code", "level", "parent_code", "population"], orient="row")


def rolled_up(atoms: pl.DataFrame, tree: pl.DataFrame) -> pl.DataFrame:
    """Categories of single years of municipalities, summed to totals, to pooled years and up the tree."""
    total = atoms.with_columns(breakdown_id=pl.lit("all"), category_code=pl.lit("all"))
    both = pl.concat([atoms, total])
    pooled = both.with_columns(period=pl.lit("2023-2024"), period_kind=pl.lit("pooled_2y"))
    level = pl.concat([both, pooled]).group_by(KEYS).agg(pl.sum("value"))
    levels = [level]
    while not level.is_empty():
        up = level.join(tree.select("area_code", "parent_code"), on="area_code").drop_nulls("parent_code")
        level = up.with_columns(area_code="parent_code").group_by(KEYS).agg(pl.sum("value"))
        levels.append(level)
    return pl.concat(levels).sort(KEYS)


def told(past: pl.DataFrame, first: pl.DataFrame) -> pl.DataFrame:
    """Cells of years that a release no longer has, as `protect` takes them: `first` are those that one before it showed."""
    return past.join(first.select(*KEYS, is_told=pl.lit(value=True)), on=KEYS, how="left").with_columns(
        pl.col("is_told").fill_null(value=False)
    )
