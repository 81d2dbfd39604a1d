"""Promise: twins are never merged, and no order of loading decides a link (privacy, hole 21)."""

from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from tests.warehouse.parcels import ANAMIZU, SUZU, Row, month
from tests.warehouse.shelf import Shelf, birth, of_child, residency, shelf

NOTO, HODATSU = "174637", "173860"
TOWNS = (SUZU, ANAMIZU, NOTO, HODATSU)
SECOND: dict[str, Any] = {"child_order": 2, "plurality_class": 2}

# Twin boys of one birth day in four files: at home, at the hospital's town, and again after they moved.
# They share surname, phone and insured number; their names differ by a sign that a hasty clerk leaves out.
FILES: dict[str, list[Row]] = {
    SUZU: [birth("t1", "m1/1", plurality_class=2, tokens={"name": "yuuto", "given_phone": "yuuto-090"})],
    ANAMIZU: [birth("t2", "m1/1", **SECOND, tokens={"name": "yuuma", "given_phone": "yuuma-090"})],
    NOTO: [
        of_child("child_checkup", "a", "31", "2023-09", tokens={"name": "yuuto", "given_phone": "yuuto-090"}),
        of_child("child_checkup", "b", "31", "2023-09", tokens={"name": "yuuma", "given_phone": "yuuma-090"}),
    ],
    HODATSU: [  # both were sent under the first one's name: unique there, and a veto only against the second
        birth("x1", "m9/1", **SECOND, tokens={"name": "yuuto"}),
        residency("x2", "2024-01", tokens={"given_phone": "yuuma-090"}),
    ],
}


def links(folder: Path, order: tuple[str, ...]) -> tuple[set[frozenset[str]], set[frozenset[str]]]:
    """Who is one person, and who is one resident, by the names the files use."""
    with shelf(folder) as opened:
        opened.register(*((town, town, True) for town in TOWNS))
        for town in order:
            opened.take(town, FILES[town])
        names = _names(opened)
        rows = opened.core("resident", "replace(CAST(resident_key AS VARCHAR), '-', '') AS key, resident_id, person_id")
    return tuple(  # type: ignore[return-value]
        {frozenset(names[r["key"]] for r in rows if r[kind] == one) for one in {r[kind] for r in rows}}
        for kind in ("person_id", "resident_id")
    )


def _names(opened: Shelf) -> dict[str, str]:
    import hashlib
    import hmac

    def second(first: bytes) -> str:
        return hmac.new(b"centre", f"local_person|{first.hex()}".encode(), hashlib.sha256).hexdigest()[:32]

    return {
        second(opened.towns[town].local("local_person", row.feed, row.person)): row.person
        for town, rows in FILES.items() if town in opened.towns for row in rows
    }  # fmt: skip


def test_all_24_orders_give_the_same_links_and_never_merge_the_twins(tmp_path: Path) -> None:
    found = [links(tmp_path / str(i), order) for i, order in enumerate(permutations(TOWNS))]
    assert len(found) == 24
    assert all(one == found[0] for one in found)
    people = found[0][0]
    # `a` would tie child 1 to a row that says child 2: nobody can tell which is wrong, so all three stay alone.
    assert people == {frozenset({"t2", "b", "x2"}), frozenset({"t1"}), frozenset({"a"}), frozenset({"x1"})}
    assert all(not {"t1", "t2"} <= person and not {"a", "b"} <= person for person in people)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_namesake_that_arrives_later_undoes_the_link(tmp_path: Path, order: tuple[int, ...]) -> None:
    """Unique over all current rows of all files, not over those that happened to be there first."""
    files = [
        (SUZU, [residency("c1", "2023-05", tokens={"name": "s"})]),
        (ANAMIZU, [residency("c2", "2023-05", tokens={"name": "s"})]),
        (NOTO, [residency("c3", "2023-05", tokens={"name": "s"}), residency("c4", "2023-05", tokens={"name": "s"})]),
    ]
    with shelf(tmp_path / "w") as opened:
        opened.register(*((town, town, True) for town in TOWNS))
        for i in order:
            opened.take(*files[i])
        rows = opened.core("resident", "municipality_code, person_id")
    assert len({r["person_id"] for r in rows}) == 3
    assert len({r["person_id"] for r in rows if r["municipality_code"] in (SUZU, ANAMIZU)}) == 1


def test_the_other_feed_of_a_town_keeps_twins_apart(tmp_path: Path) -> None:
    """Same surname, birth day and sex; the other feed names one of them only."""
    with shelf(tmp_path / "w") as opened:
        opened.register((SUZU, SUZU, True))
        opened.take(SUZU, [
            birth("t1", "m1/1", tokens={"name": "yuuto"}), birth("t2", "m1/1", **SECOND, tokens={"name": "yuuma"}),
            of_child("child_checkup", "pmh-t1", "31", "2023-09", feed="pmh", tokens={"name": "yuuto"}),
        ])  # fmt: skip
        opened.core("checkup")
        assert len(opened.ask("SELECT DISTINCT resident_id FROM core.resident")) == 2
        assert opened.ask("""SELECT b.child_order FROM core.checkup c JOIN core.birth b USING (resident_id)""") == [
            {"child_order": 1}
        ]


def test_a_correction_of_the_birth_month_undoes_the_link(tmp_path: Path) -> None:
    with shelf(tmp_path / "w") as opened:
        opened.register((SUZU, SUZU, True), (ANAMIZU, ANAMIZU, True))
        opened.take(SUZU, [residency("c1", "2023-05")])
        opened.take(ANAMIZU, [residency("c9", "2023-06", tokens={"name": "c1"})])
        assert len({r["person_id"] for r in opened.core("resident")}) == 1
        opened.take(ANAMIZU, [
            residency("c9", "2023-06", tokens={"name": "c1"}, birth_month=month("2023-02"), revision_no=1)
        ])  # fmt: skip
        assert len({r["person_id"] for r in opened.core("resident")}) == 2


def test_a_veto_leaves_the_other_links_alone(tmp_path: Path) -> None:
    """The second twin was sent under the first one's name: the veto keeps it out, and the first one's own links stay."""
    with shelf(tmp_path / "w") as opened:
        opened.register(*((town, town, True) for town in TOWNS))
        opened.take(SUZU, [birth("t1", "m1/1", tokens={"name": "yuuto", "given_phone": "090"})])
        opened.take(ANAMIZU, [birth("t2", "m9/1", **SECOND, tokens={"name": "yuuto"})])
        opened.take(NOTO, [residency("t1-again", "2024-01", tokens={"given_phone": "090"})])
        rows = opened.core("resident", "municipality_code, person_id")
        first, second, again = (next(r["person_id"] for r in rows if r["municipality_code"] == t) for t in TOWNS[:3])
    assert first == again != second
