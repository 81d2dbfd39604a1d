"""Sending: every row accounted for, the state survives a death at any step, one writer, keys that fit."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.edge import state as state_module
from pipelines.edge.problem import EdgeProblem
from pipelines.edge.send import Counted, Delivery, SendResult, send, send_many
from pipelines.edge.state import held
from pipelines.keys import KeyProblem
from tests.edge.made_feeds import OTHER_TOWN, STRANGER, Town, row
from tests.edge.opened_parcel import opened


def test_read_is_accepted_refused_and_excluded(town: Town) -> None:
    town.feeds.put(
        "birth", row("birth", is_not_disclosed="1"), row("birth", **STRANGER), row("birth", person_local="5", sex_code="9"),
        row("birth", person_local="6", special_finding_code="3", kana_given_name="ナシ", mother_local=None),
    )  # fmt: skip
    sent = town.send()
    assert sent.counts["birth"] == Counted(read=4, accepted=1, refused=1, excluded=2)
    assert sent.refused == 1
    with pytest.raises(RuntimeError):
        Counted(read=4, accepted=1, refused=1, excluded=1)


def test_twice_the_same_feeds_are_twice_the_same_rows(town: Town, centre: Path) -> None:
    town.whole_family()
    first, second = opened(town.send().parcel, centre), opened(town.send().parcel, centre)
    for name, table in first.tables.items():
        again = second.tables[name].drop("record_key", strict=False)
        assert table.drop("record_key", strict=False).sort(pl.all()).equals(again.sort(pl.all()))
    keys = first.tables["birth"]["record_key"], second.tables["birth"]["record_key"]
    assert keys[0].to_list() != keys[1].to_list(), "a row key joins no two parcels"


class Died(BaseException):
    """The process is gone: nothing below may clean up."""


def dying_at(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dies just before the `step`-th thing that reaches the disk."""
    left = [step]

    def dying(real: Any) -> Any:
        def call(*args: Any, **named: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                raise Died
            return real(*args, **named)

        return call

    for name in ("_write_synced", "_write_parquet", "_sync_directory"):
        monkeypatch.setattr(state_module, name, dying(getattr(state_module, name)))
    monkeypatch.setattr(Path, "replace", dying(Path.replace))


def test_a_death_at_any_step_loses_nothing_and_doubles_nothing(tmp_path: Path, centre: Path) -> None:
    deaths = 0
    for step in range(1, 40):
        town = Town(tmp_path / str(step), centre)
        town.feeds.put("birth", row("birth"))
        town.send()
        town.feeds.put("birth", row("birth"), row("birth", **STRANGER))
        with pytest.MonkeyPatch.context() as patch:
            dying_at(step, patch)
            try:
                town.send()
            except Died:
                deaths += 1
        town.send()
        assert_whole(town, centre)
    assert 10 < deaths < 39, "the loop must reach every step, and the end"


def assert_whole(town: Town, centre: Path) -> None:
    """Every parcel is readable, numbers are without gap or double, the chain holds, the state knows the last one."""
    assert not [p for p in town.out.iterdir() if p.suffix != ".parcel"]
    manifests = sorted((opened(p, centre).manifest for p in town.out.iterdir()), key=lambda m: int(m["sequence"]))
    assert [m["sequence"] for m in manifests] == list(range(1, len(manifests) + 1))
    assert [m["previous"] == "" for m in manifests] == [True] + [False] * (len(manifests) - 1)
    assert manifests[-1]["tables"]["birth"]["rows"] == 2
    told = json.loads((town.state / "state.json").read_text())
    assert (told["sequence"], told["pending"]) == (len(manifests), None)
    assert len(pl.read_parquet(town.state / "sent.parquet")) == 2


def test_a_parcel_that_was_taken_away_counts_as_sent(tmp_path: Path, centre: Path) -> None:
    """Dead between the rename and the last entry, and the courier was faster than the next start."""
    town = Town(tmp_path / "t", centre)
    town.feeds.put("birth", row("birth"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(state_module, "_committed", lambda *_: (_ for _ in ()).throw(Died()))
        with pytest.raises(Died):
            town.send()
    (gone,) = town.out.iterdir()
    taken = opened(gone, centre).manifest
    gone.unlink()
    assert (taken["sequence"], town.send().sequence) == (1, 2)


def test_a_full_disk_changes_nothing(town: Town) -> None:
    town.feeds.put("birth", row("birth"))
    town.send()
    before = {p: p.read_bytes() for p in [*town.out.iterdir(), town.state / "sent.parquet"]}
    with pytest.MonkeyPatch.context() as patch:
        real = state_module._write_synced
        patch.setattr(state_module, "_write_synced", lambda p, c: real(p, c) if p.suffix == ".next" else _no_space())
        with pytest.raises(OSError, match="No space"):
            town.send()
    assert all(path.read_bytes() == content for path, content in before.items())
    assert town.send().sequence == 2


def _no_space() -> None:
    raise OSError(28, "No space left on device")


def test_a_second_process_for_the_same_submitter_is_busy(town: Town) -> None:
    town.feeds.put("birth", row("birth"))
    with held(town.state), pytest.raises(EdgeProblem) as busy:
        town.send()
    assert busy.value.exit_code == 75
    assert town.send().sequence == 1


def test_a_damaged_state_stops_the_sending(town: Town) -> None:
    town.feeds.put("birth", row("birth"))
    town.send()
    (town.state / "state.json").write_text("{")
    with pytest.raises(EdgeProblem):
        town.send()


def test_keys_too_few_too_many_or_swapped_send_nothing(town: Town, centre: Path) -> None:
    town.feeds.put("birth", row("birth"))
    for keys in (town.keys[:2], [*town.keys, centre / "load"]):
        with pytest.raises(KeyProblem):
            send(town.feeds.path, keys, town.protected, town.state, town.out)
    assert not town.out.exists()


def test_many_submitters_and_one_that_fails(tmp_path: Path, centre: Path) -> None:
    good, bad = Town(tmp_path / "a", centre), Town(tmp_path / "b", centre, OTHER_TOWN)
    for town in (good, bad):
        town.feeds.put("birth", row("birth", town.code))
    bad.protected.unlink()
    told: list[SendResult] = []
    deliveries = [Delivery(t.feeds.path, tuple(t.keys), t.protected, t.state) for t in (bad, good)]
    failed, sent = send_many(deliveries, tmp_path / "out", jobs=2, progress=told.append)
    assert isinstance(failed, EdgeProblem)
    assert failed.exit_code == 2
    assert isinstance(sent, SendResult)
    assert [r.submitter for r in told] == [good.code]
    assert [p.name for p in (tmp_path / "out").iterdir()] == [sent.parcel.name]


@pytest.mark.parametrize(
    ("record", "field"), [("residency_spell", "resident_from_date"), ("infection", "infected_date")]
)
def test_what_reaches_back_does_not_set_the_years_of_a_parcel(
    town: Town, centre: Path, record: str, field: str
) -> None:
    """The registry would refuse the whole parcel for a childhood illness of years that nobody sends."""
    town.feeds.put("birth", row("birth"))
    town.feeds.put(record, row(record, birth_date="1992-07-17", **{field: "1998-05-01"}))
    assert opened(town.send().parcel, centre).manifest["span"] == [2022, 2022]
