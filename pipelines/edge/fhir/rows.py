"""Complete events to rows of text under the record's own field names, as the feed's layout says."""

from dataclasses import dataclass

from pipelines.declaration import Field, OneOf
from pipelines.edge.fhir.events import Joined
from pipelines.edge.fhir.gather import Event, Gathered, Values
from pipelines.edge.fhir.meaning import answer_of
from pipelines.edge.fhir.measured import Measured
from pipelines.feeds import Feed
from pipelines.records import RECORDS
from pipelines.reference import code_list

# What a code list calls the states of a value that is not there; the others stay without a code.
STATES = {"unknown": ("不詳", "不明"), "no_answer": ("無回答",)}


@dataclass
class Row:
    """cells: field of the record -> text; a field that is not there, or not said, has none."""

    event: Event
    cells: dict[str, str | None]


def rows_of(joined: list[Joined], told: Gathered, feed: Feed, submitter: str) -> list[Row]:
    """Rows in the order met. A value that cannot be taken refuses its Observation and leaves the others in the row."""
    return [_row(one, told, feed, submitter) for one in joined]


def _row(one: Joined, told: Gathered, feed: Feed, submitter: str) -> Row:
    event, record = one.event, RECORDS[one.event.record]
    person = told.people.get(event.patient) if event.patient else None
    said = dict(event.told)
    if person and not person.is_ambiguous:
        said = said | person.told | told.members.get(event.patient, {})  # type: ignore[arg-type]
        if event.record == "birth" and "single" in person.told:
            said.setdefault("Observation[plurality]", "1")
    cells: dict[str, str | None] = {}
    for column in feed.columns(record):
        measured = one.values.get(column.header)
        taken = _taken(*measured, record.fields[column.field], told) if measured else None
        cells[column.field] = taken or said.get(column.header)
    cells["residence_municipality_code"] = cells["residence_municipality_code"] or submitter
    cells["evidence_code"] = cells["evidence_code"] or feed.evidence_code
    return Row(event, cells)


def _taken(one: Measured, values: Values | None, field: Field, told: Gathered) -> str | None:
    """The text of a value. Its Observation is told to have a place, or to be refused, and why."""
    codes = isinstance(field.rule, OneOf)
    listed = field.rule.code_list if isinstance(field.rule, OneOf) else ""
    found = one.number or (_absent(one.absent, listed) if one.absent else None)
    rule = one.rule
    if one.answer and codes:
        found = answer_of(one.answer, listed)
        rule = rule or ("" if found else "answer")
    if values is not None:
        _tell(values, one, rule, told)
    return found


def _tell(values: Values, one: Measured, rule: str, told: Gathered) -> None:
    if rule:
        values.source.fate, values.source.rule = "refused", rule
        values.source.path = one.path
    elif values.source.fate != "refused":
        values.source.fate = "value"
    if one.absent:
        told.absent[values.source.file, one.absent] += 1


def _absent(state: str, listed: str) -> str | None:
    """The list's own code for the state, where it has one."""
    if not listed:
        return None
    return next((code for code, label in code_list(listed).items() if label in STATES.get(state, ())), None)
