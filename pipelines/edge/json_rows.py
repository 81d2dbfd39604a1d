"""A JSON array of objects to rows, each with the physical line on which its object begins.

An object that cannot be read is a refusal by itself: reading goes on at the next line that begins an object. What is
thrown away unread (`Feed.dropped`) and what no column asks for never becomes a column.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import polars as pl

_DECODER = json.JSONDecoder()
_BETWEEN = re.compile(r"[\s,]*")
_NEXT_OBJECT = re.compile(r"\n\s*,?\s*(?=\{)")
_HALF_A_LETTER = re.compile(r"\\u[dD][89a-fA-F]")  # an escape that, alone, no text can hold
UNREADABLE = "\0"  # stands for a line that is not text: no JSON object can hold it


class Elements:
    """Reads the objects of an array one after the other; afterwards `broken` lists the lines it could not read, and
    `unread` what stands there."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.broken: list[int] = []
        self.unread: list[str] = []
        self.is_complete = False  # the closing bracket was reached
        self.names: set[str] = set()  # every key met, nested ones too

    def read(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """(line, object) of every object; nothing where the text is not an array."""
        at, line, counted = self.text.find("[") + 1, 1, 0
        if not at or self.text[: at - 1].strip():
            return
        while True:
            at = self._past_separators(at)
            line, counted = line + self.text.count("\n", counted, at), at
            if at >= len(self.text) or self.text[at] == "]":
                self.is_complete = at < len(self.text)
                return
            element, end = self._element(at)
            if element is not None:
                self._note_names(element)
                yield line, element
            else:
                self.broken.append(line)
                self.unread.append(self.text[at:end])
            if end is None:
                return
            at = end

    def _past_separators(self, at: int) -> int:
        found = _BETWEEN.match(self.text, at)
        return found.end() if found else at

    def _element(self, at: int) -> tuple[dict[str, Any] | None, int | None]:
        """(object or None, where to go on or None)."""
        try:
            element, end = _DECODER.raw_decode(self.text, at)
        except (ValueError, RecursionError):
            found = _NEXT_OBJECT.search(self.text, at)
            return None, found.end() if found else None
        if _HALF_A_LETTER.search(self.text, at, end) and not _is_text(element):
            return None, end
        return (element if isinstance(element, dict) else None), end

    def _note_names(self, element: dict[str, Any]) -> None:
        self.names.update(element)
        for value in element.values():
            if type(value) is dict:
                self.names.update(value)


def _is_text(element: Any) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in json.dumps(element, ensure_ascii=False))


def rows_of(elements: Iterable[tuple[int, dict[str, Any]]], paths: list[str]) -> pl.DataFrame:
    """`line` (UInt32) and one text column per path (`basicFiveInfo.nameKana`), empty is null."""
    held: dict[str, list[str]] = {}
    for path in paths:
        above, _, name = path.rpartition(".")
        held.setdefault(above, []).append(name)
    lines: list[int] = []
    rows: list[tuple[Any, ...]] = []
    for line, element in elements:
        lines.append(line)
        rows.append(tuple(v for above, names in held.items() for v in map(_holder(element, above).get, names)))
    columns = zip(*rows, strict=True) if rows else ((),) * len(paths)
    placed = (f"{above}.{name}" if above else name for above, names in held.items() for name in names)
    cells = {path: pl.Series(_texts(values), dtype=pl.String) for path, values in zip(placed, columns, strict=True)}
    return pl.DataFrame({"line": pl.Series(lines, dtype=pl.UInt32), **{path: cells[path] for path in paths}})


def _holder(element: dict[str, Any], path: str) -> dict[str, Any]:
    """The object at a path inside an element, empty where there is none."""
    for name in path.split(".") if path else ():
        inner = element.get(name)
        element = inner if type(inner) is dict else {}
    return element


def _texts(values: Iterable[Any]) -> list[str | None]:
    """The values as text; empty is None."""
    return [v or None if type(v) is str else None if v is None else _text(v) for v in values]


def _text(value: Any) -> str:
    """A value that is no text as text; what is nested where a single value belongs has no valid form."""
    return ("true" if value else "false") if isinstance(value, bool) else json.dumps(value)
