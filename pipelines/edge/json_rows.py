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
UNREADABLE = "\0"  # stands for a line that is not text: no JSON object can hold it


class Elements:
    """Reads the objects of an array one after the other; afterwards `broken` lists the lines it could not read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.broken: list[int] = []
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
        return (element if isinstance(element, dict) else None), end

    def _note_names(self, element: dict[str, Any]) -> None:
        self.names.update(element)
        for value in element.values():
            if isinstance(value, dict):
                self.names.update(value)


def rows_of(elements: Iterable[tuple[int, dict[str, Any]]], paths: list[str]) -> pl.DataFrame:
    """`line` (UInt32) and one text column per path (`basicFiveInfo.nameKana`), empty is null."""
    lines: list[int] = []
    columns: list[list[str | None]] = [[] for _ in paths]
    steps = [tuple(path.split(".")) for path in paths]
    for line, element in elements:
        lines.append(line)
        for column, step in zip(columns, steps, strict=True):
            column.append(_text(_at(element, step)))
    cells = [pl.Series(path, column, dtype=pl.String) for path, column in zip(paths, columns, strict=True)]
    return pl.DataFrame([pl.Series("line", lines, dtype=pl.UInt32), *cells])


def _at(element: Any, step: tuple[str, ...]) -> Any:
    for name in step:
        element = element.get(name) if isinstance(element, dict) else None
    return element


def _text(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value
    return ("true" if value else "false") if isinstance(value, bool) else json.dumps(value)
