"""How far a cohort is: lines without a terminal, with rate and time left, on stderr."""

import re
from pathlib import Path

import pytest

from synthetic.cohort import make_cohort
from synthetic.progress import PlainLines, shown


def test_every_stage_is_told_to_its_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with shown() as progress:
        made = make_cohort(tmp_path, births=60, jobs=1, progress=progress)
    told = capsys.readouterr()
    assert told.out == ""
    feeds, truth = told.err.splitlines()
    assert re.fullmatch(
        rf"提出ファイル / feeds: 100 % {made.rows:,} 行 / rows \([\d,]+/s\)、残り約0秒 / 0 s left", feeds
    )
    assert truth.startswith("正解と較正 / truth and calibration: 100 %")


def test_lines_come_now_and_then_with_the_time_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("synthetic.progress.time.monotonic", lambda: now[0])
    lines = PlainLines()
    for second, done in ((1, 1), (4, 10), (20, 25), (22, 30), (80, 100)):
        now[0] = float(second)
        lines("feeds", done, 100, done * 1000)
    assert capsys.readouterr().err.splitlines() == [
        "提出ファイル / feeds: 25 % 25,000 行 / rows (1,250/s)、残り約60秒 / 60 s left",
        "提出ファイル / feeds: 100 % 100,000 行 / rows (1,250/s)、残り約0秒 / 0 s left",
    ]


def test_steps_add_up_to_the_whole(tmp_path: Path) -> None:
    steps: list[tuple[str, int, int, int]] = []
    made = make_cohort(
        tmp_path, prefectures=("31",), births=400, jobs=1, chunk=50,
        progress=lambda stage, done, total, rows: steps.append((stage, done, total, rows)),
    )  # fmt: skip
    feeds, truth = ([s for s in steps if s[0] == stage] for stage in ("feeds", "truth"))
    for of_stage in (feeds, truth):
        assert [s[1] for s in of_stage] == sorted(s[1] for s in of_stage) and of_stage[-1][1] == of_stage[-1][2] > 1
    assert feeds[-1][3] == truth[-1][3] == made.rows
