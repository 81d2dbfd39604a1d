"""What is true of a cohort, beside the feeds: persons, pregnancies, children, visits, spells, links, answer key."""

import numpy as np
import polars as pl

from synthetic.draws import Draws, Ids
from synthetic.places import joined_pmh, pace_of_paper, places, without_paper
from synthetic.population.calendar import FAR, Window, dates
from synthetic.population.facts import Facts
from synthetic.population.residency import first_listed_here
from synthetic.population.visits import codes

VISIT_CODE = {
    "antenatal_visit": "visit_no", "postpartum_visit": "visit_kind_code", "child_checkup": "programme_code",
    "child_questionnaire": "programme_code",
}  # fmt: skip
RECORD = pl.Enum(sorted(VISIT_CODE))  # sorted as text, at the price of a number
PERSON = (
    "entity_id", "household", "mother_entity_id", "name", "kana_surname", "kana_given_name", "alphabet_name",
    "birth_date", "sex_code", "phone", "insurer_number", "insured_symbol", "insured_number", "branch_number",
    "resident_type_code", "is_not_disclosed",
)  # fmt: skip
ORDER = {  # however the cohort was cut; the first id begins with its column
    "persons": ("entity_id",), "pregnancies": ("pregnancy_id",), "children": ("entity_id",),
    "visits": ("record", "visit_id"), "moves": ("entity_id", "resident_from_date"),
    "pregnancy_losses": ("entity_id", "row"), "fathers": ("entity_id",),
    "vaccinations": ("entity_id", "vaccinated_date", "series"), "dental_checks": ("entity_id", "visit_date"),
    "detailed_exams": ("entity_id", "referred_date"), "postpartum_care": ("entity_id", "used_date", "use_no"),
    "home_visits": ("entity_id", "visit_date"), "handbooks": ("row",), "newborn_screenings": ("row",),
    "pregnancy_questionnaires": ("row",), "information_requests": ("entity_id", "row"), "claims": ("entity_id", "row"),
}  # fmt: skip

Truth = dict[str, pl.DataFrame]


def truth_of(facts: Facts, chosen: np.ndarray) -> Truth:
    """Tables of one stretch, each with `submitter`; a household is told by its first municipality among the chosen."""
    return {
        "persons": _persons(facts, chosen),
        "pregnancies": _pregnancies(facts, chosen),
        "children": _children(facts, chosen),
        "visits": _visits(facts),
        "moves": _moves(facts),
        **{name: _not_sent(facts, name, chosen) for name in facts.not_sent},
    }


def _told_here(facts: Facts, chosen: np.ndarray) -> np.ndarray:
    m = facts.scene.mothers
    told: np.ndarray = (m.home == m.submitter) | (~np.isin(m.home, chosen) & (m.next_home == m.submitter))
    return told


def _persons(facts: Facts, chosen: np.ndarray) -> pl.DataFrame:
    told = _told_here(facts, chosen)
    mother = np.concatenate([np.arange(len(told)), facts.scene.deliveries.mother[facts.scene.children.of]])
    kind = pl.when(pl.col("member") == 0).then(pl.lit("mother")).otherwise(pl.lit("child")).alias("kind")
    return facts.people.select("submitter", *PERSON, kind).filter(pl.Series(told[mother]))


def _pregnancies(facts: Facts, chosen: np.ndarray) -> pl.DataFrame:
    d = facts.scene.deliveries
    table = pl.DataFrame({
        "submitter": d.of.submitter, "pregnancy_id": d.of.id, "mother_entity_id": facts.people["entity_id"][d.mother],
        "fiscal_year": codes(d.of.fiscal_year), "last_period_date": dates(d.last_period),
        "notified_date": dates(d.notified), "delivery_date": dates(d.day), "gestation_weeks": codes(d.weeks),
        "number_of_children": codes(d.children), "parity": codes(d.births_before),
        "mother_age_years": codes(d.age), "is_smoking": d.smokes, "is_return_home": d.returns_home,
        "residence_municipality_code": places().code[d.home],
        "service_municipality_code": places().code[d.place],
    })  # fmt: skip
    return table.filter(pl.Series(_told_here(facts, chosen)[d.mother]))


def _children(facts: Facts, chosen: np.ndarray) -> pl.DataFrame:
    c, d = facts.scene.children, facts.scene.deliveries
    table = pl.DataFrame({
        "submitter": d.of.submitter[c.of], "entity_id": c.id, "pregnancy_id": d.of.id[c.of], "child_order": codes(c.order), "sex_code": codes(c.sex),
        "birth_date": dates(c.born), "birth_weight_g": codes(c.weight_g), "is_stillborn": c.is_stillborn,
        "death_date": dates(c.died),
        "residence_municipality_code": places().code[d.home[c.of]],
    })  # fmt: skip
    return table.filter(pl.Series(_told_here(facts, chosen)[d.mother[c.of]]))


def _visits(facts: Facts) -> pl.DataFrame:
    return pl.concat(_visits_of(facts, record, code) for record, code in VISIT_CODE.items())


def _visits_of(facts: Facts, record: str, code: str) -> pl.DataFrame:
    events = facts.events[record]
    submitter = facts.people["submitter"][events["who"]]
    return events.select(
        submitter=submitter,
        record=pl.lit(record, dtype=RECORD),
        visit_id="row",
        entity_id=facts.people["entity_id"][events["who"]],
        visit_code=pl.col(code).cast(pl.String),
        date=pl.col("event").cast(pl.Int32).cast(pl.Date),
        residence_municipality_code=places().code[submitter],
        service_municipality_code=places().code[events["place"]],
    )


def _moves(facts: Facts) -> pl.DataFrame:
    """Spells, with the local numbers that the person bears there."""
    events = facts.events["residency_spell"]
    who = facts.people.select("submitter", "entity_id", "person_local", "pmh_key")[events["who"]]
    return who.with_columns(
        places().code[who["submitter"]].alias("municipality_code"),
        *events.select("resident_from_date", "resident_to_date", "in_reason_code", "out_reason_code").get_columns(),
    )


def submitters(draws: Draws, municipalities: Ids, window: Window) -> pl.DataFrame:
    """How records reach each submitter in each fiscal year.

    pmh_from_date: null, not by the end of the years. paper_replaced_share: of what used to be on paper, so much comes
    another way. paper_pace: 1 is usual, 2 is entered twice as late.
    """
    years = np.arange(window.first, window.last + 1)
    at, year = np.repeat(municipalities, len(years)), np.tile(years, len(municipalities))
    joined = joined_pmh(draws, at)
    return pl.DataFrame({
        "municipality_code": places().code[at], "fiscal_year": codes(year),
        "pmh_from_date": dates(np.where(joined <= window.end, joined, FAR)),
        "paper_replaced_share": np.round(without_paper(draws, at, year), 4),
        "paper_pace": np.round(pace_of_paper(draws, at, year), 4),
    })  # fmt: skip


def _not_sent(facts: Facts, name: str, chosen: np.ndarray) -> pl.DataFrame:
    """What no feed carries yet, with the person whose it is."""
    table = facts.not_sent[name]
    if name == "fathers":
        table = table.filter(pl.Series(first_listed_here(facts.scene, chosen)))
    who = facts.people.select("submitter", "entity_id")[table["who"]]
    return pl.concat([who, table.drop("who")], how="horizontal")
