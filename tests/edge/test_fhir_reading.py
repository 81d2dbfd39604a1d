"""Broken files of FHIR: what cannot be read is refused alone, and who is protected is seen all the same."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.edge.fhir.reading import Reading
from pipelines.edge.folder import Folder, read_folder
from pipelines.edge.protect import protected_people
from tests.edge.made_bundles import REGION, bundle, child, lines, patient, read, rows, told, visit, weight
from tests.edge.made_feeds import CHILD, TOWN, row
from tests.edge.made_feeds import Folder as Feeds

RESTRICTED: dict[str, Any] = {
    "meta": {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}]}
}
HARMLESS: dict[str, Any] = {
    "meta": {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "N"}]}
}
TWO = [visit(), visit("2022-06-20", 2, "v2")]


def protected(folder: Folder) -> set[str]:
    found = protected_people([f.arrived for f in folder.files], [])
    return {number[-3:] for number in found["person_local"]}


def document(folder: Folder):  # type: ignore[no-untyped-def]
    return next(f.arrived for f in folder.files if f.arrived.record.name == "resource")


BREAKS = {
    "a comma too many": (lambda line: line.replace('"status": "finished",', '"status": "finished",,', 1), "json"),
    "a name twice": (lambda line: line.replace('"status":', '"status": "planned", "status":', 1), "json"),
    "no number": (lambda line: line.replace('"finished"', "NaN", 1), "json"),
    "a number without end": (lambda line: line.replace('"finished"', "9" * 5000, 1), "json"),
    "deeper than can be read": (lambda line: line.replace('"finished"', "[" * 100_000 + "]" * 100_000, 1), "json"),
    "a byte that is no text": (lambda line: line.replace("finished", "finis\udcffhed", 1), "encoding"),
    "half a letter": (lambda line: line.replace("finished", "\\ud800", 1), "encoding"),
    "another shape": (lambda line: line.replace('"finished"', "{}", 1), "shape"),
    "no type": (lambda line: line.replace('"Encounter"', "3", 1), "resource"),
    "an unknown type": (lambda line: line.replace('"Encounter"', '"Hanako"', 1), "resource"),
}  # fmt: skip


@pytest.mark.parametrize(("form", "name"), [(bundle, "bundle.json"), (lines, "export.ndjson")])
@pytest.mark.parametrize(("broken", "rule"), BREAKS.values(), ids=BREAKS)
def test_what_cannot_be_read_is_refused_alone(tmp_path: Path, broken, rule: str, form, name: str) -> None:  # type: ignore[no-untyped-def]
    text = form(visit(), patient(), TWO[1], weight(of="Encounter/v2"))
    folder = read(tmp_path, broken(text).encode("utf-8", "surrogateescape"), name)
    assert [(record, line, r) for record, line, _, r in told(folder)] == [("resource", 1, rule)]
    assert [(r["visit_no"], r["weight_kg"]) for r in rows(folder, "antenatal_visit")] == [(2, 58.5)]
    assert "Hanako" not in str(folder.refusals.rows()) + str(folder.warnings)


@pytest.mark.parametrize("text", ["{}", "[]", "x", "<Bundle/>", '{"resourceType": "Bundle"', '"a"', "null"])
def test_what_is_no_fhir_is_refused_with_a_sentence(tmp_path: Path, text: str) -> None:
    folder = read(tmp_path, text)
    assert {rule for _, _, _, rule in told(folder)} <= {"not_fhir", "resource"}
    assert text == "[]" or told(folder)


def test_a_cut_file_is_refused_as_a_whole_and_waits(tmp_path: Path) -> None:
    text = bundle(patient(), *TWO)
    for end in range(0, len(text) - 2, 37):
        folder = read(tmp_path, text[:end])
        assert not rows(folder, "antenatal_visit")
        assert told(folder)
        assert folder.unseen() or not text[:end].strip()


def test_a_file_in_another_encoding_waits(tmp_path: Path) -> None:
    folder = read(tmp_path, bundle(patient(), visit()).encode("utf-16"))
    assert [rule for _, _, _, rule in told(folder)] == ["encoding"] and folder.unseen()
    with_mark = read(tmp_path, bundle(patient(), visit()).encode("utf-8-sig"))
    assert len(rows(with_mark, "antenatal_visit")) == 1


def test_bundles_in_lines_and_in_bundles_are_read(tmp_path: Path) -> None:
    inner = json.loads(bundle(patient(), visit()))
    assert len(rows(read(tmp_path, lines(inner, inner), "export.ndjson"), "antenatal_visit")) == 1
    assert len(rows(read(tmp_path / "2", bundle(inner)), "antenatal_visit")) == 1
    deeper = {"resourceType": "Bundle", "entry": [{"resource": inner}]}
    folder = read(tmp_path / "3", bundle({"resourceType": "Bundle", "entry": [{"resource": deeper}]}))
    assert [rule for _, _, _, rule in told(folder)] == ["deep"]


def test_a_row_that_another_file_holds_already_is_refused(tmp_path: Path) -> None:
    read(tmp_path, bundle(patient(), visit()), "bundle-1.json")
    folder = read(tmp_path, bundle(patient(), *TWO), "bundle-2.json")
    assert sorted(r["visit_no"] for r in rows(folder, "antenatal_visit")) == [1, 2]
    assert told(folder) == [("antenatal_visit", 2, "person_local", "duplicate_key")]


def test_entries_are_read_one_by_one() -> None:
    text = bundle(patient(), *TWO).replace('"v2"', '"v2', 1)
    reading = Reading(text.encode(), is_lines=False, scope="")
    assert [(f.number, f.kind, f.rule) for f in reading.read()][:2] == [(1, "Patient", ""), (2, "Encounter", "")]


@pytest.mark.parametrize("flagged", [
    bundle(patient(**RESTRICTED), child(**HARMLESS)), bundle(patient(), visit(**RESTRICTED), child()),
    bundle(patient(meta={"security": [{"system": "urn:x", "code": "unheard-of"}]}), child()), bundle(patient(meta={"security": "R"}), child()),
    bundle(patient(extension=[{"url": "urn:mchdb:extension:is-not-disclosed", "valueBoolean": True}]), child()),
    lines(patient(), visit(**RESTRICTED)).replace('"finished"', "{}"),
    bundle(patient(**RESTRICTED), child()).replace('"gender"', '"gender', 1),
    bundle(patient(), child(), visit(**RESTRICTED)).replace('"finished"', '"finished', 1) + " ",
])  # fmt: skip
def test_a_label_that_is_not_plainly_harmless_protects(tmp_path: Path, flagged: str) -> None:
    folder = read(
        tmp_path, flagged, "export.ndjson" if flagged.startswith('{"resourceType": "Patient"') else "bundle.json"
    )
    assert "H-1" in protected(folder) or folder.unseen()
    assert "H-2" not in protected(folder)


def test_a_label_of_the_whole_bundle_protects_everybody_in_it(tmp_path: Path) -> None:
    for text in (
        bundle(patient(), child()).replace('"type":', '"meta": ' + json.dumps(RESTRICTED["meta"]) + ', "type":', 1),
        bundle(patient(), child())[:-2] + ', "meta": ' + json.dumps(RESTRICTED["meta"]) + "}",
    ):
        assert protected(read(tmp_path, text)) == {"H-1", "H-2"}


def test_an_unreadable_patient_protects_unless_it_says_no(tmp_path: Path) -> None:
    def broken(resource: dict[str, object]) -> str:
        return lines(resource).replace('"gender":', '"gender"', 1) + lines(child())

    for resource in (patient(), patient(**RESTRICTED)):
        found = protected(read(tmp_path, broken(resource), "export.ndjson"))
        assert "H-1" in found and "H-2" not in found
    assert protected(read(tmp_path, broken(patient(**HARMLESS)), "export.ndjson")) == set()


def test_a_flag_about_somebody_unknown_makes_the_delivery_wait(tmp_path: Path) -> None:
    assert read(tmp_path, bundle(visit(**RESTRICTED))).unseen()
    assert not read(tmp_path, bundle(visit(**HARMLESS))).unseen()


def test_a_flag_in_a_bundle_protects_the_family_in_every_other_feed(tmp_path: Path) -> None:
    related = {"resourceType": "RelatedPerson", "patient": {"reference": "Patient/c"},
               "relationship": [{"coding": [{"code": "MTH"}]}], "identifier": [{"system": REGION, "value": "H-1"}]}  # fmt: skip
    read(tmp_path, bundle(patient(**RESTRICTED), child(), related))
    Feeds(tmp_path / "feeds" / TOWN).put("child_checkup", row("child_checkup"))
    found = protected_people([f.arrived for f in read_folder(tmp_path / "feeds" / TOWN).files], [])
    assert CHILD["person_local"] in set(found["person_local"])


@pytest.mark.parametrize("listed", ["H-1", "1e148c61f61d-H-1"])
def test_a_listed_number_protects_with_and_without_its_issuer(tmp_path: Path, listed: str) -> None:
    folder = read(tmp_path, bundle(patient(), visit(), child()))
    found = protected_people([f.arrived for f in folder.files], [listed])
    assert "1e148c61f61d-H-1" in set(found["person_local"])
    assert "1e148c61f61d-H-2" not in set(found["person_local"])


@pytest.mark.parametrize("identifier", [
    {"system": "urn:oid:1.2.3.my-number", "value": "123456789018"}, {"system": "urn:mchdb:my-number", "value": "1"},
    {"system": "urn:x", "value": "123456789018", "type": {"text": "個人番号"}},
])  # fmt: skip
def test_a_my_number_stops_the_file(tmp_path: Path, identifier: dict[str, object]) -> None:
    folder = read(tmp_path, bundle(patient(identifier=[identifier]), visit()))
    assert [(line, rule) for _, line, _, rule in told(folder)] == [(0, "my_number")]
    assert rows(folder, "antenatal_visit") == []


@pytest.mark.parametrize("more", [{"myNumber": "1"}, {"extension": [{"url": "urn:x:MyNumber", "valueString": "1"}]}])
def test_an_element_named_like_a_my_number_stops_the_file(tmp_path: Path, more: dict[str, Any]) -> None:
    folder = read(tmp_path, bundle(patient(**more), visit()))
    assert [(line, rule) for _, line, _, rule in told(folder)] == [(0, "my_number")]


def test_identifiers_filled_like_my_numbers_stop_the_file(tmp_path: Path) -> None:
    people = [patient(identity=f"m{i}", identifier=[{"system": "urn:x", "value": "123456789018"}]) for i in range(20)]
    assert [rule for _, _, _, rule in told(read(tmp_path, bundle(*people)))] == ["my_number"]
    assert told(read(tmp_path, bundle(*people[:19]))) == []


def test_a_file_name_that_may_be_a_persons_is_not_shown(tmp_path: Path) -> None:
    folder = read(tmp_path, "x", "加賀見花子_900000000000001.json")
    said = str(folder.refusals.rows()) + str(folder.warnings)
    assert "ehr/[1].json" in said and "加賀見" not in said and "9000" not in said
    assert document(folder).file == "ehr/[1].json"
