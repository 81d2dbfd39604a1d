"""Recorded rows to the files of a feed, by reading the feed's declaration: no record or feed is named here.

A file is written piece by piece; `Written` tells how far it is, so that links and answer key hold physical lines.
"""

import io
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from pipelines.declaration import Record
from pipelines.feeds.feed import Column, Feed
from synthetic.draws import Draws, Ids
from synthetic.faults import BAD_BYTE, EXTRA_CELL, Faulty, Sheet
from synthetic.observe import Observed
from synthetic.places import Habits

SHARED = ("entity_id", "household", "member")
UNDECODABLE = {"utf-8": b"\xff", "utf-8-sig": b"\xff", "cp932": b"\x81\x39"}
HEADING_LINES = 1  # CSV heading, or the opening bracket of a JSON array
_MY_NUMBER_WEIGHTS = (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)


def sheet_of(observed: Observed, feed: Feed, record: Record) -> Sheet:
    """The feed's fields of the record: the row's own, else the person's, else empty."""
    rows, who = observed.rows, observed.rows["who"]
    fields = dict.fromkeys(column.field for column in feed.columns(record))
    of_person = observed.people.select([f for f in fields if f in observed.people.columns and f not in rows.columns])
    persons = of_person[who]
    columns = [
        rows[f] if f in rows.columns else persons[f] if f in persons.columns else _empty(f, len(rows)) for f in fields
    ]
    about = observed.people.select(SHARED)[who].with_columns(rows["row"])
    return Sheet(record, feed.name, pl.DataFrame(columns), about)


def _empty(name: str, n: int) -> pl.Series:
    return pl.Series(name, [None], dtype=pl.String).new_from_index(0, n)


@dataclass
class Written:
    """A file that grows: `lines` physical lines so far; links and answers of its rows."""

    path: Path
    name: str  # below OUT/feeds
    feed: Feed
    record: Record
    habits: Habits
    lines: int = 0
    links: list[pl.DataFrame] = field(default_factory=list)
    answers: list[pl.DataFrame] = field(default_factory=list)

    def add(self, draws: Draws, faulty: Faulty) -> None:
        """Appends rows; an empty piece still writes the heading."""
        first = max(self.lines, HEADING_LINES) + 1
        text = _csv(faulty.sheet, self) if self.feed.format == "csv" else _json(draws, faulty.sheet, self)
        with self.path.open("ab") as file:
            file.write(text)
        n = len(faulty.sheet.rows)
        self.lines = first - 1 + n
        lines = pl.Series("line", np.arange(first, first + n, dtype=np.uint32))
        self.links.append(pl.DataFrame([lines, faulty.sheet.about["entity_id"]]))
        self.answers.append(faulty.key.with_columns(line=(pl.col("position") + first).cast(pl.UInt32)).drop("position"))

    def close(self) -> None:
        """Ends a JSON array."""
        if self.feed.format == "json":
            with self.path.open("ab") as file:
                file.write(b"\n]\n")


def _csv(sheet: Sheet, to: Written) -> bytes:
    """Rows with the declared headings; flags as 1 and 0."""
    columns = to.feed.columns(sheet.record)
    rows = sheet.rows.select(_sent(column, sheet.rows.schema[column.field]).alias(column.header) for column in columns)
    buffer = io.BytesIO()
    rows.write_csv(buffer, include_header=to.lines == 0, line_terminator=to.habits.line_end)
    return _encoded(buffer.getvalue(), to.habits, is_first=to.lines == 0)


def _sent(column: Column, dtype: pl.DataType) -> pl.Expr:
    cell = pl.col(column.field)
    return cell.cast(pl.Int8) if dtype == pl.Boolean else cell


def _encoded(text: bytes, habits: Habits, *, is_first: bool) -> bytes:
    if habits.encoding == "cp932":
        text = text.decode("utf-8").encode("cp932")
    elif habits.encoding == "utf-8-sig" and is_first:
        text = b"\xef\xbb\xbf" + text
    text = text.replace(EXTRA_CELL.encode(), b",")
    return text.replace(BAD_BYTE.encode(), UNDECODABLE[habits.encoding])


def _json(draws: Draws, sheet: Sheet, to: Written) -> bytes:
    """One object per line, nested by the dots of the declared path; `myNumber` never passes its check digit."""
    columns = to.feed.columns(sheet.record)
    rows = sheet.rows.with_columns(
        modificationSeg=_change_code(sheet.rows), myNumber=my_numbers(draws, sheet.about["entity_id"].to_numpy())
    )
    lines = rows.select(_object(columns, to.record).struct.json_encode()).to_series()
    opening = "[" if to.lines == 0 else ""
    separator = "\n" if to.lines <= HEADING_LINES else ",\n"
    if lines.is_empty():
        return opening.encode()
    return (opening + separator + ",\n".join(lines)).encode()


def _change_code(rows: pl.DataFrame) -> pl.Series:
    cancelled = rows["is_cancelled"].cast(pl.String).is_in(["1", "true"])
    return pl.Series(["1", "2"]).gather(cancelled.cast(pl.UInt32))


def _object(columns: tuple[Column, ...], record: Record) -> pl.Expr:
    """The struct of one row; two columns of one path are the two parts of a name, joined by a space."""
    paths: dict[str, list[Column]] = {}
    for column in columns:
        paths.setdefault(column.header, []).append(column)
    top: dict[str, pl.Expr] = {"modificationSeg": pl.col("modificationSeg"), "myNumber": pl.col("myNumber")}
    nested: dict[str, list[pl.Expr]] = {}
    for path, parts in paths.items():
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
