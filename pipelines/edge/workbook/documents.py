"""The workbooks of a delivery to rows of its records: every sheet looked at, every line of ours accounted for."""

import re
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import polars as pl

from pipelines.declaration import Record
from pipelines.edge.check import Checked
from pipelines.edge.my_number import FORBIDDEN, forbidden_names, numbers_in
from pipelines.edge.read import NEEDED_TO_PROTECT, Arrived, file_refused
from pipelines.edge.refusal import no_refusals, refused
from pipelines.edge.workbook.aggregate import Sums, compared, is_aggregate, sum_headings, sums_of
from pipelines.edge.workbook.lines import arrived_of, records_on
from pipelines.edge.workbook.package import first_day, opened
from pipelines.edge.workbook.sheets import Sheet, plain, sheet_of
from pipelines.edge.workbook.unreadable import Unreadable
from pipelines.feeds import Feed
from pipelines.reference import municipalities

# What is no row: a workbook that cannot be read, and lines of its sums. Nothing of it leaves.
WORKBOOK = Record("workbook", 1, "ブックと集計値", "workbook and its sums", grain="line", key=(), event="", fields={})
# A name of any other form may hold a person's: such a file is told by its place among the files of the folder.
SAFE_STEM = r"(?:child_checkup|child_questionnaire|excel|book|export)(?:[-_.]?\d{1,4})?"


@dataclass(frozen=True)
class ArrivedWorkbook(Arrived):
    """sums: what its sheets of sums say, to be compared with the rows of the delivery."""

    sums: tuple[Sums, ...] = ()


def read_workbooks(paths: list[Path], folder: Path, feed: Feed, submitter: str) -> list[Arrived]:
    """Of each file what is no row, and after it the rows of each record on each of its sheets. Raises OSError.

    submitter: whose residents these are, unless they say. A sheet but the first is told as `<file>[<its place>]`.
    """
    return [
        arrived for place, path in enumerate(paths, start=1)
        for arrived in _of_workbook(path.read_bytes(), f"{feed.name}/{_shown(path, place, submitter)}", feed, submitter)
    ]  # fmt: skip


def with_sums_compared(book: Checked, rows: list[Checked]) -> Checked:
    """The workbook with what its sums and the accepted lines of all workbooks say of each other."""
    if not isinstance(book.arrived, ArrivedWorkbook):
        return book
    told = tuple(compared(sums, rows) for sums in book.arrived.sums)
    return replace(book, arrived=replace(book.arrived, warnings=(*book.arrived.warnings, *told)))


def _shown(path: Path, place: int, submitter: str) -> str:
    """The name of a file that holds nobody's: ours, or the one that the official workbook gives itself."""
    is_safe = re.fullmatch(rf"(?i:{SAFE_STEM})|{_town(submitter)}20\d\d(?:報告用|手入力)", path.stem)
    return path.name if is_safe else f"[{place}]{path.suffix.lower()}"


@cache
def _town(submitter: str) -> str:
    own = municipalities().filter(pl.col("code6") == submitter).select("prefecture", "name").rows()
    return re.escape("".join(own[0])) if own else "(?!)"


def _of_workbook(data: bytes, file: str, feed: Feed, submitter: str) -> list[Arrived]:
    book = ArrivedWorkbook(feed, WORKBOOK, file, pl.DataFrame(schema={"line": pl.UInt32}), 0, no_refusals())
    if not data or data.isspace():
        return [file_refused(book, "empty_file")]
    try:
        workbook = opened(data)
    except Unreadable as problem:
        return [file_refused(book, problem.rule, shows_protected=False)]
    known = {plain(c.header) for record in feed.records for c in feed.columns(record)} | sum_headings(feed).keys()
    sheets = [sheet_of(worksheet, place, known) for place, worksheet in enumerate(workbook.worksheets, start=1)]
    sums = [sums_of(s, _named(file, s), feed) for s in sheets if is_aggregate(s, feed) and not s.is_hidden]
    rows = [
        _judged(arrived_of(sheet, record, _named(file, sheet), feed, submitter, first_day(workbook)), sheet)
        for sheet in sheets if not is_aggregate(sheet, feed) for record in records_on(sheet, feed)
    ]  # fmt: skip
    lines = sum(len(s.refused) for s in sums)
    told = [refused(s.file, WORKBOOK.name, s.refused, "sum") for s in sums]
    book = replace(book, read=lines, refusals=pl.concat([no_refusals(), *told]), sums=tuple(sums))
    return _stopped([_strange(book, sheets, feed), *rows], sheets, feed)


def _named(file: str, sheet: Sheet) -> str:
    return file if sheet.place == 1 else f"{file}[{sheet.place}]"


def _judged(arrived: Arrived, sheet: Sheet) -> Arrived:
    """Refuses the lines of a sheet that nobody sees, or that could not be read to its end."""
    if sheet.is_hidden:
        arrived = file_refused(arrived, "hidden_sheet")
    return file_refused(arrived, sheet.trouble, shows_protected=False) if sheet.trouble else arrived


def _strange(book: ArrivedWorkbook, sheets: list[Sheet], feed: Feed) -> Arrived:
    """The workbook with what is said of sheets that hold no line of ours; refused where there is none that does."""
    others = [s for s in sheets if not is_aggregate(s, feed) and not records_on(s, feed)]
    flag = {plain(c.header) for c in feed.columns(feed.records[0]) if c.field in NEEDED_TO_PROTECT}
    if len(others) == len(sheets) or any(s.trouble or flag <= set(s.heading) for s in others):
        return file_refused(book, "no_sheet", shows_protected=False)
    if not others:
        return book
    places = ", ".join(str(s.place) for s in others)
    return replace(book, warnings=(
        (f"{book.file}: 知らない見出しのシート({places} 番目)は読まずに捨てました",
         f"{book.file}: sheets with unknown headings (no. {places}) were dropped unread"),
    ))  # fmt: skip


def _stopped(arrived: list[Arrived], sheets: list[Sheet], feed: Feed) -> list[Arrived]:
    """A My Number anywhere in a workbook stops all of it: the file lies there as a whole."""
    if not any(_has_my_number(sheet) for sheet in sheets):
        return arrived
    return [file_refused(a, "my_number") for a in arrived]


def _has_my_number(sheet: Sheet) -> bool:
    """By a heading, by a cell of the first rows that is nothing but such a name, or by a column that is filled so."""
    is_filled = any(n.fill_the_column for n in numbers_in(sheet.cells).values())
    named = {plain(text).lower().replace("_", "") for text in sheet.first} & set(FORBIDDEN)
    return is_filled or bool(named or forbidden_names(sheet.heading))
