"""Elements of a resource by their path; what is not of the expected shape is not there."""

import re
from typing import Any

Element = dict[str, Any]
_ADDRESS = re.compile(
    r"(?P<base>(?:https?://.*/)?)(?P<own>[A-Z][A-Za-z]{1,60}/[A-Za-z0-9\-.]{1,64})(?:/_history/[^/]*)?"
)

# What is read of a resource, and whether it is text, an object or a list of objects (FHIR R4, resource definitions).
SHAPES: dict[str, dict[str, type]] = {
    "Patient": {"identifier": list, "name": list, "telecom": list, "gender": str, "birthDate": str, "address": list},
    "Encounter": {"status": str, "type": list, "subject": dict, "period": dict, "episodeOfCare": list, "partOf": dict,
                  "serviceProvider": dict, "extension": list},
    "Composition": {"status": str, "type": dict, "category": list, "subject": dict, "encounter": dict, "date": str,
                    "section": list, "extension": list},
    "Observation": {"status": str, "code": dict, "subject": dict, "encounter": dict, "component": list,
                    "effectiveDateTime": str},
    "Condition": {"code": dict, "subject": dict, "encounter": dict, "onsetDateTime": str, "abatementDateTime": str,
                  "identifier": list},
    "Procedure": {"status": str, "code": dict, "subject": dict, "encounter": dict, "performedPeriod": dict,
                  "performedDateTime": str},
    "EpisodeOfCare": {"identifier": list, "patient": dict},
    "RelatedPerson": {"identifier": list, "patient": dict, "relationship": list},
}  # fmt: skip


def at(element: Any, *path: str) -> Any:
    """The element at a path of names, None where there is none."""
    for name in path:
        if type(element) is not dict:
            return None
        element = element.get(name)
    return element


def text(element: Any, *path: str) -> str | None:
    for name in path:
        if type(element) is not dict:
            return None
        element = element.get(name)
    return element.strip() or None if type(element) is str else None


def each(element: Any, *path: str) -> list[Element]:
    """The objects of a list; an object alone counts as a list of one."""
    found = at(element, *path)
    if type(found) is list:
        return [one for one in found if type(one) is dict]
    return [found] if type(found) is dict else []


def codings(concept: Any) -> list[tuple[str, str]]:
    """(system, code) of every coding of a CodeableConcept, and (``, text) of its text."""
    if type(concept) is not dict:
        return []
    told = [(text(c, "system") or "", code) for c in each(concept, "coding") if (code := text(c, "code"))]
    if own := text(concept, "text"):
        told.append(("", own))
    return told


def extensions(resource: Element) -> dict[str, Element]:
    """Extensions of the project (`urn:mchdb:extension:<name>`) by name."""
    stem = "urn:mchdb:extension:"
    named = ((text(e, "url") or "", e) for e in each(resource, "extension"))
    return {url.removeprefix(stem): e for url, e in named if url.startswith(stem)}


def misshapen(resource: Element) -> str | None:
    """The path of the first element that has another shape than FHIR gives it."""
    kind = str(resource["resourceType"])
    shapes = SHAPES.get(kind, {})
    for name, found in resource.items():
        shape = shapes.get(name)
        if shape is None or found is None:
            continue
        parts = found if isinstance(found, list) else ()
        if type(found) is not shape or any(type(one) is not dict for one in parts):
            return f"{kind}.{name}"
    return None


def address(reference: str, base: str = "") -> str:
    """One form for a reference and for what it refers to; a relative one is taken from where its resource stands."""
    found = _ADDRESS.fullmatch(reference)
    return f"{found['base'] or base}{found['own']}" if found else reference


def base_of(full_url: str) -> str:
    """Where relative references of a resource with this address begin."""
    found = _ADDRESS.fullmatch(full_url)
    return found["base"] if found else ""
