"""A sheet as a table: where its headings stand, and what stands below them.

Headings need not stand in the first row: titles above them, groups of merged cells over them and cells merged downwards
are usual. Of a merged cell only the first holds a text, so a column is called by the lowest text above its values.
"""

import unicodedata
from dataclasses import dataclass
from typing import Any

import polars as pl

from pipelines.edge.workbook.cells import text_of
from pipelines.edge.workbook.package import rows_of
from pipelines.edge.workbook.unreadable import Unreadable

ROWS_ABOVE = 20  # the headings stand in the first rows, or nowhere
HEIGHT = 3  # of a heading: groups, and names below them

Row = tuple[str | None, ...]


@dataclass(frozen=True)
class Sheet:
    """place: from 1. cells: `line` (row of the sheet) and `column_1`...; empty rows are left out.

    first: every text of the first rows, headings or not. trouble: the rule that broke the sheet off; the rows before are there.
    """

    place: int
    title: str
    is_hidden: bool
    heading: list[str]
    first: list[str]
    cells: pl.DataFrame
    trouble: str = ""


def sheet_of(worksheet: Any, place: int, known: set[str]) -> Sheet:
    """Reads a worksheet of openpyxl; known: the headings that are looked for, in the form of `plain`."""
    numbered, trouble = _read(worksheet)
    head, below = _parted(numbered, known)
    heading = _lowest([row for _, row in head[-HEIGHT:]])
    width = max((len(row) for _, row in numbered), default=0)
    first = [text for _, row in numbered[:ROWS_ABOVE] for text in row if text]
    return Sheet(
        place, plain(str(worksheet.title or "")), worksheet.sheet_state != "visible", heading + [""] * (width - len(heading)),
        first, _table(below, width), trouble,
    )  # fmt: skip


def plain(title: str) -> str:
    """A title or heading as it is compared: one form of every letter, no spaces or breaks."""
    return "".join(unicodedata.normalize("NFKC", title).replace("〜", "~").split())


def _read(worksheet: Any) -> tuple[list[tuple[int, Row]], str]:
    """The rows in which anything stands, with their numbers, and the rule that broke the reading off."""
    numbered: list[tuple[int, Row]] = []
    try:
        for number, values in rows_of(worksheet):
            row = _without_end(values)
            if row:
                numbered.append((number, row))
    except Unreadable as broken:
        return numbered, broken.rule
    return numbered, ""


def _without_end(values: tuple[Any, ...]) -> Row:
    """The texts of the cells up to the last in which one is seen; the library fills a row up to the last column asked for."""
    filled = [i for i, value in enumerate(values, start=1) if value is not None]
    texts = tuple(map(text_of, values[: filled[-1]])) if filled else ()
    last = next((i for i in range(len(texts), 0, -1) if texts[i - 1] is not None), 0)
    return texts[:last]


def _parted(numbered: list[tuple[int, Row]], known: set[str]) -> tuple[list[tuple[int, Row]], list[tuple[int, Row]]]:
    """The rows of titles and headings, and the rows below: parted where the most headings are known, as soon as they are."""
    ends = range(1, min(ROWS_ABOVE, len(numbered)) + 1)
    met = {end: len(known & set(_lowest([row for _, row in numbered[max(0, end - HEIGHT) : end]]))) for end in ends}
    best = max(met, key=lambda end: met[end], default=0)
    end = best if met.get(best) else 0
    return numbered[:end], numbered[end:]


def _lowest(rows: list[Row]) -> list[str]:
    """Of each column the lowest text."""
    width = max(map(len, rows), default=0)
    columns = ([row[i] for row in rows if i < len(row) and row[i]] for i in range(width))
    return [plain(str(texts[-1])) if texts else "" for texts in columns]


def _table(numbered: list[tuple[int, Row]], width: int) -> pl.DataFrame:
    lines = pl.Series("line", [number for number, _ in numbered], dtype=pl.UInt32)
    columns = [
        pl.Series(f"column_{i + 1}", [row[i] if i < len(row) else None for _, row in numbered], dtype=pl.String)
        for i in range(width)
    ]
    return pl.DataFrame([lines, *columns])
