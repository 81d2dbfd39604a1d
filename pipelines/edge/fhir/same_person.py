"""Patients that a delivery says are one person (Patient.link, HL7 FHIR R4): under one number, and protected together.

Every type of link says so (replaced-by, replaces, refer, seealso). Two that differ in birth date or sex are not joined,
whatever a link says; a flag of the one still protects the other.
"""

from pipelines.edge.fhir.gather import Gathered, Key
from pipelines.edge.fhir.people import Person

NUMBER = "Patient.identifier"
MUST_AGREE = ("Patient.birthDate", "Patient.gender")


def join(told: Gathered) -> None:
    """Gives the people of each group the least of their numbers; the others are kept as `Person.other_number`."""
    for group in _groups(told.links):
        known = [key for key in group if key in told.people]
        if flags := [told.flagged[key] for key in group if key in told.flagged]:
            told.flagged = dict.fromkeys(known, flags[0]) | told.flagged
        people = [told.people[key] for key in known]
        numbers = {number for person in people if (number := person.told.get(NUMBER))}
        if len(numbers) > 1 and _agree(people):
            _renumber(told, people, min(numbers), numbers)


def _groups(links: list[tuple[Key, Key]]) -> list[list[Key]]:
    """The keys that links tie together, each in one group."""
    group_of: dict[Key, set[Key]] = {}
    for pair in links:
        together = set(pair).union(*(group_of.get(key, ()) for key in pair))
        group_of |= dict.fromkeys(together, together)
    return [sorted(group) for group in {id(g): g for g in group_of.values()}.values()]


def _agree(people: list[Person]) -> bool:
    said = [{person.told[name] for person in people if name in person.told} for name in MUST_AGREE]
    return all(len(values) <= 1 for values in said) and not any(person.is_ambiguous for person in people)


def _renumber(told: Gathered, people: list[Person], number: str, numbers: set[str]) -> None:
    for person in people:
        own = person.told.get(NUMBER)
        person.other_number = own if own != number else None
        person.told[NUMBER] = number
    told.mothers |= {child: number for child, mother in told.mothers.items() if mother in numbers}
