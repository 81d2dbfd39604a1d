"""Tables of the truth in the fields of the records that carry them; a record of OF_PREGNANCY or OF_CHILD needs no entry."""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from synthetic.population.facts import OF_CHILD, OF_PREGNANCY, Facts

Columns = dict[str, pl.Expr]
BY_PERSON = ("entity_id", "row")
ROW, EVERY = pl.col("row"), pl.lit(True)
DOSES_OF_A_SERIES, SERIES = 8, 64  # room in the number of a row
LINKED = pl.col("linked_date").is_not_null() & (pl.col("child_order") == 1)  # an app is of the pregnancy


@dataclass(frozen=True)
class Carried:
    """table: of `Facts.not_sent`. event: its date that dates the row. fields: what the record names otherwise.

    row: a number unique within record and submitter. where: the rows that the record carries. order: what they stand
    in the order of; it begins with the household's column, so that a cohort may be cut anywhere.
    """

    table: str
    event: str
    fields: Columns
    row: pl.Expr = ROW
    where: pl.Expr = EVERY
    order: tuple[str, ...] = ("row",)


def _code(number: int) -> pl.Expr:
    return pl.lit(number, pl.Int16)


CARRIED: dict[str, Carried] = {
    "handbook_issue": Carried("handbooks", "issued_date", {
        "pregnancy": pl.col("pregnancy_id"), "handbook_order": pl.col("child_order"), "issue_reason_code": _code(1),
    }),
    "ehandbook_registration": Carried("handbooks", "linked_date", {
        "pregnancy": pl.col("pregnancy_id"), "registered_date": pl.col("linked_date"), "app_code": _code(1),
    }, where=LINKED),
    "newborn_screening": Carried("newborn_screenings", "test_date", {"branch": _code(1)}),
    "postpartum_care": Carried("postpartum_care", "used_date", {
        "pregnancy": pl.col("pregnancy_id"), "branch": pl.col("use_no"), "used_days": pl.col("days"),
        "approval_code": _code(1),
    }),
    "home_visit": Carried("home_visits", "visit_date", {"branch": _code(1), "is_all_infant_visit": pl.lit(True)}),
    "child_dental": Carried("dental_checks", "visit_date", {"branch": _code(1)}),
    "detailed_exam": Carried("detailed_exams", "referred_date", {"referral_no": pl.col("row").cast(pl.String)}),
    "pregnancy_questionnaire": Carried("pregnancy_questionnaires", "answered_date", {"pregnancy": pl.col("pregnancy_id")}),
    "claim": Carried("claims", "claimed_date", {"claim_line_no": pl.col("row").cast(pl.String)}, order=BY_PERSON),
    "information_request": Carried("information_requests", "requested_date", {
        "request_no": pl.col("row").cast(pl.String), "request_side_code": _code(1),
    }, order=BY_PERSON),
    "vaccination": Carried("vaccinations", "vaccinated_date", {
        "vaccine_code": pl.col("series").cast(pl.String), "branch": _code(1), "mode_code": _code(2),
        "act_code": _code(1), "routine_code": _code(1),
    }, row=(pl.col("entity_id") * SERIES + pl.col("series").to_physical()) * DOSES_OF_A_SERIES + pl.col("dose_no")),
}  # fmt: skip
SENT = (*OF_PREGNANCY, *OF_CHILD, *CARRIED)
ON_REQUEST = (
    "pregnancy_questionnaire",
    "claim",
    "information_request",
)  # are sent where they, or a feed of theirs, are named


def events_of(facts: Facts, records: tuple[str, ...]) -> Iterator[tuple[str, pl.DataFrame]]:
    """Each of these records with its rows, in the form of `Facts.events`."""
    yield from ((name, events) for name, events in facts.events.items() if name in records)
    yield from ((name, _carried(facts, CARRIED[name])) for name in CARRIED if name in records)


def _carried(facts: Facts, by: Carried) -> pl.DataFrame:
    table = facts.not_sent[by.table].filter(by.where)
    whose = facts.people.select("submitter", "entity_id")[table["who"]]
    named = pl.concat([table, whose], how="horizontal").with_columns(
        row=by.row, event=pl.col(by.event).cast(pl.Int32).cast(pl.Int64), **by.fields
    )
    return named.sort("submitter", *by.order).drop("submitter", "entity_id")
