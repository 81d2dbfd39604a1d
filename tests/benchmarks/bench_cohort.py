"""Truth of a cohort to Parquet on one worker, against the least anybody could do, and against a loop over persons.

The least: the same columns of the same types from NumPy's fastest generator, without a meaning, written by Polars. The
loop: Faker's Japanese persons one by one. Machines differ and are noisy, so only ratios within one run are asserted.
"""

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl
from faker import Faker

from synthetic.cohort import WORKER, columns_at_once
from synthetic.draws import Draws
from synthetic.places import places
from synthetic.population.calendar import Window
from synthetic.population.facts import facts_of
from synthetic.population.households import column_ids, pregnancies_of
from synthetic.truth import truth_of
from tests.synthetic.clean_layer import violations

STRETCHES = 3
YOKOHAMA = "141003"  # the most births
FAKER_ROWS = 3_000
MILLION = 1_000_000
MIB_PER_WORKER = 300
WINDOW = Window(2022, 2024)
WORKER_MEMORY = f"""
import resource
from pathlib import Path
import sys
from synthetic.cohort import make_cohort
make_cohort(Path(sys.argv[1]), municipality="{YOKOHAMA}", births=20_000, jobs=2)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
"""


T = TypeVar("T")


def timed(step: Callable[[], T]) -> tuple[T, float]:
    """What the step makes, and its seconds of processor time."""
    start = time.process_time()
    return step(), time.process_time() - start


def truth(stretch: int) -> dict[str, pl.DataFrame]:
    here, n = places().position[YOKOHAMA], columns_at_once(WINDOW)
    columns = column_ids(here, range(stretch * n, (stretch + 1) * n))
    return truth_of(facts_of(Draws(1), pregnancies_of(Draws(1), columns, WINDOW), WINDOW), np.array([here]))


def write(tables: dict[str, pl.DataFrame], to: Path) -> None:
    for name, table in tables.items():
        table.write_parquet(to / f"{name}.parquet", compression="zstd", compression_level=1, statistics=False)


def write_without_meaning(like: dict[str, pl.DataFrame], to: Path) -> None:
    numbers = np.random.Generator(np.random.SFC64(1))
    write({name: without_meaning(table, numbers) for name, table in like.items()}, to)


def without_meaning(like: pl.DataFrame, numbers: np.random.Generator) -> pl.DataFrame:
    """As many rows of the same columns; text is taken from the real column, in another order."""
    n = len(like)
    made = []
    for column in like.get_columns():
        if column.dtype.is_integer():
            most = min(30_000, column.upper_bound().item())
            made.append(pl.Series(column.name, numbers.integers(0, most, n)).cast(column.dtype))
        elif column.dtype == pl.Date:
            made.append(pl.Series(column.name, numbers.integers(18_000, 20_000, n, dtype=np.int32)).cast(pl.Date))
        else:
            made.append(column[numbers.integers(0, n, n)])
    return pl.DataFrame(made)


def with_faker(rows: int) -> pl.DataFrame:
    fake = Faker("ja_JP")
    fake.seed_instance(1)
    return pl.DataFrame(
        [
            (i, fake.last_kana_name(), fake.first_kana_name(), fake.date_between("-40y"), random.random())
            for i in range(rows)
        ],
        orient="row",
    )


def test_truth_to_parquet_as_a_multiple_of_a_plain_write_and_of_a_loop(tmp_path: Path) -> None:
    truth(STRETCHES)  # builds the pools of names
    rows, ours, plain = 0, 0.0, 0.0
    for stretch in range(STRETCHES):
        made, making = timed(partial(truth, stretch))
        _, writing = timed(partial(write, made, tmp_path))
        _, least = timed(partial(write_without_meaning, made, tmp_path))
        rows, ours, plain = rows + sum(map(len, made.values())), ours + making + writing, plain + least
    _, looping = timed(partial(with_faker, FAKER_ROWS))
    faster = looping / FAKER_ROWS * rows / ours
    print(f"\ntruth to Parquet: {rows / ours:,.0f} rows/s ({rows:,} rows)")
    print(
        f"plain NumPy + Polars, same columns: {rows / plain:,.0f} rows/s; ours takes {ours / plain:.1f} times as long"
    )
    print(f"Faker, one person after the other: {FAKER_ROWS / looping:,.0f} rows/s; ours is {faster:.0f} times as fast")
    assert ours / plain < 20
    assert faster > 5


def test_nothing_is_impossible_among_a_million_children() -> None:
    """0 orphans and 0 impossible orders of dates in the clean layer, over the largest municipalities."""
    children, rows, found = 0, 0, Counter[str]()
    largest = np.argsort(-places().births)
    for here in map(int, largest):
        for start in range(0, int(places().births[here]), columns_at_once(WINDOW)):
            columns = column_ids(here, range(start, min(start + columns_at_once(WINDOW), int(places().births[here]))))
            facts = facts_of(Draws(1), pregnancies_of(Draws(1), columns, WINDOW), WINDOW)
            children += len(facts.scene.children)
            rows += sum(map(len, (*facts.events.values(), *facts.not_sent.values())))
            found.update(violations(facts))
        if children >= MILLION:
            break
    print(f"\n{children:,} children, {rows:,} rows, {len(found)} rules: {sum(found.values())} violations")
    assert {rule: n for rule, n in found.items() if n} == {}


def test_a_worker_stays_within_its_memory(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WORKER_MEMORY, str(tmp_path)],
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "HOME": str(tmp_path), **WORKER},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    print(f"\na worker, 20,000 births of one city: {done.stdout.strip()} MiB")
    assert int(done.stdout) < MIB_PER_WORKER
