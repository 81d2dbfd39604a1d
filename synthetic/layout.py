"""A municipality's own format: the headings, their order and what stands under them, from a CSV of the user's.

Columns `record,header,field[,conversion]`, as in `pipelines/reference/feeds/municipal.csv`; records that the file does
not name are not sent. Two fields under one heading are surname and given name, with a space between them.
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path

from pipelines.declaration import Record
from pipelines.feeds import FEEDS, Column, Feed
from pipelines.records import RECORDS
from synthetic.asked import CannotBeHad
from synthetic.population.as_records import SENT

ENCODINGS = ("utf-8", "utf-8-sig", "cp932")
HEADINGS = ("record", "header", "field")
CONVERSIONS = ("", "flag", "true_false", "surname", "given_name")


@dataclass(frozen=True)
class OwnFeed(Feed):
    """The municipal feed with other headings. own: record name -> its columns in file order."""

    own: tuple[tuple[str, tuple[Column, ...]], ...] = ()

    def columns(self, record: Record) -> tuple[Column, ...]:
        return dict(self.own)[record.name]


def own_feed(path: Path, encoding: str) -> OwnFeed:
    """The feed that the file lays out; raises CannotBeHad with line and field for what no record has."""
    own: dict[str, list[Column]] = {}
    for line, record, column in _columns(path):
        _refuse(line, record, column, own.setdefault(record, []), encoding)
        own[record].append(column)
    if not own:
        raise CannotBeHad(
            f"項目配置 {path.name} に行がありません。", f"The layout {path.name} must hold rows; it has none."
        )
    municipal = {field.name: getattr(FEEDS["municipal"], field.name) for field in fields(Feed)}
    names = tuple(name for name in RECORDS if name in own)
    return OwnFeed(**municipal | {"record_names": names}, own=tuple((name, tuple(own[name])) for name in names))


def _columns(path: Path) -> Iterator[tuple[int, str, Column]]:
    """Line, record and column of each row of the file."""
    try:
        text = path.read_text("utf-8-sig")
    except (UnicodeDecodeError, FileNotFoundError) as problem:
        raise CannotBeHad(
            f"項目配置 {path.name} を UTF-8 のCSVとして読めません。",
            f"The layout must be a CSV in UTF-8; {path.name} cannot be read as one.",
        ) from problem
    rows = csv.DictReader(text.splitlines())
    if not set(HEADINGS) <= set(rows.fieldnames or ()):
        raise CannotBeHad(
            f"項目配置 {path.name} の見出しは record,header,field[,conversion] です。",
            f"The layout {path.name} must have the headings record,header,field[,conversion].",
        )
    for row in rows:
        cells = [(row[name] or "").strip() for name in HEADINGS]
        yield rows.line_num, cells[0], Column(cells[1], cells[2], (row.get("conversion") or "").strip())


def _refuse(line: int, record: str, column: Column, others: list[Column], encoding: str) -> None:
    """Raises CannotBeHad with line and field."""
    if record not in SENT:
        raise _at(line, "record", f"{record} という記録はありません", f"there is no record {record}", SENT)
    known = [c.field for c in FEEDS["municipal"].columns(RECORDS[record])]
    if column.field not in known:
        raise _at(line, "field", f"{column.field} は {record} の項目ではありません",
                  f"{record} has no field {column.field}", known)  # fmt: skip
    if column.conversion not in CONVERSIONS:
        raise _at(line, "conversion", f"変換 {column.conversion} はありません",
                  f"there is no conversion {column.conversion}", CONVERSIONS[1:])  # fmt: skip
    if not column.header or column.header.encode(encoding, "ignore").decode(encoding) != column.header:
        raise _at(line, "header", f"見出しが空か、{encoding} で書けません",
                  f"the heading is empty or cannot be written in {encoding}")  # fmt: skip
    same = [other.conversion for other in others if other.header == column.header]
    if same and [*same, column.conversion] != ["surname", "given_name"]:
        raise _at(line, "header", f"見出し {column.header} が2つあります(氏と名の組だけ許されます)",
                  f"the heading {column.header} stands twice (only a surname and a given name may share one)")  # fmt: skip


def _at(line: int, where: str, ja: str, en: str, allowed: Iterable[str] = ()) -> CannotBeHad:
    names = ", ".join(allowed)
    return CannotBeHad(
        f"項目配置の{line}行目 {where}: {ja}{f'。使えるのは {names} です' if names else ''}。",
        f"Line {line} of the layout, {where}: {en}{f'; use one of {names}' if names else ''}.",
    )
