"""A submitter's folder `feeds/<code6>/<feed>/<record>.<format>`: every file read and checked, every row accounted for."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from pipelines.declaration import Record
from pipelines.edge.check import Checked, check, once_each
from pipelines.edge.note import Note, note_of
from pipelines.edge.own_layout import feeds_with
from pipelines.edge.problem import USAGE, EdgeProblem
from pipelines.edge.protect import only_who
from pipelines.edge.read import Arrived, read_file
from pipelines.edge.version import refuse_unknown_version
from pipelines.feeds import Feed
from pipelines.feeds.feed import NOTE
from pipelines.records import RECORDS
from pipelines.records.parcel import SYNTHETIC_MARK
from pipelines.reference import municipalities

CODE = re.compile(r"^\d{6}$")
OPEN_ELSEWHERE = "~$"  # what a spreadsheet lays beside a workbook as long as somebody has it open


@dataclass(frozen=True)
class Folder:
    """submitter: 6-digit code, of a municipality or of an agent. files: each file as checked. warnings: sentences (ja, en).

    notes: feed -> what its delivery note says. synthetic_seed: the seed of a made-up cohort, None for the records of
    real people.
    """

    submitter: str
    files: list[Checked]
    warnings: list[tuple[str, str]]
    notes: dict[str, Note] = field(default_factory=dict)
    synthetic_seed: int | None = None

    @property
    def municipalities(self) -> tuple[str, ...]:
        """Whose residents the delivery holds."""
        feeds = {f.arrived.feed.name for f in self.files}
        return tuple(sorted({code for feed in feeds for code in _sent_for(self.notes[feed], self.submitter)}))

    @property
    def refusals(self) -> pl.DataFrame:
        """Schema REFUSAL_SCHEMA, of all files."""
        return pl.concat([f.refusals for f in self.files])

    def complete(self) -> dict[tuple[str, str], int]:
        """(feed, record) of files that hold all rows there are -> per cent of the rows sent before that may be gone.

        Where a row was refused, in any of its files, nothing counts as gone: the row might be one that seems to be. A
        resource of documents that was refused might have given a row of any record.
        """
        refused = {
            (f.arrived.feed.name, f.arrived.record.name) for f in self.files if f.refused or f.arrived.is_refused
        }
        torn = {feed for feed, record in refused if record not in RECORDS}
        files = {(f.arrived.feed.name, f.arrived.record.name) for f in self.records} - refused
        told = {(feed, record): self.notes[feed].largest_absent_percent for feed, record in files if feed not in torn}
        return {file: percent for file, percent in told.items() if percent}

    @property
    def records(self) -> list[Checked]:
        """The files that hold rows of a record."""
        return [f for f in self.files if f.arrived.record.name in RECORDS]

    @property
    def without_rows(self) -> "Folder":
        """The same folder, every row held by nobody but who took it before."""
        return replace(self, files=[f.without_rows for f in self.files])

    def unseen(self) -> list[str]:
        """Files in which flagged people cannot be seen."""
        return [f.arrived.file for f in self.files if not f.arrived.shows_protected]


def read_folder(feeds: Path, *, keeps_text: bool = False, layout: Path | None = None) -> Folder:
    """Reads and checks a submitter's folder. Raises EdgeProblem (64, 2) where there is none, or nothing in it.

    layout: a town's own headings of its municipal files (`own_layout`).
    keeps_text: the rows as sent are kept beside the typed ones; else no more of them than tells who is protected.
    """
    submitter = feeds.resolve().name
    if not feeds.is_dir() or not CODE.match(submitter):
        raise EdgeProblem(
            "6桁の団体コードを名とするフォルダ(feeds/<コード>)を指定してください。",
            "name a submitter's folder, called by its 6-digit municipality code (feeds/<code>).",
            USAGE,
        )
    known = feeds_with(layout)
    notes = {feed: note_of(feeds / feed) for feed in known}
    _refuse_unnamed(submitter, feeds, notes)
    _refuse_several(known, notes)
    for name, note in notes.items():
        refuse_unknown_version(known[name], note)
    sent_for = {feed: _sent_for(note, submitter) for feed, note in notes.items()}
    files = [
        _checked(path, feed, record, notes[feed.name].layout_version, sent_for[feed.name], keeps_text)
        for path, feed, record in _expected(feeds, known)
    ]
    for feed in (f for f in known.values() if f.suffixes):
        files += _documents(feeds / feed.name, feed, submitter, sent_for[feed.name], keeps_text)
    if not files:
        raise EdgeProblem(
            "このフォルダに、受け取るファイル(<システム>/<記録>.csv または .json、excel/ のブックなど)が1つもありません。何も送りません。",
            "this folder holds no file to take (<feed>/<record>.csv or .json, a workbook in excel/, ...); nothing is sent.",
        )
    warnings = [*_strangers(feeds, known), *(w for f in files for w in f.arrived.warnings)]
    folder = Folder(submitter, files, warnings, notes, _synthetic_seed(feeds))
    return replace(folder, warnings=[*warnings, *_incomplete(folder)])


def _sent_for(note: Note, submitter: str) -> tuple[str, ...]:
    return note.municipalities or (submitter,)


def _refuse_unnamed(submitter: str, feeds: Path, notes: dict[str, Note]) -> None:
    """Raises EdgeProblem (2) where a submitter that is no municipality does not say for which ones it sends."""
    unnamed = [feed for feed, note in notes.items() if (feeds / feed).is_dir() and not note.municipalities]
    if not unnamed or submitter in municipalities()["code6"]:
        return
    named = ", ".join(unnamed)
    raise EdgeProblem(
        f"市区町村に代わって送る提出者は、{named} の {NOTE} の municipalities に、どの市区町村の分かを6桁の団体コードで書いて"
        "ください。市区町村なら、フォルダの名をその団体コードにします。何も送りません。",
        f"a submitter that acts for municipalities must name them (6-digit codes) in municipalities of {NOTE} of {named}; a "
        "municipality's folder is called by its own code. Nothing is sent.",
    )


def _refuse_several(known: dict[str, Feed], notes: dict[str, Note]) -> None:
    """Raises EdgeProblem (2) where one feed holds several towns' own numbers: one number would make two people one."""
    mixed = [name for name, note in notes.items() if len(note.municipalities) > 1 and not known[name].tells_who_numbers]
    if not mixed:
        return
    named = ", ".join(mixed)
    raise EdgeProblem(
        f"{named} の {NOTE} の municipalities には1つの市区町村だけが書けます。同じ対象者番号が市区町村ごとに別の人を指すためです。"
        "市区町村ごとにフォルダ(feeds/<コード>)を分けて送ってください。何も送りません。",
        f"municipalities of {NOTE} of {named} may name one municipality alone: the same local number is another person in each. "
        "Send a folder (feeds/<code>) for each municipality. Nothing is sent.",
    )


def _incomplete(folder: Folder) -> list[tuple[str, str]]:
    """Full deliveries that take back nothing because rows were refused."""
    complete = folder.complete()
    wanted = [f.arrived for f in folder.records if folder.notes[f.arrived.feed.name].largest_absent_percent]
    left = [a.file for a in wanted if (a.feed.name, a.record.name) not in complete]
    return [
        (f"{file}: 拒否した行があるため、消えた行の取消は行いません。直してもう一度送ってください",
         f"{file}: because rows were refused, nothing is taken back; correct them and send again")
        for file in left
    ]  # fmt: skip


def _checked(
    path: Path, feed: Feed, record: Record, version: str | None, sent_for: tuple[str, ...], keeps_text: bool
) -> Checked:
    return _let_go(check(read_file(path, feed, record, version, sent_for), sent_for), keeps_text)


def _let_go(checked: Checked, keeps_text: bool) -> Checked:
    if keeps_text:
        return checked
    return replace(checked, arrived=only_who(checked.arrived, checked.begun), begun=checked.begun.clear())


def _synthetic_seed(feeds: Path) -> int | None:
    """The mark of a made-up cohort; a folder without it holds real people."""
    try:
        seed = json.loads((feeds / SYNTHETIC_MARK).read_text("utf-8"))["seed"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return seed if type(seed) is int and seed >= 0 else None


def _expected(feeds: Path, known: dict[str, Feed]) -> Iterator[tuple[Path, Feed, Record]]:
    for feed in (f for f in known.values() if not f.suffixes):
        for record in feed.records:
            if (path := feeds / feed.name / feed.file_name(record)).is_file():
                yield path, feed, record


def _documents(folder: Path, feed: Feed, submitter: str, sent_for: tuple[str, ...], keeps_text: bool) -> list[Checked]:
    """Files of any name that may hold rows of every record; what no record's row is (RESOURCE) is counted as it is."""
    paths = _of_documents(folder, feed)
    if not paths:
        return []
    is_workbook = feed.format == "workbook"
    arrived = _workbooks(paths, folder, feed, submitter) if is_workbook else _fhir(paths, folder, feed, submitter)
    own = [Checked(a, pl.DataFrame(), a.refusals, 0) for a in arrived if a.record.name not in RECORDS]
    rows = once_each([check(a, sent_for) for a in arrived if a.record.name in RECORDS])
    if is_workbook:
        own = _compared(own, rows)
    return [_let_go(checked, keeps_text) for checked in own + rows]


def _fhir(paths: list[Path], folder: Path, feed: Feed, submitter: str) -> list[Arrived]:
    from pipelines.edge.fhir.documents import read_documents

    return read_documents(paths, folder, feed, submitter)


def _workbooks(paths: list[Path], folder: Path, feed: Feed, submitter: str) -> list[Arrived]:
    from pipelines.edge.workbook.documents import read_workbooks

    return read_workbooks(paths, folder, feed, submitter)


def _compared(books: list[Checked], rows: list[Checked]) -> list[Checked]:
    from pipelines.edge.workbook.documents import with_sums_compared

    return [with_sums_compared(book, rows) for book in books]


def _of_documents(folder: Path, feed: Feed) -> list[Path]:
    found = (p for p in sorted(folder.rglob("*")) if p.is_file() and not p.name.startswith(OPEN_ELSEWHERE))
    return [p for p in found if p.suffix.lower() in feed.suffixes and p.name != NOTE]


def _strangers(feeds: Path, known: dict[str, Feed]) -> list[tuple[str, str]]:
    """Files of a feed's folder that no declaration asks for."""
    taken = {path for path, _, _ in _expected(feeds, known)}
    taken |= {path for feed in known.values() if feed.suffixes for path in _of_documents(feeds / feed.name, feed)}
    found = [p for p in sorted(feeds.glob("*/*")) if p.is_file() and p not in taken and p.name != NOTE]
    return [
        (f"{len(found)} 個のファイルは、受け取る名前でないため読みませんでした", f"{len(found)} files have no expected name and were not read")
    ] if found else []  # fmt: skip
