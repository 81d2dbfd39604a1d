"""A bundle that nobody of this project wrote: what has a place arrives, the rest is counted, refusals name their rule."""

import gzip
import json
import os
from collections import Counter
from pathlib import Path

import pytest

from tests.edge.made_bundles import read, rows, told

DATA = Path(os.environ.get("MCHDB_TEST_DATA", "")) / "fhir" / "synthea_woman_with_pregnancies.json.gz"
pytestmark = pytest.mark.skipif(not DATA.is_file(), reason="MCHDB_TEST_DATA names no folder with fhir/ in it")


@pytest.fixture(scope="module")
def whole() -> bytes:
    return gzip.decompress(DATA.read_bytes())


def visits_of(whole: bytes, display: str) -> list[str]:
    entries = [entry["resource"] for entry in json.loads(whole)["entry"]]
    found = [e for e in entries if e["resourceType"] == "Encounter" and e["type"][0]["coding"][0]["display"] == display]
    return sorted(e["period"]["start"][:10] for e in found)


def test_every_prenatal_encounter_arrives_numbered_within_its_pregnancy(tmp_path: Path, whole: bytes) -> None:
    arrived = rows(read(tmp_path, whole), "antenatal_visit")
    expected = sorted(visits_of(whole, "Prenatal initial visit") + visits_of(whole, "Prenatal visit"))
    assert sorted(str(r["visit_date"]) for r in arrived) == expected
    by_pregnancy = Counter(r["pregnancy_no"] for r in arrived)
    assert len(by_pregnancy) == len(visits_of(whole, "Prenatal initial visit"))
    for pregnancy, n in by_pregnancy.items():
        own = sorted((r["visit_no"], r["visit_date"]) for r in arrived if r["pregnancy_no"] == pregnancy)
        assert [number for number, _ in own] == list(range(1, n + 1))
        assert [day for _, day in own] == sorted(day for _, day in own)
    assert {r["alphabet_name"] for r in arrived} and {str(r["birth_date"]) for r in arrived} == {"1998-09-07"}


def test_what_is_refused_says_what_is_required(tmp_path: Path, whole: bytes) -> None:
    refused = Counter((record, field, rule) for record, _, field, rule in told(read(tmp_path, whole)))
    assert refused["delivery", "gestation_weeks", "required"] == len(
        visits_of(whole, "Obstetric emergency hospital admission")
    )
    assert refused["postpartum_visit", "visit_kind_code", "required"] == len(visits_of(whole, "Postnatal visit"))
    assert refused["child_checkup", "programme_code", "required"] == len(
        visits_of(whole, "Well child visit (procedure)")
    )


def test_every_resource_is_counted(tmp_path: Path, whole: bytes) -> None:
    folder = read(tmp_path, whole)
    types = Counter(entry["resource"]["resourceType"] for entry in json.loads(whole)["entry"])
    document = next(f.arrived for f in folder.files if f.arrived.record.name == "resource")
    counted: Counter[str] = Counter()
    for (kind, _), n in document.resources.items():  # type: ignore[attr-defined]
        counted[kind] += n
    assert counted == types
    assert any(f"Claim {types['Claim']} 件" in ja for ja, _ in folder.warnings)


def test_nothing_of_the_woman_is_told(tmp_path: Path, whole: bytes) -> None:
    folder = read(tmp_path, whole)
    said = str(folder.refusals.rows()) + str(folder.warnings)
    (woman,) = [e["resource"] for e in json.loads(whole)["entry"] if e["resource"]["resourceType"] == "Patient"]
    words = [woman["id"], woman["birthDate"], *woman["name"][0]["given"], woman["name"][0]["family"]]
    assert not [word for word in words if word in said]
