"""Lines of CSV to rows, each with the physical line it begins on; a row that does not fit its heading is refused alone.

Polars reads the rows; this file only makes sure beforehand that every row it is given has as many cells as the
heading, because Polars would stop at a long row and fill a short one (reference: engineering, chapter 5).
"""

import csv
import re
from itertools import pairwise

import polars as pl

QUOTED = re.compile(rb'"[^"]*+"')
# cells in quotes (with doubled quotes inside) or without any quote, parted by commas
WELL_FORMED = re.compile(rb'(?>(?:"[^"]*+")++|[^",\n]*+)(?:,(?>(?:"[^"]*+")++|[^",\n]*+))*+')
LONGEST_ROW = 200  # physical lines: an open quote swallows no more than this before it is a refusal of its own line


def heading_cells(line: bytes) -> list[str]:
    """The cells of the heading line."""
    return [cell.strip() for cell in next(csv.reader([line.decode().replace("\r", " ")]), [])]


def rows_of(lines: list[bytes | None], width: int) -> tuple[pl.DataFrame, list[int], list[int]]:
    """Rows below the heading, and the lines refused as ragged and as undecodable.

    The rows hold `line` (UInt32) and `column_1` ... `column_<width>` (text, empty is null).
    """
    body = dict(enumerate(_without_blank_end(lines), start=2))
    unusual = {n: line for n, line in body.items() if line is None or b'"' in line or line.count(b",") != width - 1}
    undecodable = [n for n, line in unusual.items() if line is None]
    odd = {n: line for n, line in unusual.items() if line is not None and not _is_row(line, width)}
    joined, ragged, inside = _joined(odd, body, width)
    gone = {*undecodable, *ragged, *inside}
    rows = {n: line for n, line in body.items() if line is not None and n not in gone} | joined
    return _parsed(rows, width), ragged, undecodable


def _without_blank_end(lines: list[bytes | None]) -> list[bytes | None]:
    """Lines after the heading without blank ones at the end."""
    end = len(lines)
    while end > 1 and (last := lines[end - 1]) is not None and not last.strip(b" \x1a"):
        end -= 1
    return lines[1:end]


def _is_row(text: bytes, width: int) -> bool:
    is_parted = WELL_FORMED.fullmatch(text) is not None
    return is_parted and QUOTED.sub(b"", text).count(b",") == width - 1


def _joined(
    odd: dict[int, bytes], body: dict[int, bytes | None], width: int
) -> tuple[dict[int, bytes], list[int], set[int]]:
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
        row = _whole_row(body, line, end, width) if end and end - line < LONGEST_ROW else None
        if row is None or end is None:
            ragged.append(line)
        else:
            made[line] = row
            inside.update(range(line + 1, end + 1))
    return made, ragged, inside


def _whole_row(body: dict[int, bytes | None], first: int, last: int, width: int) -> bytes | None:
    """One row out of the lines `first` to `last`, or None where they make none."""
    lines = [line for n in range(first, last + 1) if (line := body[n]) is not None]
    row = b"\n".join(lines)
    return row if len(lines) == last - first + 1 and _is_row(row, width) else None


def _parsed(rows: dict[int, bytes], width: int) -> pl.DataFrame:
    names = [f"column_{i}" for i in range(1, width + 1)]
    if not rows:
        return pl.DataFrame(schema={"line": pl.UInt32(), **dict.fromkeys(names, pl.String())})
    text = b"\n".join(row or b'""' for row in rows.values())  # Polars skips a blank line, even where a row has one cell
    cells = pl.read_csv(
        text,
        has_header=False,
        schema=dict.fromkeys(names, pl.String),
        infer_schema=False,
        raise_if_empty=False,
    )
    if len(cells) != len(rows):
        raise ValueError("rows and lines of a CSV file do not agree")
    if b'""' in text:
        cells = cells.with_columns(pl.all().replace("", None))
    return cells.insert_column(0, pl.Series("line", list(rows), dtype=pl.UInt32))
