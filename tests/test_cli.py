"""The commands as a user types them: exit codes, one sentence, never a traceback or a value."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.keys import fingerprints

COMMANDS = [
    [], ["demo"], ["synth"], ["keys"], ["seal-key"], ["unseal-key"], ["init"], ["edge", "check"], ["edge", "send"], ["edge", "summary"], ["edge", "outreach"], ["load"], ["period", "open"], ["bridge", "open"], ["bridge", "close"], ["rekey"],
    ["period", "close"], ["backup"], ["restore"], ["status"], ["release"], ["audit"], ["export"], ["codebook"], ["dashboard"],
]  # fmt: skip


def mchdb(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipelines.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_helps_in_both_languages(command: list[str]) -> None:
    done = mchdb(*command, "--help")
    assert done.returncode == 0
    assert " / " in done.stdout and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("nothing",),
        ("synth",),
        ("release", "w"),
        ("release", "w", "--keys", "k", "--ledger", "l", "--status", "final"),
        ("synth", "out", "--faults", "many"),
        ("synth", "out", "--fiscal-years", "x"),
    ],
)
def test_a_wrong_call_is_64(arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    done = mchdb(*arguments)
    assert (done.returncode, "Traceback" in done.stderr) == (64, False)
    assert done.stderr.strip()


def test_keys_are_made_once_and_one_kind_to_a_folder(tmp_path: Path) -> None:
    assert mchdb("keys", "edge", tmp_path / "edge").returncode == 0
    assert (tmp_path / "edge" / "edge-1.key").stat().st_mode & 0o077 == 0
    assert mchdb("keys", "edge", tmp_path / "edge").returncode == 77
    assert mchdb("keys", "centre", tmp_path / "edge").returncode == 77
    assert mchdb("keys", "other", tmp_path / "x").returncode == 77


def test_the_edge_key_is_handed_on_sealed(tmp_path: Path) -> None:
    edge, ours, other = (tmp_path / name for name in ("edge", "ours", "other"))
    assert mchdb("keys", "edge", edge).returncode == 0
    assert all(mchdb("keys", "receiver", directory).returncode == 0 for directory in (ours, other))
    sealed, own = tmp_path / "edge-1.age", tmp_path / "own"
    done = mchdb("seal-key", edge, "--for", ours / "receiver-1.pub", "--out", sealed)
    assert (done.returncode, len(done.stdout.split()[-1])) == (0, 64)
    wrong = mchdb("unseal-key", sealed, "--keys", other, "--into", own)
    assert (wrong.returncode, wrong.stderr.count("\n"), own.exists()) == (77, 2, False)
    kept = mchdb("unseal-key", sealed, "--keys", ours, "--into", own)
    assert kept.returncode == 0
    [fingerprint] = fingerprints([edge]).values()
    assert fingerprint in done.stdout and fingerprint in kept.stdout, "both ends can compare the key itself"
    assert (own / "edge-1.key").read_text() == (edge / "edge-1.key").read_text()


def test_a_check_without_feeds_says_what_is_required(tmp_path: Path) -> None:
    done = mchdb("edge", "check", tmp_path / "none")
    assert done.returncode in (2, 64)
    assert done.stderr.count("\n") <= 3 and "Traceback" not in done.stderr


def test_a_file_that_is_no_release_is_refused(tmp_path: Path) -> None:
    (tmp_path / "published.duckdb").write_bytes(b"not a database")
    for command in (["audit"], ["export", "--to", str(tmp_path / "t")], ["codebook", "--to", str(tmp_path / "c")]):
        done = mchdb(command[0], tmp_path / "published.duckdb", *command[1:])
        assert done.returncode in (3, 64), command
        assert "Traceback" not in done.stderr and done.stderr.strip()


def test_a_warehouse_begins_with_its_ledger_beside_it(tmp_path: Path) -> None:
    assert mchdb("keys", "warehouse", tmp_path / "keys").returncode == 0
    heading = "submitter,signing_key,municipality,record,from_fy,to_fy,is_authority\n"
    (tmp_path / "registry.csv").write_text(heading + f"313254,{'ab' * 32},313254,birth,2022,2024,1\n")
    begin = ("init", tmp_path / "w", "--keys", tmp_path / "keys", "--registry", tmp_path / "registry.csv")
    done = mchdb(*begin)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "w.ledger.jsonl").is_file()
    before = (tmp_path / "w.ledger.jsonl").read_bytes()
    assert mchdb(*begin).returncode == 0, "another registry for the warehouse that is there"
    assert (tmp_path / "w.ledger.jsonl").read_bytes() == before
