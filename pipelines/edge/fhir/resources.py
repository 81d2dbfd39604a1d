"""Resources out of decoded JSON: those of a bundle in a bundle and contained ones too, each fit to be read or refused."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
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


def entry_of(entry: Any, place: Found, depth: int = 1) -> Iterator[Found]:
    """What an entry of a bundle, or an element of a list, holds; an entry without resource (a deletion) holds nothing.

    place: number, scope, labels and the text (`unread`) of where it stands.
    """
    if isinstance(entry, dict) and "resourceType" not in entry:
        if "resource" in entry:
            yield from resource_of(entry["resource"], replace(place, address=text(entry, "fullUrl") or ""), depth)
    else:
        yield from resource_of(entry, place, depth)


def resource_of(resource: Any, place: Found, depth: int = 1) -> Iterator[Found]:
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if not isinstance(kind, str) or kind not in types():
        yield replace(place, rule="resource", path="resourceType")
    elif kind == "Bundle":
        yield from _inner(resource, place, depth)
    else:
        yield from _whole(resource, place)


def _inner(bundle: Element, place: Found, depth: int) -> Iterator[Found]:
    entries = bundle.get("entry", [])
    if depth == DEEPEST_BUNDLE or not isinstance(entries, list):
        yield replace(place, rule="deep" if depth == DEEPEST_BUNDLE else "shape", path="Bundle.entry")
        return
    labels = (*place.labels, *each(bundle, "meta", "security"))
    inside = replace(place, scope=f"{place.scope}#{place.number}", labels=labels, address="")
    for entry in entries:
        yield from entry_of(entry, inside, depth + 1)


def _whole(resource: Element, place: Found) -> Iterator[Found]:
    rule = "encoding" if _holds_no_text(resource, place.unread) else ""
    own = f"{resource['resourceType']}/{text(resource, 'id') or f'?{place.number}'}"
    here = replace(place, address=place.address or own, base=base_of(place.address), unread="")
    yield _judged(replace(here, resource=resource, rule=rule))
    for inner in each(resource, "contained"):
        if text(inner, "resourceType") in types():
            yield _judged(replace(here, resource=inner, rule=rule, address=f"{here.address}#{text(inner, 'id')}"))


def _judged(found: Found) -> Found:
    wrong = None if found.rule else misshapen(found.resource)
    return replace(found, rule="shape", path=wrong) if wrong else found


def _holds_no_text(resource: Element, piece: str) -> bool:
    if SURROGATE.search(piece):
        return True
    is_sure = piece and not _ESCAPED_SURROGATE.search(piece)
    return not is_sure and bool(SURROGATE.search(json.dumps(resource, ensure_ascii=False, default=str)))
