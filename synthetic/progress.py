"""How far a cohort is: a bar with rate and time left on a terminal, a plain line now and then elsewhere; on stderr."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from synthetic.cohort import STAGES, ShowsProgress

SECONDS_BETWEEN_LINES = 10.0


@contextmanager
def shown() -> Iterator[ShowsProgress]:
    """A callable for `make_cohort(progress=...)`."""
    if not sys.stderr.isatty():
        yield PlainLines()
        return
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[rows]}"), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        yield _Bars(bars)


class _Bars:
    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._started = time.monotonic()
        self._tasks = {stage: bars.add_task(STAGES[stage][0], total=None, rows="") for stage in ("feeds", "truth")}

    def __call__(self, stage: str, done: int, total: int, rows: int) -> None:
        told = _rate(rows, time.monotonic() - self._started) if stage == "feeds" else ""
        self._bars.update(self._tasks[stage], completed=done, total=total, rows=told)


class PlainLines:
    """One line per stage and `SECONDS_BETWEEN_LINES`, and one at the end of a stage."""

    def __init__(self) -> None:
        self._stage, self._started, self._told = "", time.monotonic(), 0.0

    def __call__(self, stage: str, done: int, total: int, rows: int) -> None:
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._told = stage, now
            self._started = now if stage != "feeds" else self._started
        if done < total and now - self._told < SECONDS_BETWEEN_LINES:
            return
        self._told = now
        ja, en = STAGES[stage]
        spent = now - self._started
        left = spent / max(done, 1) * (total - done)
        rate = f" {_rate(rows, spent)}" if stage == "feeds" else ""
        print(
            f"{ja} / {en}: {100 * done // max(total, 1)} %{rate}、残り約{left:.0f}秒 / {left:.0f} s left",
            file=sys.stderr,
        )


def _rate(rows: int, seconds: float) -> str:
    return f"{rows:,} 行 / rows ({rows / max(seconds, 0.001):,.0f}/s)"
