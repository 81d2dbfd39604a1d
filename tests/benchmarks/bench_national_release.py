"""Suppression and its proof at the size of the country: a new year added to four old ones.

What is released: the declared indicators and those of the official programmes that are not declared yet
(`national_indicators`), 63 in all, with their own breakdowns and levels, wards included. Their counts are drawn from the
births of every municipality. `pytest tests/benchmarks/bench_national_release.py -s` prints what each stage took;
UNDECLARED and PREFECTURES of the environment set the size (all of it: UNDECLARED=all PREFECTURES=all).
"""

import os
import time
from collections.abc import Callable
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from typing import TypeVar

import polars as pl

from pipelines.reference import prefectures
from pipelines.release.audit import audit_cells
from pipelines.release.families import families
from pipelines.release.policy import load_policy
from pipelines.release.suppress import protect
from pipelines.release.system import KEYS, pairs_of
from tests.benchmarks.national_indicators import national
from tests.release import made_tables as t
from tests.release.made_cells import Made, made_areas

YEARS = ("2020", "2021", "2022", "2023", "2024")
BEFORE, NOW = "2021-2023", "2022-2024"
SPANS = {BEFORE: YEARS[1:4], NOW: YEARS[2:]}

Done = TypeVar("Done")


def timed(stage: str, do: Callable[[], Done]) -> Done:
    """Does it, and prints how long it took: wall time, and processor time of this process and those it started."""
    wall, start = time.perf_counter(), processor_seconds()
    done = do()
    took = time.perf_counter() - wall
    print(f"{stage:48} {took:7.1f} s, {processor_seconds() - start:7.1f} s of processor", flush=True)
    return done


def processor_seconds() -> float:
    return sum(r.ru_utime + r.ru_stime for r in (getrusage(RUSAGE_SELF), getrusage(RUSAGE_CHILDREN)))


def shown_share(cells: pl.DataFrame, areas: pl.DataFrame) -> pl.DataFrame:
    kinds = cells.with_columns(is_pooled=pl.col("period_kind").str.starts_with("pooled")).join(areas, on="area_code")
    return kinds.group_by("level", "is_pooled").agg(pl.len(), pl.col("is_shown").mean()).sort("level", "is_pooled")


def test_a_new_year_added_to_four_old_ones() -> None:
    asked, n_undeclared = os.environ.get("PREFECTURES", "31"), os.environ.get("UNDECLARED", "8")
    some = tuple(prefectures()) if asked == "all" else tuple(asked.split(","))
    counts, indicators, draws = national(None if n_undeclared == "all" else int(n_undeclared))
    areas, policy = made_areas(some, with_wards=True), load_policy("standard")
    made = Made(areas, counts, indicators, draws)
    areas = areas.drop("births")
    drawn = made.cells(YEARS, SPANS)
    old = drawn.filter(pl.col("period").is_in([*YEARS[:-1], BEFORE]))
    new = drawn.filter(pl.col("period") != BEFORE)
    tied = families(draws, pairs_of(counts, indicators.values()))
    print(f"\n{len(indicators)} indicators, {len(draws)} counts in {len(tied)} families, {areas.height} areas")
    print(f"four old years {old.height:,} cells, with the new one {new.height:,}")

    first = timed(
        "suppression of the four old years", lambda: protect(old, areas, counts, indicators, policy, b"secret")
    )
    shown = first.cells.filter("is_shown")
    beside = t.told(old.filter(pl.col("period") == BEFORE), shown)
    known = pl.concat([new, beside.select(new.columns)]).join(shown, on=KEYS, how="semi")
    start = time.perf_counter()
    done = timed(
        "suppression with the new year, every interval",
        lambda: protect(new, areas, counts, indicators, policy, b"secret", already_public=known, beside=beside),
    )
    published = t.seen(done.cells, areas, counts, indicators, policy)
    found = timed("audit: exactly told", lambda: audit_cells(published, with_intervals=False))
    print(f"{'both':48} {time.perf_counter() - start:7.1f} s")
    hidden = done.cells.filter(~pl.col("is_shown"))
    print(f"hidden {hidden.height:,}: {dict(hidden.group_by('reason').len().sort('reason').iter_rows())}")
    print(f"fallbacks {len(done.log)}: {done.log[:5]}")
    with pl.Config(tbl_rows=20):
        print(shown_share(done.cells, areas))
    assert found == []
    if os.environ.get("INTERVALS"):
        assert timed("audit: every interval anew", lambda: audit_cells(published)) == []
