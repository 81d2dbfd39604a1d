"""One kind in one directory, private files, nothing overwritten, pins that hold."""

import errno
import json
import os
from pathlib import Path

import pytest

from pipelines.keys import KeyProblem, Recipient, create, find


def test_a_key_is_private_and_never_overwritten(tmp_path: Path) -> None:
    (key,) = create("edge", tmp_path / "edge")
    assert key.stat().st_mode & 0o777 == 0o600
    assert len(bytes.fromhex(key.read_text().strip())) == 32
    before = key.read_text()
    with pytest.raises(KeyProblem) as refused:
        create("edge", tmp_path / "edge")
    assert (key.read_text(), refused.value.exit_code) == (before, 77)
    create("edge", tmp_path / "edge", version=2)
    keys = find(["edge"], [tmp_path / "edge"])
    assert (keys.version("edge"), keys.text("edge", 1)) == (2, before.strip())
    with pytest.raises(KeyProblem):
        keys.text("edge", 3)


@pytest.mark.parametrize("last", ["receiver-1.key", "receiver-1.pub"])
def test_a_full_disk_leaves_no_half_of_a_key(tmp_path: Path, last: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left would be a key without its public half, and stand in the way of another try."""
    place, synced = tmp_path / "receiver", os.fsync

    def full(handle: int) -> None:
        if (place / last).exists():
            raise OSError(errno.ENOSPC, "full")
        synced(handle)

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="full"):
            create("receiver", place)
    assert list(place.iterdir()) == []
    assert len(create("receiver", place)) == 2


def test_a_directory_holds_one_kind(tmp_path: Path) -> None:
    create("linkage", tmp_path / "k")
    with pytest.raises(KeyProblem):
        create("load", tmp_path / "k")
    (tmp_path / "k" / "load-1.key").write_text("x")
    with pytest.raises(KeyProblem):
        find(["linkage"], [tmp_path / "k"])


def test_a_command_takes_only_the_kinds_it_needs(centre: Path) -> None:
    both = [centre / "linkage", centre / "centre"]
    assert find(["linkage", "centre"], both).text("centre")
    for kinds, given in (
        (["linkage"], both),
        (["linkage", "centre", "load"], both),
        (["linkage"], [both[0], both[0]]),
        (["edge"], []),
    ):
        with pytest.raises(KeyProblem):
            find(kinds, given)


def test_a_key_others_can_read_and_an_empty_key_are_refused(centre: Path) -> None:
    key = centre / "edge" / "edge-1.key"
    key.chmod(0o644)
    with pytest.raises(KeyProblem) as refused:
        find(["edge"], [centre / "edge"])
    assert key.read_text().strip() not in str(refused.value)
    key.chmod(0o600)
    key.write_text("\n")
    with pytest.raises(KeyProblem):
        find(["edge"], [centre / "edge"])


def test_a_submitter_pins_both_recipients(tmp_path: Path, centre: Path) -> None:
    pubs = [centre / kind / f"{kind}-1.pub" for kind in ("linkage", "load")]
    home = tmp_path / "s"
    create("submitter", home, recipients=pubs)
    recipients = find(["submitter"], [home]).recipients()
    assert recipients["load"] == Recipient(pubs[1].read_text().strip())
    for wrong in ([], pubs[:1], [pubs[0], pubs[0]], [*pubs, centre / "edge" / "edge-1.key"]):
        with pytest.raises(KeyProblem):
            create("submitter", tmp_path / "t", recipients=wrong)


def test_a_swapped_recipient_is_refused_even_with_its_own_fingerprint(tmp_path: Path, centre: Path) -> None:
    home = tmp_path / "s"
    create("submitter", home, recipients=[centre / kind / f"{kind}-1.pub" for kind in ("linkage", "load")])
    create("load", tmp_path / "thief")
    thief = Recipient((tmp_path / "thief" / "load-1.pub").read_text().strip())
    pins = home / "recipients.json"
    told = json.loads(pins.read_text())
    for changed in (
        {"recipient": thief.text},
        {"fingerprint": thief.fingerprint},
        {"recipient": thief.text, "fingerprint": thief.fingerprint},
    ):
        pins.write_text(json.dumps(told | {"load": told["load"] | changed}))
        with pytest.raises(KeyProblem) as refused:
            find(["submitter"], [home]).recipients()
        assert refused.value.exit_code == 77
    pins.write_text("{")
    with pytest.raises(KeyProblem):
        find(["submitter"], [home]).recipients()


def test_an_unknown_kind_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(KeyProblem, match="one of edge"):
        create("other", tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_keys_do_not_show_themselves(centre: Path) -> None:
    keys = find(["edge"], [centre / "edge"])
    assert keys.text("edge") not in repr(keys)
