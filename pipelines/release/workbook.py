"""An export as one xlsx workbook: a sheet per table, the same bytes for the same release.

No cell holds more than it shows: values are rounded before they are written, text is never a formula, and the
document's properties hold the release id and its date only (privacy, hole 7).
"""

from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import polars as pl
import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from pipelines.release.errors import DiskError, UsageError
from pipelines.release.official_notes import created_on
from pipelines.release.official_tables import Column, Table
from pipelines.release.writing import PART, place_file

ROWS_OF_A_SHEET = 1_048_575  # of Excel, below the header
WIDEST = 48


def write_workbook(path: Path, line: dict[str, object], tables: tuple[Table, ...]) -> None:
    """All tables as sheets of `path`, which appears whole or not at all.

    Raises UsageError when a table is longer than a sheet; DiskError.
    """
    for table in tables:
        _fits(table)
    part = path.with_name(path.name + PART)
    try:
        _write(part, line, tables)
    except (OSError, xlsxwriter.exceptions.FileCreateError):
        part.unlink(missing_ok=True)
        raise DiskError(path.name) from None
    place_file(part, path)


def _write(part: Path, line: dict[str, object], tables: tuple[Table, ...]) -> None:
    with xlsxwriter.Workbook(str(part), {"constant_memory": True}) as book:
        day = datetime.combine(created_on(line), time(), UTC).replace(tzinfo=None)
        book.set_properties({"title": str(line["release_id"]), "created": day})
        heading = book.add_format({"bold": True})
        for table in tables:
            sheet = book.add_worksheet(table.name)
            _set_up(sheet, table)
            for place, column in enumerate(table.columns):
                sheet.write_string(0, place, heading_of(column), heading)
            _write_rows(sheet, table)


def heading_of(column: Column) -> str:
    """Japanese first, then the name that the csv and parquet files use."""
    return f"{column.label_ja} / {column.name}"


def _set_up(sheet: Worksheet, table: Table) -> None:
    sheet.freeze_panes(1, 0)
    for place, column in enumerate(table.columns):
        longest = table.rows.select(pl.col(column.name).cast(pl.String).head(200).str.len_chars().max()).item() or 0
        sheet.set_column(place, place, min(WIDEST, max(10, 2 * len(heading_of(column)) // 2, longest + 2)))


def _write_rows(sheet: Worksheet, table: Table) -> None:
    writers: list[Any] = [sheet.write_string if c.type == "string" else sheet.write_number for c in table.columns]
    for place, row in enumerate(table.rows.iter_rows(), start=1):
        for column, value in enumerate(row):
            if value is not None and value != "":
                writers[column](place, column, value)


def _fits(table: Table) -> None:
    if table.rows.height > ROWS_OF_A_SHEET:
        raise UsageError(
            f"xlsx の1シートは {ROWS_OF_A_SHEET:,} 行までですが、{table.name} は {table.rows.height:,} 行あります。"
            "--indicator か --level で絞るか、csv を指定してください。",
            f"A sheet holds {ROWS_OF_A_SHEET:,} rows, but {table.name} has {table.rows.height:,}; narrow it with "
            "--indicator or --level, or choose csv.",
        )
