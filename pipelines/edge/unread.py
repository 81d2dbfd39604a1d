"""Rows that cannot be accepted as rows may still carry the flag of a protected person: whose it may be (privacy, hole 5).

A ragged row is looked at from its left and from its right end; what is not plainly a "no" counts as the flag. Too many
people may stay because of it, never too few.
"""

import csv
import re
from collections.abc import Iterable

from pipelines.feeds import Column

FLAG, PERSON = "is_not_disclosed", "person_local"
NO = {"", "0", "false", "null"}
NUMBER = re.compile(r"[0-9A-Za-z\-]{1,100}")
ANCHORS = {"birth_date": re.compile(r"\d{4}-\d{2}-\d{2}"), "residence_municipality_code": re.compile(r"\d{6}")}


def flagged_in_lines(lines: Iterable[bytes], heading: list[str], columns: tuple[Column, ...]) -> set[str]:
    """Local numbers in lines of CSV (bytes as sent) that are ragged or not text."""
    place = {c.field: heading.index(c.header) for c in columns if c.header in heading}
    if not {FLAG, PERSON} <= place.keys():
        return set()
    return {number for line in lines for number in _flagged(_cells(line), len(heading), place)}


def _cells(line: bytes) -> list[str]:
    """The cells of one line; local numbers and flags are ASCII in every encoding of a feed."""
    text = line.decode("latin-1").replace("\r", "").replace("\0", "")
    cells = text.split(",") if text.count('"') % 2 else next(csv.reader([text]), [])  # an open quote would hide commas
    return [cell.strip().strip('"') for cell in cells]


def _flagged(cells: list[str], width: int, place: dict[str, int]) -> set[str]:
    """From both ends; from one alone where everything that anchors a row stands in its place there."""
    shifts = {0, len(cells) - width}
    sure = [s for s in shifts if all(p.fullmatch(_at(cells, place.get(f), s)) for f, p in ANCHORS.items())]
    looked_at = sure or shifts
    if all(_at(cells, place[FLAG], s).lower() in NO for s in looked_at):
        return set()
    return {number for s in looked_at if NUMBER.fullmatch(number := _at(cells, place[PERSON], s))}


def _at(cells: list[str], place: int | None, shift: int) -> str:
    at = -1 if place is None else place + shift
    return cells[at] if 0 <= at < len(cells) else ""


def flagged_in_texts(texts: Iterable[str], columns: tuple[Column, ...]) -> set[str]:
    """Local numbers in JSON objects that cannot be read; one that does not say "no" counts as flagged."""
    key = {c.field: c.header.rpartition(".")[2] for c in columns}
    if not {FLAG, PERSON} <= key.keys():
        return set()
    told = [(_values(text, key[FLAG]), _values(text, key[PERSON])) for text in texts]
    return {n for flags, numbers in told if not flags or set(flags) - NO for n in numbers if NUMBER.fullmatch(n)}


def _values(text: str, key: str) -> list[str]:
    return [
        value.lower() if value in ("True", "False") else value
        for value in re.findall(rf'"{re.escape(key)}"\s*:\s*"?([^",}}\s]*)', text)
    ]
