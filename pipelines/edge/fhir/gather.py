"""What the resources of a delivery say, kept small while they pass: people, events, values, pregnancies.

Nothing is joined here; `events.py` does it when everything has been met, since an Observation may come before its visit.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pipelines.edge.fhir.elements import Element, address, at, codings, each, extensions, text
from pipelines.edge.fhir.meaning import condition_of, event_of
from pipelines.edge.fhir.measured import Measured, measured
from pipelines.edge.fhir.people import (
    Person,
    announces_my_number,
    identifiers,
    is_protected,
    member_of,
    patient_number,
    person_of,
)
from pipelines.edge.fhir.resources import SURROGATE, Found

Key = tuple[str, str]  # scope, address
CALLED_OFF = ("cancelled", "entered-in-error")
NOT_YET = ("planned", "booked", "preparation")
INSTITUTION_SYSTEM = "http://jpfhir.jp/fhir/core/IdSystem/insurance-medical-institution-no"


@dataclass
class Source:
    """A resource of which something is used. fate: `row`, `value`, `no_place` or `refused`."""

    file: str
    number: int
    kind: str
    fate: str = "no_place"
    rule: str = ""
    path: str = ""


@dataclass
class Event:
    """A visit, a delivery or a birth: what gives a row. told: by header of the layout."""

    record: str
    source: Source
    patient: Key | None
    date: str
    told: dict[str, str] = field(default_factory=dict)
    visit: Key | None = None  # its Encounter
    holds: tuple[Key, ...] = ()  # what a Composition lists
    episode: Key | None = None


@dataclass
class Values:
    source: Source
    key: Key
    patient: Key | None
    visit: Key | None
    date: str
    measured: list[Measured]


@dataclass
class Stay:
    """An Encounter, whether it gives a row or not."""

    patient: Key | None
    date: str
    part_of: Key | None
    episode: Key | None
    source: Source


@dataclass
class Diagnosis:
    source: Source
    header: str
    patient: Key | None
    visit: Key | None
    first: str
    last: str
    number: str


@dataclass
class Gathered:
    people: dict[Key, Person] = field(default_factory=dict)
    members: dict[Key, dict[str, str]] = field(default_factory=dict)
    mothers: dict[Key, str] = field(default_factory=dict)  # child -> number of the mother
    events: list[Event] = field(default_factory=list)
    stays: dict[Key, Stay] = field(default_factory=dict)
    values: list[Values] = field(default_factory=list)
    diagnoses: list[Diagnosis] = field(default_factory=list)
    episodes: dict[Key, str] = field(default_factory=dict)
    sources: list[Source] = field(default_factory=list)
    links: list[tuple[Key, Key]] = field(default_factory=list)  # patients said to be one person
    flagged: dict[Key, str] = field(default_factory=dict)  # patient -> file that says so
    subjects: dict[str, set[Key]] = field(default_factory=dict)  # file -> patients that it tells of
    numbers: dict[tuple[str, str], list[str]] = field(default_factory=dict)  # file, system -> values of identifiers
    has_my_number: set[str] = field(default_factory=set)  # files
    absent: Counter[tuple[str, str]] = field(default_factory=Counter)  # file, state

    def take(self, found: Found, file: str) -> None:
        """A resource that is fit to be read; who is protected is seen in one that is not, too."""
        resource, key = found.resource, (found.scope, found.address)
        source = Source(file, found.number, found.kind, "refused" if found.rule else "no_place", found.rule, found.path)
        subject = key if found.kind == "Patient" else self._subject(found)
        if subject:
            self.subjects.setdefault(file, set()).add(subject)
            if is_protected(resource, found.labels) or _is_damaged(found):
                self.flagged[subject] = file
        if found.kind == "Patient":
            self.links += [
                (key, other) for link in each(resource, "link") if (other := _named(found, link.get("other")))
            ]
        if found.kind == "Patient" or "identifier" in resource or "extension" in resource:
            self._note_numbers(resource, file)
        if not found.rule and (take := TAKES.get(found.kind)):
            take(self, found, source, key, subject)
        if "#" not in found.address or source.fate != "no_place":  # what is contained is part of its resource
            self.sources.append(source)

    def _note_numbers(self, resource: Element, file: str) -> None:
        for system, value, _ in identifiers(resource):
            self.numbers.setdefault((file, system), []).append(value.encode("utf-8", "replace").decode())
        if announces_my_number(resource):
            self.has_my_number.add(file)

    def _subject(self, found: Found) -> Key | None:
        return next((k for name in ("subject", "patient", "beneficiary") if (k := reference(found, name))), None)


def _is_damaged(found: Found) -> bool:
    """A label may stand where bytes are no text."""
    return found.rule == "encoding" and bool(
        SURROGATE.search(json.dumps(at(found.resource, "meta"), default=str, ensure_ascii=False))
    )


def reference(found: Found, *path: str) -> Key | None:
    """What a reference of a resource names."""
    return _named(found, at(found.resource, *path))


def _named(found: Found, referring: Any) -> Key | None:
    named = text(referring, "reference")
    if named is None:
        return None
    own = found.address.split("#")[0]
    return found.scope, own + named if named.startswith("#") else address(named, found.base)


def _patient(told: Gathered, found: Found, source: Source, key: Key, subject: Key | None) -> None:
    source.fate = "value"
    person = person_of(found.resource, found.number, source.file)
    before = told.people.get(key)
    person.is_ambiguous = before is not None and before.told != person.told
    told.people[key] = person


def _coverage(told: Gathered, found: Found, source: Source, key: Key, subject: Key | None) -> None:
    if subject and (member := member_of(found.resource)):
        told.members[subject], source.fate = member, "value"


def _related(told: Gathered, found: Found, source: Source, key: Key, subject: Key | None) -> None:
    kinds = {code for concept in each(found.resource, "relationship") for _, code in codings(concept)}
    number = patient_number(found.resource)
    if subject and number and kinds & {"MTH", "NMTH", "GESTM"}:
        told.mothers[subject], source.fate = number, "value"


def _episode(told: Gathered, found: Found, source: Source, key: Key, subject: Key | None) -> None:
    told.episodes[key], source.fate = _own_number(found.resource), "value"


def _own_number(resource: Element) -> str:
    own = next((value for _, value, _ in identifiers(resource) if value), None) or text(resource, "id") or ""
    return own.replace(".", "-")


def _encounter(told: Gathered, found: Found, source: Source, key: Key, subject: Key | None) -> None:
    resource = found.resource
    date = day(text(resource, "period", "start"))
    episode = next((k for e in each(resource, "episodeOfCare") if (k := _named(found, e))), None)
    told.stays[key] = Stay(subject, date, reference(found, "partOf"), episode, source)
    codes = [coding for concept in each(resource, "type") for coding in codings(concept)]
    given = event_of("Encounter", codes)
    if given and resource.get("status") not in NOT_YET:
        _add(told, found, source, given, subject, date, visit=key)
        told.events[-1].told |= _facility(resource)


def _composition(told: Gathered, found: Found, source: Source, key: Key, subject: Key | None) -> None:
    resource = found.resource
    codes = [c for concept in (resource.get("type"), *each(resource, "category")) for c in codings(concept)]
    if given := event_of("Composition", codes):
        written = day(text(resource, "date"))
        event = _add(told, found, source, given, subject, "", visit=reference(found, "encounter"))
        event.told |= {"Composition.date": written} if written else {}
        listed = (_named(found, e) for section in each(resource, "section") for e in each(section, "entry"))
        event.holds = tuple(k for k in listed if k)


def _procedure(told: Gathered, found: Found, source: Source, key: Key, subject: Key | None) -> None:
    resource = found.resource
    done = text(resource, "performedDateTime") or text(resource, "performedPeriod", "start")
    if (given := event_of("Procedure", codings(resource.get("code")))) and resource.get("status") != "not-done":
        _add(told, found, source, given, subject, day(done), visit=reference(found, "encounter") or key)


def _observation(told: Gathered, found: Found, source: Source, key: Key, subject: Key | None) -> None:
    resource = found.resource
    date = day(text(resource, "effectiveDateTime") or text(resource, "effectivePeriod", "start"))
    if given := event_of("Observation", codings(resource.get("code"))):
        row = Source(source.file, source.number, source.kind)
        _add(told, found, row, given, subject, date, visit=reference(found, "encounter"))
    if values := measured(resource):
        told.values.append(Values(source, key, subject, reference(found, "encounter"), date, values))


def _condition(told: Gathered, found: Found, source: Source, key: Key, subject: Key | None) -> None:
    resource = found.resource
    status = {code for _, code in codings(resource.get("verificationStatus"))}
    if (header := condition_of(codings(resource.get("code")))) and not status & {"refuted", "entered-in-error"}:
        first, last = day(text(resource, "onsetDateTime")), day(text(resource, "abatementDateTime"))
        own = _own_number(resource) if header == "pregnancy" else ""
        told.diagnoses.append(Diagnosis(source, header, subject, reference(found, "encounter"), first, last, own))


def _add(
    told: Gathered, found: Found, source: Source, given: tuple[str, dict[str, str]], subject: Key | None, date: str,
    visit: Key | None,
) -> Event:  # fmt: skip
    record, said = given
    resource, own = found.resource, extensions(found.resource)
    said = said | {f"extension[{name}]": value for name, e in own.items() if (value := _plain(e))}
    said["status"] = "1" if resource.get("status") in CALLED_OFF else "0"
    version = text(resource, "meta", "versionId") or ""
    if version.isascii() and version.isdigit() and len(version) < 3:
        said["meta.versionId"] = version
    if number := said.pop("extension[pregnancy-number]", ""):
        said["EpisodeOfCare"] = number
    source.fate = "row"
    told.events.append(Event(record, source, subject, date, said, visit))
    return told.events[-1]


def _plain(extension: Element) -> str | None:
    """The value of an extension as text."""
    for name in ("valueString", "valueCode", "valueDate"):
        if found := text(extension, name):
            return found
    value = next((extension[n] for n in ("valueInteger", "valuePositiveInt") if n in extension), None)
    return str(value) if type(value) is int and 0 <= value < 10**9 else text(extension, "valueCoding", "code")


def _facility(resource: Element) -> dict[str, str]:
    system, value = (text(resource, "serviceProvider", "identifier", name) for name in ("system", "value"))
    return {"serviceProvider.identifier": value} if system == INSTITUTION_SYSTEM and value else {}


def day(instant: str | None) -> str:
    """The local date of an instant: as it is written, and in Japan where it is written in universal time."""
    written = instant or ""
    if written.endswith("Z") and "T" in written:
        try:
            return str((datetime.fromisoformat(written) + timedelta(hours=9)).date())
        except (ValueError, OverflowError):
            return written[:10]
    return written[:10] if "T" in written else written


TAKES: dict[str, Callable[[Gathered, Found, Source, Key, Key | None], None]] = {
    "Patient": _patient, "Coverage": _coverage, "RelatedPerson": _related, "EpisodeOfCare": _episode,
    "Encounter": _encounter, "Composition": _composition, "Procedure": _procedure, "Observation": _observation,
    "Condition": _condition,
}  # fmt: skip
