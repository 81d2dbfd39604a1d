"""The threat model names the files that close each hole: it must not name what is not there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "threat-model.md").read_text("utf-8")


def test_every_file_it_names_is_there() -> None:
    named = set(re.findall(r"`((?:pipelines|dashboards|synthetic|tests)/[^`]*)`", TEXT))
    assert len(named) > 30
    assert not sorted(path for path in named if not (ROOT / path).exists())


def test_every_hole_has_its_rule_and_its_place() -> None:
    rows = re.findall(r"^\| (\d+) \| (.+) \| (.+) \| (.+) \|$", TEXT, re.M)
    assert [int(row[0]) for row in rows] == list(range(1, 26))
    assert all("`" in row[3] for row in rows)


def test_every_hole_has_a_test() -> None:
    table = TEXT.split("## 証明するテスト", 1)[1]
    rows = re.findall(r"^\| ([\d, -]+) \| (.*`tests/.+)\|$", table, re.M)
    named: set[int] = set()
    for holes, _ in rows:
        for part in holes.split(","):
            first, _, last = part.strip().partition("-")
            named |= set(range(int(first), int(last or first) + 1))
    assert named == set(range(1, 26))
