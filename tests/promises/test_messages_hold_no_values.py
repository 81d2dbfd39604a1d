"""Promise 6, at the edge: no message holds a value, and no library's exception text is shown."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.edge.problem import EdgeProblem
from pipelines.edge.send import check_feeds
from pipelines.feeds import FEEDS
from pipelines.keys import KeyProblem
from pipelines.records import RECORDS
from tests.edge.conftest import centre, town  # noqa: F401  fixtures of the edge's tests
from tests.edge.made_feeds import Town, row, text_of

CANARY = "カナリア7731"
LIBRARIES = ("polars", "Traceback", "Error:", "utf-8' codec", "line 1 column", "pyrage", "duckdb")


def canary(record: str = "birth") -> dict[str, str | None]:
    """A row whose every text cell is the canary: every rule is broken, every value would show."""
    return dict.fromkeys(row(record), CANARY)


def told(town: Town) -> str:  # noqa: F811
    """Everything the check says: its lines, its reports, its problem."""
    try:
        result = check_feeds(town.feeds.path, town.report)
    except EdgeProblem as problem:
        return f"{problem} {problem.sentence_ja} {problem.sentence_en}"
    reports = "".join(p.read_text() for p in town.report.iterdir())
    return "\n".join([*result.lines(), str(result.summary()), reports])


@pytest.mark.parametrize(("feed", "record"), [(f.name, r) for f in FEEDS.values() for r in f.record_names])
def test_every_rule_broken_at_once_shows_no_value(town: Town, record: str, feed: str) -> None:  # noqa: F811
    town.feeds.put(record, canary(record), feed=feed)
    said = told(town)
    assert "code" in said
    assert "カナリア" not in said
    assert "7731" not in said


@pytest.mark.parametrize(
    "broken",
    [
        lambda text: text.replace("宛名番号", CANARY), lambda text: text + f'"{CANARY},1\n', lambda text: CANARY + "\n" + CANARY,
        lambda text: text + CANARY + "," * 40, lambda text: f"{CANARY}," + text, lambda text: text.replace(",", ";"),
    ],
)  # fmt: skip
def test_a_broken_file_shows_nothing_of_itself(town: Town, broken: object) -> None:  # noqa: F811
    text = text_of(FEEDS["municipal"], RECORDS["birth"], [row("birth", name=CANARY)])
    town.feeds.put_bytes("birth", broken(text).encode())  # type: ignore[operator]
    town.feeds.put("delivery", row("delivery"))
    said = told(town)
    assert "birth.csv" in said
    assert CANARY not in said


@pytest.mark.parametrize(
    "content", [f'[{{"note": "{CANARY}"', f"{CANARY}", f'{{"a": "{CANARY}"}}', f'[{{"{CANARY}": 1}}, "{CANARY}"]']
)
def test_broken_json_shows_its_line_and_nothing_of_itself(town: Town, content: str) -> None:  # noqa: F811
    town.feeds.put_bytes("child_checkup", content.encode(), feed="pmh")
    said = told(town)
    assert "child_checkup.json" in said
    assert CANARY not in said


def test_the_command_line_shows_neither_a_value_nor_a_library(town: Town, centre: Path) -> None:  # noqa: F811
    town.feeds.put("birth", canary(), row("birth"))
    town.protected.write_text(f"local_number\n{CANARY}\n{CANARY},{CANARY}\n")
    keys = [f"--keys={k}" for k in town.keys]
    send = [
        "send",
        str(town.feeds.path),
        *keys,
        f"--protected={town.protected}",
        f"--state={town.state}",
        f"--out={town.out}",
    ]
    key_text = (centre / "edge" / "edge-1.key").read_text().strip()
    for command, code in (
        (["check", str(town.feeds.path)], 1),
        (send, 2),
        ([*send, f"--keys={centre / 'load'}"], 77),
        (["check", "/"], 64),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "pipelines.cli", "edge", *command], capture_output=True, text=True, check=False
        )
        said = done.stdout + done.stderr
        assert done.returncode == code, said
        assert CANARY not in said
        assert key_text not in said
        assert [word for word in LIBRARIES if word in said] == []


def test_problems_are_one_sentence_in_each_language(town: Town) -> None:  # noqa: F811
    town.feeds.put("birth", row("birth"))
    (town.home / "local" / "local-1.key").unlink()
    with pytest.raises(KeyProblem) as problem:
        town.send()
    assert problem.value.sentence_ja.endswith("。") or problem.value.sentence_ja
    assert "\n" not in problem.value.sentence_ja + problem.value.sentence_en
