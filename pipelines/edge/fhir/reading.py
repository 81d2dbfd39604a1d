"""A file of FHIR read piece by piece: of a Bundle its entries, of NDJSON its lines; what cannot be read stands alone.

JSON is read strictly: a name that comes twice in one object, NaN, and bytes that are not UTF-8 make a piece unreadable.
"""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from pipelines.edge.fhir.elements import Element, each
from pipelines.edge.fhir.resources import SURROGATE, Found, Place, entry_of, may_be_no_text, resource_of

_BLANK, _BETWEEN = re.compile(r"[ \t\r\n]*"), re.compile(r"[ \t\r\n,]*")
_NEXT_ENTRY = re.compile(r'\{\s*"(?:fullUrl|resource)"\s*:')


def _once(pairs: list[tuple[str, Any]]) -> Element:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name comes twice in one object")
    return made


def _no_number(name: str) -> Any:
    raise ValueError("JSON has no such number")


STRICT = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_number, parse_float=Decimal)
UNREADABLE = (ValueError, RecursionError)


class Reading:
    """Reads a file; afterwards `is_complete` tells whether its end was reached, `labels` the security labels of the whole.

    scope: where references are found, that of the file itself or, for the resources of NDJSON, of all such files;
    own: the file's, in which each line that is a bundle has its own.
    """

    def __init__(self, data: bytes, is_lines: bool, scope: str, own: str = "") -> None:
        self.text = data.decode("utf-8-sig", "surrogateescape")
        self.is_lines, self.scope, self.own = is_lines, scope, own or scope
        self.is_text = not may_be_no_text(self.text)
        self.is_complete = False
        self.labels: list[Element] = []
        self._at = 0

    def read(self) -> Iterator[Found]:
        return self._lines() if self.is_lines else self._file()

    def _lines(self) -> Iterator[Found]:
        number = 0
        while self._at < len(self.text):
            number += 1
            end = self.text.find("\n", self._at) + 1 or len(self.text)
            piece, self._at = self.text[self._at : end].strip(" \t\r\n"), end
            if piece:
                yield from self._line(number, piece)
        self.is_complete = True

    def _line(self, number: int, piece: str) -> Iterator[Found]:
        try:
            element = STRICT.decode(piece)
        except UNREADABLE:
            yield self._unreadable(number, piece)
            return
        is_bundle = isinstance(element, dict) and element.get("resourceType") == "Bundle"
        yield from resource_of(element, Place(number, self.own if is_bundle else self.scope, piece, self.is_text))

    def _file(self) -> Iterator[Found]:
        start = self._next(_BLANK)
        try:
            if start == "[":
                yield from self._entries(1)
            elif start == "{":
                yield from self._members()
            self.is_complete = start in ("[", "{") and self._next(_BLANK) == ""
        except UNREADABLE:
            return  # nothing tells where to go on

    def _members(self) -> Iterator[Found]:
        """The members of the outermost object: the entries of a Bundle one by one, all else as a whole."""
        members: Element = {}
        count = 0
        self._at += 1
        while self._next(_BETWEEN) != "}":
            name = self._value()
            if not isinstance(name, str) or self._next(_BLANK) != ":":
                raise ValueError("no member of an object")
            self._at += 1
            if self._next(_BLANK) == "[" and name == "entry":
                for found in self._entries(count + 1):
                    count = max(count, found.number)
                    yield found
            else:
                members[name] = self._value()
        self._at += 1
        self.labels = each(members, "meta", "security")
        if members.get("resourceType") != "Bundle" and not count:
            yield from resource_of(members, Place(1, self.scope, self.text, self.is_text))

    def _entries(self, number: int) -> Iterator[Found]:
        """Stands on an opening bracket, and afterwards behind the closing one."""
        self._at += 1
        while (start := self._next(_BETWEEN)) != "]":
            if not start:
                raise ValueError("the end of the file comes first")
            here = self._at
            try:
                entry = self._value()
            except UNREADABLE:
                following = _NEXT_ENTRY.search(self.text, here + 1)
                self._at = following.start() if following else len(self.text)
                yield self._unreadable(number, self.text[here : self._at])
            else:
                piece = self.text[here : self._at]
                yield from entry_of(entry, Place(number, self.scope, piece, self.is_text))
            number += 1
        self._at += 1

    def _next(self, skipped: re.Pattern[str]) -> str:
        """The character after what is skipped; empty at the end."""
        found = skipped.match(self.text, self._at)
        self._at = found.end() if found else self._at
        return self.text[self._at : self._at + 1]

    def _value(self) -> Any:
        found, self._at = STRICT.raw_decode(self.text, self._at)
        return found

    def _unreadable(self, number: int, piece: str) -> Found:
        return Found(number, self.scope, rule="encoding" if SURROGATE.search(piece) else "json", unread=piece)
