"""Recorded rows to the files of a feed, by reading the feed's declaration: no record or feed is named here.

The rows of many submitters become text at once (that is most of the cost) and are cut by submitter. A file is written
piece by piece; `Written` tells how far it is, so that links and answer key hold physical lines.
"""

import io
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl

from pipelines.declaration import Record
from pipelines.feeds import FEEDS
from pipelines.feeds.eras import ERA_FORMS, ERAS
from pipelines.feeds.feed import Column, Feed
from synthetic import workbooks
from synthetic.bundles import SENDER, bundles
from synthetic.draws import Draws, Ids
from synthetic.exchange import objects
from synthetic.fault_kinds import BAD_BYTE, EXTRA_CELL, Sheet
from synthetic.faults import Faulty
from synthetic.observe import Observed
from synthetic.places import Habits

SHARED = ("submitter", "entity_id", "household")
UNDECODABLE = {"utf-8": b"\xff", "utf-8-sig": b"\xff", "cp932": b"\x81\x39"}
LINE_END = ord("\n")
HEADING_LINES = 1  # CSV heading, opening bracket of a JSON array, sender of FHIR resources, or first row of a sheet
BEGINNING = {"fhir": SENDER, "json": b"[", "workbook": b""}  # a workbook is made of its lines when it is whole
_MY_NUMBER_WEIGHTS = (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)


def sheet_of(observed: Observed, feed: Feed, record: Record) -> Sheet:
    """The feed's fields of the record: the row's own, else the person's, else empty; an own format sends some of them."""
    rows, who = observed.rows, observed.rows["who"]
    fields = dict.fromkeys(column.field for column in FEEDS[feed.name].columns(record))
    left_out = frozenset(fields) - {column.field for column in feed.columns(record)}
    of_person = observed.people.select([f for f in fields if f in observed.people.columns and f not in rows.columns])
    persons = of_person[who]
    columns = [
        rows[f] if f in rows.columns else persons[f] if f in persons.columns else _empty(f, len(rows)) for f in fields
    ]
    about = observed.people.select(SHARED)[who].with_columns(rows["row"])
    return Sheet(record, feed.name, pl.DataFrame(columns), about, left_out)


def _empty(name: str, n: int) -> pl.Series:
    return pl.Series(name, [None], dtype=pl.String).new_from_index(0, n)


@dataclass(frozen=True)
class Lines:
    """The rows of a sheet as text of a feed, a line each, in UTF-8; `changed` are those of its faulty rows."""

    whole: bytes
    start: Ids  # of each line in `whole`, and the end of the last
    changed: list[bytes]
    faulty: Faulty

    def between(self, first: int, last: int, habits: Habits) -> bytes:
        """Lines of the sheet's rows from `first` to before `last` with their faults, as this submitter writes."""
        pieces, done = [], first
        for i in range(*np.searchsorted(self.faulty.at, [first, last])):
            at = int(self.faulty.at[i])
            pieces.append(habits.written(self._plain(done, at + self.faulty.adds[i])))
            pieces.append(_marked(habits.written(self.changed[i]), habits))
            done = at + 1
        pieces.append(habits.written(self._plain(done, last)))
        return b"".join(pieces)

    def _plain(self, first: int, last: int) -> bytes:
        return self.whole[self.start[first] : self.start[last]]


def lines_of(draws: Draws, faulty: Faulty, feed: Feed) -> Lines:
    """Raises ValueError where a cell holds a line break: it would be taken for the end of its row."""
    sheet = faulty.sheet
    columns = feed.columns(sheet.record)
    if feed.format == "csv":
        whole, changed = _csv(sheet.rows, columns), _csv(faulty.changed, columns)
    elif feed.format == "fhir":
        whole, changed = (bundles(rows, sheet.record, feed) for rows in (sheet.rows, faulty.changed))
    elif feed.format == "workbook":
        whole, changed = (workbooks.lines(rows, sheet.record, feed) for rows in (sheet.rows, faulty.changed))
    elif feed.is_self_entered:
        whole, changed = (objects(rows, sheet.record, feed) for rows in (sheet.rows, faulty.changed))
    else:
        entities = sheet.about["entity_id"]
        whole = _json(draws, sheet.rows, entities, columns, sheet.record)
        changed = _json(draws, faulty.changed, entities[faulty.at], columns, sheet.record)
    start = np.append(0, np.flatnonzero(np.frombuffer(whole, dtype=np.uint8) == LINE_END) + 1)
    if len(start) != len(sheet.rows) + 1:
        raise ValueError("セルに改行があります。 / A cell holds a line break.")
    return Lines(whole, start, changed.splitlines(keepends=True), faulty)


@dataclass
class Written:
    """A file that grows: `lines` physical lines so far; it begins with the heading."""

    path: Path
    name: str  # below OUT/feeds
    feed: Feed
    record: Record
    habits: Habits
    lines: int = HEADING_LINES

    def __post_init__(self) -> None:
        if self.feed.format == "csv":
            heading = self.habits.written(_heading(self.feed.columns(self.record)))
            self.path.write_bytes(b"\xef\xbb\xbf" * (self.habits.encoding == "utf-8-sig") + heading)
        else:
            self.path.write_bytes(BEGINNING[self.feed.format])

    def add(self, text: bytes, n: int) -> None:
        """Appends n rows, a line each."""
        if self.feed.format == "json":
            text = (b"\n" if self.lines == HEADING_LINES else b",\n") + text.removesuffix(b",\n")
        with self.path.open("ab") as file:
            file.write(text)
        self.lines += n

    def close(self) -> None:
        """Ends a JSON array; makes a workbook of its lines."""
        if self.feed.format == "json":
            with self.path.open("ab") as file:
                file.write(b"\n]\n")
        elif self.feed.format == "workbook":
            self.path.write_bytes(workbooks.workbook(self.path.read_bytes(), self.record, self.feed))


@cache
def _heading(columns: tuple[Column, ...]) -> bytes:
    return pl.DataFrame(schema=list(_by_header(columns))).write_csv().encode()


def _by_header(columns: tuple[Column, ...]) -> dict[str, list[Column]]:
    """Heading or path -> its columns; two are the parts of a name."""
    parts: dict[str, list[Column]] = {}
    for column in columns:
        parts.setdefault(column.header, []).append(column)
    return parts


def _csv(rows: pl.DataFrame, columns: tuple[Column, ...]) -> bytes:
    """Rows in the order of the columns; a name's parts are joined by a space."""
    buffer = io.BytesIO()
    cells = [[_csv_cell(rows[part.field], part) for part in parts] for parts in _by_header(columns).values()]
    sent = [pl.select(pl.concat_str(c, separator=" ")).to_series() if len(c) > 1 else c[0] for c in cells]
    pl.DataFrame([cell.alias(str(i)) for i, cell in enumerate(sent)]).write_csv(buffer, include_header=False)
    return buffer.getvalue()


def _csv_cell(cell: pl.Series, column: Column) -> pl.Series:
    """Flags as 1 and 0, or as true and false where the column says so; days of the Japanese calendar where it says so."""
    if column.conversion in ERA_FORMS:
        return pl.Series([_in_era(text, column.conversion) for text in cell.cast(pl.String)], dtype=pl.String)
    flag = cell.cast(pl.Int8) if cell.dtype == pl.Boolean else cell
    return flag.cast(pl.String).replace({"1": "true", "0": "false"}) if column.conversion == "true_false" else flag


def _in_era(text: str | None, form: str) -> str | None:
    """`2024-04-01` as 令和6年4月1日 or 5060401; what is no day stays."""
    try:
        day = date.fromisoformat(text or "")
    except ValueError:
        return text
    era = next((e for e in ERAS if e.first <= day <= e.last), None)
    if era is None:
        return text
    year = day.year - era.first.year + 1
    if form == "era_digits":
        return f"{era.digit}{year:02}{day.month:02}{day.day:02}"
    return f"{era.name}{'元' if year == 1 else year}年{day.month}月{day.day}日"


def _marked(line: bytes, habits: Habits) -> bytes:
    return line.replace(EXTRA_CELL.encode(), b",").replace(BAD_BYTE.encode(), UNDECODABLE[habits.encoding])


def _json(draws: Draws, rows: pl.DataFrame, entities: pl.Series, columns: tuple[Column, ...], record: Record) -> bytes:
    """One object per line, nested by the dots of the declared path; `myNumber` never passes its check digit."""
    rows = rows.with_columns(modificationSeg=_change_code(rows), myNumber=my_numbers(draws, entities.to_numpy()))
    lines = rows.select(_object(columns, record).struct.json_encode()).to_series()
    return "".join(line + ",\n" for line in lines).encode()


def _change_code(rows: pl.DataFrame) -> pl.Series:
    cancelled = rows["is_cancelled"].cast(pl.String).is_in(["1", "true"])
    return pl.Series(["1", "2"])[cancelled.cast(pl.UInt32)]


def _object(columns: tuple[Column, ...], record: Record) -> pl.Expr:
    """The struct of one row; two columns of one path are the two parts of a name, joined by a space."""
    top: dict[str, pl.Expr] = {"modificationSeg": pl.col("modificationSeg"), "myNumber": pl.col("myNumber")}
    nested: dict[str, list[pl.Expr]] = {}
    for path, parts in _by_header(columns).items():
        outer, _, inner = path.rpartition(".")
        value = _json_value(parts, record)
        if outer:
            nested.setdefault(outer, []).append(value.alias(inner))
        elif path != "modificationSeg":
            top[path] = value.alias(path)
    for outer, values in nested.items():
        top[outer] = pl.struct(values).alias(outer)
    return pl.struct(list(top.values()))


def _json_value(parts: list[Column], record: Record) -> pl.Expr:
    """A number where the record declares a fraction, a truth value where the feed does, else text."""
    cells = [pl.col(p.field).cast(pl.String) for p in parts]
    if len(parts) > 1:
        return pl.concat_str(cells, separator=" ")
    if parts[0].conversion == "true_false":
        return cells[0].is_in(["true", "1"])
    return cells[0].cast(pl.Float64) if record.fields[parts[0].field].type is float else cells[0]


def my_numbers(draws: Draws, entities: Ids) -> pl.Series:
    """Twelve digits in the form of a My Number whose check digit is wrong, so that they are nobody's."""
    body = draws.below("my_number", entities, 10**11)
    total, rest = np.zeros_like(body), body.copy()
    for weight in reversed(_MY_NUMBER_WEIGHTS):
        total += rest % 10 * weight
        rest //= 10
    remainder = total % 11
    right = np.where(remainder <= 1, 0, 11 - remainder)
    return pl.Series(body * 10 + (right + 1) % 10).cast(pl.String).str.zfill(12)
