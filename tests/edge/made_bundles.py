"""FHIR resources of the made-up family of `made_feeds`, and bundles of them."""

import json
from pathlib import Path
from typing import Any

from pipelines.edge.folder import Folder, read_folder
from tests.edge.made_feeds import CHILD, MOTHER, TOWN

Resource = dict[str, Any]
REGION = "urn:mchdb:regional-patient-number"
LOINC, UCUM, SNOMED = "http://loinc.org", "http://unitsofmeasure.org", "http://snomed.info/sct"


def concept(system: str, code: str) -> Resource:
    return {"coding": [{"system": system, "code": code}]}


def patient(person: dict[str, str] = MOTHER, number: str = "H-1", identity: str = "m", **more: Any) -> Resource:
    member = ":".join(person[part] for part in ("insurer_number", "insured_symbol", "insured_number", "branch_number"))
    kana = [{"url": "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation", "valueCode": "SYL"}]
    return {
        "resourceType": "Patient", "id": identity,
        "identifier": [
            {"system": REGION, "value": number},
            {"system": "http://jpfhir.jp/fhir/clins/Idsystem/JP_Insurance_memberID", "value": member},
        ],
        "name": [{"text": person["name"]},
                 {"extension": kana, "family": person["kana_surname"], "given": [person["kana_given_name"]]}],
        "telecom": [{"system": "phone", "value": person["phone"]}],
        "gender": "female" if person["sex_code"] == "2" else "male", "birthDate": person["birth_date"],
    } | more  # fmt: skip


def child(**more: Any) -> Resource:
    return patient(CHILD, "H-2", "c", multipleBirthBoolean=False, **more)


def visit(day: str = "2022-05-20", number: int | None = 1, identity: str = "v1", **more: Any) -> Resource:
    told: list[Resource] = [{"url": "urn:mchdb:extension:pregnancy-number", "valueString": "P-1"}]
    if number:
        told.append({"url": "urn:mchdb:extension:visit-number", "valueInteger": number})
    return {
        "resourceType": "Encounter", "id": identity, "status": "finished", "type": [concept(SNOMED, "424619006")],
        "subject": {"reference": "Patient/m"}, "period": {"start": f"{day}T10:00:00+09:00"}, "extension": told,
    } | more  # fmt: skip


def observation(code: Resource, of: str = "Encounter/v1", about: str = "Patient/m", **value: Any) -> Resource:
    return {
        "resourceType": "Observation", "status": "final", "code": code, "subject": {"reference": about},
        **({"encounter": {"reference": of}} if of else {}), **value,
    }  # fmt: skip


def weight(value: Any = 58.5, unit: str = "kg", **more: Any) -> Resource:
    quantity = {"value": value, "unit": unit, "system": UCUM, "code": unit}
    return observation(concept(LOINC, "29463-7"), valueQuantity=quantity, **more)


def bundle(*resources: Resource) -> str:
    """An entry a line."""
    entries = ",\n".join(json.dumps({"resource": r}, ensure_ascii=False) for r in resources)
    return '{"resourceType": "Bundle", "type": "collection", "entry": [\n' + entries + "\n]}\n"


def lines(*resources: Resource) -> str:
    return "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in resources)


def read(home: Path, text: str | bytes, name: str = "bundle.json") -> Folder:
    """The folder of a submitter that holds one file."""
    file = home / "feeds" / TOWN / "ehr" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_folder(home / "feeds" / TOWN)


def rows(folder: Folder, record: str) -> list[dict[str, Any]]:
    """Accepted rows of a record, each with the names of whom it is about."""
    return [
        f.people.row(row["who"], named=True) | row
        for f in folder.files if f.arrived.record.name == record for row in f.rows.iter_rows(named=True)
    ]  # fmt: skip


def told(folder: Folder) -> list[tuple[str, int, str, str]]:
    """Refusals as (record, line, field, rule)."""
    return folder.refusals.select("record", "line", "field", "rule").rows()
