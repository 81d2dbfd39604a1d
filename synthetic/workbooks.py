"""Rows as a clerk's workbook: a sheet with a line per child (個票) and a sheet of sums (集計値), by reading the feed's declaration.

A file grows as lines of text; when it is whole it becomes a workbook. Dates are dates, and what looks like a number is
one: leading zeros are lost, as a spreadsheet loses them.
"""

import json
import re
from datetime import date, datetime
from io import BytesIO
from typing import Any

import polars as pl
import xlsxwriter

from pipelines.declaration import OneOf, Record
from pipelines.feeds.feed import Column, Feed
from pipelines.records.head import PERSON, ROW
from pipelines.reference import feed_table
from synthetic.faults import as_text

SHEET, SUMS = "個票", "集計値"
NUMBER = re.compile(r"-?\d{1,9}(?:\.\d+)?")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
MADE = datetime(2024, 4, 1)  # same seed, same bytes: a workbook is not dated
NO_NUMBERS = ("person_local", "phone", "insured_symbol", "insured_number", "facility_code")


def lines(rows: pl.DataFrame, record: Record, feed: Feed) -> bytes:
    """A JSON list of texts a line, in the order of the columns."""
    texts = as_text(rows).select(c.field for c in feed.columns(record))
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in texts.iter_rows()).encode()


def workbook(text: bytes, record: Record, feed: Feed) -> bytes:
    """The workbook of such lines: headings in the first row, a row for each line, and the sheet of sums."""
    columns, rows = feed.columns(record), [json.loads(line) for line in text.splitlines()]
    made = BytesIO()
    with xlsxwriter.Workbook(made, {"constant_memory": True}) as book:
        book.set_properties({"created": MADE})
        day = book.add_format({"num_format": "yyyy/mm/dd"})
        sheet = book.add_worksheet(SHEET)
        sheet.write_row(0, 0, [c.header for c in columns])
        for at, row in enumerate(rows, start=1):
            for place, (column, cell) in enumerate(zip(columns, row, strict=True)):
                _write(sheet, at, place, _value(column, record, cell), day)
        sums = book.add_worksheet(SUMS)
        for at, sum_row in enumerate(_sums(rows, record, feed)):
            sums.write_row(at, 0, sum_row)
    return made.getvalue()


def _write(sheet: Any, row: int, column: int, value: Any, day: Any) -> None:
    if isinstance(value, date):
        sheet.write_datetime(row, column, value, day)
    elif isinstance(value, float):
        sheet.write_number(row, column, value)
    elif value is not None:
        sheet.write_string(row, column, value)


def _value(column: Column, record: Record, cell: str | None) -> date | float | str | None:
    field = record.fields[column.field]
    if cell is None:
        return None
    if field.type is date and DAY.fullmatch(cell):
        return _day(cell)
    is_number = field.type is not str or isinstance(field.rule, OneOf) or bool(column.conversion)
    if is_number and column.field not in NO_NUMBERS and NUMBER.fullmatch(cell):
        return float(cell)
    return cell


def _day(cell: str) -> date | str:
    """A day that there is; else as it was typed."""
    try:
        return date.fromisoformat(cell)
    except ValueError:
        return cell


def _sums(rows: list[list[str | None]], record: Record, feed: Feed) -> list[list[Any]]:
    """The headings, then persons by fiscal year, programme, item and answer, as the town would count its own lines."""
    table = feed_table(feed.name, "aggregate", feed.version)
    headings = table.filter(pl.col("kind") == "column")["header"].to_list()
    everybody = table.filter(pl.col("kind") == "everybody", pl.col("field") == record.name)["header"][0]
    rules = {c: record.fields[c.field].rule for c in feed.columns(record) if c.field not in PERSON | ROW}
    items = {c.field: c.header for c, rule in rules.items() if isinstance(rule, OneOf) and c.field != "programme_code"}
    cells = pl.DataFrame(rows, schema={c.field: pl.String for c in feed.columns(record)}, orient="row")
    day = pl.col(record.event).str.to_date("%Y-%m-%d", strict=False)
    live = cells.filter(pl.col("is_cancelled") != "1").with_columns(fiscal_year=day.dt.year() - (day.dt.month() < 4))
    who = ["person_local", "fiscal_year", "programme_code"]
    parts = [live.select(*who, item=pl.lit(everybody), answer=pl.lit(None, pl.String))]
    parts += [live.select(*who, item=pl.lit(h), answer=f).drop_nulls("answer") for f, h in items.items()]
    by = ["fiscal_year", "programme_code", "item", "answer"]
    counted = pl.concat(parts).drop_nulls("fiscal_year").group_by(by).agg(pl.col("person_local").n_unique()).sort(by)
    return [headings, *map(list, counted.iter_rows())]
