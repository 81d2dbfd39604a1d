"""Resources out of decoded JSON: those of a bundle in a bundle and contained ones too, each fit to be read or refused."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pipelines.edge.fhir.elements import Element, base_of, each, misshapen, text
from pipelines.edge.fhir.meaning import types

DEEPEST_BUNDLE = 3
SURROGATE = re.compile("[\ud800-\udfff]")  # a byte that is no UTF-8, or half a letter
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


@dataclass(frozen=True)
class Found:
    """A resource, or what stands in its place.

    number: its line (NDJSON) or the number of its entry (Bundle), from 1. scope: within it, references are found.
    address: its full URL or `<type>/<id>`; base: what relative references in it begin with.
    rule: why it is refused, and path: at which element; unread: the text that stands there.
    labels: security labels of the bundles it stands in.
    """

    number: int
    scope: str
    resource: Element = field(default_factory=dict)
    address: str = ""
    base: str = ""
    rule: str = ""
    path: str = ""
    unread: str = ""
    labels: tuple[Element, ...] = ()

    @property
    def kind(self) -> str:
        return str(self.resource.get("resourceType", ""))


@dataclass(frozen=True)
class Place:
    """Where resources stand. piece: their text, where one of them may be no text (a bad byte, half a letter)."""

    number: int
    scope: str
    piece: str
    is_text: bool
    labels: tuple[Element, ...] = ()
    depth: int = 1

    def refused(self, rule: str, path: str = "") -> Found:
        return Found(self.number, self.scope, rule=rule, path=path, unread=self.piece, labels=self.labels)


def entry_of(entry: Any, place: Place) -> Iterator[Found]:
    """What an entry of a bundle, or an element of a list, holds; an entry without resource (a deletion) holds nothing."""
    if isinstance(entry, dict) and "resourceType" not in entry:
        if "resource" in entry:
            yield from resource_of(entry["resource"], place, text(entry, "fullUrl") or "")
    else:
        yield from resource_of(entry, place)


def resource_of(resource: Any, place: Place, full_url: str = "") -> Iterator[Found]:
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if not isinstance(kind, str) or kind not in types():
        yield place.refused("resource", "resourceType")
    elif kind == "Bundle":
        yield from _inner(resource, place)
    else:
        yield from _whole(resource, place, full_url)


def _inner(bundle: Element, place: Place) -> Iterator[Found]:
    entries = bundle.get("entry", [])
    if place.depth == DEEPEST_BUNDLE or not isinstance(entries, list):
        yield place.refused("deep" if place.depth == DEEPEST_BUNDLE else "shape", "Bundle.entry")
        return
    labels = (*place.labels, *each(bundle, "meta", "security"))
    scope = f"{place.scope}#{place.number}"
    inside = Place(place.number, scope, place.piece, place.is_text, labels, place.depth + 1)
    for entry in entries:
        yield from entry_of(entry, inside)


def _whole(resource: Element, place: Place, full_url: str) -> Iterator[Found]:
    rule = "" if place.is_text or is_text(resource) else "encoding"
    address = full_url or f"{resource['resourceType']}/{text(resource, 'id') or f'?{place.number}'}"
    yield _judged(resource, place, address, full_url, rule)
    for inner in each(resource, "contained") if "contained" in resource else ():
        if text(inner, "resourceType") in types():
            yield _judged(inner, place, f"{address}#{text(inner, 'id')}", full_url, rule)


def _judged(resource: Element, place: Place, address: str, full_url: str, rule: str) -> Found:
    wrong = None if rule else misshapen(resource)
    base = base_of(full_url) if full_url else ""
    return Found(
        place.number, place.scope, resource, address, base, "shape" if wrong else rule, wrong or "", labels=place.labels
    )


def may_be_no_text(piece: str) -> bool:
    """A byte that is no UTF-8, or an escape of half a letter, may stand in the text."""
    return bool(SURROGATE.search(piece) or _ESCAPED_SURROGATE.search(piece))


def is_text(resource: Element) -> bool:
    return not SURROGATE.search(json.dumps(resource, ensure_ascii=False, default=str))
