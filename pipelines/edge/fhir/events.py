"""Events with what belongs to them: one per visit, delivery and birth, with values, findings and the pregnancy's number."""

from dataclasses import dataclass
from datetime import date, timedelta

from pipelines.edge.fhir.gather import Diagnosis, Event, Gathered, Key, Values
from pipelines.edge.fhir.meaning import OWN_LISTS
from pipelines.edge.fhir.measured import Measured

YES = (OWN_LISTS + "019-235", "2")
AFTER_DELIVERY_DAYS = 100  # until when a visit belongs to the pregnancy before it
BRANCHES = 99
OF_MOTHER = ("antenatal_visit", "delivery", "postpartum_visit")


@dataclass
class Joined:
    """An event with its values, by header: each with the Observation it comes from (None: a finding)."""

    event: Event
    values: dict[str, tuple[Measured, Values | None]]


def joined(told: Gathered) -> list[Joined]:
    """Every event once, complete; Observations and Conditions that have a place are told so."""
    events = _once(told)
    by_visit = {(e.record, e.visit): e for e in events if e.visit}
    made = {id(e): Joined(e, {}) for e in events}
    days = {values.key: values.date for values in told.values}
    for event in events:
        _complete(event, told, days)
    whose = _Whose(events, by_visit)
    for values in told.values:
        for event in whose.of(values):
            for one in values.measured:
                made[id(event)].values.setdefault(one.header, (one, values))
    _findings(told, events, made)
    _number_visits(events)
    return list(made.values())


def _once(told: Gathered) -> list[Event]:
    """An Encounter, its Composition and a Procedure in it are one event; a birth is one per child."""
    kept: dict[tuple[str, Key], Event] = {}
    alone: list[Event] = []
    for event in told.events:
        if event.visit is None and event.record != "birth":
            alone.append(event)
            continue
        key = (event.record, event.patient if event.record == "birth" else event.visit)
        first = kept.setdefault(key, event) if key[1] else event  # type: ignore[arg-type]
        if first is not event:
            is_called_off = max(event.told["status"], first.told["status"])  # whichever of them says so
            first.told = event.told | first.told | {"status": is_called_off}
            first.date, first.holds = first.date or event.date, first.holds + event.holds
            first.patient, first.visit = first.patient or event.patient, first.visit or event.visit
        elif key[1] is None:
            alone.append(event)
    return [*kept.values(), *alone]


def _complete(event: Event, told: Gathered, days: dict[Key, str]) -> None:
    """What the Encounter knows; of a document without one the day of what it lists; and what only the day tells."""
    stay = told.stays.get(event.visit) if event.visit else None
    if stay:
        event.patient, event.date = event.patient or stay.patient, event.date or stay.date
    listed = {days[key] for key in event.holds if days.get(key)}
    if not event.date and len(listed) == 1:
        event.date = listed.pop()
    if event.record == "birth":
        mothers = told.stays.get(stay.part_of) if stay and stay.part_of else None
        _mother(event, mothers.patient if mothers else None, told)
        stay = mothers or stay
    if stay and stay.episode and "EpisodeOfCare" not in event.told:
        event.told["EpisodeOfCare"] = told.episodes.get(stay.episode) or stay.episode[1].rpartition("/")[2]
    if event.date:
        event.told["date"] = event.date
        event.told["branch"] = _branch(event.date)


def _mother(event: Event, mother: Key | None, told: Gathered) -> None:
    number = told.mothers.get(event.patient) if event.patient else None
    if number is None and mother in told.people:
        number = told.people[mother].told.get("Patient.identifier")
    if number:
        event.told["RelatedPerson.identifier"] = number


def _branch(day: str) -> str:
    """The same for the same day in every delivery, another one for another day within 99 days."""
    try:
        return str(date.fromisoformat(day).toordinal() % BRANCHES + 1)
    except ValueError:
        return "1"


class _Whose:
    """To which events an Observation belongs: by Encounter, by Composition, else by child, by day and patient."""

    def __init__(self, events: list[Event], by_visit: dict[tuple[str, Key], Event]) -> None:
        self.of_visit: dict[Key, list[Event]] = {}
        for (_, visit), event in by_visit.items():
            self.of_visit.setdefault(visit, []).append(event)
        self.listed = {key: event for event in events for key in event.holds}
        self.births = {e.patient: e for e in events if e.record == "birth" and e.patient}
        self.days: dict[tuple[Key, str], list[Event]] = {}
        for event in events:
            if event.patient and event.date:
                self.days.setdefault((event.patient, event.date), []).append(event)

    def of(self, values: Values) -> list[Event]:
        found = list(self.of_visit.get(values.visit, ())) if values.visit else []
        if values.key in self.listed:
            found.append(self.listed[values.key])
        if not found and values.patient and not values.visit:
            same_day = self.days.get((values.patient, values.date), [])
            found = same_day if len(same_day) == 1 else []
        if values.patient in self.births:
            found.append(self.births[values.patient])
        return list({id(e): e for e in found}.values())


def _findings(told: Gathered, events: list[Event], made: dict[int, Joined]) -> None:
    """Conditions: pregnancies number their visits; a finding of a pregnancy holds from the day it was made."""
    by_patient: dict[Key, list[Diagnosis]] = {}
    for diagnosis in told.diagnoses:
        if diagnosis.patient:
            by_patient.setdefault(diagnosis.patient, []).append(diagnosis)
    for event in events:
        if event.record not in OF_MOTHER or not event.patient:
            continue
        own = by_patient.get(event.patient, [])
        pregnancy = _pregnancy(event, own)
        if pregnancy and pregnancy.number:
            event.told.setdefault("EpisodeOfCare", pregnancy.number)
            pregnancy.source.fate = "value"
        for d in own:
            is_here = d.visit is not None and d.visit == event.visit
            since = pregnancy is not None and d.first and pregnancy.first <= d.first <= event.date
            if d.header != "pregnancy" and (is_here or since):
                made[id(event)].values.setdefault(d.header, (Measured(d.header, answer=(YES,)), None))
                d.source.fate = "value"


def _pregnancy(event: Event, own: list[Diagnosis]) -> Diagnosis | None:
    """The last one begun by that day and, if it has ended, ended not long before."""
    begun = [d for d in own if d.header == "pregnancy" and d.first and d.first <= event.date]
    last = max(begun, key=lambda d: d.first, default=None)
    if last is None or not last.last or event.date <= last.last:
        return last
    if event.record != "postpartum_visit":
        return None
    try:
        until = date.fromisoformat(last.last) + timedelta(days=AFTER_DELIVERY_DAYS)
        return last if date.fromisoformat(event.date) <= until else None
    except (ValueError, OverflowError):
        return None


def _number_visits(events: list[Event]) -> None:
    """Visit numbers of a pregnancy whose first visit says that it is the first; others are not numbered, only refused."""
    series: dict[tuple[Key, str], list[Event]] = {}
    for event in events:
        pregnancy = event.told.get("EpisodeOfCare")
        if event.record == "antenatal_visit" and event.patient and pregnancy:
            series.setdefault((event.patient, pregnancy), []).append(event)
    for visits in series.values():
        visits.sort(key=lambda e: e.date)
        is_told = any("extension[visit-number]" in v.told for v in visits)
        if not is_told and "first-visit" in visits[0].told:
            for number, visit in enumerate(visits, start=1):
                visit.told["extension[visit-number]"] = str(number)
