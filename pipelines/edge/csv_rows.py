"""Lines of CSV to rows, each with the physical line it begins on; a row that does not fit its heading is refused alone.

Polars reads the rows; this file only makes sure beforehand that every row it is given has as many cells as the
heading, because Polars would stop at a long row and fill a short one (reference: engineering, chapter 5).
"""

import csv
import re
from collections.abc import Iterator
from itertools import pairwise

import polars as pl

from pipelines.edge.decode import Lines

QUOTED = re.compile(rb'"[^"]*+"')
CELL = re.compile(rb'(?:"[^"]*+")++')  # in quotes, doubled ones inside
# cells in quotes (with doubled quotes inside) or without any quote, parted by commas
WELL_FORMED = re.compile(rb'(?>(?:"[^"]*+")++|[^",\n]*+)(?:,(?>(?:"[^"]*+")++|[^",\n]*+))*+')
LONGEST_ROW = 200  # physical lines: an open quote swallows no more than this before it is a refusal of its own line


def heading_cells(line: bytes) -> list[str]:
    """The cells of the heading line."""
    return [cell.strip() for cell in next(csv.reader([line.decode().replace("\r", " ")]), [])]


def rows_of(lines: Lines, width: int) -> tuple[pl.DataFrame, list[int], list[int]]:
    """Rows below the heading, and the lines refused as ragged and as undecodable.

    The rows hold `line` (UInt32) and `column_1` ... `column_<width>` (text, empty is null).
    """
    last = _last_filled(lines)
    undecodable = [n for n in lines.not_text if 1 < n <= last]
    found = (n for p in _body(lines) for n in _unusual(lines.shapes[p], lines.firsts[p], width) if n <= last)
    unusual = {n: line for n in found if (line := lines.line(n)) is not None}
    odd = {n: line for n, line in unusual.items() if not _is_row(line, width)}
    joined, ragged, inside = _joined(odd, lines, width)
    gone = {*undecodable, *ragged, *inside}
    others: dict[int, bytes | None] = {n: _unquoted_where_empty(line) for n, line in unusual.items() if b'""' in line}
    others |= joined | dict.fromkeys((*gone, *range(last + 1, len(lines) + 1)))
    numbers = pl.int_range(2, last + 1, dtype=pl.UInt32, eager=True).alias("line")
    if gone:
        numbers = numbers.filter(~numbers.is_in(sorted(gone)))
    is_as_sent = not others and width > 1
    text = lines.text if is_as_sent else b"\n".join(_rows(lines, others, width))
    return _parsed(text, numbers, width, skipped=int(is_as_sent)), ragged, undecodable


def _body(lines: Lines) -> range:
    """The stretches below the heading."""
    return range(1, len(lines.ends))


def _last_filled(lines: Lines) -> int:
    """The last line that is not blank, the heading where all below it are."""
    last = len(lines)
    while last > 1 and (line := lines.line(last)) is not None and not line.strip(b" \x1a"):
        last -= 1
    return last


def _unusual(shape: bytes, first: int, width: int) -> list[int]:
    """The lines of a stretch that hold a quote or another number of cells: its quotes, commas and newlines say which."""
    usual, height = b"," * (width - 1) + b"\n", shape.count(b"\n")
    if width and shape == usual * height:
        return []
    return [n for n, between in enumerate(shape.splitlines(True), start=first) if between != usual or not width]


def _rows(lines: Lines, others: dict[int, bytes | None], width: int) -> Iterator[bytes | memoryview]:
    """The text of the rows, a stretch as it is where none of its lines is another one: `others` by number, None for none."""
    places = {lines.place(n) for n in others} if width > 1 else {*_body(lines)}
    text = memoryview(lines.text)
    for place in _body(lines):
        if place not in places:
            begin, end = lines.span(place)
            yield text[begin:end]
            continue
        rows = (others.get(n, line) for n, line in enumerate(lines.of(place), start=lines.firsts[place]))
        kept = [row or b'""' for row in rows if row is not None]  # a blank row of one cell, which Polars would skip
        if kept:
            yield b"\n".join(kept)


def _unquoted_where_empty(row: bytes) -> bytes:
    """An empty cell in quotes is as empty as one without."""
    return CELL.sub(lambda cell: b"" if cell[0] == b'""' else cell[0], row)


def _is_row(text: bytes, width: int) -> bool:
    is_parted = WELL_FORMED.fullmatch(text) is not None
    return is_parted and QUOTED.sub(b"", text).count(b",") == width - 1


def _joined(odd: dict[int, bytes], lines: Lines, width: int) -> tuple[dict[int, bytes], list[int], set[int]]:
    """Rows whose quoted cell holds newlines: (rows put together, ragged lines, lines inside the rows put together)."""
    opens = [n for n, line in odd.items() if line.count(b'"') % 2]
    following = dict(pairwise(opens))
    made: dict[int, bytes] = {}
    ragged: list[int] = []
    inside: set[int] = set()
    for line in odd:
        if line in inside:
            continue
        end = following.get(line)
        row = _whole_row(lines, line, end, width) if end and end - line < LONGEST_ROW else None
        if row is None or end is None:
            ragged.append(line)
        else:
            made[line] = _unquoted_where_empty(row)
            inside.update(range(line + 1, end + 1))
    return made, ragged, inside


def _whole_row(lines: Lines, first: int, last: int, width: int) -> bytes | None:
    """One row out of the lines `first` to `last`, or None where they make none."""
    parts = [line for n in range(first, last + 1) if (line := lines.line(n)) is not None]
    row = b"\n".join(parts)
    return row if len(parts) == last - first + 1 and _is_row(row, width) else None


def _parsed(text: bytes, numbers: pl.Series, width: int, skipped: int = 0) -> pl.DataFrame:
    names = [f"column_{i}" for i in range(1, width + 1)]
    if numbers.is_empty():
        return pl.DataFrame(schema={"line": pl.UInt32(), **dict.fromkeys(names, pl.String())})
    cells = pl.read_csv(
        text,
        has_header=False,
        skip_lines=skipped,
        schema=dict.fromkeys(names, pl.String),
        infer_schema=False,
        raise_if_empty=False,
    )
    if len(cells) != len(numbers):
        raise ValueError("rows and lines of a CSV file do not agree")
    if width == 1:
        cells = cells.with_columns(pl.all().replace("", None))
    return cells.insert_column(0, numbers)
