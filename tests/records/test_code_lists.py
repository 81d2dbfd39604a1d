"""Code lists: each code once, and no yes that is a no (the digit for yes differs from list to list)."""

import polars as pl
import pytest

from pipelines.indicators import COUNTS
from pipelines.reference import code_lists, code_that_means

SAYS = {
    "yes": {"はい", "あり", "有", "要", "実施済", "該当する"},
    "no": {"いいえ", "なし", "無", "否", "未実施", "該当しない"},
    "no_answer": {"無回答"},
    "unknown": {"不明", "不詳"},
}


def test_a_code_stands_once_in_its_list_and_has_its_words() -> None:
    codes = code_lists()
    assert codes.select("code_list", "code").is_unique().all()
    assert codes.drop("meaning").null_count().sum_horizontal().item() == 0
    names = codes.group_by("code_list").agg(pl.struct("name_ja", "name_en", "issuer", "version").n_unique().alias("n"))
    assert names["n"].to_list() == [1] * len(names)


def test_a_list_that_could_not_be_had_says_so() -> None:
    national = code_lists().filter(pl.col("code_list").str.starts_with("019-"))
    assert national["issuer"].str.contains("要確認").all()


@pytest.mark.parametrize("meaning", SAYS)
def test_a_meaning_is_what_the_japanese_word_says(meaning: str) -> None:
    told = code_lists().filter(pl.col("meaning") == meaning)
    words = told["label_ja"].str.replace(r"（.*）$", "")
    assert not told.is_empty()
    assert set(words) <= SAYS[meaning]


@pytest.mark.parametrize(
    ("list_id", "yes"),
    [("019-123", "1"), ("019-220", "1"), ("019-240", "2"), ("019-195", "1"), ("019-194", "2"), ("019-235", "2"),
     ("019-244", "2"), ("019-238", "1"), ("019-241", "1"), ("019-246", "1"), ("019-236", "2")],
)  # fmt: skip
def test_yes_is_another_digit_in_another_list(list_id: str, yes: str) -> None:
    assert code_that_means(list_id, "yes") == yes


def test_what_has_no_yes_or_several_is_told() -> None:
    for list_id in ("019-090", "019-104"):
        with pytest.raises(KeyError, match=list_id):
            code_that_means(list_id, "yes")


def test_a_count_asks_for_the_yes_of_its_own_list() -> None:
    assert COUNTS["smoking_yes"].condition == f"smoking_pregnancy_code = '{code_that_means('019-194', 'yes')}'"
    assert COUNTS["relaxed_yes"].condition == f"relaxed_code = '{code_that_means('019-127', 'yes')}'"
