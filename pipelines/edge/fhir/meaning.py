"""What codes, labels and identifier systems mean: the tables of the feed (`pipelines/reference/feeds/ehr_*.csv`)."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from pipelines.feeds.ehr import EHR
from pipelines.reference import feed_table

Coding = tuple[str, str]  # system, code
OWN_LISTS = "urn:mchdb:code-list:"
ICD_10 = ("http://hl7.org/fhir/sid/icd-10", "urn:oid:1.2.392.200119.4.101.6")


@dataclass(frozen=True)
class Item:
    """Where a coded value belongs. form: `code`, or how a number is made exact, round or floor; units: UCUM -> factor."""

    header: str
    form: str
    units: dict[str, Fraction]


@cache
def types() -> frozenset[str]:
    """Names of the resource types of FHIR R4: another name is no resource, and is shown to nobody."""
    return frozenset(name for (name,) in _rows("types", "type"))


@cache
def items() -> dict[Coding, Item]:
    made: dict[Coding, Item] = {}
    for header, system, code, unit, times, form in _rows("items", "header", "system", "code", "unit", "times", "form"):
        item = made.setdefault((system, code), Item(header, form, {}))
        if form != "code":
            item.units[unit] = Fraction(times)
    return made


@cache
def _events() -> dict[tuple[str, str, str], tuple[str, str, str]]:
    """(resource, system, code) -> record, and a header with its value."""
    rows = _rows("events", "resource", "system", "code", "record", "header", "value")
    return {(resource, system, code): (record, header, value) for resource, system, code, record, header, value in rows}


def event_of(kind: str, codes: Iterable[Coding]) -> tuple[str, dict[str, str]] | None:
    """The record that a resource with these codes gives a row of, and what the codes alone say."""
    told = [found for coding in codes if (found := _events().get((kind, *coding)))]
    if not told:
        return None
    return told[0][0], {header: value for record, header, value in told if header and record == told[0][0]}


@cache
def _conditions() -> dict[Coding, str]:
    return {(system, code): header for system, code, header in _rows("conditions", "system", "code", "header")}


def condition_of(codes: Iterable[Coding]) -> str | None:
    """`pregnancy`, or the header of a finding; an ICD-10 code with more digits is of the kind of the shorter one."""
    for system, code in codes:
        for end in range(len(code), 2 if system in ICD_10 else len(code) - 1, -1):
            if header := _conditions().get((system, code[:end])):
                return header
    return None


@cache
def _answers() -> dict[tuple[str, str, str], str]:
    rows = _rows("answers", "code_list", "system", "code", "becomes")
    return {(code_list, system, code): becomes for code_list, system, code, becomes in rows}


def answer_of(codes: Iterable[Coding], code_list: str) -> str | None:
    """The code of a list that an answer stands for, None where nothing says so."""
    for system, code in codes:
        if system == OWN_LISTS + code_list:
            return code
        if becomes := _answers().get((code_list, system, code)):
            return becomes
    return None


@cache
def _identifiers() -> tuple[tuple[str, str], ...]:
    return tuple((system, kind) for system, kind in _rows("identifiers", "system", "kind"))


def identifier_kind(system: str) -> str:
    """`patient`, `member`, `my_number`, `dropped`, or empty where the system is not known."""
    return next((kind for known, kind in _identifiers() if system.startswith(known)), "")


@cache
def _labels() -> dict[Coding, str]:
    return {(system, code): said for system, code, said in _rows("labels", "system", "code", "is_not_disclosed")}


def is_flag(label: Coding) -> bool:
    """Whether a security label protects: one that is not known to be harmless does (privacy, hole 5)."""
    return _labels().get(label) != "0"


def _rows(table: str, *columns: str) -> list[tuple[str, ...]]:
    return feed_table(EHR.name, table, EHR.version).select(columns).fill_null("").rows()
