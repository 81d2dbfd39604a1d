"""A cohort on disk: feeds as municipalities send them, the truth beside them, and the calibration report."""

import multiprocessing
import os
import shutil
import time
from collections import Counter
from collections.abc import Collection, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
import polars as pl

from pipelines.feeds import FEEDS
from pipelines.records import RECORDS
from synthetic import calibration, truth
from synthetic.agents import put_agents_together
from synthetic.asked import CannotBeHad
from synthetic.calibration import SMALLEST_JUDGED_COHORT, Tally
from synthetic.draws import Draws, Ids
from synthetic.fault_rates import profile
from synthetic.layout import ENCODINGS, own_feed
from synthetic.parts import put_together
from synthetic.places import places
from synthetic.population.as_records import ON_REQUEST, SENT
from synthetic.population.calendar import Window
from synthetic.population.households import MEMBER_BITS, SLOT_BITS
from synthetic.scope import Scope, arriving_in, of_column, scope_of
from synthetic.submitter import Job, Made, make, synthetic_mark

SLOTS_AT_ONCE = 16_000  # possible pregnancies of a stretch, a column has one per year: what a worker's memory holds
WORKER = {  # environment of a worker process
    "POLARS_MAX_THREADS": "1",
    # Every stretch needs the same memory again; given back to the system, it would have to be cleared anew by it
    # (glibc mallopt(3) for NumPy, jemalloc TUNING.md for Polars; other systems take no notice).
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
    "_RJEM_MALLOC_CONF": "dirty_decay_ms:-1,muzzy_decay_ms:-1",
}
OTHER_FEEDS = tuple(name for name in FEEDS if name not in ("municipal", "pmh"))
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
    others: tuple[str, ...] = (),
) -> Summary:
    """Makes OUT/feeds, OUT/truth and OUT/calibration.html; the same arguments give the same bytes.

    prefectures: 2-digit codes, None for the whole country. births: about N births of the fiscal years (within some
    hundredths) to residents of the first municipalities of these prefectures in code order, or of prefecture 31 and then
    the country; who moves in from outside is left out, and more households make up for those who leave.
    municipality: code of six digits, in place of prefectures; with `births` it takes in its share of those who move in.
    faults: a profile of `faults.toml`, or a file (.toml) with one of the same form.
    layout, encoding: a municipality's own headings (`synthetic.layout`) and encoding, for every municipal file; without
    an encoding a layout is written in UTF-8.
    only: an `entity_id`; of the cohort that the other arguments describe nothing but the column is made in which this
    person stands (its household and a few others), in the time of one column, each row with the bytes it has in the whole.
    records: names of those that are sent; None for all that there are facts for but ON_REQUEST, of which those are sent
    that a feed of `others` carries.
    others: feeds sent besides the municipal one and PMH (`ehr`, `handbook`, `requests`, `layout`, `excel` by every submitter; `claims` by the
    agents of their prefectures).
    chunk: columns at a time; None for as many as fit into 300 MiB.
    progress: called with stage, columns (about a year's births each) done and in all, and rows written so far.
    What was in OUT before is replaced at the end, so that an interrupted run leaves it as it was.
    Raises CannotBeHad (a ValueError) with one sentence for arguments that name nothing.
    """
    _refuse(fiscal_years, births, jobs, chunk, encoding)
    _refuse_feeds(others)
    sent = _sent(records, others)
    rates = profile(faults)
    own = own_feed(layout, encoding or ENCODINGS[0]) if layout else None
    window, draws, clock = Window(*fiscal_years), Draws(seed), _Clock()
    scope = scope_of(draws, window, prefectures, births, municipality)
    column = None if only is None else only >> (MEMBER_BITS + SLOT_BITS)
    with _workers(1 if only is not None else jobs) as pool:
        moving = arriving_in(draws, window, scope, column)
        clock.lap("moves")
        wanted = scope if column is None else of_column(scope, column, moving)
        work = _fresh(out / ".making")
        of_all = partial(
            Job, work / "feeds", work / "parts", seed, window, chosen=scope.municipalities, only=column, own=own, records=sent,
            encoding=encoding or (ENCODINGS[0] if own else None), rates=rates, chunk=chunk or columns_at_once(window), others=others,
        )  # fmt: skip
        made = _made(pool, _jobs(of_all, wanted, moving), progress)
    clock.lap("feeds")
    summary = _finish(made, wanted, out, work, window, seed, progress)
    clock.lap("truth")
    return replace(summary, seconds=clock.seconds)


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


def _sent(records: Collection[str] | None, others: tuple[str, ...]) -> tuple[str, ...]:
    """The records that are sent, in the order of their declaration."""
    if unknown := sorted(set(records or ()) - set(SENT)):
        raise CannotBeHad(
            f"合成コホートが送れる記録は {', '.join(SENT)} です({', '.join(unknown)})。",
            f"A cohort can send the records {', '.join(SENT)}; got {', '.join(unknown)}.",
        )
    if records is None:
        carried = {name for feed in others for name in FEEDS[feed].record_names}
        records = {name for name in SENT if name not in ON_REQUEST or name in carried}
    return tuple(name for name in RECORDS if name in records)


def _refuse_feeds(others: tuple[str, ...]) -> None:
    if unknown := sorted(set(others) - set(OTHER_FEEDS)):
        raise CannotBeHad(
            f"追加できるシステムは {', '.join(OTHER_FEEDS)} です({', '.join(unknown)})。",
            f"Feeds to be added must be of {', '.join(OTHER_FEEDS)}; got {', '.join(unknown)}.",
        )


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


def _jobs(of_all: partial[Job], scope: Scope, moving: tuple[Ids, Ids]) -> list[Job]:
    mothers, to = moving
    made, chunk = [], of_all.keywords["chunk"]
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
    made: list[Made], scope: Scope, out: Path, work: Path, window: Window, seed: int, progress: ShowsProgress | None
) -> Summary:
    """Writes truth and report, puts everything in its place, and says what was made."""
    tally: Tally = sum((m.tally for m in made), Counter())
    rows = sum(m.rows for m in made)
    told = partial(progress, "truth", rows=rows) if progress else lambda done, total: None
    submitters = truth.submitters(Draws(seed), scope.municipalities, window)
    codes = [places().codes[m] for m in scope.municipalities]
    moved = put_agents_together(work / "feeds", codes, synthetic_mark(seed))
    put_together([m.part for m in made], submitters, work / "truth", seed, told, moved)
    table = calibration.report(tally, codes, (window.first, window.last), is_whole=scope.is_whole)
    births = calibration.births_in(tally)
    calibration.write(table, work, seed, births)
    for name in ("feeds", "truth", "calibration.html", "calibration.csv"):
        _replace(work / name, out / name)
    shutil.rmtree(work)
    outside = tuple(table.filter(~pl.col("is_within"))["measure"])
    return Summary(out, len(codes), births, rows, sum(m.faults for m in made), table, outside)


def _replace(new: Path, old: Path) -> None:
    shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)
    new.rename(old)
