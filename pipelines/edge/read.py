"""One file of a feed to rows of text under the record's own field names; what cannot be accepted is a refusal.

A file that is refused as a whole is still read where it can be: a person flagged in it must be protected in every
other file of the delivery.
"""

import re
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from pathlib import Path

import polars as pl

from pipelines.declaration import Record, Role
from pipelines.edge import csv_rows, json_rows
from pipelines.edge.decode import (
    Lines,
    encoding_of,
    encoding_that_decodes,
    lines_of,
    read_elsewhere,
    text_of,
)
from pipelines.edge.era_date import iso_of
from pipelines.edge.my_number import forbidden_names, numbers_in
from pipelines.edge.refusal import no_refusals, refused
from pipelines.edge.unread import flagged_in_lines, flagged_in_texts
from pipelines.edge.version import columns_of, known_headings
from pipelines.feeds import Column, Feed
from pipelines.feeds.eras import ERA_FORMS
from pipelines.records import RECORDS

NEEDED_TO_PROTECT = ("person_local", "is_not_disclosed")


@dataclass(frozen=True)
class Arrived:
    """A file as it was read.

    rows: `line` and one text column per arriving field of the record; empty is null.
    read: rows met, readable or not. refusals: schema REFUSAL_SCHEMA.
    is_refused: the whole file is refused; `rows` then only tell who is protected.
    shows_protected: everybody the file flags can be seen (False: the delivery must wait).
    flagged_unread: local numbers flagged in rows that could not be read as rows, or do not say whose number it is.
    my_numbers_in_text: cells of free text with a valid 12-digit number; only counted.
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
    my_numbers_in_text: int = 0
    warnings: tuple[tuple[str, str], ...] = field(default=())


def read_file(
    path: Path, feed: Feed, record: Record, version: str | None = None, sent_for: tuple[str, ...] = ()
) -> Arrived:
    """Reads one file of a feed, in the layout version that its delivery states. Raises OSError where it cannot be read.

    sent_for: municipalities (6-digit codes) whose residents the delivery holds.
    """
    data = path.read_bytes()
    file = f"{feed.name}/{path.name}"
    empty = Arrived(feed, record, file, no_rows(record.name), 0, no_refusals())
    if not data or data.isspace():
        return file_refused(empty, "empty_file")
    arrived = _csv_file(empty, data, version) if feed.format == "csv" else _json_file(empty, data)
    return _as_evidence(_with_their_town(arrived, sent_for) if feed.is_of_agent else arrived)


def _with_their_town(arrived: Arrived, sent_for: tuple[str, ...]) -> Arrived:
    """Local numbers behind the code of the municipality that gave them: another's same number is somebody else.

    A flag under a code of none of them, an empty or a wrong one, does not say whose number it holds.
    """
    town, flag = pl.col("residence_municipality_code"), pl.col("is_not_disclosed").fill_null("0") != "0"
    homeless = arrived.rows.filter(~town.is_in(list(sent_for)).fill_null(False) & flag)["person_local"].drop_nulls()
    named = [
        pl.coalesce(pl.concat_str(town, pl.lit("-"), number), number).alias(number)
        for number in arrived.record.of_role(Role.LOCAL_KEY)
    ]
    return replace(arrived, rows=arrived.rows.with_columns(named), flagged_unread=arrived.flagged_unread | {*homeless})


def _as_evidence(arrived: Arrived) -> Arrived:
    """What a row is worth as evidence; what people entered themselves is a self-report, whatever it says of itself."""
    feed = arrived.feed
    if not feed.evidence_code:
        return arrived
    said = pl.lit(None, pl.String) if feed.is_self_entered else pl.col("evidence_code")
    return replace(arrived, rows=arrived.rows.with_columns(evidence_code=pl.coalesce(said, pl.lit(feed.evidence_code))))


def _csv_file(arrived: Arrived, data: bytes, version: str | None) -> Arrived:
    feed, known = arrived.feed, known_headings(arrived.feed, arrived.record)

    def knows(line: str) -> bool:
        return any(cell.strip('"\r \ufeff') in known for cell in line.split(","))

    encoding = encoding_of(data, feed.encodings, knows)
    if encoding is None and (text := read_elsewhere(data, knows)):
        return _csv_text(file_refused(arrived, "encoding"), lines_of(text, "utf-8"), version)
    encoding = encoding or encoding_that_decodes(data, feed.encodings)
    if encoding is None:
        return file_refused(arrived, "encoding", shows_protected=False)
    return _csv_text(arrived, lines_of(data, encoding), version)


def _csv_text(arrived: Arrived, lines: Lines, version: str | None) -> Arrived:
    heading = [cell.removeprefix("\ufeff") for cell in csv_rows.heading_cells(lines.line(1) or b"")]
    columns = columns_of(arrived.feed, arrived.record, heading, version)
    if version and not arrived.feed.columns(arrived.record, version):
        arrived = file_refused(arrived, "not_in_version")
    cells, ragged, undecodable = csv_rows.rows_of(lines, len(heading))
    unread = (*(lines.line(n) or b"" for n in ragged), *(lines.not_text[n] for n in undecodable))
    arrived = replace(
        arrived,
        flagged_unread=frozenset(flagged_in_lines(unread, heading, columns)),
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
    known = {c.header for c in columns}
    arrived, is_stopped = fielded(arrived, cells, {c: place[c.header] for c in columns if c.header in place})
    if is_stopped or forbidden_names(heading):
        arrived = file_refused(arrived, "my_number")
    if twice := sorted({h for h in known if heading.count(h) > 1}):
        arrived = file_refused(arrived, "column_twice", fields=fields_under(columns, twice))
    if missing := [h for h in dict.fromkeys(c.header for c in columns) if h not in place]:
        arrived = file_refused(arrived, "column_missing", fields=fields_under(columns, missing))
    strange = [i for i, h in enumerate(heading, start=1) if h not in known]
    if strange and arrived.feed.item_form:
        return file_refused(arrived, "unknown_item", fields=[_item(arrived, heading, i) for i in strange])
    return dropped_unread(arrived, strange)


def _item(arrived: Arrived, heading: list[str], place: int) -> str:
    """The item number of a heading that nobody knows; its place where it may be something else than a number."""
    is_heading = not known_headings(arrived.feed, arrived.record).isdisjoint(heading)
    item = heading[place - 1]
    return item if is_heading and re.fullmatch(arrived.feed.item_form, item) else f"[{place}]"


def _json_file(arrived: Arrived, data: bytes) -> Arrived:
    feed, columns = arrived.feed, arrived.feed.columns(arrived.record)
    elements = json_rows.Elements(text_of(data, feed.encodings, json_rows.UNREADABLE))
    sent = json_rows.rows_of(elements.read(), list(dict.fromkeys(c.header for c in columns)))
    read = len(sent) + len(elements.broken)
    broken = refused(arrived.file, arrived.record.name, elements.broken, "json")
    unread = frozenset(flagged_in_texts(elements.unread, columns))
    arrived = replace(arrived, read=read, refusals=broken, flagged_unread=unread)
    arrived, is_stopped = fielded(arrived, sent, {c: c.header for c in columns})
    if not elements.is_complete:
        rule = "json" if read else "not_a_list"
        return file_refused(arrived, rule, shows_protected=False)
    is_stopped = is_stopped or bool(forbidden_names(elements.names - set(feed.dropped)))
    return file_refused(arrived, "my_number") if is_stopped else arrived


def file_refused(arrived: Arrived, rule: str, shows_protected: bool = True, fields: list[str] | None = None) -> Arrived:
    """The file with a refusal of itself (line 0), once for each field it names."""
    own = [refused(arrived.file, arrived.record.name, [0], rule, name) for name in fields or [""]]
    unseen = set(NEEDED_TO_PROTECT) & set(fields or []) if rule == "column_missing" else set()
    return replace(
        arrived,
        refusals=pl.concat([arrived.refusals, *own]),
        is_refused=True,
        shows_protected=arrived.shows_protected and shows_protected and not unseen,
    )


def dropped_unread(arrived: Arrived, unknown: list[int]) -> Arrived:
    if not unknown:
        return arrived
    places = ", ".join(map(str, unknown))
    return replace(arrived, warnings=(
        *arrived.warnings,
        (f"{arrived.file}: 知らない見出しの列({places} 列目)は読まずに捨てました",
         f"{arrived.file}: columns with an unknown heading (no. {places}) were dropped unread"),
    ))  # fmt: skip


def fields_under(columns: tuple[Column, ...], headers: list[str]) -> list[str]:
    return [c.field for c in columns if c.header in headers]


@cache
def no_rows(record_name: str) -> pl.DataFrame:
    arriving = RECORDS[record_name].arriving
    return pl.DataFrame(schema={"line": pl.UInt32(), **dict.fromkeys(arriving, pl.String())})


def fielded(arrived: Arrived, cells: pl.DataFrame, place: dict[Column, str]) -> tuple[Arrived, bool]:
    """The file with its rows out of the cells, and whether a column is filled like My Numbers.

    place: column of the feed -> column of the cells that holds it.
    """
    numbers = numbers_in(cells)
    in_text = [
        numbers[sent].valid for c, sent in place.items() if sent in numbers and c.field in _texts(arrived.record)
    ]
    rows = cells.select(_fields_of(arrived.record.name, tuple(place.items())))
    return replace(arrived, rows=rows, my_numbers_in_text=sum(in_text)), any(
        n.fill_the_column for n in numbers.values()
    )


def _texts(record: Record) -> list[str]:
    return [*record.of_role(Role.FREE_TEXT)]


@lru_cache(maxsize=64)
def _fields_of(record_name: str, place: tuple[tuple[Column, str], ...]) -> list[pl.Expr]:
    """One text column per arriving field; a field the feed does not carry is null ('not asked')."""
    told = {column.field: _converted(pl.col(sent), column.conversion) for column, sent in place}
    fields = (told.get(name, pl.lit(None, pl.String)).alias(name) for name in RECORDS[record_name].arriving)
    return [pl.col("line"), *fields]


FLAGS = {"true_false": {"true": "1", "false": "0"}, "cancellation": {"2": "1", "1": "0"}, "flag": {"1": "1", "0": "0"}}
# Digits of which a spreadsheet made a number: a code of six, of two, a phone (each begins with 0 where one is lacking).
LOST_ZEROS = {
    "zeros_6": ("^([0-9]{5})$", "0$1"),
    "zeros_2": ("^([0-9])$", "0$1"),
    "phone": ("^([1-9][0-9]{8,9})$", "0$1"),
}
NO_FLAG = "?"  # no flag has this form: the check refuses it


def _converted(sent: pl.Expr, conversion: str) -> pl.Expr:
    """The field's text out of the sent text."""
    if conversion in FLAGS:
        flags = sent.replace_strict(FLAGS[conversion], default=NO_FLAG, return_dtype=pl.String)
        return pl.when(sent.is_not_null()).then(flags)
    if conversion in ("surname", "given_name"):
        return sent.str.extract(r"^\s*(\S+)\s+(\S.*?)\s*$", 1 if conversion == "surname" else 2)
    if conversion in LOST_ZEROS:
        return sent.str.replace(*LOST_ZEROS[conversion])
    if conversion in ERA_FORMS:
        return iso_of(sent, conversion)
    if conversion:
        raise ValueError(f"conversion {conversion} of a feed layout is not known")
    return sent
