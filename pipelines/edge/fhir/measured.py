"""Values of an Observation: numbers in the unit of our field, answers as codes; what cannot be taken has a rule."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from pipelines.edge.fhir.elements import Element, at, codings, each, text
from pipelines.edge.fhir.meaning import Coding, Item, items

UCUM = ("http://unitsofmeasure.org", None)
PLAIN_NUMBER = re.compile(r"\d{1,9}(\.\d{1,6})?")
LARGEST = 10**12
MOST_DIGITS = 12
NOT_MADE = ("entered-in-error", "cancelled", "registered")
# The four states (design, chapter 3): data-absent-reason of FHIR -> not known, no answer, not asked; all else is missing.
ABSENT = {"unknown": "unknown", "asked-unknown": "unknown", "asked-declined": "no_answer", "not-asked": "not_asked"}
MISSING = "missing"


@dataclass(frozen=True)
class Measured:
    """header: what was measured. Of `number` (text), `answer` and `absent` (a state) one is there; else `rule` is broken."""

    header: str
    number: str = ""
    answer: tuple[Coding, ...] = ()
    absent: str = ""
    rule: str = ""
    path: str = ""


def measured(observation: Element) -> list[Measured]:
    """The values that have a place; those of its components too."""
    if observation.get("status") in NOT_MADE:
        return []
    return [m for holder in (observation, *each(observation, "component")) for m in _of(holder)]


def _of(holder: Element) -> Iterator[Measured]:
    known = [(code, item) for code in codings(holder.get("code")) if (item := items().get(code))]
    if not known:
        return
    header = known[0][1].header
    found = [name for name in holder if name.startswith("value") and holder[name] is not None]
    if found:
        several = [item for _, item in known if item.header == header]
        yield _value(several, header, found[0], holder[found[0]])
    elif holder.get("dataAbsentReason") is not None:
        said = {ABSENT[code] for _, code in codings(holder["dataAbsentReason"]) if code in ABSENT}
        yield Measured(header, absent=said.pop() if len(said) == 1 else MISSING)


def _value(several: list[Item], header: str, name: str, value: Any) -> Measured:
    """By the code that takes this unit: one observation may bear a code in kilograms and one in grams."""
    path = f"Observation.{name}"
    if several[0].form == "code":
        answer = _answer(name, value)
        return Measured(header, answer=answer, rule="" if answer else "answer", path=path)
    amount = _amount(name, value)
    if amount is None:
        return Measured(header, rule="form_number", path=path)
    unit = _unit(value)
    item = next((i for i in several if unit in i.units), None)
    if item is None:
        return Measured(header, rule="unit", path=path)
    return Measured(header, number=_told(amount * item.units[unit], item.form), path=path)


def _answer(name: str, value: Any) -> tuple[Coding, ...]:
    if name == "valueCodeableConcept":
        return tuple(codings(value))
    if name == "valueCoding":
        return tuple(codings({"coding": [value]}))
    if isinstance(value, bool):
        return (("boolean", str(value).lower()),)
    if name == "valueInteger" and type(value) is int and 0 <= value < LARGEST:
        return (("integer", str(value)),)
    return (("", value.strip()),) if name == "valueString" and isinstance(value, str) else ()


def _amount(name: str, value: Any) -> Fraction | None:
    if name == "valueQuantity":
        value = None if text(value, "comparator") else at(value, "value")
    elif name == "valueString" and isinstance(value, str) and PLAIN_NUMBER.fullmatch(value.strip()):
        value = Decimal(value.strip())
    if type(value) is int and abs(value) < LARGEST:
        return Fraction(value)
    is_small = isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) < MOST_DIGITS
    return Fraction(value) if is_small and len(value.as_tuple().digits) < 3 * MOST_DIGITS else None


def _unit(value: Any) -> str:
    """The UCUM code; where there is none, the unit as written; of a plain number nothing."""
    is_ucum = text(value, "system") in UCUM
    return (text(value, "code") if is_ucum else None) or text(value, "unit") or ""


def _told(amount: Fraction, form: str) -> str:
    if form == "floor":
        return str(amount.numerator // amount.denominator)
    if form == "round":
        return str(round(amount))
    exact = Decimal(amount.numerator) / Decimal(amount.denominator)
    return f"{exact:f}"
