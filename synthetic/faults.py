"""Wrong rows on purpose, each with its line in the answer key.

`expected`: `refused:<rule>` (the rule's name at the edge), `accepted`, `excluded` (protected), `cancelled`.
"""

import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl

from pipelines.declaration import Record
from synthetic.asked import CannotBeHad
from synthetic.draws import Draws, Ids
from synthetic.kana import variant
from synthetic.names import surnames

EXTRA_CELL, BAD_BYTE = "\x1f", "\x1e"  # become a comma and an undecodable byte when the file is written
STRETCH = 0.03  # of the draw, per kind: no rate is higher
MILLION = 1_000_000
JAPANESE = 1  # code list 019-180; other names have no second writing in kana
RESERVED = 0.02  # households that may be protected by a fault; their rows have no other
PROFILES = ("none", "typical", "heavy")


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


@dataclass(frozen=True)
class Faulty:
    """A sheet with its faults, and the answer key by position of the row as sent.

    changed: faulty rows as text; `at`: positions in the sheet of the rows they stand for, or (adds) that they follow.
    """

    sheet: Sheet
    changed: pl.DataFrame
    at: Ids
    adds: np.ndarray
    key: pl.DataFrame  # fault_id, kind, position, field, entity_id, expected

    def position(self, at: Ids) -> Ids:
        """Where rows of the sheet stand among the rows sent; the number of rows sent, for the number of rows."""
        added = self.at[self.adds]
        moved: Ids = at + np.searchsorted(added, at, side="left")
        return moved

    @property
    def about(self) -> pl.DataFrame:
        """Whose the rows sent are."""
        copies = np.ones(len(self.sheet.rows), dtype=np.int64)
        copies[self.at[self.adds]] = 2
        return self.sheet.about[np.repeat(np.arange(len(copies)), copies)]


CODE_OF = {
    "residency_spell": ("in_reason_code", "8"), "pregnancy_notification": ("interview_done_code", "7"),
    "antenatal_visit": ("judgement_code", "8"), "delivery": ("method_code", "7"), "birth": ("nicu_code", "5"),
    "postpartum_visit": ("judgement_code", "9"), "child_checkup_target": ("target_reason_code", "7"),
    "child_checkup": ("judgement_code", "0"), "child_questionnaire": ("relaxed_code", "5"),
    "handbook_issue": ("issue_reason_code", "8"), "ehandbook_registration": ("app_code", "7"),
    "newborn_screening": ("hearing_result_code", "8"), "postpartum_care": ("approval_code", "8"),
    "home_visit": ("met_child_code", "7"), "child_dental": ("caries_state_code", "7"),
    "detailed_exam": ("domain_code", "8"), "vaccination": ("act_code", "7"),
}  # fmt: skip
CORRECTED = {
    "pregnancy_notification": "interview_done_code", "antenatal_visit": "judgement_code", "delivery": "method_code",
    "birth": "nicu_code", "postpartum_visit": "judgement_code", "child_checkup": "nutrition_code",
    "child_questionnaire": "relaxed_code", "newborn_screening": "hearing_result_code", "postpartum_care": "approval_code",
    "home_visit": "met_child_code", "detailed_exam": "result_code", "vaccination": "act_code",
}  # fmt: skip
CARD = ("branch_number", "phone")


def _only(*fields: str, records: Iterable[str] = (), csv: bool = False) -> Callable[[Sheet], tuple[str, ...]]:
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
    Kind("missing_required", "refused:required", _only("sex_code"), _same("sex_code", None)),
    Kind("wrong_unit", "refused:range", _weight, _wrong_unit),
    Kind("visit_before_birth", "refused:{event}_is_not_before_birth", _after_birth, _before_birth),
    Kind("duplicate_key", "refused:duplicate_key", _only("person_local"), lambda d, s, at: {}, adds=True),
    Kind("stage_disagrees", "refused:stage_agrees_with_weeks",
         _only("gestation_weeks_at_notification", "notification_stage_code"), _same("notification_stage_code", "4")),
    Kind("kana_variant", "accepted", _only("kana_surname", "kana_given_name"), _kana),
    Kind("surname_changed", "accepted", _only("kana_surname", "name", records=MOTHERS_RECORDS, csv=True), _surname),
    Kind("card_missing", "accepted", _only(*CARD), _card),
    Kind("ragged_row", "refused:ragged", _only("address", csv=True), _sentinel(EXTRA_CELL), is_of_row=True),
    Kind("undecodable_byte", "refused:encoding", _only("address", csv=True), _sentinel(BAD_BYTE), is_of_row=True),
    Kind("number_in_note", "accepted", _only("note"), _number_in_note),
    Kind("other_municipality", "refused:other_municipality",
         _only("residence_municipality_code"), _other_municipality),
    Kind("cancellation", "cancelled", _only("is_cancelled", "revision_no"), _cancels, adds=True, original="cancelled"),
    Kind("correction", "accepted", _corrected, _corrects, adds=True),
    Kind("late_arrival", "accepted", _only("recorded_date"), _late),
)  # fmt: skip
HOUSEHOLD_KINDS = ("protected_in_one_feed", "protected_list")


HIGHEST = {  # faults per million
    **{kind.name: round(STRETCH * MILLION) for kind in KINDS},
    **{name: round(RESERVED * MILLION) // len(HOUSEHOLD_KINDS) for name in HOUSEHOLD_KINDS},
}


def profile(name: str) -> dict[str, int]:
    """Kind -> faults per million: a profile of `faults.toml`, or the one profile of a user's file in the same form.

    Raises CannotBeHad for a profile that is not declared, for an unknown kind, and for a rate out of its range.
    """
    if name in PROFILES:
        rates: dict[str, int] = tomllib.loads(files("synthetic").joinpath("faults.toml").read_text("utf-8"))[name]
        return rates
    if not name.endswith(".toml"):
        raise CannotBeHad(
            f"faults は {', '.join(PROFILES)} か、プロファイルのファイル(.toml)です({name})。",
            f"The fault profile must be a file (.toml) or one of {', '.join(PROFILES)}; got {name}.",
        )
    return _own_profile(Path(name))


def _own_profile(path: Path) -> dict[str, int]:
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, FileNotFoundError) as problem:
        raise CannotBeHad(
            f"誤りのプロファイル {path.name} を TOML として読めません。",
            f"The fault profile must be a TOML file; {path.name} cannot be read as one.",
        ) from problem
    if len(tables) != 1 or not all(isinstance(table, dict) for table in tables.values()):
        raise CannotBeHad(
            f"{path.name} には [名前] の表が1つだけ必要です。",
            f"{path.name} must hold exactly one table [name] with its rates.",
        )
    ((_, rates),) = tables.items()
    for kind, rate in rates.items():
        _refuse_rate(path.name, kind, rate)
    return dict(rates)


def _refuse_rate(file: str, kind: str, rate: object) -> None:
    if kind not in HIGHEST:
        raise CannotBeHad(
            f"{file}: 誤りの種類 {kind} はありません。使えるのは {', '.join(HIGHEST)} です。",
            f"{file}: there is no fault {kind}; use one of {', '.join(HIGHEST)}.",
        )
    if type(rate) is not int or not 0 <= rate <= HIGHEST[kind]:
        raise CannotBeHad(
            f"{file}: {kind} は100万件あたり0から{HIGHEST[kind]:,}の整数です({rate})。",
            f"{file}: {kind} must be a whole number from 0 to {HIGHEST[kind]:,} per million; got {rate}.",
        )


def _eligible(kind: Kind, sheet: Sheet, fields: tuple[str, ...]) -> np.ndarray:
    """Rows whose fields are filled (a missing card must have been there), and where the change changes something."""
    needed = tuple(f for f in fields if f != "note")
    rows = sheet.filled(*needed)
    if kind.name == "stage_disagrees":
        rows &= (sheet.rows["gestation_weeks_at_notification"] < 28).fill_null(False).to_numpy()
    if kind.name in ("kana_variant", "surname_changed"):
        rows &= (sheet.rows["resident_type_code"] == JAPANESE).fill_null(False).to_numpy()
    if kind.name in ("impossible_date", "visit_before_birth"):
        rows &= sheet.filled("birth_date")
    return rows


def _drawn(draws: Draws, sheet: Sheet, rates: dict[str, int]) -> tuple[Ids, Ids]:
    """Positions of rows that may be faulty, and the number of their kind: one draw per row, a stretch of it per kind."""
    u = draws.uniform(f"fault.{sheet.feed}.{sheet.record.name}", sheet.about["row"].to_numpy())
    start = np.arange(len(KINDS)) * STRETCH
    end = start + np.array([rates.get(kind.name, 0) / MILLION for kind in KINDS])
    number = np.searchsorted(start, u, side="right") - 1
    at = np.flatnonzero(u < end[number])
    free = draws.uniform("fault.household", sheet.about["household"][at].to_numpy()) >= RESERVED
    free &= ~sheet.rows["is_not_disclosed"][at].to_numpy()
    return at[free], number[at[free]]


def with_faults(draws: Draws, sheet: Sheet, rates: dict[str, int]) -> Faulty:
    """The sheet with its faults; only the rows that have one are looked at."""
    flagged, protected = _flagged(draws, sheet, rates)
    at, number = _drawn(draws, sheet, rates)
    few = replace(sheet, rows=sheet.rows[at], about=sheet.about[at])
    cells = {cell.name: cell for cell in as_text(few.rows).get_columns()}
    adds, hits = np.zeros(len(at), dtype=bool), []
    for kind, fields, mine in _hits(few, number):
        cells |= {f: cells[f].scatter(mine, text) for f, text in kind.change(draws, few, mine).items()}
        adds[mine] = kind.adds
        hits.append((kind, fields, mine))
    mine = np.sort(np.concatenate([np.zeros(0, dtype=np.int64), *(rows for _, _, rows in hits)]))
    sent = Faulty(flagged, pl.DataFrame(list(cells.values()))[mine], at[mine], adds[mine], _joined([]))
    told = [*protected, *((kind, fields, at[rows]) for kind, fields, rows in hits)]
    return replace(sent, key=_joined([answer for hit in told for answer in _answers(sheet, *hit, sent)]))


def _hits(few: Sheet, number: Ids) -> Iterator[tuple[Kind, tuple[str, ...], Ids]]:
    """Kinds of fault that the sheet has, their fields, and the positions of their rows."""
    for n in np.unique(number):
        kind = KINDS[n]
        fields = kind.fields(few)
        is_sent = fields and few.has(*fields)
        mine = np.flatnonzero((number == n) & _eligible(kind, few, fields)) if is_sent else np.zeros(0, dtype=np.int64)
        if len(mine):
            yield kind, fields, mine


def as_text(rows: pl.DataFrame) -> pl.DataFrame:
    """Cells as they are sent; flags as 1 and 0."""
    return rows.with_columns(pl.selectors.boolean().cast(pl.Int8)).cast(pl.String)


Answer = tuple[str, str, int, str, int, str]


def _answers(sheet: Sheet, kind: Kind, fields: tuple[str, ...], at: Ids, sent: Faulty) -> Iterator[Answer]:
    """At the changed rows, and at the original ones where something is expected of them."""
    whose = sheet.about[at]
    field = "" if kind.is_of_row else fields[-1]
    for row, entity, place in zip(whose["row"], whose["entity_id"], sent.position(at).tolist(), strict=True):
        fault = f"{kind.name}/{sheet.feed}/{sheet.record.name}/{row}"
        rule = kind.expected.replace("{event}", sheet.record.event)
        yield fault, kind.name, place + kind.adds, field, entity, rule
        if kind.original:
            yield fault, kind.name, place, field, entity, kind.original


KEY_SCHEMA = {
    "fault_id": pl.String, "kind": pl.String, "position": pl.Int64, "field": pl.String, "entity_id": pl.Int64,
    "expected": pl.String,
}  # fmt: skip


def _joined(answers: list[Answer]) -> pl.DataFrame:
    return pl.DataFrame(answers, KEY_SCHEMA, orient="row")


def household_fault(draws: Draws, households: Ids, name: str, rates: dict[str, int]) -> np.ndarray:
    """Households with a fault of this kind, within the reserved stretch."""
    u = draws.uniform("fault.household", households)
    start = HOUSEHOLD_KINDS.index(name) * RESERVED / len(HOUSEHOLD_KINDS)
    hit: np.ndarray = (u >= start) & (u < start + rates.get(name, 0) / MILLION)
    return hit


def _flagged(
    draws: Draws, sheet: Sheet, rates: dict[str, int]
) -> tuple[Sheet, list[tuple[Kind, tuple[str, ...], Ids]]]:
    """Protected, but only one record of one feed says so."""
    says_so = ("pmh", "child_checkup"), ("municipal", "antenatal_visit"), ("municipal", "child_questionnaire")
    if (sheet.feed, sheet.record.name) not in says_so or not sheet.has("is_not_disclosed"):
        return sheet, []
    households = sheet.about["household"].to_numpy()
    hit = household_fault(draws, households, "protected_in_one_feed", rates)
    hit &= ~sheet.rows["is_not_disclosed"].to_numpy()
    hit &= draws.below("fault.flag", households, len(says_so)) == says_so.index((sheet.feed, sheet.record.name))
    kind = Kind("protected_in_one_feed", "excluded", _only("is_not_disclosed"), lambda d, s, a: {})
    rows = sheet.rows.with_columns(pl.col("is_not_disclosed") | pl.Series(hit))
    return replace(sheet, rows=rows), [(kind, ("is_not_disclosed",), np.flatnonzero(hit))]
