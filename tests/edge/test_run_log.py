"""The run log of the security officer: who, when, what by count, versions, key fingerprints, exit; nothing of the content."""

import csv
from pathlib import Path

import pytest

from pipelines import cli
from pipelines.edge.problem import EdgeProblem
from pipelines.edge.run_log import COLUMNS, logged
from pipelines.keys import create, fingerprints
from tests.edge.made_feeds import CHILD, MOTHER, Town, row


def lines(log: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(log.read_text("utf-8-sig").splitlines()))


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr("sys.argv", ["mchdb", "edge", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(str(ended.value.code))


def test_a_sending_is_told_by_its_begin_and_its_end(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.feeds.put("birth", row("birth"), row("birth", person_local="2", sex_code="9"))
    log = town.home / "log" / "run.csv"
    keys = [f"--keys={k}" for k in town.keys]
    places = (f"--protected={town.protected}", f"--state={town.state}", f"--out={town.out}", f"--log={log}")
    assert run(monkeypatch, "send", town.feeds.path, *keys, *places) == 1
    begin, end = lines(log)
    assert tuple(begin) == COLUMNS
    assert (begin["event"], begin["exit_code"], end["event"], end["exit_code"]) == ("begin", "", "end", "1")
    assert (end["command"], end["submitter"], end["files"]) == ("send", town.code, "municipal 1")
    assert [k.split(":")[0] for k in end["keys"].split("; ")] == ["edge-1", "local-1", "submitter-1"]
    assert end["user"] and end["versions"].startswith("mchdb ") and end["at"][10] == "T"
    assert log.stat().st_mode & 0o777 == 0o600


def test_it_holds_no_value_and_no_key(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.feeds.put("birth", row("birth"))
    log = town.home / "run.csv"
    run(monkeypatch, "check", town.feeds.path, f"--log={log}")
    keys = [f"--keys={k}" for k in town.keys]
    run(monkeypatch, "send", town.feeds.path, *keys, f"--protected={town.protected}", f"--state={town.state}",
        f"--out={town.out}", f"--log={log}")  # fmt: skip
    text = log.read_text()
    secrets = [f.read_text().split()[0] for k in town.keys for f in k.glob("*.key")]
    assert [
        v
        for v in (*CHILD.values(), *MOTHER.values(), *secrets)
        if v in text and v not in ("1", "2", "02", "03", town.code)
    ] == []


def test_a_command_that_stops_leaves_its_exit_code(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.feeds.put("birth", row("birth"))
    town.protected.unlink()
    log = town.home / "run.csv"
    out = (f"--protected={town.protected}", f"--out={town.home / 'own'}", f"--log={log}")
    assert run(monkeypatch, "summary", town.feeds.path, *out) == 2
    assert [r["exit_code"] for r in lines(log)] == ["", "2"]


@pytest.mark.parametrize(
    ("problem", "code"), [(OSError("full"), "74"), (ValueError("x"), "70"), (KeyboardInterrupt(), "70")]
)
def test_any_end_is_told(town: Town, problem: BaseException, code: str) -> None:
    with pytest.raises(type(problem)), logged(town.home / "run.csv", "check", town.feeds.path):
        raise problem
    assert lines(town.home / "run.csv")[-1]["exit_code"] == code


def test_a_folder_that_is_no_submitters_is_not_named(tmp_path: Path) -> None:
    with logged(tmp_path / "run.csv", "check", tmp_path / "加賀見花子"):
        pass
    assert lines(tmp_path / "run.csv")[0]["submitter"] == "?"


def test_beside_parcels_nothing_begins(town: Town) -> None:
    town.feeds.put("birth", row("birth"))
    town.send()
    with pytest.raises(EdgeProblem), logged(town.out / "run.csv", "check", town.feeds.path):
        raise AssertionError("the command began")
    assert not (town.out / "run.csv").exists()


def test_fingerprints_tell_keys_apart(tmp_path: Path) -> None:
    create("edge", tmp_path / "a")
    create("edge", tmp_path / "b")
    a, b = fingerprints([tmp_path / "a"]), fingerprints([tmp_path / "b"])
    assert a == fingerprints([tmp_path / "a"])
    assert a.keys() == b.keys() == {"edge-1"}
    assert a != b
    assert fingerprints([tmp_path / "nowhere"]) == {}
