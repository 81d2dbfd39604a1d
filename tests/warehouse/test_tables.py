"""The tables of a parcel are what is declared, or the parcel is refused: nothing finer, nothing else."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from pipelines.records import RECORDS
from pipelines.warehouse import tables
from pipelines.warehouse.linkage_process import second_pseudonyms
from pipelines.warehouse.refusal import Refused
from pipelines.warehouse.tables import composite_tokens, with_pseudonyms
from tests.warehouse.parcels import SUZU, Town
from tests.warehouse.shelf import birth, delivery

RECORD = RECORDS["birth"]


@pytest.fixture
def frame() -> pl.DataFrame:
    records, _ = Town(SUZU, Path()).tables([birth("c1", "m1/1")])
    return records["birth"]


def test_what_is_declared_passes(frame: pl.DataFrame) -> None:
    assert tables._declared(frame, RECORD, RECORD.version).equals(frame)


@pytest.mark.parametrize(
    "change",
    [
        pl.lit(date(2023, 5, 17)).alias("birth_month"),
        pl.lit("山田 花子").alias("sex_code"),
        pl.lit("9").alias("resident_type_code"),
        pl.lit("nowhere").alias("service_municipality_code"),
        pl.lit(2987.5).alias("birth_weight_g_class"),
        pl.lit(b"short").alias("record_key"),
        pl.lit(None, pl.String).alias("feed"),
        pl.lit("x").alias("kana_surname"),
    ],
    ids=["a day", "a name", "an unknown code", "a place", "a type", "a key", "no feed", "a column"],
)
def test_what_is_not_declared_is_refused(frame: pl.DataFrame, change: pl.Expr) -> None:
    with pytest.raises(Refused, match="malformed_table"):
        tables._declared(frame.with_columns(change), RECORD, RECORD.version)


def test_a_sentence_in_a_derived_class_is_refused() -> None:
    records, _ = Town(SUZU, Path()).tables(
        [delivery("m1/1", mother_age_class="山田花子さんは三十四歳です。ご主人と二人暮らし")]
    )
    with pytest.raises(Refused, match="malformed_table"):
        tables._declared(records["delivery"], RECORDS["delivery"], 1)


def test_a_missing_column_is_refused(frame: pl.DataFrame) -> None:
    with pytest.raises(Refused):
        tables._declared(frame.drop("nicu_code"), RECORD, RECORD.version)


@pytest.mark.parametrize("rule", ["local_row", "local_person"])
def test_a_row_without_its_keys_is_refused(rule: str) -> None:
    records, tokens = Town(SUZU, Path()).tables([birth("c1", "m1/1")])
    with pytest.raises(Refused, match="malformed_table"):
        with_pseudonyms({"birth": records["birth"]}, second_pseudonyms(tokens.filter(pl.col("rule") != rule), "k"))


def test_a_cancellation_needs_its_row_alone() -> None:
    records, tokens = Town(SUZU, Path()).tables([birth("c1", "m1/1", is_cancelled=True)])
    found = with_pseudonyms({"birth": records["birth"]}, second_pseudonyms(tokens.filter(rule="local_row"), "k"))
    assert found["birth"]["resident_key"].to_list() == [None]


def test_tokens_of_rows_that_are_not_there_are_refused() -> None:
    records, tokens = Town(SUZU, Path()).tables([birth("c1", "m1/1"), birth("c2", "m1/1")])
    one = records["birth"].head(1)
    with pytest.raises(Refused, match="malformed_table"):
        with_pseudonyms({"birth": one}, second_pseudonyms(tokens, "k"))
    frames = with_pseudonyms({"birth": records["birth"]}, second_pseudonyms(tokens, "k"))
    stray = tokens.with_columns(record_key=pl.lit(b"x" * 16)).filter(rule="name")
    with pytest.raises(Refused, match="malformed_table"):
        composite_tokens(frames, second_pseudonyms(stray, "k"))


def test_a_token_is_kept_once_for_its_person() -> None:
    records, tokens = Town(SUZU, Path()).tables([birth("c1", "m1/1"), delivery("m1/1"), delivery("m1/2")])
    records = {n: f for n, f in records.items() if n in RECORDS}
    pseudonyms = second_pseudonyms(tokens, "k")
    assert composite_tokens(with_pseudonyms(records, pseudonyms), pseudonyms).height == 2
