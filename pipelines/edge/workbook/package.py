"""A workbook opened in bounded memory, or the rule that says why not.

openpyxl reads it as a stream of rows; the faster readers (calamine) give a sheet the room of its outermost cells, and
a file of two cells ends the process. What is unzipped is bounded before, nothing is written to a disk, macros are never
run and links never followed.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from io import BytesIO
from typing import Any
from zipfile import ZipFile

from pipelines.edge.workbook.markup import MOST_ROWS, refuse_what_is_passed_over
from pipelines.edge.workbook.unreadable import Unreadable

LARGEST_PART, LARGEST_WHOLE, MOST_PARTS = 1 << 26, 1 << 28, 2000  # bytes unzipped, bytes, parts
MOST_COLUMNS = 512  # what stands further right is not ours
SEALED = b"\xd0\xcf\x11\xe0"  # a compound file: a password, or Excel 97-2003


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
        looked_at = _looked_at(ZipFile(BytesIO(data)))
        from openpyxl import load_workbook

        workbook = load_workbook(BytesIO(data), read_only=True, data_only=True, keep_links=False)
        if not {sheet._worksheet_path for sheet in workbook.worksheets} <= looked_at:  # where its rows will come from
            raise Unreadable("not_workbook")
        return workbook


def _looked_at(archive: ZipFile) -> set[str]:
    """The names of the parts whose markup was gone through. A part is never longer than its entry says: zipfile stops there.

    Raises Unreadable, and what a broken part leads to.
    """
    parts = archive.infolist()
    if len(parts) > MOST_PARTS or sum(p.file_size for p in parts) > LARGEST_WHOLE:
        raise Unreadable("too_large")
    marked_up = [part for part in parts if part.filename.lower().endswith((".xml", ".rels"))]
    for part in marked_up:
        if part.file_size > LARGEST_PART:
            raise Unreadable("too_large")
        with archive.open(part) as opened_part:
            refuse_what_is_passed_over(opened_part)
    return {part.filename for part in marked_up}


def rows_of(sheet: Any) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """The rows in which a cell has a value, each with its number. Raises Unreadable, also after some rows.

    The library gives one and the same row for every row that the sheet leaves out: of a gap of a million it is looked
    through once.
    """
    with of_the_library():
        empty: tuple[Any, ...] = ()
        for number, row in enumerate(
            sheet.iter_rows(min_row=1, max_row=MOST_ROWS + 1, max_col=MOST_COLUMNS, values_only=True), start=1
        ):
            if number > MOST_ROWS:
                raise Unreadable("too_large")
            if row is empty:
                continue
            if row.count(None) == len(row):
                empty = row
                continue
            yield number, row


def first_day(workbook: Any) -> datetime:
    """The day that the workbook calls 0 (1899-12-30, or 1904-01-01 of some Macintosh files)."""
    epoch: datetime = workbook.epoch
    return epoch
