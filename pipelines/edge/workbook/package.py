"""A workbook opened in bounded memory, or the rule that says why not.

openpyxl reads it as a stream of rows; the faster readers (calamine) give a sheet the room of its outermost cells, and
a file of two cells ends the process. What is unzipped is bounded before, nothing is written to a disk, macros are never
run and links never followed.
"""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from io import BytesIO
from typing import Any
from zipfile import ZipFile

LARGEST_PART, LARGEST_WHOLE, MOST_PARTS = 1 << 26, 1 << 28, 2000  # bytes unzipped, bytes, parts
MOST_ROWS, MOST_COLUMNS = 1_048_576, 512  # a sheet has no more rows; what stands further right is not ours
SEALED = b"\xd0\xcf\x11\xe0"  # a compound file: a password, or Excel 97-2003
# Entities (forbidden by ISO/IEC 29500-2, 8.1.4) can blow up a few bytes to many; in the three ways XML may be encoded.
DOCTYPE = [mark.encode(e) for mark in ("<!DOCTYPE", "<!ENTITY") for e in ("utf-8", "utf-16-le", "utf-16-be")]
NEVER_WORKED_OUT = re.compile(
    rb"(?:</(?:\w+:)?f>|<(?:\w+:)?f(?:\s[^>]*)?/>)\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)


class Unreadable(Exception):
    """rule: of `refusal.SENTENCES`."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


@contextmanager
def of_the_library() -> Iterator[None]:
    """What the library meets in a broken file, as Unreadable; its words hold cells, and are never shown."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Unreadable:
        raise
    except Exception as problem:  # whatever a broken file leads to: all of it is refused, no row is lost
        raise Unreadable("not_workbook") from problem


def opened(data: bytes) -> Any:
    """The workbook (openpyxl, read-only, values instead of formulas). Raises Unreadable."""
    if data.startswith(SEALED):
        raise Unreadable("password")
    with of_the_library():
        _refuse_what_swells(ZipFile(BytesIO(data)))
        from openpyxl import load_workbook

        return load_workbook(BytesIO(data), read_only=True, data_only=True, keep_links=False)


def _refuse_what_swells(archive: ZipFile) -> None:
    """Raises Unreadable. A part is never longer than its entry says: zipfile stops there."""
    parts = archive.infolist()
    if len(parts) > MOST_PARTS or sum(p.file_size for p in parts) > LARGEST_WHOLE:
        raise Unreadable("too_large")
    for part in parts:
        if not part.filename.endswith((".xml", ".rels")):
            continue
        if part.file_size > LARGEST_PART:
            raise Unreadable("too_large")
        text = archive.read(part)
        if any(mark in text for mark in DOCTYPE):
            raise Unreadable("not_workbook")
        if "worksheets/" in part.filename and NEVER_WORKED_OUT.search(text):
            raise Unreadable("formula")


def rows_of(sheet: Any) -> Iterator[tuple[Any, ...]]:
    """The values of each row from the first on, empty rows too. Raises Unreadable, also after some rows."""
    with of_the_library():
        for number, row in enumerate(
            sheet.iter_rows(min_row=1, max_row=MOST_ROWS + 1, max_col=MOST_COLUMNS, values_only=True), start=1
        ):
            if number > MOST_ROWS:
                raise Unreadable("too_large")
            yield row


def first_day(workbook: Any) -> datetime:
    """The day that the workbook calls 0 (1899-12-30, or 1904-01-01 of some Macintosh files)."""
    epoch: datetime = workbook.epoch
    return epoch
