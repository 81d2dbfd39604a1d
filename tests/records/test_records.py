"""Every record in words: what leaves, under which name, and what a class is made of."""

from datetime import date

import polars as pl
import pytest

from pipelines.declaration import LEAVING, Classes, Role, Rule
from pipelines.records import RECORDS
from pipelines.records.delivery import EPDS_ITEMS
from pipelines.reference import code_lists

UNITS = {"g", "cm", "kg", "mmhg", "weeks", "months"}


@pytest.mark.parametrize("record", RECORDS.values(), ids=lambda r: r.name)
def test_a_record_is_whole(record) -> None:  # type: ignore[no-untyped-def]
    named = {*record.key, record.event, *(p for parts in record.local_tokens.values() for p in parts)}
    assert named <= set(record.fields)
    assert record.visit_code is None or record.fields[record.visit_code].role in LEAVING
    assert all(f.label_ja and f.label_en for f in record.fields.values())
    assert all(rule.field in record.fields for rule in record.rules)


@pytest.mark.parametrize("record", RECORDS.values(), ids=lambda r: r.name)
def test_no_day_and_no_name_leaves(record) -> None:  # type: ignore[no-untyped-def]
    for left, (name, field) in record.leaving.items():
        assert not left.endswith("_date")
        assert field.role not in (Role.DIRECT, Role.LINK, Role.LOCAL_KEY, Role.EDGE, Role.SENSITIVE, Role.FREE_TEXT)
        assert (left == name) == (field.role is Role.PLAIN)
    assert {"person_local", "name", "kana_surname", "phone", "facility_code", "recorded_date"}.isdisjoint(
        record.leaving
    )


@pytest.mark.parametrize("record", RECORDS.values(), ids=lambda r: r.name)
def test_a_number_that_is_said_to_leave_in_a_token_is_in_one(record) -> None:  # type: ignore[no-untyped-def]
    tokened = {*record.key, *(part for parts in record.local_tokens.values() for part in parts)}
    assert set(record.of_role(Role.LOCAL_KEY)) <= tokened


@pytest.mark.parametrize("record", RECORDS.values(), ids=lambda r: r.name)
def test_what_must_stay_at_the_source_has_no_column(record) -> None:  # type: ignore[no-untyped-def]
    """Lots, clock times, blood groups, free text and numbers given by an office never leave (privacy, holes 2 and 15)."""
    kept = ("lot", "time", "blood_abo", "rh_", "note", "diagnosis", "number", "facility_code", "center", "titre")
    assert [left for left in record.leaving if any(word in left for word in kept)] in ([], ["number_of_children_class"])


def test_every_code_list_named_in_a_rule_is_there() -> None:
    there = set(code_lists()["code_list"])
    for record in RECORDS.values():
        asked = {getattr(f.rule, "code_list", None) for f in record.fields.values()} - {None}
        assert asked <= there


def test_same_name_means_same_type_unit_and_role() -> None:
    seen: dict[str, tuple[type, str, Role]] = {}
    for record in RECORDS.values():
        for name, field in record.fields.items():
            meaning = (field.type, field.unit, field.role)
            assert seen.setdefault(name, meaning) == meaning, name


def test_classes_have_open_ends() -> None:
    classes = pl.DataFrame({"g": [120, 300, 2499, 2500, 4321]}).select(Classes(100, 300, 4000).of(pl.col("g")))
    assert classes["g"].to_list() == [300, 300, 2400, 2500, 4000]


@pytest.mark.parametrize("last", [date(2023, 8, 1), date(2023, 8, 31)])
def test_age_by_months_is_the_same_for_every_day(last: date) -> None:
    fields = RECORDS["child_checkup"].fields
    row = pl.DataFrame(
        {"birth_date": [date(2022, 2, 28)], "visit_date": [last], "programme_code": ["34"], "sex_code": ["1"],
         "height_cm": [70.0], "weight_kg": [15.0]}
    )  # fmt: skip
    derived = row.select(f.derive().alias(n) for n, f in fields.items() if f.derive)
    assert derived.row(0) == (18, "in", "-2", "2-")


@pytest.mark.parametrize(
    ("items", "total", "status"),
    [(["1"] * 9 + ["0"], 9, "complete"), (["3"] * 10, 30, "complete"), (["1"] * 9 + [None], None, "partial"),
     ([None] * 10, None, "none")],
)  # fmt: skip
def test_epds_total_needs_all_ten_items(items: list[str | None], total: int | None, status: str) -> None:
    fields = RECORDS["postpartum_visit"].fields
    row = pl.DataFrame(dict(zip(EPDS_ITEMS, items, strict=True)), schema=dict.fromkeys(EPDS_ITEMS, pl.String))
    derived = row.select(fields[n].derive().alias(n) for n in ("epds_total", "epds_status"))  # type: ignore[misc]
    assert derived.row(0) == (total, status)


@pytest.mark.parametrize(
    ("born", "delivered", "expected"),
    [(date(1990, 12, 31), date(2022, 1, 1), "30-34"), (date(2005, 1, 1), date(2022, 1, 1), "-19"),
     (date(1970, 1, 1), date(2022, 1, 1), "45-"), (date(1987, 1, 31), date(2022, 1, 1), "35-39")],
)  # fmt: skip
def test_mothers_age_goes_by_months(born: date, delivered: date, expected: str) -> None:
    derive = RECORDS["delivery"].fields["mother_age_class"].derive
    assert derive is not None
    assert pl.DataFrame({"birth_date": [born], "delivery_date": [delivered]}).select(derive()).item() == expected


@pytest.mark.parametrize(
    ("weeks", "stage", "holds"),
    [
        (11, "1", True),
        (12, "1", False),
        (12, "2", True),
        (20, "3", True),
        (28, "4", True),
        (30, "6", True),
        (None, "1", None),
    ],
)
def test_the_stage_agrees_with_the_weeks(weeks: int | None, stage: str, holds: bool | None) -> None:
    rule = RECORDS["pregnancy_notification"].rules[0]
    row = pl.DataFrame(
        {"gestation_weeks_at_notification": [weeks], "notification_stage_code": [stage]},
        schema_overrides={"gestation_weeks_at_notification": pl.Int32},
    )
    assert row.select(rule.holds()).item() == holds


def test_rules_speak_both_languages() -> None:
    rules: list[Rule] = [f.rule for r in RECORDS.values() for f in r.fields.values() if f.rule]
    assert all(rule.says_ja.endswith("こと") and rule.says_en.startswith("must") for rule in rules)
