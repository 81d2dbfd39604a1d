"""The kinds of fault: which rows and fields each may hit, what it writes there, and what is expected of the row.

`expected`: `refused:<rule>` (the rule's name at the edge), `accepted`, `excluded` (protected), `cancelled`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from pipelines.declaration import Record
from pipelines.feeds import FEEDS
from synthetic.draws import Draws, Ids
from synthetic.kana import variant
from synthetic.names import surnames

EXTRA_CELL, BAD_BYTE = "\x1f", "\x1e"  # become a comma and an undecodable byte when the file is written
JAPANESE = 1  # code list 019-180; other names have no second writing in kana


@dataclass(frozen=True)
class Sheet:
    """Rows of one record and feed as they will be sent: a column per field, and whose they are.

    left_out: fields that this submitter's own format has no column for.
    """

    record: Record
    feed: str
    rows: pl.DataFrame
    about: pl.DataFrame  # row, submitter, entity_id, household, next to `rows`
    left_out: frozenset[str] = frozenset()

    def has(self, *fields: str) -> bool:
        return all(f in self.rows.columns and f not in self.left_out for f in fields)

    @cached_property
    def _is_filled(self) -> dict[str, np.ndarray]:
        return {s.name: s.to_numpy() for s in self.rows.select(pl.all().is_not_null()).get_columns()}

    def filled(self, *fields: str) -> np.ndarray:
        return np.all([np.ones(len(self.rows), dtype=bool), *(self._is_filled[f] for f in fields)], axis=0)


Change = Callable[[Draws, Sheet, Ids], dict[str, pl.Series]]


@dataclass(frozen=True)
class Kind:
    """A kind of fault.

    change: field -> text of the rows at these positions. adds: the changed row is sent after the original one."""

    name: str
    expected: str
    fields: Callable[[Sheet], tuple[str, ...]]  # fields it writes; none: not for this sheet
    change: Change
    adds: bool = False
    original: str = ""  # what is expected of the original row, where it matters
    is_of_row: bool = False  # no single field is at fault


CODE_OF = {
    "residency_spell": ("in_reason_code", "8"), "pregnancy_notification": ("interview_done_code", "7"),
    "antenatal_visit": ("judgement_code", "8"), "delivery": ("method_code", "7"), "birth": ("nicu_code", "5"),
    "postpartum_visit": ("judgement_code", "9"), "child_checkup_target": ("target_reason_code", "7"),
    "child_checkup": ("judgement_code", "0"), "child_questionnaire": ("relaxed_code", "5"),
    "handbook_issue": ("issue_reason_code", "8"), "ehandbook_registration": ("app_code", "7"),
    "newborn_screening": ("hearing_result_code", "8"), "postpartum_care": ("approval_code", "8"),
    "home_visit": ("met_child_code", "7"), "child_dental": ("caries_state_code", "7"),
    "detailed_exam": ("domain_code", "8"), "vaccination": ("act_code", "7"),
    "pregnancy_questionnaire": ("smoking_code", "8"), "claim": ("contract_kind_code", "7"),
    "information_request": ("answer_code", "7"),
}  # fmt: skip
CORRECTED = {
    "pregnancy_notification": "interview_done_code", "antenatal_visit": "judgement_code", "delivery": "method_code",
    "birth": "nicu_code", "postpartum_visit": "judgement_code", "child_checkup": "nutrition_code",
    "child_questionnaire": "relaxed_code", "newborn_screening": "hearing_result_code", "postpartum_care": "approval_code",
    "home_visit": "met_child_code", "detailed_exam": "result_code", "vaccination": "act_code",
    "pregnancy_questionnaire": "support_person_code", "claim": "returned_code", "information_request": "answer_code",
}  # fmt: skip
CARD = ("branch_number", "phone")


def only(*fields: str, records: Iterable[str] = (), csv: bool = False) -> Callable[[Sheet], tuple[str, ...]]:
    def given(sheet: Sheet) -> tuple[str, ...]:
        wanted = (not records or sheet.record.name in records) and not (csv and sheet.feed != "municipal")
        return fields if wanted and sheet.has(*fields) else ()

    return given


def _event(sheet: Sheet) -> tuple[str, ...]:
    return (sheet.record.event,)


def _code(sheet: Sheet) -> tuple[str, ...]:
    return (CODE_OF[sheet.record.name][0],)


def _corrected(sheet: Sheet) -> tuple[str, ...]:
    return ("revision_no", CORRECTED[sheet.record.name]) if sheet.record.name in CORRECTED else ()


def _residence(sheet: Sheet) -> tuple[str, ...]:
    """An agent may well send for the other municipality too."""
    return () if FEEDS[sheet.feed].is_of_agent else only("residence_municipality_code")(sheet)


def _weight(sheet: Sheet) -> tuple[str, ...]:
    return {"birth": ("birth_weight_g",), "child_checkup": ("weight_kg",)}.get(sheet.record.name, ())


def _after_birth(sheet: Sheet) -> tuple[str, ...]:
    return (sheet.record.event,) if sheet.record.name.startswith("child_") else ()


def _text(sheet: Sheet, field: str, at: Ids) -> pl.Series:
    return sheet.rows[field][at].cast(pl.String)


def _repeated(value: str | None, n: int) -> pl.Series:
    return pl.Series([value], dtype=pl.String).new_from_index(0, n)


def _same(field: str, value: str | None) -> Change:
    return lambda draws, sheet, at: {field: _repeated(value, len(at))}


def _card(draws: Draws, sheet: Sheet, at: Ids) -> dict[str, pl.Series]:
    """The row lacks the phone and the branch number that the person's other rows have."""
    return {field: _repeated(None, len(at)) for field in CARD}


def _unknown_code(draws: Draws, sheet: Sheet, at: Ids) -> dict[str, pl.Series]:
    field, code = CODE_OF[sheet.record.name]
    return {field: _repeated(code, len(at))}


def _impossible_date(draws: Draws, sheet: Sheet, at: Ids) -> dict[str, pl.Series]:
    field = sheet.record.event
    return {field: _text(sheet, field, at).str.slice(0, 4) + "-02-30"}


def _wrong_unit(draws: Draws, sheet: Sheet, at: Ids) -> dict[str, pl.Series]:
    """Kilograms in a field of grams, grams in a field of kilograms."""
    (field,) = _weight(sheet)
    value = sheet.rows[field][at]
    changed = (value / 1000).round().cast(pl.Int64) if field.endswith("_g") else (value * 1000).round()
    return {field: changed.cast(pl.String)}


def _before_birth(draws: Draws, sheet: Sheet, at: Ids) -> dict[str, pl.Series]:
    return {sheet.record.event: sheet.rows["birth_date"][at].dt.offset_by("-10d").cast(pl.String)}


def _kana(draws: Draws, sheet: Sheet, at: Ids) -> dict[str, pl.Series]:
    which = draws.below("fault.kana", sheet.about["row"][at].to_numpy(), 3)
    return {f: variant(_text(sheet, f, at), which) for f in ("kana_surname", "kana_given_name")}


def _surname(draws: Draws, sheet: Sheet, at: Ids) -> dict[str, pl.Series]:
    """Her former name stands in one record."""
    pool = surnames()
    former = draws.below("fault.surname", sheet.about["household"][at].to_numpy(), len(pool))
    given = _text(sheet, "name", at).str.split("\u3000").list.last()
    return {"kana_surname": pool.kana[former], "name": pool.written[former] + "\u3000" + given}


def _sentinel(mark: str) -> Change:
    return lambda draws, sheet, at: {"address": _text(sheet, "address", at).fill_null("") + mark}


def _number_in_note(draws: Draws, sheet: Sheet, at: Ids) -> dict[str, pl.Series]:
    from synthetic.send import my_numbers

    numbers = my_numbers(draws, sheet.about["entity_id"][at].to_numpy())
    return {"note": "個人番号 " + numbers + " を確認"}


def _other_municipality(draws: Draws, sheet: Sheet, at: Ids) -> dict[str, pl.Series]:
    from synthetic.places import places

    where = draws.below("fault.municipality", sheet.about["row"][at].to_numpy(), len(places().codes))
    codes = places().code[where]
    own = _text(sheet, "residence_municipality_code", at)
    other = places().code[(where + 1) % len(places().codes)]
    return {"residence_municipality_code": codes.zip_with(codes != own, other)}


def _corrects(draws: Draws, sheet: Sheet, at: Ids) -> dict[str, pl.Series]:
    field = CORRECTED[sheet.record.name]
    other = pl.Series(["1", "2"])[(sheet.rows[field][at] == 1).cast(pl.UInt32)]
    return {"revision_no": _repeated("1", len(at)), field: other}


def _cancels(draws: Draws, sheet: Sheet, at: Ids) -> dict[str, pl.Series]:
    return {"is_cancelled": _repeated("1", len(at)), "revision_no": _repeated("1", len(at))}


def _late(draws: Draws, sheet: Sheet, at: Ids) -> dict[str, pl.Series]:
    days = 150 + draws.below("fault.late", sheet.about["row"][at].to_numpy(), 200)
    later = sheet.rows["recorded_date"][at].cast(pl.Int32) + pl.Series(days.astype(np.int32))
    return {"recorded_date": later.cast(pl.Date).cast(pl.String)}


MOTHERS_RECORDS = ("pregnancy_notification", "antenatal_visit", "delivery", "postpartum_visit")
KINDS = (  # a new kind goes to the end: the place gives its stretch of the draw
    Kind("unknown_code", "refused:code", _code, _unknown_code),
    Kind("impossible_date", "refused:form_date", _event, _impossible_date),
    Kind("missing_required", "refused:required", only("sex_code"), _same("sex_code", None)),
    Kind("wrong_unit", "refused:range", _weight, _wrong_unit),
    Kind("visit_before_birth", "refused:{event}_is_not_before_birth", _after_birth, _before_birth),
    Kind("duplicate_key", "refused:duplicate_key", only("person_local"), lambda d, s, at: {}, adds=True),
    Kind("stage_disagrees", "refused:stage_agrees_with_weeks",
         only("gestation_weeks_at_notification", "notification_stage_code"), _same("notification_stage_code", "4")),
    Kind("kana_variant", "accepted", only("kana_surname", "kana_given_name"), _kana),
    Kind("surname_changed", "accepted", only("kana_surname", "name", records=MOTHERS_RECORDS, csv=True), _surname),
    Kind("card_missing", "accepted", only(*CARD), _card),
    Kind("ragged_row", "refused:ragged", only("address", csv=True), _sentinel(EXTRA_CELL), is_of_row=True),
    Kind("undecodable_byte", "refused:encoding", only("address", csv=True), _sentinel(BAD_BYTE), is_of_row=True),
    Kind("number_in_note", "accepted", only("note"), _number_in_note),
    Kind("other_municipality", "refused:other_municipality",
         _residence, _other_municipality),
    Kind("cancellation", "cancelled", only("is_cancelled", "revision_no"), _cancels, adds=True, original="cancelled"),
    Kind("correction", "accepted", _corrected, _corrects, adds=True),
    Kind("late_arrival", "accepted", only("recorded_date"), _late),
)  # fmt: skip


def eligible(kind: Kind, sheet: Sheet, fields: tuple[str, ...]) -> np.ndarray:
    """Rows whose fields are filled (a missing card must have been there), and where the change changes something."""
    needed = tuple(f for f in fields if f != "note")
    rows = sheet.filled(*needed)
    if kind.name == "stage_disagrees":
        rows &= (sheet.rows["gestation_weeks_at_notification"] < 28).fill_null(False).to_numpy()
    if kind.name in ("kana_variant", "surname_changed") and "resident_type_code" not in sheet.rows.columns:
        rows[:] = False  # whose name can be written otherwise is not told
    elif kind.name in ("kana_variant", "surname_changed"):
        rows &= (sheet.rows["resident_type_code"] == JAPANESE).fill_null(False).to_numpy()
    if kind.name in ("impossible_date", "visit_before_birth"):
        rows &= sheet.filled("birth_date")
    return rows
