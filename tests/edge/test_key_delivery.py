"""The edge key reaches a submitter sealed: opened by its receiver alone, kept 0600, never shown, never overwritten."""

from pathlib import Path

import pyrage
import pytest

from pipelines.key_delivery import seal_edge_key, unseal_edge_key
from pipelines.keys import KeyProblem, create


@pytest.fixture
def town(tmp_path: Path) -> Path:
    create("receiver", tmp_path / "town" / "receiver")
    return tmp_path / "town"


def test_the_receiver_keeps_the_very_key_and_version(centre: Path, town: Path, tmp_path: Path) -> None:
    create("edge", centre / "edge", version=2)
    for version, newest in ((1, 1), (None, 2)):
        sealed = seal_edge_key(
            centre / "edge", town / "receiver" / "receiver-1.pub", tmp_path / f"{newest}.age", version
        )
        secret = (centre / "edge" / f"edge-{newest}.key").read_text()
        assert secret.strip().encode() not in sealed.path.read_bytes()
        kept = unseal_edge_key(sealed.path, town / "receiver", town / "edge")
        assert (kept.name, kept.read_text()) == (f"edge-{newest}.key", secret)
        assert (kept.stat().st_mode & 0o777, kept.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_nobody_else_opens_it_and_nothing_is_written(centre: Path, town: Path, tmp_path: Path) -> None:
    create("receiver", tmp_path / "other")
    sealed = seal_edge_key(centre / "edge", town / "receiver" / "receiver-1.pub", tmp_path / "k.age").path
    altered = tmp_path / "altered.age"
    altered.write_bytes(sealed.read_bytes()[:-1] + b"\0")
    cut = tmp_path / "cut.age"
    cut.write_bytes(sealed.read_bytes()[:40])
    for file, receiver in ((sealed, tmp_path / "other"), (altered, town / "receiver"), (cut, town / "receiver")):
        with pytest.raises(KeyProblem, match="does not open") as refused:
            unseal_edge_key(file, receiver, town / "edge")
        assert refused.value.exit_code == 77
    assert not (town / "edge").exists()


def test_a_key_that_is_there_is_not_overwritten(centre: Path, town: Path, tmp_path: Path) -> None:
    sealed = seal_edge_key(centre / "edge", town / "receiver" / "receiver-1.pub", tmp_path / "k.age").path
    create("edge", town / "edge")
    before = (town / "edge" / "edge-1.key").read_text()
    with pytest.raises(KeyProblem, match="never overwritten"):
        unseal_edge_key(sealed, town / "receiver", town / "edge")
    with pytest.raises(KeyProblem, match="never overwritten"):
        seal_edge_key(centre / "edge", town / "receiver" / "receiver-1.pub", sealed)
    assert (town / "edge" / "edge-1.key").read_text() == before


def test_what_is_no_edge_key_and_who_is_no_receiver(centre: Path, town: Path, tmp_path: Path) -> None:
    to = pyrage.x25519.Recipient.from_str((town / "receiver" / "receiver-1.pub").read_text().strip())
    for content in (b"", b"mchdb edge key 1\n" + b"../../x" * 9 + b"\n", b"mchdb edge key 0\n" + b"a" * 64 + b"\n"):
        (tmp_path / "k.age").write_bytes(pyrage.encrypt(content, [to]))
        with pytest.raises(KeyProblem, match="no edge key"):
            unseal_edge_key(tmp_path / "k.age", town / "receiver", town / "edge")
    (tmp_path / "none.pub").write_text("no key")
    with pytest.raises(KeyProblem, match="receiving submitter"):
        seal_edge_key(centre / "edge", tmp_path / "none.pub", tmp_path / "out.age")
    with pytest.raises(KeyProblem, match="version 3"):
        seal_edge_key(centre / "edge", town / "receiver" / "receiver-1.pub", tmp_path / "out.age", 3)
    assert not (tmp_path / "out.age").exists()
