"""A municipality's own headings, their order and what stands under them, in the place of the municipal feed's.

Lines of CSV with the headings `record,header,field[,conversion]`, as in `pipelines/reference/feeds/municipal.csv`;
records that they do not name are not in the feed. Two fields under one heading are surname and given name, with a space
between them.
"""

import csv
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import date

from pipelines.declaration import Problem, Record
from pipelines.feeds.eras import ERA_FORMS
from pipelines.feeds.feed import Column, Feed
from pipelines.feeds.municipal import MUNICIPAL
from pipelines.records import RECORDS

USAGE = 64  # exit code (design, chapter 6)
HEADINGS = ("record", "header", "field")
CONVERSIONS = ("", "flag", "true_false", "surname", "given_name", *ERA_FORMS)


class WrongLayout(Problem):
    """A line of a user's own layout that names nothing: one sentence, with line and field."""

    def __init__(self, sentence_ja: str, sentence_en: str) -> None:
        super().__init__(sentence_ja, sentence_en, USAGE)


@dataclass(frozen=True)
class OwnFeed(Feed):
    """The municipal feed with other headings. own: record name -> its columns in file order."""

    own: tuple[tuple[str, tuple[Column, ...]], ...] = ()

    def columns(self, record: Record, version: str = "") -> tuple[Column, ...]:
        return dict(self.own)[record.name]


def own_feed(name: str, text: str, records: Collection[str] = RECORDS, encoding: str = "utf-8") -> OwnFeed:
    """The feed that the text lays out; raises WrongLayout with line and field for what there is not.

    name: of the file, for sentences. records: those that may be named. encoding: in which the headings are written.
    """
    own: dict[str, list[Column]] = {}
    for line, record, column in _columns(name, text):
        _refuse(line, record, column, own.setdefault(record, []), records, encoding)
        own[record].append(column)
    if not own:
        raise WrongLayout(f"項目配置 {name} に行がありません。", f"The layout {name} must hold rows; it has none.")
    municipal = {field.name: getattr(MUNICIPAL, field.name) for field in fields(Feed)}
    names = tuple(record for record in RECORDS if record in own)
    return OwnFeed(**municipal | {"record_names": names}, own=tuple((record, tuple(own[record])) for record in names))


def _columns(name: str, text: str) -> Iterator[tuple[int, str, Column]]:
    """Line, record and column of each row of the text."""
    rows = csv.DictReader(text.replace("\0", " ").splitlines())
    if not set(HEADINGS) <= set(rows.fieldnames or ()):
        raise WrongLayout(
            f"項目配置 {name} の見出しは record,header,field[,conversion] です。",
            f"The layout {name} must have the headings record,header,field[,conversion].",
        )
    for row in rows:
        cells = [(row[heading] or "").strip() for heading in HEADINGS]
        yield rows.line_num, cells[0], Column(cells[1], cells[2], (row.get("conversion") or "").strip())


def _refuse(
    line: int, record: str, column: Column, others: list[Column], records: Collection[str], encoding: str
) -> None:
    """Raises WrongLayout with line and field."""
    if record not in records:
        raise _at(line, "record", f"{record} という記録はありません", f"there is no record {record}", records)
    known = [c.field for c in MUNICIPAL.columns(RECORDS[record])]
    if column.field not in known:
        raise _at(line, "field", f"{column.field} は {record} の項目ではありません",
                  f"{record} has no field {column.field}", known)  # fmt: skip
    if column.conversion not in CONVERSIONS:
        raise _at(line, "conversion", f"変換 {column.conversion} はありません",
                  f"there is no conversion {column.conversion}", CONVERSIONS[1:])  # fmt: skip
    if column.conversion in ERA_FORMS and RECORDS[record].arriving[column.field].type is not date:
        raise _at(line, "conversion", f"{column.field} は日付の項目ではありません", f"{column.field} is no date")
    if not column.header or column.header.encode(encoding, "ignore").decode(encoding) != column.header:
        raise _at(line, "header", f"見出しが空か、{encoding} で書けません",
                  f"the heading is empty or cannot be written in {encoding}")  # fmt: skip
    same = [other.conversion for other in others if other.header == column.header]
    if same and [*same, column.conversion] != ["surname", "given_name"]:
        raise _at(line, "header", f"見出し {column.header} が2つあります(氏と名の組だけ許されます)",
                  f"the heading {column.header} stands twice (only a surname and a given name may share one)")  # fmt: skip


def _at(line: int, where: str, ja: str, en: str, allowed: Iterable[str] = ()) -> WrongLayout:
    names = ", ".join(allowed)
    return WrongLayout(
        f"項目配置の{line}行目 {where}: {ja}{f'。使えるのは {names} です' if names else ''}。",
        f"Line {line} of the layout, {where}: {en}{f'; use one of {names}' if names else ''}.",
    )
