"""Suppression and its proof at the size of the country: a new year added to four old ones.

Counts are drawn from the births of every municipality. A family is one count of persons and two that lie within it,
one within the other, with the breakdowns that the declared indicators have; an indicator is the ratio of two of them.
`pytest tests/benchmarks/bench_national_release.py -s` prints what each stage took; INDICATORS and PREFECTURES of the
environment set the size (all of it: INDICATORS=60 PREFECTURES=all).
"""

import os
import time
from collections.abc import Iterator
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage

import numpy as np
import polars as pl

from pipelines.declaration import Count, Indicator, at_or_above
from pipelines.reference import units
from pipelines.release.audit import audit_cells
from pipelines.release.policy import load_policy
from pipelines.release.suppress import protect
from tests.release import made_tables as t
from tests.release.made_cells import made_areas

YEARS = ("2020", "2021", "2022", "2023", "2024")
SPANS = {"2021-2023": YEARS[1:4], "2022-2024": YEARS[2:]}
SHARES = {"all": (1.0,), "sex": (0.512, 0.486, 0.002), "age5": (0.005, 0.07, 0.26, 0.37, 0.233, 0.058, 0.003, 0.001),
          "parity": (0.46, 0.36, 0.178, 0.002)}  # fmt: skip
LOWEST = {"all": ("municipality", "municipality"), "sex": ("municipality", "municipality"),
          "age5": ("medical_area", "municipality"), "parity": ("medical_area", "municipality")}  # fmt: skip
INSIDE = (0.09, 0.4)  # of the persons; of those
PER_FAMILY = len(INSIDE)
KEYS = ("count_id", "period", "period_kind", "area_code", "breakdown_id", "category_code")


def declared(n_indicators: int) -> tuple[dict[str, Count], dict[str, Indicator]]:
    counts: dict[str, Count] = {}
    indicators: dict[str, Indicator] = {}
    for nth in range(n_indicators):
        family, place = divmod(nth, PER_FAMILY)
        names = [f"f{family}", f"f{family}in", f"f{family}inin"]
        outer = None
        for name in names[: place + 2]:
            counts.setdefault(name, t.count(name, within=outer))
            outer = name
        indicators[f"i{nth}"] = t.proportion(names[place + 1], names[place])["i"]
    return counts, indicators


def drawn(prefectures: tuple[str, ...], counts: dict[str, Count], years: tuple[str, ...]) -> Iterator[pl.DataFrame]:
    """Single years of municipalities, down to categories; the same numbers whatever else is drawn."""
    towns = units().filter(pl.col("pref_code").is_in(prefectures)).sort("code6")
    for count_id in sorted({name.split("in")[0] for name in counts}):
        for year in years:
            rng = np.random.default_rng([int(count_id[1:]), int(year)])
            total = rng.poisson(towns["births_2024"].to_numpy() * rng.uniform(0.9, 1.1))
            tables = {b: rng.multinomial(total, np.array(s) / sum(s)) for b, s in SHARES.items()}
            yield from _as_rows(count_id, year, towns, tables)
            name = count_id
            for share in INSIDE:
                name += "in"
                total = rng.binomial(total, share)
                tables = {b: _inside(rng, table, total) for b, table in tables.items()}
                if name in counts:
                    yield from _as_rows(name, year, towns, tables)


def _inside(rng: np.random.Generator, table: np.ndarray, total: np.ndarray) -> np.ndarray:
    return np.array([rng.multivariate_hypergeometric(row, n) for row, n in zip(table, total, strict=True)])


def _as_rows(name: str, year: str, towns: pl.DataFrame, tables: dict[str, np.ndarray]) -> Iterator[pl.DataFrame]:
    for breakdown, table in tables.items():
        for category in range(table.shape[1]):
            yield pl.DataFrame({"area_code": towns["code6"], "value": table[:, category]}).select(
                count_id=pl.lit(name), period=pl.lit(year), period_kind=pl.lit("fiscal_year"), area_code="area_code",
                breakdown_id=pl.lit(breakdown), category_code=pl.lit("all" if breakdown == "all" else str(category)),
                value=pl.col("value").cast(pl.Int64),
            )  # fmt: skip


def at_every_level(atoms: pl.DataFrame, areas: pl.DataFrame, spans: tuple[str, ...]) -> pl.DataFrame:
    """Single and pooled years of all areas, as far down as each breakdown goes."""
    pooled = [
        atoms.filter(pl.col("period").is_in(SPANS[span])).with_columns(
            period=pl.lit(span), period_kind=pl.lit("pooled_3y")
        )
        for span in spans
    ]
    level = pl.concat([atoms, *pooled]).group_by(KEYS).agg(pl.sum("value"))
    levels = [level]
    for _ in range(3):
        up = level.join(areas.select("area_code", "parent_code"), on="area_code")
        level = up.with_columns(area_code="parent_code").group_by(KEYS).agg(pl.sum("value"))
        levels.append(level)
    wanted = pl.DataFrame(
        [
            (breakdown, kind, level)
            for breakdown, lowest in LOWEST.items()
            for kind, deepest in zip(("fiscal_year", "pooled_3y"), lowest, strict=True)
            for level in at_or_above(deepest)
        ],
        schema=["breakdown_id", "period_kind", "level"],
        orient="row",
    )
    every = pl.concat(levels).join(areas.select("area_code", "level"), on="area_code")
    return every.join(wanted, on=wanted.columns, how="semi").select(*KEYS, "value").sort(KEYS)


def processor_seconds() -> float:
    return sum(r.ru_utime + r.ru_stime for r in (getrusage(RUSAGE_SELF), getrusage(RUSAGE_CHILDREN)))


def test_a_new_year_added_to_four_old_ones() -> None:
    asked = os.environ.get("PREFECTURES", "31")
    prefectures = tuple(f"{n:02d}" for n in range(1, 48)) if asked == "all" else tuple(asked.split(","))
    counts, indicators = declared(int(os.environ.get("INDICATORS", "1")))
    areas, policy = made_areas(prefectures), load_policy("standard")
    old = at_every_level(pl.concat(drawn(prefectures, counts, YEARS[:-1])), areas, ("2021-2023",))
    new = at_every_level(pl.concat(drawn(prefectures, counts, YEARS)), areas, ("2022-2024",))
    start = processor_seconds()
    before = protect(old, areas, counts, indicators, policy, b"secret").cells.filter("is_shown")
    told = {"four old years": (old.height, processor_seconds() - start)}
    start, wall = processor_seconds(), time.perf_counter()
    beside = t.told(old.filter(pl.col("period") == "2021-2023"), before)
    known = pl.concat([new, beside.select(new.columns)]).join(before, on=KEYS, how="semi")
    done = protect(new, areas, counts, indicators, policy, b"secret", already_public=known, beside=beside)
    told["a new year"] = (new.height, processor_seconds() - start)
    print(
        f"{len(indicators)} indicators, {areas.height} areas; wall of the new year {time.perf_counter() - wall:.1f} s"
    )
    start = processor_seconds()
    found = audit_cells(t.seen(done.cells, areas, counts, indicators, policy))
    told["its audit with intervals"] = (new.height, processor_seconds() - start)
    for stage, (n_cells, seconds) in told.items():
        print(f"{stage:26} {n_cells:9,} cells {seconds:8.1f} s of processor")
    hidden = done.cells.filter(~pl.col("is_shown"))
    print(f"hidden {hidden.height:,}: {dict(hidden.group_by('reason').len().sort('reason').iter_rows())}")
    assert found == []
