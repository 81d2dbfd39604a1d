"""The whole way against the least anybody could do with the same files: read them all, write them as Parquet.

Machines differ and are noisy, so a stage is told as a multiple of that pass, made in the same run.
"""

import time
from pathlib import Path

import polars as pl

from pipelines.demo import Places, run_demo


def plain_pass(places: Places, to: Path) -> float:
    """Seconds to read every CSV of the cohort as text and write it as Parquet, on one process."""
    start = time.perf_counter()
    for file in sorted(places.feeds.rglob("*.csv")):
        rows = pl.read_csv(file.read_bytes(), infer_schema=False, encoding="utf8-lossy", truncate_ragged_lines=True)
        rows.write_parquet(to / f"{file.parent.parent.name}-{file.stem}.parquet")
    return time.perf_counter() - start


def test_each_stage_as_a_multiple_of_a_plain_pass(tmp_path: Path) -> None:
    clock = run_demo(tmp_path / "demo", ("31",), jobs=2).clock
    (tmp_path / "plain").mkdir()
    floor = plain_pass(Places(tmp_path / "demo"), tmp_path / "plain")
    print(f"plain pass: {floor:.2f} s")
    for name, seconds in clock.seconds.items():
        print(f"{seconds / floor:6.1f} x  {name}")
    assert all(seconds > 0 for seconds in clock.seconds.values())
