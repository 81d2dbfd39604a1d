"""Versions of a row: the higher revision wins, then the later parcel; a cancelled row is gone for good."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.warehouse.parcels import SUZU, Row
from tests.warehouse.shelf import Shelf, birth, delivery, shelf


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Shelf]:
    with shelf(tmp_path / "w") as opened:
        opened.register((SUZU, SUZU, True))
        yield opened


def weights(shelf: Shelf) -> list[int]:
    return [b["birth_weight_g_class"] for b in shelf.core("birth", "birth_weight_g_class")]


def child(weight: int, revision: int | None = 0, **values: Any) -> Row:
    return birth("c1", "m1/1", birth_weight_g_class=weight, revision_no=revision, **values)


@pytest.mark.parametrize(
    ("parcels", "winner"),
    [
        ([[(2000, 0)], [(2100, 1)]], 2100),
        ([[(2100, 1)], [(2000, 0)]], 2100),
        ([[(2000, 0)], [(2100, 0)]], 2100),
        ([[(2000, 0), (2100, 2), (2200, 1)]], 2100),
        ([[(2000, 0)], [(2200, 1), (2100, 2)]], 2100),
        ([[(2000, None)], [(2100, 1)]], 2100),
    ],
)
def test_the_highest_revision_then_the_latest_parcel_wins(
    town: Shelf, parcels: list[list[tuple[int, int | None]]], winner: int
) -> None:
    for parcel in parcels:
        town.take(SUZU, [child(weight, revision) for weight, revision in parcel])
    assert weights(town) == [winner]
    assert town.ask("SELECT count(*) AS n FROM landing.birth") == [{"n": 1}]


def test_the_same_rows_again_change_nothing(town: Shelf) -> None:
    rows = [child(2000), delivery("m1/1")]
    town.take(SUZU, rows)
    town.take(SUZU, rows)
    assert weights(town) == [2000]
    assert town.ask("SELECT (SELECT count(*) FROM landing.birth) + (SELECT count(*) FROM landing.delivery) AS n") == [
        {"n": 2}
    ]
    assert town.ask("SELECT sequence FROM landing.birth") == [{"sequence": 1}]


@pytest.mark.parametrize("at_once", [True, False])
def test_a_cancellation_takes_every_version_and_leaves_a_pseudonym(town: Shelf, at_once: bool) -> None:
    gone = birth("c1", "m1/1", is_cancelled=True, sex_code=None, birth_month=None, child_order=None, tokens={})
    parcels = [[child(2000), child(2100, 3), gone]] if at_once else [[child(2000)], [gone]]
    for parcel in parcels:
        town.take(SUZU, parcel)
    assert weights(town) == []
    assert town.ask("SELECT count(*) AS n FROM landing.birth") == [{"n": 0}]
    assert town.ask("SELECT sequence FROM state.tombstone") == [{"sequence": len(parcels)}]


def test_no_older_parcel_revives_a_cancelled_row(town: Shelf) -> None:
    """Sequence numbers already forbid it; the tombstone holds where they would not."""
    town.take(SUZU, [delivery("m1/1")])
    town.towns[SUZU].sequence = 8
    town.take(SUZU, [birth("c1", "m1/1", is_cancelled=True, tokens={})])
    town.towns[SUZU].sequence = 4
    town.take(SUZU, [child(2000, 99)])
    assert weights(town) == []


def test_late_and_corrected_rows_of_a_closed_year_are_held(town: Shelf) -> None:
    town.take(SUZU, [child(2000)])
    town.close_years(2023)
    town.take(SUZU, [child(2100, 1), birth("late", "m2/1"), birth("next", "m3/1", "2024-05")])
    assert weights(town) == [2000, 2900]
    assert town.ask("SELECT count(*) AS n FROM landing.birth WHERE is_held") == [{"n": 2}]


def test_a_correction_that_leaves_a_closed_year_is_held_too(town: Shelf) -> None:
    town.take(SUZU, [child(2000)])
    town.close_years(2023)
    town.take(SUZU, [birth("c1", "m1/1", "2024-04", revision_no=1)])
    assert [b["fiscal_year"] for b in town.core("birth", "fiscal_year")] == [2023]


def test_cancellations_are_taken_in_a_closed_year(town: Shelf) -> None:
    town.take(SUZU, [child(2000)])
    town.close_years(2023)
    town.take(SUZU, [child(2100, 1)])
    town.take(SUZU, [birth("c1", "m1/1", is_cancelled=True, tokens={})])
    assert weights(town) == []
    assert town.ask("SELECT count(*) AS n FROM landing.birth") == [{"n": 0}]


def test_sending_a_closed_year_again_holds_nothing(town: Shelf) -> None:
    town.take(SUZU, [child(2000)])
    town.close_years(2023)
    town.take(SUZU, [child(2000)])
    assert town.ask("SELECT is_held FROM landing.birth") == [{"is_held": False}]
