"""One file of a feed to rows of text under the record's own field names; what cannot be accepted is a refusal.

A file that is refused as a whole is still read where it can be: a person flagged in it must be protected in every
other file of the delivery.
"""

from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import polars as pl

from pipelines.declaration import Record
from pipelines.edge import csv_rows, json_rows
from pipelines.edge.decode import (
    Lines,
    encoding_of,
    encoding_that_decodes,
    lines_as_sent,
    lines_of,
    read_elsewhere,
    text_of,
)
from pipelines.edge.my_number import columns_filled_like_one, forbidden_names
from pipelines.edge.refusal import no_refusals, refused
from pipelines.edge.unread import flagged_in_lines, flagged_in_texts
from pipelines.feeds import Column, Feed
from pipelines.records import RECORDS

NEEDED_TO_PROTECT = ("person_local", "is_not_disclosed")


@dataclass(frozen=True)
class Arrived:
    """A file as it was read.

    rows: `line` and one text column per arriving field of the record; empty is null.
    read: rows met, readable or not. refusals: schema REFUSAL_SCHEMA.
    is_refused: the whole file is refused; `rows` then only tell who is protected.
    shows_protected: everybody the file flags can be seen (False: the delivery must wait).
    flagged_unread: local numbers flagged in rows that could not be read as rows.
    warnings: sentences (ja, en), no values.
    """

    feed: Feed
    record: Record
    file: str
    rows: pl.DataFrame
    read: int
    refusals: pl.DataFrame
    is_refused: bool = False
    shows_protected: bool = True
    flagged_unread: frozenset[str] = frozenset()
    warnings: tuple[tuple[str, str], ...] = field(default=())


def read_file(path: Path, feed: Feed, record: Record) -> Arrived:
    """Reads one file of a feed. Raises OSError where the file itself cannot be read."""
    data = path.read_bytes()
    file = f"{feed.name}/{path.name}"
    empty = Arrived(feed, record, file, _no_rows(record.name), 0, no_refusals())
    if not data or data.isspace():
        return _file_refused(empty, "empty_file")
    return (_csv_file if feed.format == "csv" else _json_file)(empty, data)


def _csv_file(arrived: Arrived, data: bytes) -> Arrived:
    feed, columns = arrived.feed, arrived.feed.columns(arrived.record)
    known = {c.header for c in columns}

    def knows(line: str) -> bool:
        return any(cell.strip('"\r \ufeff') in known for cell in line.split(","))

    encoding = encoding_of(data, feed.encodings, knows)
    if encoding is None and (text := read_elsewhere(data, knows)):
        return _csv_text(_file_refused(arrived, "encoding"), text, lines_of(text, "utf-8"), columns)
    encoding = encoding or encoding_that_decodes(data, feed.encodings)
    if encoding is None:
        return _file_refused(arrived, "encoding", shows_protected=False)
    return _csv_text(arrived, data, lines_of(data, encoding), columns)


def _csv_text(arrived: Arrived, data: bytes, lines: Lines, columns: tuple[Column, ...]) -> Arrived:
    heading = [cell.removeprefix("\ufeff") for cell in csv_rows.heading_cells(lines.line(1) or b"")]
    cells, ragged, undecodable = csv_rows.rows_of(lines, len(heading))
    sent = lines_as_sent(data if ragged or undecodable else b"")
    arrived = replace(
        arrived,
        flagged_unread=frozenset(
            flagged_in_lines((sent.line(line) or b"" for line in (*ragged, *undecodable)), heading, columns)
        ),
        read=arrived.read + len(cells) + len(ragged) + len(undecodable),
        refusals=pl.concat([
            arrived.refusals,
            refused(arrived.file, arrived.record.name, ragged, "ragged"),
            refused(arrived.file, arrived.record.name, undecodable, "encoding"),
        ]),
    )  # fmt: skip
    return _shaped(arrived, heading, cells, columns)


def _shaped(arrived: Arrived, heading: list[str], cells: pl.DataFrame, columns: tuple[Column, ...]) -> Arrived:
    """Cells under the record's field names, with everything that refuses the file as a whole."""
    place = {h: f"column_{i}" for i, h in reversed(list(enumerate(heading, start=1)))}
    sent = cells.select(
        "line", *(pl.col(place[c.header]).alias(c.header) for c in _by_header(columns) if c.header in place)
    )
    known = {c.header for c in columns}
    arrived = replace(arrived, rows=_fielded(sent, columns, arrived.record))
    arrived = _numbers_stop(arrived, forbidden_names(heading), cells.drop("line"))
    if twice := sorted({h for h in known if heading.count(h) > 1}):
        arrived = _file_refused(arrived, "column_twice", fields=_fields(columns, twice))
    if missing := [h for h in dict.fromkeys(c.header for c in columns) if h not in place]:
        arrived = _file_refused(arrived, "column_missing", fields=_fields(columns, missing))
    return _warned(arrived, [i for i, h in enumerate(heading, start=1) if h not in known])


def _json_file(arrived: Arrived, data: bytes) -> Arrived:
    feed, columns = arrived.feed, arrived.feed.columns(arrived.record)
    elements = json_rows.Elements(text_of(data, feed.encodings, json_rows.UNREADABLE))
    sent = json_rows.rows_of(elements.read(), list(dict.fromkeys(c.header for c in columns)))
    read = len(sent) + len(elements.broken)
    broken = refused(arrived.file, arrived.record.name, elements.broken, "json")
    arrived = replace(
        arrived, read=read, refusals=broken, rows=_fielded(sent, columns, arrived.record),
        flagged_unread=frozenset(flagged_in_texts(elements.unread, columns)),
    )  # fmt: skip
    if not elements.is_complete:
        rule = "json" if read else "not_a_list"
        return _file_refused(arrived, rule, shows_protected=False)
    return _numbers_stop(arrived, forbidden_names(elements.names - set(feed.dropped)), sent.drop("line"))


def _numbers_stop(arrived: Arrived, named: list[str], cells: pl.DataFrame) -> Arrived:
    return _file_refused(arrived, "my_number") if named or columns_filled_like_one(cells) else arrived


def _file_refused(
    arrived: Arrived, rule: str, shows_protected: bool = True, fields: list[str] | None = None
) -> Arrived:
    """The file with a refusal of itself (line 0), once for each field it names."""
    own = [refused(arrived.file, arrived.record.name, [0], rule, name) for name in fields or [""]]
    unseen = set(NEEDED_TO_PROTECT) & set(fields or []) if rule == "column_missing" else set()
    return replace(
        arrived,
        refusals=pl.concat([arrived.refusals, *own]),
        is_refused=True,
        shows_protected=arrived.shows_protected and shows_protected and not unseen,
    )


def _warned(arrived: Arrived, unknown: list[int]) -> Arrived:
    if not unknown:
        return arrived
    places = ", ".join(map(str, unknown))
    return replace(arrived, warnings=(
        *arrived.warnings,
        (f"{arrived.file}: 知らない見出しの列({places} 列目)は読まずに捨てました",
         f"{arrived.file}: columns with an unknown heading (no. {places}) were dropped unread"),
    ))  # fmt: skip


def _by_header(columns: tuple[Column, ...]) -> list[Column]:
    return list({c.header: c for c in columns}.values())


def _fields(columns: tuple[Column, ...], headers: list[str]) -> list[str]:
    return [c.field for c in columns if c.header in headers]


@cache
def _no_rows(record_name: str) -> pl.DataFrame:
    arriving = RECORDS[record_name].arriving
    return pl.DataFrame(schema={"line": pl.UInt32(), **dict.fromkeys(arriving, pl.String())})


def _fielded(sent: pl.DataFrame, columns: tuple[Column, ...], record: Record) -> pl.DataFrame:
    """One text column per arriving field; a field the feed does not carry is null ('not asked')."""
    by_field = {c.field: c for c in columns if c.header in sent.columns}
    return sent.select(
        "line",
        *(
            _converted(by_field[name]).alias(name) if name in by_field else pl.lit(None, pl.String).alias(name)
            for name in record.arriving
        ),
    )


FLAGS = {"true_false": {"true": "1", "false": "0"}, "cancellation": {"2": "1", "1": "0"}, "flag": {"1": "1", "0": "0"}}
NO_FLAG = "?"  # no flag has this form: the check refuses it


def _converted(column: Column) -> pl.Expr:
    """The field's text out of the sent text."""
    sent = pl.col(column.header)
    if column.conversion in FLAGS:
        flags = sent.replace_strict(FLAGS[column.conversion], default=NO_FLAG, return_dtype=pl.String)
        return pl.when(sent.is_not_null()).then(flags)
    if column.conversion in ("surname", "given_name"):
        return sent.str.extract(r"^\s*(\S+)\s+(\S.*?)\s*$", 1 if column.conversion == "surname" else 2)
    if column.conversion:
        raise ValueError(f"conversion {column.conversion} of a feed layout is not known")
    return sent
