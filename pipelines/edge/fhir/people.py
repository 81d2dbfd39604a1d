"""Who a Patient is: number, names, birth, insured number, and whether a security label protects."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache

from pipelines.edge.fhir.elements import Element, codings, each, extensions, text
from pipelines.edge.fhir.meaning import identifier_kind, is_flag
from pipelines.edge.my_number import is_forbidden_name
from pipelines.reference import units

REPRESENTATION = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation"
KANA = re.compile(r"[\u3040-\u30ff\uff65-\uff9f\s\u3000\-－]+")
LATIN = re.compile(r"[A-Za-z0-9\u00c0-\u024f'.,\-\s]+")
PAST = ("old", "maiden", "temp")  # names and addresses that are no longer one's own
SEX = {"male": "1", "female": "2", "unknown": "3"}  # code lists 019-233 and 019-227
OF_OTHERS = {"SS", "DL", "PPN", "TAX", "NIIP", "NNJPN"}  # identifier types (HL7 v2 0203) that are no patient number
MEMBER = ("member.insurer", "member.symbol", "member.number", "member.branch")
INSTITUTION = re.compile(r"urn:oid:1\.2\.392\.100495\.20\.3\.51\.1(\d{10})")
JAPAN = (None, "JP", "JPN", "Japan", "日本")


@dataclass
class Person:
    """What a Patient says, by header of the layout; what other resources say is added."""

    number: int
    file: str
    told: dict[str, str] = field(default_factory=dict)
    is_flagged: bool = False
    is_ambiguous: bool = False  # two Patients stand at one address
    other_number: str | None = None  # the number it came with, where a link gave it another's


def person_of(resource: Element, number: int, file: str) -> Person:
    told = {
        "Patient.identifier": patient_number(resource), "Patient.birthDate": text(resource, "birthDate"),
        "Patient.gender": SEX.get(sex := text(resource, "gender") or "", sex) or None,
        "Patient.telecom[phone]": _phone(resource), "Patient.address[municipality]": _municipality(resource),
        **_names(resource), **member_of(resource), **_birth_order(resource),
    }  # fmt: skip
    return Person(number, file, {header: value for header, value in told.items() if value})


def patient_number(resource: Element) -> str | None:
    """The number at the facility, after the facility's code (or a mark of the issuing system): two may use one number."""
    kinds: dict[str, list[str]] = {"patient": [], "MR": [], "": []}
    for system, value, types in identifiers(resource):
        kind = identifier_kind(system) or ("MR" if "MR" in types else "")
        if kind in kinds and value and not OF_OTHERS & types:
            kinds[kind].append(f"{issuer(system)}-{value}")
    return next((number for numbers in kinds.values() for number in numbers), None)


def identifiers(resource: Element) -> list[tuple[str, str, set[str]]]:
    """(system, value, codes of its type)."""
    return [
        (text(i, "system") or "", text(i, "value") or "", {code for _, code in codings(i.get("type"))})
        for i in each(resource, "identifier")
    ]


@cache
def issuer(system: str) -> str:
    found = INSTITUTION.fullmatch(system)
    return found[1] if found else hashlib.sha256(system.encode("utf-8", "replace")).hexdigest()[:12]


def announces_my_number(resource: Element) -> bool:
    """A name in it (of an element, of an identifier's system or type, of an extension) says My Number or another such number."""
    systems = [(system, types) for system, _, types in identifiers(resource)]
    names = {name for system, types in systems for name in (system, *types)}
    names |= {text(e, "url") or "" for e in each(resource, "extension")} | resource.keys()
    return any(map(_is_forbidden, names)) or any(identifier_kind(system) == "my_number" for system, _ in systems)


@lru_cache(4096)
def _is_forbidden(name: str) -> bool:
    return is_forbidden_name(name)


def member_of(resource: Element) -> dict[str, str]:
    """The individual insured number (`insurer:symbol:number:branch`; an empty branch is not 00)."""
    for system, value, _ in identifiers(resource):
        parts = value.split(":")
        if identifier_kind(system) == "member" and len(parts) == len(MEMBER):
            return {header: part for header, part in zip(MEMBER, parts, strict=True) if part}
    return {}


def is_protected(resource: Element, labels: Sequence[Element] = ()) -> bool:
    """A label that is not plainly harmless, or the project's own mark that is not plainly no."""
    if not labels and "meta" not in resource and "extension" not in resource:
        return False
    own = extensions(resource).get("is-not-disclosed")
    marked = own is not None and own.get("valueBoolean") is not False
    meta = resource.get("meta")
    found = [*labels, *each(meta, "security")]
    odd = isinstance(meta, dict) and meta.get("security") is not None and not each(meta, "security")
    return marked or odd or any(is_flag((text(label, "system") or "", text(label, "code") or "")) for label in found)


def _names(resource: Element) -> dict[str, str]:
    told: dict[str, str] = {}
    for name in (n for n in each(resource, "name") if n.get("use") not in PAST):
        family, given = text(name, "family") or "", _given(name)
        whole = text(name, "text") or f"{family} {given}".strip()
        form = _form(name, whole)
        if form == "SYL":
            family, given = (family, given) if family and given else [*whole.split(maxsplit=1), "", ""][:2]
            own = {"Patient.name[SYL].family": family, "Patient.name[SYL].given": given}
        else:
            own = {f"Patient.name[{form}]": whole}
        told = own | told
    return told


def _form(name: Element, whole: str) -> str:
    """Kana (SYL), Latin letters (ABC) or as written (IDE): as the name says, else as it looks."""
    said = [text(e, "valueCode") for e in each(name, "extension") if e.get("url") == REPRESENTATION]
    if said and said[0] in ("SYL", "ABC", "IDE"):
        return str(said[0])
    return "SYL" if KANA.fullmatch(whole) else "ABC" if LATIN.fullmatch(whole) else "IDE"


def _given(name: Element) -> str:
    given = name.get("given")
    return " ".join(g for g in given if isinstance(g, str)) if isinstance(given, list) else ""


def _phone(resource: Element) -> str | None:
    phones = (
        text(t, "value") for t in each(resource, "telecom") if t.get("system") == "phone" and t.get("use") not in PAST
    )
    return next((p for p in phones if p), None)


def _birth_order(resource: Element) -> dict[str, str | None]:
    order = resource.get("multipleBirthInteger")
    if resource.get("multipleBirthBoolean") is False:
        return {"Patient.multipleBirth": "1", "single": "1"}
    return {"Patient.multipleBirth": str(order) if type(order) is int and 0 < order < 10 else None}


def _municipality(resource: Element) -> str | None:
    """Code of the residence: as the project's extension says, else by the names of prefecture and municipality."""
    said = extensions(resource).get("residence-municipality")
    if said is not None:
        return text(said, "valueString") or text(said, "valueCode")
    for home in (a for a in each(resource, "address") if a.get("use") not in PAST):
        state, city = text(home, "state"), text(home, "city")
        if text(home, "country") in JAPAN and state and city:
            return next((c for p, name, c in _municipalities() if p == state and name in city), None)
    return None


@cache
def _municipalities() -> list[tuple[str, str, str]]:
    """(prefecture, name, code), longer names first."""
    rows = units().select("prefecture", "name", "code6").rows()
    return sorted(rows, key=lambda row: -len(row[1]))
