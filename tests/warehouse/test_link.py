"""Links: what shares a token unique on both sides is one person, and nothing else is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.warehouse.parcels import ANAMIZU, SUZU, Row, month
from tests.warehouse.shelf import Shelf, birth, of_child, residency, shelf


@pytest.fixture
def towns(tmp_path: Path) -> Iterator[Shelf]:
    with shelf(tmp_path / "w") as opened:
        opened.register((SUZU, SUZU, True), (ANAMIZU, ANAMIZU, True))
        yield opened


def pmh(child: str, **values: Any) -> Row:
    return of_child("child_checkup", f"pmh-{child}", "31", "2023-09", feed="pmh", **values)


def residents(shelf: Shelf) -> int:
    return len({r["resident_id"] for r in shelf.core("resident", "resident_id")})


def people(shelf: Shelf) -> int:
    return len({r["person_id"] for r in shelf.core("resident", "person_id")})


def test_two_feeds_of_a_town_are_one_resident(towns: Shelf) -> None:
    towns.take(SUZU, [residency("c1", "2023-05"), pmh("c1")])
    assert (residents(towns), people(towns)) == (1, 1)


def test_any_of_several_tokens_links(towns: Shelf) -> None:
    towns.take(SUZU, [
        residency("c1", "2023-05", tokens={"name": "old", "given_phone": "same"}),
        pmh("c1", tokens={"name": "new", "given_phone": "same"}),
    ])  # fmt: skip
    assert residents(towns) == 1


def test_a_token_of_two_people_of_one_side_links_nobody(towns: Shelf) -> None:
    towns.take(SUZU, [residency("c1", "2023-05", tokens={"name": "s"}), residency("c2", "2023-05", tokens={"name": "s"}),
                      pmh("c1", tokens={"name": "s"})])  # fmt: skip
    assert residents(towns) == 3


@pytest.mark.parametrize("differs", [{"sex_code": "2"}, {"birth_month": None, "sex_code": "2"}])
def test_another_sex_is_a_veto(towns: Shelf, differs: dict[str, Any]) -> None:
    towns.take(SUZU, [residency("c1", "2023-05"), pmh("c1", **differs)])
    assert residents(towns) == 2


def test_another_birth_month_is_a_veto(towns: Shelf) -> None:
    towns.take(SUZU, [residency("c1", "2023-05"), pmh("c1", birth_month=month("2023-06"))])
    assert residents(towns) == 2


def test_another_child_order_is_a_veto(towns: Shelf) -> None:
    towns.take(SUZU, [birth("c1", "m1/1", child_order=1, tokens={"name": "twin"})])
    towns.take(ANAMIZU, [birth("c2", "m1/1", child_order=2, tokens={"name": "twin"})])
    assert people(towns) == 2


def test_a_chain_that_joins_two_of_one_side_falls_apart(towns: Shelf) -> None:
    towns.take(SUZU, [
        residency("c1", "2023-05", tokens={"name": "a"}), residency("c2", "2023-05", tokens={"given_phone": "b"}),
        pmh("x", tokens={"name": "a", "given_phone": "b"}),
    ])  # fmt: skip
    assert residents(towns) == 3


def test_a_chain_over_an_unknown_does_not_join_what_differs(tmp_path: Path) -> None:
    """Child 1 and child 2 share no token; a row that knows no order shares one with each."""
    with shelf(tmp_path / "w") as opened:
        opened.register(*((code, code, True) for code in (SUZU, ANAMIZU, "174637")))
        opened.take(SUZU, [birth("c1", "m1/1", child_order=1, tokens={"name": "a"})])
        opened.take(ANAMIZU, [birth("c2", "m1/1", child_order=2, tokens={"given_phone": "b"})])
        opened.take("174637", [residency("x", "2023-06", tokens={"name": "a", "given_phone": "b"})])
        assert people(opened) == 3


def test_an_id_is_the_least_pseudonym_and_comes_back_after_a_reload(towns: Shelf) -> None:
    towns.take(SUZU, [residency("c1", "2023-05"), pmh("c1")])
    rows = towns.core("resident", "resident_key, resident_id")
    assert {r["resident_id"] for r in rows} == {min(r["resident_key"] for r in rows)}


def test_who_has_no_current_row_links_nobody(towns: Shelf) -> None:
    """The cancelled child's tokens are gone with it: its twin namesake is unique again."""
    towns.take(SUZU, [residency("c1", "2023-05", tokens={"name": "s"}), residency("c2", "2023-05", tokens={"name": "s"}),
                      pmh("c1", tokens={"name": "s"})])  # fmt: skip
    assert residents(towns) == 3
    towns.take(SUZU, [residency("c2", "2023-05", is_cancelled=True, tokens={})])
    assert residents(towns) == 1
    assert towns.ask("SELECT count(DISTINCT resident_key) AS n FROM landing.token") == [{"n": 2}]
