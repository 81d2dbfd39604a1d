"""One spelling for one person; what is left empty is a missing part."""

import polars as pl
import pytest

from pipelines.edge.canon import FORMS, canonical
from pipelines.edge.whose import PARTS


def forms_of(cells: list[str | None], field: str) -> pl.Series:
    return canonical(pl.DataFrame({field: cells}, schema={field: pl.String}), [field])[field]


@pytest.mark.parametrize(
    ("field", "spellings", "form"),
    [
        ("kana_given_name", ["ユウト", "ゆうと", "ﾕｳﾄ", "ユート", "ユ－ト", "ユ〜ト", " ユウト　"], "ユウト"),
        ("kana_surname", ["オオノ", "おおの", "オーノ", "ｵｵﾉ", "オウノ"], "オウノ"),
        ("kana_given_name", ["リョウ", "リヨウ", "りょー", "ﾘｮｳ"], "リヨウ"),
        ("kana_given_name", ["シズカ", "シヅカ", "ｼｽﾞｶ", "しす\u309bか"], "シズカ"),
        ("kana_given_name", ["ケイコ", "ケーコ", "けえこ"], "ケイコ"),
        ("alphabet_name", ["KIM MIN-JUN", "Kim Minjun", "ＫＩＭ　ＭＩＮ‐ＪＵＮ"], "KIMMINJUN"),
        ("phone", ["0857-55-0123", "０８５７－５５－０１２３", "0857550123"], "0857550123"),
        ("insurer_number", ["313254", "00313254", "３１３２５４"], "00313254"),
        ("insured_symbol", ["若桜－１", "若桜-1", "若桜‐1 "], "若桜-1"),
        ("branch_number", ["2", "02", "２"], "02"),
        ("sex_code", ["2"], "2"),
    ],
)
def test_spellings_become_one(field: str, spellings: list[str], form: str) -> None:
    assert set(forms_of([*spellings], field)) == {form}


@pytest.mark.parametrize(
    ("field", "empty"),
    [
        ("kana_surname", "　"),
        ("kana_surname", "ー"),
        ("phone", "なし"),
        ("branch_number", ""),
        ("insurer_number", "-"),
        ("sex_code", "3"),
    ],
)
def test_what_is_left_empty_is_null(field: str, empty: str) -> None:
    assert forms_of([empty, None], field).to_list() == [None, None]


def test_different_names_stay_different() -> None:
    names = ["ユウト", "ユウタ", "ハルト", "ハルキ", "カナ", "カンナ", "サトシ", "サトミ", "コオリ", "コリ"]
    assert forms_of([*names], "kana_given_name").n_unique() == len(names)


def test_every_part_of_a_token_rule_has_a_form_and_an_unknown_field_has_none() -> None:
    assert all(set(PARTS) <= set(forms) for forms in FORMS.values())
    with pytest.raises(KeyError):
        forms_of(["x"], "facility_code")
