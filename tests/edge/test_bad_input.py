"""Whatever arrives wrong is a refusal with its file, line, field and rule; the good rows go on."""

from typing import Any

import polars as pl
import pytest

from pipelines.edge.problem import EdgeProblem
from pipelines.edge.send import check_feeds
from pipelines.feeds import FEEDS
from pipelines.records import RECORDS
from tests.edge.made_feeds import MOTHER, OTHER_TOWN, STRANGER, Town, row, text_of
from tests.edge.test_my_number import NUMBERS

NUMBER_2 = {"person_local": "900000000000009"}


def refusals(town: Town) -> list[tuple[str, int, str, str]]:
    """(file, line, field, rule) as the report tells them."""
    check_feeds(town.feeds.path, town.report)
    return pl.read_csv(town.report / "refusals.csv").select("file", "line", "field", "rule").rows()


def numbered(record: str, n: int) -> dict[str, str]:
    """Another line number of a claim, whose key holds no person."""
    return {"claim_line_no": f"C-{n}"} if record == "claim" else {}


@pytest.mark.parametrize(
    ("record", "changes", "field", "rule"),
    [
        ("child_checkup", {"nutrition_code": "8"}, "nutrition_code", "code"),
        ("child_checkup", {"visit_date": "2024-02-30"}, "visit_date", "form_date"),
        ("child_checkup", {"visit_date": "2024/06/12"}, "visit_date", "form_date"),
        ("child_checkup", {"visit_date": "2022-11-18"}, "visit_date", "visit_date_is_not_before_birth"),
        ("child_checkup", {"sex_code": None}, "sex_code", "required"),
        ("child_checkup", {"weight_kg": "10200"}, "weight_kg", "range"),
        ("child_checkup", {"weight_kg": "nan"}, "weight_kg", "form_number"),
        ("child_checkup", {"branch": "1.0"}, "branch", "form_whole"),
        ("child_checkup", {"is_cancelled": "2"}, "is_cancelled", "form_flag"),
        ("child_checkup", {"kana_surname": "加賀見"}, "kana_surname", "pattern"),
        ("child_checkup", {"residence_municipality_code": OTHER_TOWN}, "residence_municipality_code", "other_municipality"),
        ("pregnancy_notification", {"notification_stage_code": "3"}, "notification_stage_code", "stage_agrees_with_weeks"),
        ("antenatal_visit", {"blood_pressure_diastolic_mmhg": "120"}, "blood_pressure_diastolic_mmhg", "diastolic_is_below_systolic"),
        ("pregnancy_questionnaire", {"satogaeri_prefecture_code": "48"}, "satogaeri_prefecture_code", "pattern"),
        ("pregnancy_questionnaire", {"height_cm": "1.58"}, "height_cm", "range"),
        ("handbook_issue", {"handbook_order": "6"}, "handbook_order", "range"),
        ("ehandbook_registration", {"is_pmh_linked": "はい"}, "is_pmh_linked", "form_flag"),
        ("child_dental", {"programme_code": "35"}, "programme_code", "code"),
        ("child_dental", {"programme_code": "36", "caries_state_code": "3"}, "caries_state_code", "caries_state_is_of_the_age"),
        ("child_dental", {"treated_teeth_count": "9", "caries_teeth_count": "2"}, "treated_teeth_count", "treated_teeth_are_not_more_than_caries"),
        ("newborn_screening", {"test_date": "2022-11-18"}, "test_date", "test_date_is_not_before_birth"),
        ("postpartum_care", {"used_date": "2023-06-13"}, "used_date", "used_is_not_before_applied"),
        ("postpartum_care", {"used_days": "32"}, "used_days", "range"),
        ("home_visit", {"met_child_code": "0"}, "met_child_code", "code"),
        ("detailed_exam", {"programme_code": "40"}, "programme_code", "code"),
        ("detailed_exam", {"examined_date": "2023-06-13"}, "examined_date", "examined_is_not_before_referred"),
        ("nonattender_followup", {"rule_id": "due_date_passed"}, "rule_id", "code"),
        ("vaccination", {"vaccine_code": "MR"}, "vaccine_code", "code"),
        ("vaccination", {"dose_no": None}, "dose_no", "required"),
        ("claim", {"claimed_date": "2023-05-01"}, "claimed_date", "claimed_is_not_before_service"),
        ("claim", {"paid_date": "2023-05-31"}, "paid_date", "paid_is_not_before_claimed"),
        ("claim", {"unit_price_yen": "5,070"}, "unit_price_yen", "form_whole"),
        ("information_request", {"replied_date": "2023-06-13"}, "replied_date", "replied_is_not_before_requested"),
        ("support_plan", {"plan_no": "計画1"}, "plan_no", "pattern"),
        ("own_measure", {"held_date": "2022-11-18"}, "held_date", "held_date_is_not_before_birth"),
    ],
)  # fmt: skip
def test_a_bad_cell_refuses_its_row_alone(
    town: Town, record: str, changes: dict[str, Any], field: str, rule: str
) -> None:
    own = [row(record, **numbered(record, n)) for n in range(3)]
    town.feeds.put(record, own[0] | {"person_local": "1"}, own[1] | NUMBER_2 | changes, own[2] | {"person_local": "3"})
    assert refusals(town) == [(f"municipal/{record}.csv", 3, field, rule)]
    assert town.send().counts[record].accepted == 2


def test_a_duplicate_key_keeps_the_first_row_and_a_higher_revision_is_no_duplicate(town: Town) -> None:
    town.feeds.put("birth", row("birth"), row("birth", birth_weight_g="2500"), row("birth", revision_no="1"))
    assert refusals(town) == [("municipal/birth.csv", 3, "person_local", "duplicate_key")]


def test_of_rows_on_one_line_the_repeated_one_alone_is_refused(town: Town) -> None:
    visit = row("child_checkup")
    file = town.feeds.put("child_checkup", visit, visit, visit | {"person_local": "2"}, feed="pmh")
    file.write_text(" ".join(file.read_text("utf-8").split()), "utf-8")
    assert refusals(town) == [("pmh/child_checkup.json", 1, "person_local", "duplicate_key")]
    assert town.send().counts["child_checkup"].accepted == 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_encoding_of_the_feed_is_read(town: Town, encoding: str, end: str) -> None:
    town.feeds.put(
        "birth",
        row("birth", note="髙﨑、①\n二行目"),
        row("birth", **NUMBER_2, sex_code="9"),
        encoding=encoding,
        end=end,
    )
    assert refusals(town) == [("municipal/birth.csv", 4, "sex_code", "code")]


def test_ragged_and_undecodable_rows_are_refused_alone(town: Town) -> None:
    text = text_of(FEEDS["municipal"], RECORDS["birth"], [row("birth"), row("birth", **NUMBER_2)])
    head, first, second = text.encode("cp932").splitlines()
    lines = [head, first, first + b",x", b"\x81\x20", second, b'"', b""]
    town.feeds.put_bytes("birth", b"\r\n".join(lines))
    expected = [(3, "ragged"), (4, "encoding"), (6, "ragged")]
    assert [(line, rule) for _, line, _, rule in refusals(town)] == expected
    counted = town.send().counts["birth"]
    assert (counted.read, counted.accepted, counted.refused) == (5, 2, 3)


def test_a_missing_column_refuses_the_file_and_the_others_go_on(town: Town) -> None:
    town.feeds.put("delivery", row("delivery"))
    text = text_of(FEEDS["municipal"], RECORDS["birth"], [row("birth")])
    town.feeds.put_bytes("birth", text.replace("出生体重", "体重の列").encode())
    assert refusals(town) == [("municipal/birth.csv", 0, "birth_weight_g", "column_missing")]
    sent = town.send()
    assert (sent.counts["birth"].refused, sent.counts["delivery"].accepted, sent.refused) == (1, 1, 2)
    assert any("1 columns" in en or "no. " in en for _, en in sent.warnings)


def test_a_column_twice_and_an_empty_file_refuse_the_file(town: Town) -> None:
    town.feeds.put("delivery", row("delivery"))
    text = text_of(FEEDS["municipal"], RECORDS["birth"], [row("birth")])
    town.feeds.put_bytes("birth", text.replace("NICU入院", "出生体重").encode())
    town.feeds.put_bytes("child_checkup", b"\n")
    told = refusals(town)
    assert ("municipal/birth.csv", 0, "birth_weight_g", "column_twice") in told
    assert ("municipal/child_checkup.csv", 0, "", "empty_file") in told
    assert town.send().counts["delivery"].accepted == 1


def test_unknown_columns_are_dropped_with_a_warning_that_holds_no_heading(town: Town) -> None:
    text = text_of(FEEDS["municipal"], RECORDS["birth"], [row("birth")])
    head, first = text.splitlines()
    town.feeds.put_bytes("birth", f"{head},加賀見の欄\n{first},加賀見の値\n".encode())
    sent = town.send()
    assert sent.counts["birth"].accepted == 1
    assert sent.warnings
    assert "加賀見" not in str(sent.warnings)


def test_a_file_in_another_encoding_is_refused_but_its_protected_people_stay(town: Town) -> None:
    town.feeds.put("child_checkup", row("child_checkup"), row("child_checkup", **STRANGER))
    flagged = text_of(FEEDS["municipal"], RECORDS["birth"], [row("birth", is_not_disclosed="1")])
    town.feeds.put_bytes("birth", flagged.encode("utf-16"))
    sent = town.send()
    assert sent.counts["child_checkup"].excluded == 1
    assert sent.counts["birth"].refused == 1


def test_a_file_that_hides_who_is_protected_stops_the_sending(town: Town) -> None:
    town.feeds.put("child_checkup", row("child_checkup"))
    for content in (
        b"\xff\xfe\xfd\n\x81",
        text_of(FEEDS["municipal"], RECORDS["birth"], [row("birth")]).replace("不開示・支援措置", "x").encode(),
    ):
        town.feeds.put_bytes("birth", content)
        with pytest.raises(EdgeProblem) as stopped:
            town.send()
        assert stopped.value.exit_code == 2
        assert not list(town.home.rglob("*.parcel"))


@pytest.mark.parametrize("heading", ["個人番号", "母のマイナンバー", "my_number"])
def test_a_my_number_column_stops_its_file(town: Town, heading: str) -> None:
    town.feeds.put("delivery", row("delivery"))
    text = text_of(FEEDS["municipal"], RECORDS["birth"], [row("birth")])
    head, first = text.splitlines()
    town.feeds.put_bytes("birth", f"{head},{heading}\n{first},\n".encode())
    assert refusals(town) == [("municipal/birth.csv", 0, "", "my_number")]
    sent = town.send()
    assert (sent.counts["birth"].accepted, sent.counts["delivery"].accepted) == (0, 1)


@pytest.mark.parametrize("field", ["insured_number", "person_local", "note", "facility_code"])
def test_a_column_filled_like_my_numbers_stops_its_file(town: Town, field: str) -> None:
    rows = [row("birth", **({"person_local": str(i)} | {field: n})) for i, n in enumerate(NUMBERS)]
    town.feeds.put("birth", *rows)
    assert refusals(town) == [("municipal/birth.csv", 0, "", "my_number")]


def test_pmh_throws_its_my_number_away_and_stops_at_any_other(town: Town) -> None:
    town.feeds.put("child_checkup", row("child_checkup"), feed="pmh")
    assert town.send().counts["child_checkup"].accepted == 1
    file = town.feeds.path / "pmh" / "child_checkup.json"
    file.write_text(file.read_text().replace('"note"', '"guardianMyNumber": "1", "note"'))
    assert refusals(town) == [("pmh/child_checkup.json", 0, "", "my_number")]


def test_pmh_changes_and_names_are_converted(town: Town) -> None:
    town.feeds.put(
        "child_checkup", row("child_checkup"), row("child_checkup", programme_code="36", is_cancelled="1"),
        row("child_checkup", programme_code="31", is_not_disclosed="x"), feed="pmh",
    )  # fmt: skip
    file = town.feeds.path / "pmh" / "child_checkup.json"
    file.write_text(file.read_text().replace('"modificationSeg": "1"', '"modificationSeg": "3"', 1))
    assert refusals(town) == [("pmh/child_checkup.json", 2, "is_cancelled", "form_flag")]


def test_json_on_one_line_is_counted_row_by_row(town: Town) -> None:
    rows = [
        row("child_checkup", programme_code=code, nutrition_code=n)
        for code, n in (("31", "1"), ("34", "8"), ("36", "8"))
    ]
    file = town.feeds.put("child_checkup", *rows, feed="pmh")
    file.write_text(file.read_text().replace("\n", ""))
    assert [line for _, line, _, _ in refusals(town)] == [1, 1]
    counted = town.send().counts["child_checkup"]
    assert (counted.read, counted.accepted, counted.refused) == (3, 1, 2)


def test_an_empty_folder_and_a_wrong_name_are_one_sentence(town: Town) -> None:
    town.feeds.path.mkdir(parents=True)
    with pytest.raises(EdgeProblem) as nothing:
        check_feeds(town.feeds.path)
    with pytest.raises(EdgeProblem) as wrong:
        check_feeds(town.home)
    assert (nothing.value.exit_code, wrong.value.exit_code) == (2, 64)
    assert MOTHER["name"] not in str(nothing.value)
