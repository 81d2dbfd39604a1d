"""Lines of a sheet to rows of a record: one line may tell of several records (a checkup and its questionnaire)."""

import re
from dataclasses import replace
from datetime import date, datetime
from functools import cache

import polars as pl

from pipelines.declaration import Record
from pipelines.edge.read import NEEDED_TO_PROTECT, Arrived, dropped_unread, fielded, fields_under, file_refused, no_rows
from pipelines.edge.refusal import no_refusals, refused
from pipelines.edge.unread import NO, NUMBER
from pipelines.edge.workbook.cells import ERRORS, as_dates
from pipelines.edge.workbook.sheets import Sheet, plain
from pipelines.feeds import Column, Feed
from pipelines.records import RECORDS
from pipelines.reference import feed_table

ENOUGH = 3  # headings of a record alone that tell of it, where the heading of its date is lost
ANY_SHEET = "*"


def records_on(sheet: Sheet, feed: Feed) -> list[Record]:
    """The records of which the headings tell."""
    heading = set(sheet.heading)
    return [r for r in feed.records if _date(feed, r.name) in heading or len(_own(feed, r.name) & heading) >= ENOUGH]


@cache
def _date(feed: Feed, record: str) -> str:
    """The heading of the day that the record is of."""
    declared = RECORDS[record]
    return next(plain(c.header) for c in feed.columns(declared) if c.field == declared.event)


@cache
def _own(feed: Feed, record: str) -> frozenset[str]:
    """The headings of this record alone."""
    others = {plain(c.header) for r in feed.records if r.name != record for c in feed.columns(r)}
    return frozenset(plain(c.header) for c in feed.columns(RECORDS[record])) - others


def arrived_of(sheet: Sheet, record: Record, file: str, feed: Feed, submitter: str, first_day: datetime) -> Arrived:
    """The lines that tell of the record; cells with an error of the spreadsheet refuse their line."""
    place = {h: f"column_{i}" for i, h in reversed(list(enumerate(sheet.heading, start=1))) if h}
    columns = {c: place[plain(c.header)] for c in feed.columns(record) if plain(c.header) in place}
    cells = _told(sheet, record, feed, place)
    wrong = _errors(cells, columns)
    broken = cells.filter(pl.col("line").is_in(wrong["line"].implode()))
    arrived = Arrived(
        feed, record, file, no_rows(record.name), len(cells),
        pl.concat([no_refusals(), *(refused(file, record.name, lines["line"], "cell_error", str(f))
                                    for (f,), lines in wrong.partition_by("field", as_dict=True).items())]),
    )  # fmt: skip
    arrived = _protecting(arrived, broken, {c.field: at for c, at in columns.items()})
    given = _given(sheet, record, feed, submitter, {c.field for c in columns})
    dates = [at for c, at in columns.items() if record.fields[c.field].type is date]
    whole = cells.join(broken.select("line"), on="line", how="anti").with_columns(
        *as_dates(first_day, *dates), *(pl.lit(value).alias(f"given_{f}") for f, value in given.items())
    )
    arrived, _ = fielded(arrived, whole, columns | {Column("", f): f"given_{f}" for f in given})
    return _shaped(arrived, sheet, columns, given)


def _told(sheet: Sheet, record: Record, feed: Feed, place: dict[str, str]) -> pl.DataFrame:
    """The lines in which something of the record stands; a line that tells of no record is of the first."""
    records = records_on(sheet, feed)
    filled = {
        r.name: pl.any_horizontal(pl.col(place[h]).is_not_null() for h in sorted(_own(feed, r.name) & place.keys()))
        for r in records
    }
    tells = filled[record.name]
    return sheet.cells.filter(tells | ~pl.any_horizontal(filled.values()) if record is records[0] else tells)


def _errors(cells: pl.DataFrame, columns: dict[Column, str]) -> pl.DataFrame:
    """`line, field` of the cells that hold an error, one for each line."""
    wrong = [
        cells.filter(pl.col(at).is_in(ERRORS)).select("line", pl.lit(c.field).alias("field"))
        for c, at in columns.items()
    ]
    schema = pl.DataFrame(schema={"line": pl.UInt32, "field": pl.String})
    return pl.concat([schema, *wrong]).unique("line", keep="first", maintain_order=True).sort("line")


def _protecting(arrived: Arrived, broken: pl.DataFrame, place: dict[str, str]) -> Arrived:
    """Who is flagged in the lines that are not rows; a flag of which nobody can tell whose it is stops the sending."""
    if broken.is_empty() or not set(NEEDED_TO_PROTECT) <= place.keys():
        return arrived
    person, flag = (pl.col(place[f]) for f in NEEDED_TO_PROTECT)
    flagged = broken.filter(~flag.fill_null("").str.to_lowercase().is_in(list(NO))).select(person).to_series()
    numbers = {n for n in flagged if n and NUMBER.fullmatch(n)}
    is_known = len(flagged) == sum(n in numbers for n in flagged)
    return replace(arrived, flagged_unread=frozenset(numbers), shows_protected=is_known)


def _given(sheet: Sheet, record: Record, feed: Feed, submitter: str, told: set[str]) -> dict[str, str]:
    """What the sheet says of all its lines where it has no such column: by its title, and whose residents they are."""
    said: dict[str, set[str]] = {"residence_municipality_code": {submitter}}
    for title, field, value in feed_table(feed.name, "sheets", feed.version).select("title", "field", "value").rows():
        if title == ANY_SHEET or re.search(rf"(?<!\d){re.escape(plain(title))}", sheet.title):
            said.setdefault(field, set()).add(value)
    clear = {field: min(values) for field, values in said.items() if len(values) == 1}
    return {field: value for field, value in clear.items() if field in record.arriving and field not in told}


def _shaped(arrived: Arrived, sheet: Sheet, columns: dict[Column, str], given: dict[str, str]) -> Arrived:
    """Everything that refuses the lines of a sheet as a whole; a heading that need not be there is dropped unread."""
    layout = arrived.feed.columns(arrived.record)
    headers = {c: plain(c.header) for c in layout}
    if twice := [c.header for c in columns if sheet.heading.count(headers[c]) > 1]:
        arrived = file_refused(arrived, "column_twice", fields=fields_under(layout, twice))
    needed = {n for n, f in arrived.record.arriving.items() if f.required} | set(NEEDED_TO_PROTECT)
    told = {c.field for c in columns} | given.keys()
    if missing := [c.header for c in layout if c.field in needed - told]:
        arrived = file_refused(arrived, "column_missing", fields=fields_under(layout, missing))
    known = {plain(c.header) for record in arrived.feed.records for c in arrived.feed.columns(record)}
    strange = [i for i, h in enumerate(sheet.heading, start=1) if h and h not in known]
    return dropped_unread(arrived, strange if arrived.record is records_on(sheet, arrived.feed)[0] else [])
