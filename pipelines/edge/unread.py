"""Rows that cannot be accepted as rows may still carry the flag of a protected person: whose it may be (privacy, hole 5).

A ragged row is laid under its heading in every way in which one break explains it, and looked at in each that leaves
whatever anchors a row in its place; what is not plainly a "no" counts as the flag. Too many people may stay because of
it, never too few.
"""

import csv
import re
from collections.abc import Iterable

from pipelines.feeds import Column

FLAG, PERSON = "is_not_disclosed", "person_local"
NO = {"", "0", "false", "null"}
MISSING = "?"
NUMBER = re.compile(r"[0-9A-Za-z\-]{1,100}")
DAY, CODE = re.compile(r"\d{4}-\d{2}-\d{2}"), re.compile(r"\d{6}")
ANCHORS = {
    "birth_date": DAY,
    "sex_code": re.compile(r"\d"),
    "phone": re.compile(r"[\d+-]{10,16}|"),
    "insurer_number": re.compile(r"\d{6,8}|"),
    "branch_number": re.compile(r"\d{2}|"),
    "is_not_disclosed": re.compile(r"[01]|true|false|"),
    "residence_municipality_code": CODE,
    "service_municipality_code": re.compile(r"\d{6}|"),
    "recorded_date": DAY,
}


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
    """Numbers of the people whom the row may flag, over all ways to read it that its anchors allow."""
    anchors = [(pattern, place[f]) for f, pattern in ANCHORS.items() if f in place]
    ways = [way for b in range(min(width, len(cells)) + 1) if _is_anchored(way := _laid(cells, width, b), anchors)]
    flags, numbers = _told(ways, place) if ways else _anywhere(cells, width, place)
    return {n for n in numbers if NUMBER.fullmatch(n)} if flags - NO else set()


def _laid(cells: list[str], width: int, broken_at: int) -> list[str | None]:
    """The cells under the heading, if cells were put in or are missing at that one place; None where one is missing."""
    more = len(cells) - width
    return [*cells[:broken_at], *[None] * -more, *cells[broken_at + max(more, 0) :]]


def _is_anchored(way: list[str | None], anchors: list[tuple[re.Pattern[str], int]]) -> bool:
    return all((cell := way[at]) is None or pattern.fullmatch(cell.lower()) for pattern, at in anchors)


def _told(ways: list[list[str | None]], place: dict[str, int]) -> tuple[set[str], set[str]]:
    """What the ways to read a row say of the flag and the person; a flag that is missing is not a "no"."""
    flags = {(MISSING if (cell := way[place[FLAG]]) is None else cell).lower() for way in ways}
    return flags, {cell for way in ways if (cell := way[place[PERSON]]) is not None}


def _anywhere(cells: list[str], width: int, place: dict[str, int]) -> tuple[set[str], set[str]]:
    """The same of a row broken in more than one place: every cell that can have been moved there."""
    more = len(cells) - width
    shifts = range(min(more, 0), max(more, 0) + 1)
    seen = {f: {cells[at] for s in shifts if 0 <= (at := place[f] + s) < len(cells)} for f in (FLAG, PERSON)}
    return {cell.lower() for cell in seen[FLAG]} or {MISSING}, seen[PERSON]


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
