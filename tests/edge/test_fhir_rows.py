"""Resources become rows: what has a place arrives, what has none is counted, what is wrong is refused by name."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.edge.folder import read_folder
from tests.edge.made_bundles import (
    LOINC,
    SNOMED,
    bundle,
    child,
    concept,
    lines,
    observation,
    patient,
    read,
    rows,
    told,
    visit,
    weight,
)
from tests.edge.made_feeds import TOWN


def pressure(systolic: object, diastolic: object) -> dict[str, Any]:
    parts = [
        {"code": concept(LOINC, code), "valueQuantity": {"value": value, "code": "mm[Hg]", "system": "http://unitsofmeasure.org"}}
        for code, value in (("8480-6", systolic), ("8462-4", diastolic))
    ]  # fmt: skip
    return observation(concept(LOINC, "85354-9"), component=parts)


@pytest.mark.parametrize(("form", "name"), [(bundle, "bundle.json"), (lines, "export.ndjson")])
def test_a_visit_with_its_values_is_one_row(tmp_path: Path, form, name: str) -> None:  # type: ignore[no-untyped-def]
    protein = observation(concept("urn:oid:1.2.392.200119.4.504", "1A010000000191111"), valueString="(±)")
    folder = read(tmp_path, form(weight(), pressure(118.4, 72), patient(), visit(), protein), name)
    (row,) = rows(folder, "antenatal_visit")
    assert (row["visit_no"], row["visit_date"], row["weight_kg"]) == (1, date(2022, 5, 20), 58.5)
    assert (row["blood_pressure_systolic_mmhg"], row["blood_pressure_diastolic_mmhg"]) == (118, 72)
    assert (row["urine_protein_code"], row["evidence_code"], row["residence_municipality_code"]) == ("2", "1", TOWN)
    assert row["person_local"].endswith("-H-1") and row["kana_given_name"] == "ハナコ"
    assert (row["insurer_number"], row["insured_number"]) == ("313254", "7654321")
    (visits,) = (
        f
        for f in read_folder(tmp_path / "feeds" / TOWN, keeps_text=True).records
        if f.arrived.record.name == "antenatal_visit"
    )
    assert visits.arrived.rows["branch_number"].to_list() == ["02"]
    assert told(folder) == []


@pytest.mark.parametrize(("value", "unit", "expected"), [(58500, "g", 58.5), (58.5, "kg", 58.5)])
def test_a_declared_unit_is_converted(tmp_path: Path, value: float, unit: str, expected: float) -> None:
    folder = read(tmp_path, bundle(patient(), visit(), weight(value, unit)))
    assert rows(folder, "antenatal_visit")[0]["weight_kg"] == expected


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        (weight(129.0, "[lb_av]"), ("resource", 3, "Observation.valueQuantity", "unit")),
        (weight("58.5"), ("resource", 3, "Observation.valueQuantity", "form_number")),
        (weight(1e300), ("resource", 3, "Observation.valueQuantity", "form_number")),
        (observation(concept(LOINC, "20454-5"), valueString="きれい"), ("resource", 3, "Observation.valueString", "answer")),
        (observation({"coding": 3}), None),
        (weight() | {"subject": "Patient/m"}, ("resource", 3, "Observation.subject", "shape")),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_taken_is_refused_alone(tmp_path: Path, wrong, rule) -> None:  # type: ignore[no-untyped-def]
    folder = read(tmp_path, bundle(patient(), visit(), wrong))
    assert told(folder) == ([rule] if rule else [])
    assert rows(folder, "antenatal_visit")[0]["weight_kg"] is None


def test_a_row_that_breaks_a_rule_names_the_entry_of_its_visit(tmp_path: Path) -> None:
    folder = read(tmp_path, bundle(patient(), visit(identity="v0", day="2022-04-01", number=2), visit(), weight(900)))
    assert told(folder) == [("antenatal_visit", 3, "weight_kg", "range")]
    assert [row["visit_no"] for row in rows(folder, "antenatal_visit")] == [2]


def test_states_of_a_missing_value_are_told_apart(tmp_path: Path) -> None:
    reasons = ("unknown", "asked-declined", "not-asked", "error", "unknown")
    code = concept(LOINC, "20454-5")
    absent: list[Any] = [observation(code, dataAbsentReason={"coding": [{"code": r}]}) for r in reasons]
    visits = [visit(f"2022-0{i}-01", i, f"v{i}") for i in range(1, 6)]
    for i, one in enumerate(absent, start=1):
        one["encounter"] = {"reference": f"Encounter/v{i}"}
    folder = read(tmp_path, bundle(patient(), *visits, *absent))
    assert any("不詳 2, 無回答 1, 未聴取 1, 欠測 1" in ja for ja, _ in folder.warnings)
    assert [row["urine_protein_code"] for row in rows(folder, "antenatal_visit")] == [None] * 5


def test_a_pregnancy_that_shows_its_first_visit_numbers_the_others(tmp_path: Path) -> None:
    pregnancy = {"resourceType": "Condition", "id": "p9", "code": concept(SNOMED, "72892002"),
                 "subject": {"reference": "Patient/m"}, "onsetDateTime": "2022-03-01", "abatementDateTime": "2022-11-20"}  # fmt: skip
    first = visit("2022-04-01", None, "a", extension=[], type=[concept(SNOMED, "424441002")])
    later = [visit(day, None, day, extension=[]) for day in ("2022-06-01", "2022-05-01")]
    folder = read(tmp_path, bundle(patient(), *later, first, pregnancy))
    assert sorted((str(r["visit_date"]), r["visit_no"], r["pregnancy_no"]) for r in rows(folder, "antenatal_visit")) == [
        ("2022-04-01", 1, "p9"), ("2022-05-01", 2, "p9"), ("2022-06-01", 3, "p9")
    ]  # fmt: skip
    without = read(tmp_path, bundle(patient(), *later, pregnancy))
    assert {field for _, _, field, _ in told(without)} == {"visit_no"}, "a series without its beginning is not numbered"


def test_the_phr_document_types_are_a_visit_and_a_checkup(tmp_path: Path) -> None:
    kind = "urn:oid:1.2.392.200119.6.1001"
    programme = {"url": "urn:mchdb:extension:x", "valueString": "y"}
    for_child = {"resourceType": "Encounter", "id": "k", "type": [concept("urn:mchdb:code-list:mchdb-L22", "30")],
                 "subject": {"reference": "Patient/c"}, "period": {"start": "2022-12-20"}, "extension": [programme]}  # fmt: skip
    documents: list[Any] = [
        {"resourceType": "Composition", "type": concept(kind, "44"), "subject": {"reference": "Patient/m"},
         "encounter": {"reference": "Encounter/v1"}, "date": "2022-05-22T09:00:00+09:00"},
        {"resourceType": "Composition", "category": [concept(kind, "43")], "subject": {"reference": "Patient/c"},
         "encounter": {"reference": "Encounter/k"}, "date": "2022-12-21", "section": [{"entry": [{"reference": "Observation/w"}]}]},
    ]  # fmt: skip
    heavy = weight(4.1, of="", about="Patient/c") | {"id": "w"}
    folder = read(tmp_path, bundle(*documents, patient(), child(), visit(), for_child, heavy))
    (antenatal,), (checkup,) = rows(folder, "antenatal_visit"), rows(folder, "child_checkup")
    assert antenatal["recorded_date"] == date(2022, 5, 22)
    assert (checkup["programme_code"], checkup["weight_kg"], checkup["visit_date"]) == ("30", 4.1, date(2022, 12, 20))
    assert told(folder) == []


def test_a_document_without_an_encounter_is_of_the_day_of_what_it_lists(tmp_path: Path) -> None:
    own = [{"url": "urn:mchdb:extension:pregnancy-number", "valueString": "P-1"},
           {"url": "urn:mchdb:extension:visit-number", "valueInteger": 3}]  # fmt: skip
    document: dict[str, Any] = {
        "resourceType": "Composition", "type": concept("urn:oid:1.2.392.200119.6.1001", "44"), "date": "2022-06-01",
        "subject": {"reference": "Patient/m"}, "section": [{"entry": [{"reference": "Observation/w"}]}], "extension": own,
    }  # fmt: skip
    listed = weight(of="") | {"id": "w", "effectiveDateTime": "2022-05-30T09:00:00+09:00"}
    (row,) = rows(read(tmp_path, bundle(document, patient(), listed)), "antenatal_visit")
    assert (row["visit_date"], row["recorded_date"], row["weight_kg"]) == (date(2022, 5, 30), date(2022, 6, 1), 58.5)


def test_a_birth_is_told_by_its_weight_and_knows_its_mother(tmp_path: Path) -> None:
    born = weight(2987, "g", of="Encounter/b", about="Patient/c") | {"code": concept(LOINC, "8339-4")}
    weeks = weight(275, "d", of="", about="Patient/c") | {"code": concept(LOINC, "76516-4")}
    delivery = {"resourceType": "Encounter", "id": "d", "subject": {"reference": "Patient/m"}, "period": {"start": "2022-11-19"},
                "type": [concept("urn:mchdb:record", "delivery")], "episodeOfCare": [{"reference": "EpisodeOfCare/e7"}]}  # fmt: skip
    stay = {
        "resourceType": "Encounter",
        "id": "b",
        "subject": {"reference": "Patient/c"},
        "partOf": {"reference": "Encounter/d"},
    }
    folder = read(tmp_path, bundle(patient(), child(), born, weeks, delivery, stay))
    (row,) = rows(folder, "birth")
    assert (row["birth_weight_g"], row["gestation_weeks"], row["plurality"], row["child_order"]) == (2987, 39, 1, 1)
    assert row["mother_local"].endswith("-H-1") and row["pregnancy_no"] == "e7"


def test_what_has_no_place_is_counted_by_type(tmp_path: Path) -> None:
    staff: list[Any] = [{"resourceType": "Practitioner", "id": str(i)} for i in range(3)]
    folder = read(tmp_path, bundle(patient(), visit(), *staff))
    assert any("Practitioner 3 件" in ja and "Practitioner 3" in en for ja, en in folder.warnings)
    assert told(folder) == []


def test_a_finding_of_the_pregnancy_holds_from_its_day(tmp_path: Path) -> None:
    def condition(code: str, first: str, **more: Any) -> dict[str, Any]:
        return {"resourceType": "Condition", "code": concept(SNOMED, code), "subject": {"reference": "Patient/m"},
                "onsetDateTime": first} | more  # fmt: skip

    visits = [visit("2022-05-01", 1, "v1"), visit("2022-07-01", 2, "v2")]
    folder = read(
        tmp_path,
        bundle(patient(), *visits, condition("72892002", "2022-03-01", id="p"), condition("11687002", "2022-06-15")),
    )
    assert [r["gestational_diabetes_code"] for r in rows(folder, "antenatal_visit")] == [None, "2"]


def test_a_called_off_visit_is_a_cancellation_and_a_planned_one_is_none(tmp_path: Path) -> None:
    folder = read(
        tmp_path, bundle(patient(), visit(status="entered-in-error"), visit(identity="v2", number=2, status="planned"))
    )
    assert [r["is_cancelled"] for r in rows(folder, "antenatal_visit")] == [True]


def test_a_called_off_visit_stays_so_when_its_document_comes_first(tmp_path: Path) -> None:
    document = {"resourceType": "Composition", "status": "final", "type": concept("urn:mchdb:record", "antenatal_visit"),
                "subject": {"reference": "Patient/m"}, "encounter": {"reference": "Encounter/v1"}}  # fmt: skip
    folder = read(tmp_path, bundle(document, patient(), visit(status="entered-in-error")))
    assert [r["is_cancelled"] for r in rows(folder, "antenatal_visit")] == [True]


def test_files_of_an_export_may_refer_to_each_other(tmp_path: Path) -> None:
    read(tmp_path, lines(weight()), "Observation.ndjson")
    read(tmp_path, lines(visit()), "Encounter.ndjson")
    folder = read(tmp_path, lines(patient()), "Patient.ndjson")
    (row,) = rows(folder, "antenatal_visit")
    assert row["weight_kg"] == 58.5


def test_two_bundles_with_the_same_ids_are_two_people(tmp_path: Path) -> None:
    read(tmp_path, bundle(patient(), visit()), "bundle-1.json")
    folder = read(tmp_path, bundle(patient(number="H-9"), visit()), "bundle-2.json")
    assert {r["person_local"][-3:] for r in rows(folder, "antenatal_visit")} == {"H-1", "H-9"}


def test_an_id_that_two_patients_bear_is_nobody(tmp_path: Path) -> None:
    folder = read(tmp_path, lines(patient(), patient(number="H-9"), visit()), "export.ndjson")
    assert rows(folder, "antenatal_visit") == []
    assert ("antenatal_visit", 3, "person_local", "required") in told(folder)


def test_one_number_at_two_facilities_is_two_people(tmp_path: Path) -> None:
    oid = "urn:oid:1.2.392.100495.20.3.51.1"
    people = [patient(identity=f"m{n}", identifier=[{"system": f"{oid}131000000{n}", "value": "42"}]) for n in (1, 2)]
    visits = [visit(identity=f"v{n}", subject={"reference": f"Patient/m{n}"}) for n in (1, 2)]
    folder = read(tmp_path, bundle(*people, *visits))
    assert {r["person_local"] for r in rows(folder, "antenatal_visit")} == {"1310000001-42", "1310000002-42"}


def test_the_residence_is_read_where_it_is_told(tmp_path: Path) -> None:
    home = [{"state": "鳥取県", "city": "八頭郡若桜町", "country": "JP"}]
    away = [{"state": "東京都", "city": "新宿区", "country": "JP"}]
    assert told(read(tmp_path, bundle(patient(address=home), visit()))) == []
    assert told(read(tmp_path, bundle(patient(address=away), visit()))) == [
        ("antenatal_visit", 2, "residence_municipality_code", "other_municipality")
    ]


def test_universal_time_is_told_by_the_day_in_japan(tmp_path: Path) -> None:
    folder = read(tmp_path, bundle(patient(), visit(period={"start": "2022-05-20T20:00:00Z"})))
    assert rows(folder, "antenatal_visit")[0]["visit_date"] == date(2022, 5, 21)
