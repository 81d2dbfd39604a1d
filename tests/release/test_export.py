"""Official tables: readable by machines, the same for the same release, and nothing in them that is not shown."""

import io
import json
import zipfile
from pathlib import Path

import duckdb
import openpyxl
import polars as pl
import pytest

from pipelines.release.errors import UnsafeError, UsageError
from pipelines.release.export import export
from pipelines.release.japanese_year import japanese_year, western_years
from pipelines.release.symbols import STATUSES
from tests.release.small_release import CITY, FORMULA, HIDDEN, NATION, RELEASE_ID, STATUS, TOWN, VILLAGE, made

ALL = ("xlsx", "csv", "parquet")
SHEETS = ["README", "observations", "counts", "codebook", "area", "symbols", "policy"]


def read(folder: Path, name: str) -> pl.DataFrame:
    return pl.read_csv(folder / f"{name}.csv", infer_schema=False)


def book(folder: Path) -> openpyxl.Workbook:
    return openpyxl.load_workbook(folder / f"mchdb_{RELEASE_ID}.xlsx")


def test_every_format_is_written_and_named(small_release: Path, tmp_path: Path) -> None:
    written = export(small_release, tmp_path / "out", formats=ALL)
    assert sorted(p.name for p in written) == sorted(p.name for p in (tmp_path / "out").iterdir())
    assert {p.name for p in written} == {
        f"mchdb_{RELEASE_ID}.xlsx", "datapackage.json", "observations.parquet", "counts.parquet",
        *(f"{sheet}.csv" for sheet in SHEETS),
    }  # fmt: skip


def test_the_same_release_gives_the_same_bytes(small_release: Path, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        export(small_release, tmp_path / folder, formats=ALL)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_a_sheet_has_one_header_row_no_merged_cells_and_numbers_as_numbers(small_release: Path, tmp_path: Path) -> None:
    export(small_release, tmp_path)
    found = book(tmp_path)
    assert found.sheetnames == SHEETS
    for sheet in found:
        assert not sheet.merged_cells.ranges
        assert all(cell.value for cell in sheet[1])
    rows = list(found["observations"].iter_rows(values_only=True))
    header = [str(name).rpartition(" / ")[2] for name in rows[0]]
    for name in ("numerator", "denominator", "value", "ci_low", "ci_high", "year_from", "year_to"):
        kept = [row[header.index(name)] for row in rows[1:]]
        assert {type(value) for value in kept if value is not None} <= {int, float}, name
        assert any(value is not None for value in kept), name
    for name in ("area_code", "area_code5", "status", "unit", "period"):
        assert {type(row[header.index(name)]) for row in rows[1:]} == {str}, name


def test_codes_keep_their_digits(small_release: Path, tmp_path: Path) -> None:
    export(small_release, tmp_path, formats=("csv",))
    rows = read(tmp_path, "observations")
    assert set(rows["area_code"].str.len_chars()) == {6}
    assert set(rows["area_code5"].str.len_chars()) == {5}
    assert NATION in rows["area_code"].to_list()


@pytest.mark.parametrize("name", ["observations", "counts"])
def test_a_cell_that_is_not_shown_is_empty_with_status_and_symbol(
    small_release: Path, tmp_path: Path, name: str
) -> None:
    export(small_release, tmp_path, formats=("csv",))
    rows = read(tmp_path, name).filter(pl.col("area_code").is_in(HIDDEN))
    assert rows.height
    assert rows["value"].null_count() == rows.height
    assert rows.select("area_code", "status", "symbol").unique().sort("area_code").rows() == [
        (TOWN, "suppressed", "x"), (VILLAGE, "withheld_quality", "…"), ("173029", "not_collected", "…"),
    ]  # fmt: skip


def test_an_observed_zero_is_the_number_0_and_has_its_own_symbol(small_release: Path, tmp_path: Path) -> None:
    export(small_release, tmp_path, formats=("csv",))
    row = (
        read(tmp_path, "counts")
        .filter((pl.col("count_id") == "preterm_births") & (pl.col("area_code") == NATION))
        .head(1)
    )
    assert row.select("value", "symbol").row(0) == ("0", "－")
    assert "－" in read(tmp_path, "symbols")["symbol"].to_list()


def test_every_symbol_that_stands_in_a_table_is_in_the_legend(small_release: Path, tmp_path: Path) -> None:
    export(small_release, tmp_path, formats=("csv",))
    legend = read(tmp_path, "symbols")
    used = {*read(tmp_path, "counts")["symbol"], *read(tmp_path, "observations")["symbol"]} - {None}
    assert used <= set(legend["symbol"])
    assert set(legend["status"]) == set(STATUSES)


def test_values_are_rounded_as_the_indicator_says(small_release: Path, tmp_path: Path) -> None:
    """9.3657...% at CITY is 9.4 with one decimal: the cell holds no further digit."""
    export(small_release, tmp_path, formats=ALL)
    chosen = (pl.col("area_code") == CITY) & (pl.col("indicator_id") == "low_birth_weight_rate")
    for name in ("value", "ci_low", "ci_high"):
        assert {len(v.rpartition(".")[2]) for v in read(tmp_path, "observations").filter(chosen)[name]} == {1}
    assert read(tmp_path, "observations").filter(chosen)["value"].unique().to_list() == ["9.4"]
    kept = pl.read_parquet(tmp_path / "observations.parquet").filter(chosen)["value"].unique().to_list()
    assert kept == [9.4]
    sheet = zipfile.ZipFile(tmp_path / f"mchdb_{RELEASE_ID}.xlsx").read("xl/worksheets/sheet2.xml").decode()
    assert "9.4" in sheet and "9.37" not in sheet and "12.345" not in sheet


def test_formula_like_text_is_never_a_formula(small_release: Path, tmp_path: Path) -> None:
    export(small_release, tmp_path)
    names = [row[3].value for row in book(tmp_path)["area"].iter_rows(min_row=2)]
    assert FORMULA in names
    with zipfile.ZipFile(tmp_path / f"mchdb_{RELEASE_ID}.xlsx") as opened:
        sheets = [opened.read(name).decode() for name in opened.namelist() if "worksheets/sheet" in name]
    assert not [sheet for sheet in sheets if "<f>" in sheet]
    town = read(tmp_path, "area").filter(pl.col("area_code") == TOWN)
    assert town.select("name_ja", "name_en").row(0) == (f"'{FORMULA}", "'+formula")


def test_a_class_that_begins_with_a_minus_stays_as_it_is(small_release: Path, tmp_path: Path) -> None:
    export(small_release, tmp_path, formats=("csv",))
    assert "-19" in read(tmp_path, "counts")["category_code"].to_list()


def test_the_properties_hold_the_release_and_its_day_only(small_release: Path, tmp_path: Path) -> None:
    export(small_release, tmp_path)
    properties = book(tmp_path).properties
    assert (properties.title, properties.created.date().isoformat()) == (RELEASE_ID, "2025-04-01")
    assert [properties.subject, properties.description, properties.keywords, properties.category] == [None] * 4
    assert not properties.creator and not properties.lastModifiedBy


def test_csv_opens_in_excel_and_in_frictionless(small_release: Path, tmp_path: Path) -> None:
    export(small_release, tmp_path, formats=("csv",))
    package = json.loads((tmp_path / "datapackage.json").read_text("utf-8"))
    assert [r["path"] for r in package["resources"]] == [f"{sheet}.csv" for sheet in SHEETS]
    for resource in package["resources"]:
        data = (tmp_path / resource["path"]).read_bytes()
        assert data.startswith(b"\xef\xbb\xbf")
        header = data.decode("utf-8-sig").splitlines()[0].split(",")
        assert header == [field["name"] for field in resource["schema"]["fields"]]
        assert all(field["description"] for field in resource["schema"]["fields"])
        _keys_are_keys(tmp_path / resource["path"], resource["schema"].get("primaryKey"))
        _types_hold(tmp_path / resource["path"], resource["schema"]["fields"])


def _keys_are_keys(path: Path, key: list[str] | None) -> None:
    if key:
        rows = pl.read_csv(path, infer_schema=False)
        assert rows.select(key).is_duplicated().sum() == 0, path.name


def _types_hold(path: Path, fields: list[dict[str, str]]) -> None:
    kinds = {"integer": pl.Int64, "number": pl.Float64, "string": pl.String}
    rows = pl.read_csv(path, infer_schema=False)
    rows.select(pl.col(field["name"]).cast(kinds[field["type"]], strict=True) for field in fields)


def test_parquet_has_the_columns_of_the_csv_and_nothing_of_its_source(small_release: Path, tmp_path: Path) -> None:
    export(small_release, tmp_path, formats=("csv", "parquet"))
    for name in ("observations", "counts"):
        data = (tmp_path / f"{name}.parquet").read_bytes()
        assert pl.read_parquet(io.BytesIO(data)).columns == read(tmp_path, name).columns
        assert set(pl.read_parquet_metadata(io.BytesIO(data))) <= {"ARROW:schema"}
        assert b"published" not in data


def test_only_what_was_chosen(small_release: Path, tmp_path: Path) -> None:
    export(small_release, tmp_path, indicators=["low_birth_weight_rate"], levels=["prefecture"], formats=("csv",))
    rows = read(tmp_path, "observations")
    assert rows.select("indicator_id", "level").unique().rows() == [("low_birth_weight_rate", "prefecture")]
    assert set(read(tmp_path, "counts")["count_id"]) == {"low_birth_weight", "live_births"}
    meanings = read(tmp_path, "codebook")
    assert meanings.filter(pl.col("part") == "indicator")["id"].to_list() == ["low_birth_weight_rate"]


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"indicators": ["no_such"]}, "low_birth_weight_rate"),
        ({"levels": ["village"]}, "municipality"),
        ({"formats": ("ods",)}, "parquet"),
        ({"formats": ()}, "xlsx"),
    ],
)
def test_an_unknown_choice_is_one_sentence_and_no_file(
    small_release: Path, tmp_path: Path, choice: dict[str, object], said: str
) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        export(small_release, tmp_path / "out", **choice)  # type: ignore[arg-type]
    assert refused.value.exit_code == 64
    assert "no_such" not in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_what_is_not_a_release_is_said_so(tmp_path: Path) -> None:
    for name in ("missing.duckdb", "text.duckdb", "other.duckdb"):
        if name == "text.duckdb":
            (tmp_path / name).write_text("no database")
        if name == "other.duckdb":
            duckdb.connect(str(tmp_path / name)).execute("CREATE TABLE t (a INTEGER)").close()
        with pytest.raises(UsageError, match="mchdb release"):
            export(tmp_path / name, tmp_path / "out")


def test_a_value_beside_a_hidden_status_stops_the_export(tmp_path: Path) -> None:
    leaking = made(tmp_path / "leaking.duckdb", hidden={TOWN: 31}, leaking=True)
    with pytest.raises(UnsafeError) as refused:
        export(leaking, tmp_path / "out", formats=ALL)
    assert refused.value.exit_code == 3
    assert "31" not in refused.value.sentence_en
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("place", ["count_cell SET value", "observation SET value", "observation SET denominator"])
def test_a_single_value_left_anywhere_stops_the_export(tmp_path: Path, place: str) -> None:
    path = made(tmp_path / "leaking.duckdb")
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"UPDATE {place} = 31 WHERE area_code = ?", [TOWN])
    with pytest.raises(UnsafeError):
        export(path, tmp_path / "out", formats=("csv",))


def test_the_release_is_read_only_and_stays_as_it_is(small_release: Path, tmp_path: Path) -> None:
    before = small_release.read_bytes()
    export(small_release, tmp_path / "out", formats=ALL)
    assert small_release.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir() if p.name.endswith((".wal", ".part"))] == []


def test_the_readme_says_synthetic_and_how_to_cite(small_release: Path, tmp_path: Path) -> None:
    export(small_release, tmp_path, formats=("csv",))
    said = dict(read(tmp_path, "README").select("item_ja", "text_ja").rows())
    assert "合成データ" in said and RELEASE_ID in said["引用"] and said["作成日"] == "2025-04-01"
    assert said["収録した地域の段階"] == "nation, prefecture, municipality"


def test_every_status_of_the_release_has_a_row(small_release: Path, tmp_path: Path) -> None:
    export(small_release, tmp_path, formats=("csv",))
    assert set(read(tmp_path, "observations")["status"]) == set(STATUS.values())


@pytest.mark.parametrize(
    ("period", "is_fiscal", "said", "western"),
    [
        ("2024", True, "令和6年度", (2024, 2024)),
        ("2024", False, "令和6年", (2024, 2024)),
        ("2019", True, "令和元年度", (2019, 2019)),
        ("2018", True, "平成30年度", (2018, 2018)),
        ("2022-2024", True, "令和4～令和6年度", (2022, 2024)),
        ("2018-2020", True, "平成30～令和2年度", (2018, 2020)),
        ("2024-04", False, "令和6年4月", (2024, 2024)),
    ],
)
def test_japanese_and_western_years(period: str, is_fiscal: bool, said: str, western: tuple[int, int]) -> None:
    assert japanese_year(period, is_fiscal=is_fiscal) == said
    assert western_years(period) == western
