"""One woman under two numbers of a hospital: where the bundle says so, she is one person, and is protected as one."""

from pathlib import Path
from typing import Any

import pytest

from pipelines.edge.folder import Folder
from pipelines.edge.protect import protected_people
from tests.edge.made_bundles import bundle, patient, read, rows, visit
from tests.edge.made_feeds import MOTHER

OLD: dict[str, Any] = {"identity": "old", "number": "H-0"}
LABEL: dict[str, Any] = {
    "meta": {"security": [{"code": "R", "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"}]}
}
RENAMED = MOTHER | {"name": "別姓花子", "kana_surname": "ベツセイ", "kana_given_name": "ハル"}


def link(kind: str = "seealso", to: str = "Patient/old") -> dict[str, Any]:
    return {"link": [{"other": {"reference": to}, "type": kind}]}


def two_visits(*people: dict[str, Any]) -> str:
    first = visit(day="2022-04-20", identity="v0", number=1, subject={"reference": "Patient/old"})
    return bundle(*people, first, visit(number=2))


def numbers(folder: Folder) -> list[str]:
    return [row["person_local"].split("-", 1)[1] for row in rows(folder, "antenatal_visit")]


def protected(folder: Folder, *listed: str) -> set[str]:
    inside = protected_people([f.arrived for f in folder.files], list(listed))
    return {number.split("-", 1)[-1] for number in inside.filter(namespace="ehr")["person_local"]}


@pytest.mark.parametrize("kind", ["replaced-by", "replaces", "refer", "seealso"])
def test_a_link_makes_two_numbers_one_person(tmp_path: Path, kind: str) -> None:
    folder = read(tmp_path, two_visits(patient(**OLD), patient(**link(kind))))
    assert numbers(folder) == ["H-0", "H-0"]


def test_without_a_link_they_are_two(tmp_path: Path) -> None:
    assert numbers(read(tmp_path, two_visits(patient(**OLD), patient()))) == ["H-0", "H-1"]


def test_one_number_in_two_resources_is_one_person_without_a_word(tmp_path: Path) -> None:
    folder = read(tmp_path, two_visits(patient(identity="old", number="H-1"), patient()))
    assert numbers(folder) == ["H-1", "H-1"]


@pytest.mark.parametrize("other", [{"birth_date": "1990-01-01"}, {"sex_code": "1"}])
def test_a_link_of_two_who_cannot_be_one_joins_nothing(tmp_path: Path, other: dict[str, str]) -> None:
    folder = read(tmp_path, two_visits(patient(MOTHER | other, **OLD), patient(**link())))
    assert numbers(folder) == ["H-0", "H-1"]


def test_a_link_to_nobody_here_changes_nothing(tmp_path: Path) -> None:
    folder = read(tmp_path, two_visits(patient(**OLD), patient(**link(to="Patient/elsewhere"))))
    assert numbers(folder) == ["H-0", "H-1"]


def test_links_go_on_over_a_third(tmp_path: Path) -> None:
    third = patient(number="H-2", identity="third", **link(to="Patient/m"))
    folder = read(tmp_path, two_visits(patient(**OLD), patient(**link()), third))
    assert numbers(folder) == ["H-0", "H-0"]


@pytest.mark.parametrize("which", [0, 1])
def test_a_flag_of_either_protects_both(tmp_path: Path, which: int) -> None:
    """Under two names, so that nothing else could tell."""
    flags: list[dict[str, Any]] = [{}, {}]
    flags[which] = LABEL
    folder = read(tmp_path, two_visits(patient(RENAMED, **OLD, **flags[0]), patient(**link(), **flags[1])))
    assert protected(folder) >= {"H-0", "H-1"}
    assert all(row["is_not_disclosed"] for row in rows(folder, "antenatal_visit"))


@pytest.mark.parametrize("listed", ["H-0", "H-1"])
def test_either_number_on_the_list_protects_both(tmp_path: Path, listed: str) -> None:
    folder = read(tmp_path, two_visits(patient(RENAMED, **OLD), patient(**link())))
    assert protected(folder, listed) >= {"H-0", "H-1"}
