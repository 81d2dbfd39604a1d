"""What is written down of the facts: through which channel, how late, with what missing.

The facts stay as they are; a row here is a fact as a submitter recorded it, in the fields of the record.
"""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from synthetic.draws import Draws, Ids, cumulative
from synthetic.parameters import parameters
from synthetic.places import joined_pmh, pace_of_paper, places, without_paper
from synthetic.population.calendar import dates, fiscal_year
from synthetic.population.claims import INDIVIDUAL
from synthetic.population.facts import Facts
from synthetic.population.people import pregnancy_number
from synthetic.population.visits import COST_ONLY, RESULT, codes

SELF_REPORT = 3  # mchdb-L5
PAPER, SYSTEM, PMH_FACILITY, PMH_PERSON, APP, OCR = 1, 2, 3, 4, 5, 6  # mchdb-L4
LAG_DAYS = {PAPER: (20, 75), SYSTEM: (0, 4), PMH_FACILITY: (0, 6), PMH_PERSON: (0, 2), APP: (0, 2), OCR: (15, 45)}
CHANNELS = {  # record -> channel: share
    "residency_spell": {SYSTEM: 100},
    "pregnancy_notification": {SYSTEM: 90, APP: 10},
    "antenatal_visit": {PAPER: 78, OCR: 22},
    "delivery": {PAPER: 60, SYSTEM: 40},
    "birth": {PAPER: 60, SYSTEM: 40},
    "postpartum_visit": {PAPER: 82, OCR: 18},
    "child_checkup_target": {SYSTEM: 100},
    "child_checkup": {SYSTEM: 60, PAPER: 40},
    "child_questionnaire": {PAPER: 65, APP: 20, OCR: 15},
    "handbook_issue": {SYSTEM: 100},
    "ehandbook_registration": {APP: 100},
    "newborn_screening": {PAPER: 85, OCR: 15},
    "postpartum_care": {PAPER: 70, SYSTEM: 20, APP: 10},
    "home_visit": {SYSTEM: 70, PAPER: 30},
    "child_dental": {SYSTEM: 60, PAPER: 40},
    "detailed_exam": {PAPER: 90, OCR: 10},
    "vaccination": {PAPER: 70, OCR: 20, SYSTEM: 10},
    "pregnancy_questionnaire": {PAPER: 75, APP: 25},
    "claim": {SYSTEM: 90, PAPER: 10},
    "information_request": {SYSTEM: 80, PAPER: 20},
}
THROUGH_PMH = ("antenatal_visit", "child_checkup", "child_questionnaire")  # a cohort sends no more of PMH's records
MEASURED = (
    "weight_kg", "blood_pressure_systolic_mmhg", "blood_pressure_diastolic_mmhg", "urine_protein_code",
    "urine_sugar_code", "hypertensive_disorder_code", "gestational_diabetes_code", "judgement_code",
    "height_cm", "head_circumference_cm", "birth_length_cm", "birth_weight_g", "nutrition_code", "nicu_code",
    "course_code", "method_code", "interview_done_code", "expected_children",
)  # fmt: skip
RESULTS = MEASURED[:8]  # what a cost-only row does not hold
TICKETS = {"antenatal_visit": [90, 4, 6], "child_checkup": [94, 3, 3]}  # paper, My Number card, app
NOTES = pl.Series(["要電話連絡", "次回予約済み", "母の実家に滞在中", "書類は後日提出, 確認済み", "受付で再発行"])
LATER_AWAY_DAYS = 45


@dataclass(frozen=True)
class Observed:
    """Rows of one record in one feed, as recorded.

    rows: the fields of the record that the event itself gives, with `row` and `who`; fields that are not here are the
    person's (from `people`), or stay empty.
    """

    record: str
    feed: str
    rows: pl.DataFrame
    people: pl.DataFrame


def people_as_recorded(draws: Draws, people: pl.DataFrame) -> pl.DataFrame:
    """Some have given no phone, some have shown no insurance card; the stillborn have no name."""
    p, household = parameters()["observe"], people["household"].to_numpy()
    no_phone = pl.Series(draws.happens("observe.no_phone", household, p["phone_missing"]))
    no_card = pl.Series(draws.happens("observe.no_card", household, p["insured_missing"]))
    card = ("insurer_number", "insured_symbol", "insured_number", "branch_number")
    return people.with_columns(
        pl.when(~no_phone).then("phone").alias("phone"),
        *(pl.when(~no_card).then(name).alias(name) for name in card),
        *(
            pl.when("is_named").then(name).alias(name)
            for name in ("name", "kana_surname", "kana_given_name", "alphabet_name")
        ),
    )


def observed(facts: Facts, record: str, people: pl.DataFrame) -> Observed:
    """A record's rows as the municipalities' own systems hold them."""
    events = facts.events[record]
    ids, submitter = events["row"].to_numpy(), submitters(people, events)
    channel = _channel(facts.scene.draws, record, ids, submitter, fiscal_year(events["event"].to_numpy()))
    columns = _row_head(facts, record, events, submitter, channel) | _of_record(
        facts, record, events, submitter, people
    )
    return Observed(record, "municipal", events.with_columns(**columns), people)


def submitters(people: pl.DataFrame, rows: pl.DataFrame) -> Ids:
    """Whose row it is."""
    return people["submitter"][rows["who"]].to_numpy()


def through_pmh(facts: Facts, own: Observed, joined: Ids) -> Observed:
    """The part of the visits that came through PMH as well, under PMH's own numbers; joined: submitters that use it."""
    draws, rows = facts.scene.draws, own.rows
    share = parameters()["submitter"]["pmh_share_of_visits"]
    submitter = submitters(own.people, rows)
    by_pmh = np.isin(submitter, joined) & (joined_pmh(draws, submitter) <= rows["event"].to_numpy())
    by_pmh &= draws.happens(f"pmh.{own.record}", rows["row"].to_numpy(), share)
    rows, submitter = rows.filter(pl.Series(by_pmh)), submitter[by_pmh]
    ids = rows["row"].to_numpy()
    channel = np.full(len(rows), PMH_PERSON if own.record == "child_questionnaire" else PMH_FACILITY)
    head = _recorded(draws, f"pmh.{own.record}", rows, channel, submitter)
    if "pregnancy" in rows.columns:
        head["pregnancy_no"] = pregnancy_number(rows["pregnancy"].to_numpy(), submitter, of_pmh=True)
    if "ticket_kind_code" in rows.columns:
        head["ticket_kind_code"] = codes(2 + draws.happens("pmh.app", ids, 0.3))
    people = own.people.with_columns(person_local="pmh_key")
    return Observed(own.record, "pmh", rows.with_columns(**head), people)


def through_other(own: Observed, feed: str, initial: str) -> Observed:
    """A record's rows as another system holds them, under its own numbers, which begin with a letter of its own."""
    rows = own.rows
    people = own.people.with_columns(person_local=pl.concat_str(pl.lit(initial), "pmh_key"))
    columns = {}
    if "pregnancy" in rows.columns:
        columns["pregnancy_no"] = pregnancy_number(
            rows["pregnancy"].to_numpy(), submitters(own.people, rows), of_pmh=True
        )
    if "mother" in rows.columns:
        columns["mother_local"] = people["person_local"][rows["mother"]]
    return Observed(own.record, feed, rows.with_columns(**columns), people)


def with_voucher(own: Observed) -> Observed:
    """The visits that a voucher was used for: so many of a pregnancy, and of a child those at a practice."""
    has_one = {
        "antenatal_visit": pl.col("visit_no") <= parameters()["claim"]["vouchers"],
        "child_checkup": pl.col("mode_code") == INDIVIDUAL,
    }
    return replace(own, rows=own.rows.filter(has_one.get(own.record, pl.lit(True))))


def _channel(draws: Draws, record: str, ids: Ids, submitter: Ids, year: Ids) -> Ids:
    """By the record's shares; what would come on paper comes another way the more often, the later."""
    shares = CHANNELS[record]
    channel = np.array(list(shares))[draws.picked(f"channel.{record}", ids, cumulative(list(shares.values())))]
    instead = max(shares, key=lambda way: shares[way] if way != PAPER else 0)
    replaced = draws.happens(f"channel.replaced.{record}", ids, without_paper(draws, submitter, year))
    return np.where((channel == PAPER) & replaced, instead, channel)


def _recorded(draws: Draws, stream: str, rows: pl.DataFrame, channel: Ids, submitter: Ids) -> dict[str, pl.Series]:
    """Entry channel and the day of entry: of paper by the submitter's pace, later where it came from elsewhere."""
    bounds = np.zeros((10, 2), dtype=np.int64)
    for code, span in LAG_DAYS.items():
        bounds[code] = span
    ids, event = rows["row"].to_numpy(), rows["event"].to_numpy()
    lag = bounds[channel, 0] + draws.below(f"lag.{stream}", ids, bounds[channel, 1] - bounds[channel, 0] + 1)
    pace = pace_of_paper(draws, submitter, fiscal_year(event))
    lag = np.where(np.isin(channel, (PAPER, OCR)), lag * pace, lag).astype(np.int64)
    if "is_away" in rows.columns:
        lag = lag + np.where(rows["is_away"].to_numpy() & (channel == PAPER), LATER_AWAY_DAYS, 0)
    return {"entry_channel_code": codes(channel), "recorded_date": dates(event + lag)}


def _row_head(facts: Facts, record: str, events: pl.DataFrame, submitter: Ids, channel: Ids) -> dict[str, pl.Series]:
    """The head's fields about the row."""
    draws, ids, n = facts.scene.draws, events["row"].to_numpy(), len(events)
    head = {
        "revision_no": codes(np.zeros(n, dtype=np.int64)),
        "is_cancelled": pl.repeat(False, n, dtype=pl.Boolean, eager=True),
        "residence_municipality_code": places().code[submitter],
        **_recorded(draws, record, events, channel, submitter),
    }
    noted = draws.happens(f"note.{record}", ids, parameters()["observe"]["note"])
    which = np.where(noted, draws.below(f"note.which.{record}", ids, len(NOTES)), -1)
    head["note"] = pl.concat([pl.Series([None], dtype=pl.String), NOTES])[which + 1]
    if "place" in events.columns:
        head |= _where_seen(draws, record, events)
    return head


def _where_seen(draws: Draws, record: str, events: pl.DataFrame) -> dict[str, pl.Series]:
    place, ids = events["place"].to_numpy(), events["row"].to_numpy()
    self_report = draws.happens(f"evidence.{record}", ids, parameters()["observe"]["self_report"])
    evidence = np.where(self_report, SELF_REPORT, RESULT)
    if "is_cost_only" in events.columns:
        evidence = np.where(events["is_cost_only"].to_numpy(), COST_ONLY, evidence)
    seen = {
        "service_municipality_code": places().code[place],
        "evidence_code": codes(evidence),
    }
    if "facility_kind" in events.columns:
        kind = events["facility_kind"].to_numpy()
        seen |= {"facility_type_code": codes(kind), "facility_code": _facility(draws, events, place, kind)}
    return seen


def _facility(draws: Draws, events: pl.DataFrame, place: Ids, kind: Ids) -> pl.Series:
    """Ten digits: prefecture, table 1 (medical), seven more (standards 7.3); a few facilities per municipality."""
    several = 1 + np.minimum(places().births[place] // 150, 40)
    subject = events["pregnancy" if "pregnancy" in events.columns else "row"].to_numpy()
    one = draws.below("facility", subject, several)
    number = places().prefecture[place] * 10**8 + 10**7 + place * 1000 + kind * 100 + one
    return pl.Series(number).cast(pl.String).str.zfill(10)


def _of_record(
    facts: Facts, record: str, events: pl.DataFrame, submitter: Ids, people: pl.DataFrame
) -> dict[str, pl.Series]:
    """Local numbers, tickets, what is missing at random, what a cost-only row leaves open."""
    draws, ids = facts.scene.draws, events["row"].to_numpy()
    columns: dict[str, pl.Series] = {}
    if "pregnancy" in events.columns:
        columns["pregnancy_no"] = pregnancy_number(events["pregnancy"].to_numpy(), submitter)
    if "mother" in events.columns:
        columns["mother_local"] = people["person_local"][events["mother"]]
        columns |= _newborn(people, events)
    if record in TICKETS:
        columns["ticket_kind_code"] = codes(1 + draws.picked(f"ticket.{record}", ids, cumulative(TICKETS[record])))
    cost_only = (
        events["is_cost_only"] if "is_cost_only" in events.columns else pl.repeat(False, len(events), eager=True)
    )
    for name in (m for m in MEASURED if m in events.columns):
        gone = pl.Series(draws.happens(f"missing.{record}.{name}", ids, parameters()["observe"]["value_missing"]))
        gone = gone | cost_only if name in RESULTS else gone
        columns[name] = events.select(pl.when(~gone).then(name).alias(name)).to_series()
    return columns


def _newborn(people: pl.DataFrame, events: pl.DataFrame) -> dict[str, pl.Series]:
    """A newborn has its insurance card only after some weeks; the birth form is written before."""
    empty = pl.repeat(None, len(events), dtype=pl.String, eager=True)
    return dict.fromkeys(("insurer_number", "insured_symbol", "insured_number", "branch_number"), empty)
