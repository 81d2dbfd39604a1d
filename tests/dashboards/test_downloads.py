"""The files a reader takes home."""

import io

import openpyxl
import polars as pl
import pytest

from dashboards.choice import Choice
from dashboards.downloads import CODEBOOK, NUMBERS, as_csv, as_xlsx, tidy
from dashboards.published import Release
from dashboards.view import View
from dashboards.words import Words


@pytest.fixture
def view(release: Release) -> View:
    return View(
        release, Choice("ja", "000000", None, "low_birth_weight_rate", None, "municipality", "all"), Words("ja")
    )


@pytest.fixture
def table(view: View) -> pl.DataFrame:
    rows = view.release.of_level("low_birth_weight_rate", "2022-2024", "municipality")
    rows = rows.filter(pl.col("status") != "not_collected")
    return tidy(
        view,
        rows.with_columns(pl.lit("low_birth_weight_rate").alias("indicator_id"), pl.lit("2022-2024").alias("period")),
    )


def test_a_hidden_cell_is_empty_with_a_status_and_a_symbol(table: pl.DataFrame) -> None:
    hidden = table.filter(pl.col("status") == "suppressed")
    assert hidden.height > 5
    assert all(hidden[c].null_count() == hidden.height for c in NUMBERS)
    assert set(hidden["symbol"]) == {"x"}


def test_values_are_rounded_as_they_are_shown_and_codes_are_text(table: pl.DataFrame) -> None:
    shown = table["value"].drop_nulls()
    assert (shown == shown.round(1)).all()
    assert table.schema["area_code"] == pl.String and table["area_code"].str.len_chars().eq(6).all()
    assert table.columns == [column for column, *_ in CODEBOOK]


def test_csv_opens_in_excel(table: pl.DataFrame) -> None:
    data = as_csv(table)
    assert data.startswith(b"\xef\xbb\xbf") and not data.startswith(b"\xef\xbb\xbf\xef\xbb\xbf")
    back = pl.read_csv(data, infer_schema=False)
    assert back.height == table.height and back.columns == table.columns


def test_xlsx_holds_numbers_as_numbers_and_its_own_meaning(view: View, table: pl.DataFrame) -> None:
    book = openpyxl.load_workbook(io.BytesIO(as_xlsx(view, table)))
    assert book.sheetnames == ["readme", "data", "indicators", "codebook", "symbols"]
    rows = list(book["data"].iter_rows(values_only=True))
    head = list(rows[0])
    by_code = {row[head.index("area_code")]: row for row in rows[1:]}
    naha, kunigami = by_code["472018"], by_code["473014"]
    assert isinstance(naha[head.index("value")], float) and isinstance(naha[0], str)
    assert kunigami[head.index("value")] is None and kunigami[head.index("symbol")] == "x"
    assert {row[0] for row in book["codebook"].iter_rows(min_row=2, values_only=True)} == set(head)
    assert "suppressed" in {row[0] for row in book["symbols"].iter_rows(values_only=True)}
    assert book["data"].merged_cells.ranges == set()


def test_properties_hold_the_release_and_its_date_only(view: View, table: pl.DataFrame) -> None:
    told = openpyxl.load_workbook(io.BytesIO(as_xlsx(view, table))).properties
    assert (told.title, told.created.date()) == ("2025-final-01", view.release.info.created_on)
    assert (
        not any((told.subject, told.keywords, told.description, told.category, told.lastModifiedBy))
        and not told.creator
    )
