"""The documents of a delivery to rows of its records: every file read, every resource counted, every row accounted for."""

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from pipelines.declaration import Field, Record, Role
from pipelines.edge.fhir.events import joined
from pipelines.edge.fhir.gather import Gathered, Source
from pipelines.edge.fhir.people import Person, is_protected
from pipelines.edge.fhir.reading import Reading
from pipelines.edge.fhir.rows import Row, rows_of
from pipelines.edge.fhir.same_person import join
from pipelines.edge.fhir.unread import persons_in, says_protected
from pipelines.edge.my_number import numbers_in
from pipelines.edge.read import Arrived
from pipelines.edge.refusal import no_refusals, refused
from pipelines.feeds import Feed
from pipelines.records import RECORDS
from pipelines.records.head import LOCAL_NUMBER, with_head

# What is no row: resources that cannot be read, and who the people are. Nothing of it leaves.
RESOURCE = Record(
    "resource", 1, "FHIRリソース", "FHIR resource", grain="resource", key=("person_local",), event="birth_date",
    fields=with_head({"mother_local": Field(str, "母の番号", "mother's number", Role.LOCAL_KEY, LOCAL_NUMBER)}),
)  # fmt: skip
LINES = ".ndjson"
# A name of any other form may hold a person's: such a file is told by its place among the files of the folder.
SAFE_NAME = re.compile(
    r"(?i)(?:bundle|ehr|export|part|patient|encounter|observation|condition|composition|procedure|antenatal_visit|delivery"
    r"|birth|postpartum_visit|child_checkup)(?:[-_.]?\d{1,4})?\.(?:json|ndjson)"
)


@dataclass(frozen=True)
class ArrivedDocument(Arrived):
    """resources: (type, fate) -> number of them; fate as in `gather.Source`, type empty where none can be read."""

    resources: Counter[tuple[str, str]] = field(default_factory=Counter)


@dataclass
class _File:
    """A file after reading. trouble: rule that refuses it as a whole. unread: scope, rule and text of what is no JSON."""

    name: str
    trouble: str = ""
    shows_all: bool = True
    is_labelled: bool = False
    unread: list[tuple[str, str, str]] = field(default_factory=list)


def read_documents(paths: list[Path], folder: Path, feed: Feed, submitter: str) -> list[Arrived]:
    """Reads the files of the feed's folder together, since they may refer to each other. Raises OSError.

    Of each file the rows of each record, and a document of RESOURCE with what is no row. NDJSON files of one folder
    are one delivery of one system; a bundle is one by itself. submitter: whose residents these are, unless they say.
    """
    told = Gathered()
    files = [_read(path, folder, feed, place, told) for place, path in enumerate(paths, start=1)]
    join(told)
    rows = rows_of(joined(told), told, feed, submitter)
    _protect(files, told, rows)
    return [arrived for file in files for arrived in _arrived(file, told, rows, feed)]


def _read(path: Path, folder: Path, feed: Feed, place: int, told: Gathered) -> _File:
    data, is_lines = path.read_bytes(), path.suffix.lower() == LINES
    shown = path.name if SAFE_NAME.fullmatch(path.name) else f"[{place}]{path.suffix.lower()}"
    file = _File(f"{feed.name}/{shown}")
    if not data.strip():
        file.trouble = "empty_file"
        return file
    if b"\0" in data:  # UTF-16, or no text at all
        file.trouble, file.shows_all = "encoding", False
        return file
    parent = path.parent.relative_to(folder)
    own = f"{parent}/{path.name}"
    reading = Reading(data, is_lines, f"{parent}/" if is_lines else own, own)
    before = len(told.sources)
    for found in reading.read():
        if found.resource:
            told.take(found, file.name)
        else:
            told.sources.append(Source(file.name, found.number, "", "refused", found.rule, found.path))
            file.unread.append((found.scope, found.rule, found.unread))
    if not reading.is_complete:
        file.trouble, file.shows_all = "json" if len(told.sources) > before else "not_fhir", False
    file.is_labelled = is_protected({}, reading.labels)
    if file.name in told.has_my_number:
        file.trouble = "my_number"
    return file


def _protect(files: list[_File], told: Gathered, rows: list[Row]) -> None:
    """Flags of a whole bundle hold for everybody in it; a flag that names nobody known stops the delivery."""
    for file in files:
        if file.is_labelled:
            told.flagged |= dict.fromkeys(told.subjects.get(file.name, ()), file.name)
    by_name = {file.name: file for file in files}
    for key, name in told.flagged.items():
        if key in told.people:
            told.people[key].is_flagged = True
        elif by_name[name].trouble != "my_number":
            by_name[name].shows_all = False
    for row in rows:
        row.cells["is_not_disclosed"] = "1" if row.event.patient in told.flagged else "0"


def _arrived(file: _File, told: Gathered, rows: list[Row], feed: Feed) -> list[Arrived]:
    own = [row for row in rows if row.event.source.file == file.name]
    sources = [s for s in told.sources if s.file == file.name]
    broken = [s for s in sources if s.fate == "refused"]
    trouble = file.trouble or ("my_number" if _filled_like_my_numbers(file.name, told) else "")
    flagged, shows_all = _flagged_unread(file, told)
    lost = own if trouble else []
    document = ArrivedDocument(
        feed, RESOURCE, file.name, _people(file.name, told, own, feed), len(broken) + len(lost), _refusals(file.name, broken, trouble),
        is_refused=bool(trouble), shows_protected=shows_all, flagged_unread=flagged,
        warnings=_counted(file.name, sources, told), resources=Counter((s.kind, s.fate) for s in sources),
    )  # fmt: skip
    if trouble:
        return [document]
    return [document, *(_of_record(RECORDS[name], own, file.name, feed) for name in feed.record_names)]


def _of_record(record: Record, rows: list[Row], file: str, feed: Feed) -> Arrived:
    own = [row for row in rows if row.event.record == record.name]
    lines = pl.Series("line", [row.event.source.number for row in own], dtype=pl.UInt32)
    cells = [pl.Series(name, [row.cells.get(name) for row in own], dtype=pl.String) for name in record.arriving]
    return Arrived(feed, record, file, pl.DataFrame([lines, *cells]), len(own), no_refusals())


def _people(file: str, told: Gathered, own: list[Row], feed: Feed) -> pl.DataFrame:
    """A row per Patient, for those who must be protected everywhere; one more for a number that a link took from it, which
    a list of protected people may still name."""
    mothers = {key: row.cells.get("mother_local") for row in own if (key := row.event.patient)} | told.mothers
    people = [(key, person) for key, person in told.people.items() if person.file == file]
    made = [_cells(person, feed) | {"mother_local": mothers.get(key)} for key, person in people]
    renumbered = [(person, cells) for (_, person), cells in zip(people, made, strict=True) if person.other_number]
    made += [cells | {"person_local": p.other_number, "mother_local": cells["person_local"]} for p, cells in renumbered]
    numbers = [person.number for person in (*(p for _, p in people), *(p for p, _ in renumbered))]
    lines = pl.Series("line", numbers, dtype=pl.UInt32)
    return pl.DataFrame([
        lines, *(pl.Series(name, [cells.get(name) for cells in made], dtype=pl.String) for name in RESOURCE.arriving)
    ])  # fmt: skip


def _cells(person: Person, feed: Feed) -> dict[str, str | None]:
    layout = feed.columns(feed.records[0])
    told = {c.field: person.told.get(c.header) for c in layout if c.field in RESOURCE.fields}
    return told | {"is_not_disclosed": "1" if person.is_flagged else "0"}


def _refusals(file: str, broken: list[Source], trouble: str) -> pl.DataFrame:
    """The file's own refusal (line 0), and one for each resource that cannot be taken."""
    rules = dict.fromkeys((s.rule, s.path) for s in broken)
    each = [
        refused(file, RESOURCE.name, [s.number for s in broken if (s.rule, s.path) == (rule, path)], rule, path)
        for rule, path in rules
    ]
    return pl.concat([no_refusals(), refused(file, RESOURCE.name, [0] if trouble else [], trouble), *each])


FATES = {
    "row": ("行になったもの", "rows"), "value": ("行の値になったもの", "values of rows"), "refused": ("拒否", "refused"),
    "no_place": ("置き場なし", "no place"),
}  # fmt: skip
STATES = {
    "unknown": ("不詳", "unknown"), "no_answer": ("無回答", "no answer"), "not_asked": ("未聴取", "not asked"),
    "missing": ("欠測", "missing"),
}  # fmt: skip


def _counted(file: str, sources: list[Source], told: Gathered) -> tuple[tuple[str, str], ...]:
    """What became of every resource, by type where it has no place; and of values that say why they are not there."""
    fates = Counter(s.fate for s in sources)
    homeless = sorted(Counter(s.kind for s in sources if s.fate == "no_place").items(), key=lambda k: (-k[1], k[0]))
    sums = [" + ".join(f"{words[i]} {fates[fate]:,}" for fate, words in FATES.items()) for i in (0, 1)]
    named = [", ".join(f"{kind} {n:,}{unit}" for kind, n in homeless) for unit in (" 件", "")]
    told_of = [(f"{file}: リソース {len(sources):,} = {sums[0]}", f"{file}: resources {len(sources):,} = {sums[1]}")]
    if homeless:
        told_of.append((f"{file}: 置き場のないリソース {named[0]}", f"{file}: resources without a place {named[1]}"))
    absent = {state: n for state in STATES if (n := told.absent[file, state])}
    if absent:
        said = [", ".join(f"{STATES[state][i]} {n:,}" for state, n in absent.items()) for i in (0, 1)]
        told_of.append((f"{file}: 値のない項目 {said[0]}", f"{file}: items without a value {said[1]}"))
    return tuple(told_of)


def _flagged_unread(file: _File, told: Gathered) -> tuple[frozenset[str], bool]:
    """Numbers of the people flagged in what cannot be read, and whether all of them are known."""
    flagged = [(scope, piece) for scope, rule, piece in file.unread if says_protected(rule, piece)]
    found = [persons_in(piece, scope, told) for scope, piece in flagged]
    return frozenset().union(*found), file.shows_all and all(found)


def _filled_like_my_numbers(file: str, told: Gathered) -> bool:
    """Identifiers of one system are a column of the file."""
    columns = [pl.DataFrame({"value": values}) for (name, _), values in told.numbers.items() if name == file]
    return any(n.fill_the_column for column in columns for n in numbers_in(column).values())
