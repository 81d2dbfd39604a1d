"""A cohort on disk: feeds as municipalities send them, the truth beside them, and the calibration report."""

import multiprocessing
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
import polars as pl

from pipelines.records import RECORDS
from synthetic import calibration
from synthetic.asked import CannotBeHad
from synthetic.calibration import SMALLEST_JUDGED_COHORT, Tally
from synthetic.draws import Draws, Ids
from synthetic.faults import profile
from synthetic.layout import ENCODINGS, own_feed
from synthetic.parameters import parameters
from synthetic.parts import put_together
from synthetic.places import chosen, places
from synthetic.population.as_records import SENT
from synthetic.population.calendar import Window
from synthetic.population.households import (
    COLUMN_BITS,
    MEMBER_BITS,
    SLOT_BITS,
    arrivals,
    births_by_year,
    column_ids,
    columns_of,
)
from synthetic.submitter import Job, Made, make

SLOTS_AT_ONCE = 12_000  # possible pregnancies of a stretch, a column has one per year: what a worker's memory holds
DEFAULT_PREFECTURE = "31"  # for `births` without prefectures
SCAN = 50_000
WORKER = {  # environment of a worker process
    "POLARS_MAX_THREADS": "1",
    # Every stretch needs the same memory again; given back to the system, it would have to be cleared anew by it
    # (glibc mallopt(3) for NumPy, jemalloc TUNING.md for Polars; other systems take no notice).
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
    "_RJEM_MALLOC_CONF": "dirty_decay_ms:-1,muzzy_decay_ms:-1",
}
STAGES = {
    "moves": ("転居", "moves"),
    "feeds": ("提出ファイル", "feeds"),
    "truth": ("正解と較正", "truth and calibration"),
}


class ShowsProgress(Protocol):
    def __call__(self, stage: str, done: int, total: int, rows: int) -> None: ...


@dataclass(frozen=True)
class Summary:
    """What was made. `outside`: labels of the figures outside their tolerance; judged from 20,000 births on."""

    out: Path
    submitters: int
    births: int
    rows: int
    faults: int
    calibration: pl.DataFrame
    outside: tuple[str, ...]
    seconds: dict[str, float] = field(default_factory=dict)

    def summary(self) -> dict[str, object]:
        told = {n: getattr(self, n) for n in ("submitters", "births", "rows", "faults", "outside", "seconds")}
        return {"out": str(self.out), **told}

    def lines(self) -> list[str]:
        made = (
            f"{self.submitters} 提出者、出生 {self.births:,}、{self.rows:,} 行、故意の誤り {self.faults:,} / "
            f"{self.submitters} submitters, {self.births:,} births, {self.rows:,} rows, {self.faults:,} faults"
        )
        spent = " / ".join(
            separator.join(f"{STAGES[stage][i]} {seconds:.1f} {unit}" for stage, seconds in self.seconds.items())
            for i, separator, unit in ((0, "、", "秒"), (1, ", ", "s"))
        )
        return [made, spent, *(f"公表値の許容範囲外 / outside its tolerance: {label}" for label in self.outside)]

    @property
    def is_calibrated(self) -> bool:
        return self.births < SMALLEST_JUDGED_COHORT or not self.outside


@dataclass(frozen=True)
class Scope:
    """Submitters of a cohort, the columns that each brings, and the country's columns that may move to them.

    is_whole: they bring all their columns. arriving: share of those who move in from the country that is taken in;
    0 takes in those only who move from one to another of the columns.
    """

    municipalities: Ids
    columns: Ids
    is_whole: bool = True
    arriving: float = 1.0

    def outside(self, window: Window, draws: Draws) -> tuple[Ids, Ids]:
        """Municipalities and columns from which people may come: the country, or for a first-N cohort itself."""
        if not self.arriving:
            return self.municipalities, self.columns
        everywhere = np.arange(len(places().codes))
        return everywhere, columns_of(draws, everywhere, window)


def make_cohort(
    out: Path,
    prefectures: tuple[str, ...] | None = None,
    births: int | None = None,
    fiscal_years: tuple[int, int] = (2022, 2024),
    seed: int = 1,
    faults: str = "typical",
    jobs: int = 2,
    chunk: int | None = None,
    progress: ShowsProgress | None = None,
    municipality: str | None = None,
    layout: Path | None = None,
    encoding: str | None = None,
    only: int | None = None,
    records: Collection[str] | None = None,
) -> Summary:
    """Makes OUT/feeds, OUT/truth and OUT/calibration.html; the same arguments give the same bytes.

    prefectures: 2-digit codes, None for the whole country. births: the first N births (of the fiscal years) of these
    prefectures in code order, or of prefecture 31 and then the country. Of these about a tenth are born elsewhere, because
    the household has moved, and who moves in from outside is left out.
    municipality: code of six digits, in place of prefectures; with `births` it takes in its share of those who move in,
    so that about N are born there.
    faults: a profile of `faults.toml`, or a file (.toml) with one of the same form.
    layout, encoding: a municipality's own headings (`synthetic.layout`) and encoding, for every municipal file; without
    an encoding a layout is written in UTF-8.
    only: an `entity_id`; of the cohort that the other arguments describe nothing but the column is made in which this
    person stands (its household and a few others), in the time of one column, each row with the bytes it has in the whole.
    records: names of those that are sent; None for all that there are facts for.
    chunk: columns at a time; None for as many as fit into 300 MiB.
    progress: called with stage, columns (about a year's births each) done and in all, and rows written so far.
    What was in OUT before is replaced at the end, so that an interrupted run leaves it as it was.
    Raises CannotBeHad (a ValueError) with one sentence for arguments that name nothing.
    """
    _refuse(fiscal_years, births, jobs, chunk, encoding)
    sent = _sent(records)
    rates = profile(faults)
    own = own_feed(layout, encoding or ENCODINGS[0]) if layout else None
    encoding = encoding or (ENCODINGS[0] if own else None)
    window, draws, clock = Window(*fiscal_years), Draws(seed), _Clock()
    chunk = chunk or columns_at_once(window)
    scope = _scope(draws, window, prefectures, births, municipality)
    column = None if only is None else only >> (MEMBER_BITS + SLOT_BITS)
    with _workers(1 if only is not None else jobs) as pool:
        moving = _arrivals(draws, window, scope, column)
        clock.lap("moves")
        wanted = scope if column is None else _of_column(scope, column, moving)
        work = _fresh(out / ".making")
        of_all = partial(Job, work / "feeds", work / "parts", seed, window, chosen=scope.municipalities, only=column,
                         own=own, encoding=encoding, records=sent, rates=rates, chunk=chunk)  # fmt: skip
        made = _made(pool, _jobs(of_all, wanted, moving, chunk), progress)
    clock.lap("feeds")
    summary = _finish(made, wanted, out, work, fiscal_years, seed, progress)
    clock.lap("truth")
    return Summary(*summary, seconds=clock.seconds)


def _refuse(
    fiscal_years: tuple[int, int], births: int | None, jobs: int, chunk: int | None, encoding: str | None
) -> None:
    first, last = fiscal_years
    if not 2010 <= first <= last <= 2029:
        raise CannotBeHad(
            f"年度は2010から2029までの範囲で、始まりから終わりの順に指定してください({first}-{last})。",
            f"Fiscal years must lie within 2010-2029, the first before the last; got {first}-{last}.",
        )
    if any(number is not None and number < 1 for number in (births, jobs, chunk)):
        raise CannotBeHad("出生数・並列数は1以上です。", "Births, jobs and chunk must be 1 or more.")
    if encoding not in (None, *ENCODINGS):
        raise CannotBeHad(
            f"文字コードは {', '.join(ENCODINGS)} のいずれかです({encoding})。",
            f"The encoding must be one of {', '.join(ENCODINGS)}; got {encoding}.",
        )


def _sent(records: Collection[str] | None) -> tuple[str, ...]:
    """The records that are sent, in the order of their declaration."""
    if unknown := sorted(set(records or ()) - set(SENT)):
        raise CannotBeHad(
            f"合成コホートが送れる記録は {', '.join(SENT)} です({', '.join(unknown)})。",
            f"A cohort can send the records {', '.join(SENT)}; got {', '.join(unknown)}.",
        )
    return tuple(name for name in RECORDS if name in (SENT if records is None else records))


def columns_at_once(window: Window) -> int:
    return SLOTS_AT_ONCE // len(window.birth_years)


def _fresh(work: Path) -> Path:
    """An empty folder; one of an interrupted run is thrown away."""
    shutil.rmtree(work, ignore_errors=True)
    for name in ("feeds", "parts"):
        (work / name).mkdir(parents=True)
    return work


class _Clock:
    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._since = time.perf_counter()

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.seconds[stage], self._since = round(now - self._since, 2), now


def _scope(
    draws: Draws, window: Window, prefectures: tuple[str, ...] | None, births: int | None, municipality: str | None
) -> Scope:
    if municipality is not None:
        return _of_municipality(draws, window, municipality, prefectures, births)
    if births is None:
        municipalities = np.array(chosen(prefectures or ()))
        return Scope(municipalities, columns_of(draws, municipalities, window))
    first = chosen(prefectures or (DEFAULT_PREFECTURE,))
    order = first if prefectures else [*first, *(i for i in chosen(()) if i not in set(first))]
    return _first_births(draws, window, np.array(order), births)


def _of_municipality(
    draws: Draws, window: Window, code: str, prefectures: tuple[str, ...] | None, births: int | None
) -> Scope:
    """One municipality; its first N births come with as large a share of those who move in."""
    if prefectures is not None or code not in places().position:
        raise CannotBeHad(
            f"municipality は6桁の市区町村コード1つで、prefectures とは併用できません({code})。",
            f"A municipality is one code of six digits, without prefectures; got {code}.",
        )
    order = np.array([places().position[code]])
    full = columns_of(draws, order, window)
    if births is None:
        return Scope(order, full)
    there = int(births_by_year(draws, order, window)[:, 4:-1].sum() * parameters()["births"]["children_per_delivery"])
    if births > there:
        raise CannotBeHad(
            f"{code} の {window.first}-{window.last} 年度の出生は約{there:,}人です。それ以下にするか、年度を広げてください({births:,})。",
            f"{code} has about {there:,} births in FY{window.first}-{window.last}; ask for fewer or for more years, not {births:,}.",
        )
    first = _first_births(draws, window, order, births)
    return replace(first, arriving=float(first.columns[0] / full[0]))


def _of_column(scope: Scope, column: int, moving: tuple[Ids, Ids]) -> Scope:
    """The submitters that see a column: its own, and those that somebody of it moves to."""
    own = scope.municipalities == column >> COLUMN_BITS
    seen_by = (own & (scope.columns > column & ((1 << COLUMN_BITS) - 1))) | np.isin(scope.municipalities, moving[1])
    if not seen_by.any():
        raise CannotBeHad(
            "この entity_id の人は、このコホートにいません。", "This entity_id stands for nobody in this cohort."
        )
    return Scope(scope.municipalities[seen_by], scope.columns[seen_by], is_whole=False)


def _first_births(draws: Draws, window: Window, order: Ids, births: int) -> Scope:
    """As many columns, in order, as bring this number of births in the window's years."""
    per_year = births_by_year(draws, order, window)[:, 4:-1]
    deliveries = births / parameters()["births"]["children_per_delivery"]
    before = np.concatenate([[0], np.cumsum(per_year.sum(axis=1))])
    full = columns_of(draws, order, window)
    n = int(np.searchsorted(before, deliveries, side="left"))
    columns = full[:n].copy()
    if n > 0 and before[n] > deliveries:
        reached = [before[n - 1] + np.minimum(per_year[n - 1], c).sum() for c in range(1, int(full[n - 1]) + 1)]
        columns[n - 1] = 1 + int(np.searchsorted(reached, deliveries, side="left"))
    return Scope(order[:n], np.minimum(columns, full[:n]), is_whole=False, arriving=0.0)


def _arrivals(draws: Draws, window: Window, scope: Scope, only: int | None) -> tuple[Ids, Ids]:
    """Mothers that move to a submitter of the cohort, by id, and where to; of one column only, where one is wanted."""
    where, counts = scope.outside(window, draws)
    columns = np.concatenate([column_ids(int(m), range(int(n))) for m, n in zip(where, counts, strict=True)])
    columns = columns if only is None else columns[columns == only]
    found = [
        arrivals(draws, columns[i : i + SCAN], window, scope.municipalities)
        for i in range(0, max(len(columns), 1), SCAN)
    ]
    mothers, to = (np.concatenate(part) for part in zip(*found, strict=True))
    if 0 < scope.arriving < 1:
        taken = draws.happens("cohort.arrives", mothers, scope.arriving)
        mothers, to = mothers[taken], to[taken]
    order = np.argsort(mothers, kind="stable")
    return mothers[order], to[order]


def _jobs(of_all: Callable[..., Job], scope: Scope, moving: tuple[Ids, Ids], chunk: int) -> list[Job]:
    mothers, to = moving
    made = []
    for together in _together(scope, to, chunk):
        municipalities = scope.municipalities[together]
        comes = np.isin(to, municipalities)
        arriving = mothers[comes], to[comes]
        made.append(of_all(municipalities=municipalities, columns=scope.columns[together], arrivals=arriving))
    return made


def _together(scope: Scope, to: Ids, chunk: int) -> list[slice]:
    """Submitters next to each other, in rising order, as many as fill one chunk; a large one is alone."""
    size = scope.columns + np.bincount(to, minlength=len(places().codes))[scope.municipalities]
    cuts, filled = [0], 0
    for i, columns in enumerate(size):
        falls = i > 0 and scope.municipalities[i] < scope.municipalities[i - 1]
        if i > cuts[-1] and (filled + columns > chunk or falls):
            cuts.append(i)
            filled = 0
        filled += columns
    return [slice(first, last) for first, last in zip(cuts, [*cuts[1:], len(size)], strict=True)]


@contextmanager
def _workers(jobs: int) -> Iterator[ProcessPoolExecutor | None]:
    """A process per core; none for one job."""
    if jobs == 1:
        yield None
        return
    before = {name: os.environ.get(name) for name in WORKER}
    os.environ.update(WORKER)
    try:
        with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
            pool.submit(os.getpid)  # starts while the moves are found
            yield pool
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _made(pool: ProcessPoolExecutor | None, jobs: list[Job], progress: ShowsProgress | None) -> list[Made]:
    """Every submitter's part in the order of the jobs; the largest are made first."""
    columns = [int(job.columns.sum()) for job in jobs]
    largest = sorted(range(len(jobs)), key=lambda i: -columns[i])
    made: dict[int, Made] = {}
    if pool is None:
        results = ((i, make(jobs[i])) for i in largest)
    else:
        futures = {pool.submit(make, jobs[i]): i for i in largest}
        results = ((futures[future], future.result()) for future in as_completed(futures))
    for i, result in results:
        made[i] = result
        if progress:
            progress("feeds", sum(columns[j] for j in made), sum(columns), sum(m.rows for m in made.values()))
    return [made[i] for i in range(len(jobs))]


def _finish(
    made: list[Made],
    scope: Scope,
    out: Path,
    work: Path,
    fiscal_years: tuple[int, int],
    seed: int,
    progress: ShowsProgress | None,
) -> tuple[Path, int, int, int, int, pl.DataFrame, tuple[str, ...]]:
    """Writes truth and report, puts everything in its place, and says what was made."""
    tally: Tally = sum((m.tally for m in made), Counter())
    rows = sum(m.rows for m in made)
    told = partial(progress, "truth", rows=rows) if progress else lambda done, total: None
    put_together([m.part for m in made], work / "truth", seed, told)
    codes = [places().codes[m] for m in scope.municipalities]
    table = calibration.report(tally, codes, fiscal_years, is_whole=scope.is_whole)
    births = calibration.births_in(tally)
    calibration.write(table, work, seed, births)
    for name in ("feeds", "truth", "calibration.html", "calibration.csv"):
        _replace(work / name, out / name)
    shutil.rmtree(work)
    outside = tuple(table.filter(~pl.col("is_within"))["measure"])
    return (
        out,
        len(scope.municipalities),
        births,
        sum(m.rows for m in made),
        sum(m.faults for m in made),
        table,
        outside,
    )


def _replace(new: Path, old: Path) -> None:
    shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)
    new.rename(old)
