"""The registry: which submitter may send which municipality, record and years, and whose word counts."""

from pathlib import Path

import polars as pl

from pipelines.records import RECORDS
from pipelines.reference import feed_trust, municipalities
from pipelines.warehouse.problem import USAGE, WarehouseProblem

COLUMNS = ("submitter", "signing_key", "municipality", "record", "from_fy", "to_fy", "is_authority")
FLAGS = {"1": True, "true": True, "0": False, "false": False}
OPEN_END = 9999  # an empty to_fy: until further notice


def read_registry(path: Path) -> pl.DataFrame:
    """Checked lines: submitter, signing_key, municipality_code, record, from_fy, to_fy, is_authority.

    Raises WarehouseProblem 64 naming the line (the header is line 1) and what is required.
    """
    table = _text_table(path).with_row_index("line", offset=2)
    year = {c: pl.col(c).cast(pl.Int32, strict=False) for c in ("from_fy", "to_fy")}
    lines = table.with_columns(
        **year, is_authority=pl.col("is_authority").str.to_lowercase().replace_strict(FLAGS, default=None)
    ).with_columns(to_fy=pl.when(table["to_fy"].fill_null("") == "").then(OPEN_END).otherwise(pl.col("to_fy")))
    for broken, ja, en in _rules(lines):
        if broken.len():
            _refuse(f"{broken[0]} 行目: {ja}", f"line {broken[0]}: {en}")
    return lines.drop("line").rename({"municipality": "municipality_code"})


def _text_table(path: Path) -> pl.DataFrame:
    try:
        table = pl.read_csv(path, infer_schema=False, encoding="utf8")
    except (OSError, pl.exceptions.PolarsError):
        _refuse("CSV(UTF-8)として読めること", "must be readable as CSV in UTF-8")
    if tuple(table.columns) != COLUMNS or table.is_empty():
        _refuse(
            f"見出しが {', '.join(COLUMNS)} で、1行以上あること",
            f"must have the header {', '.join(COLUMNS)} and a line",
        )
    return table


def _rules(lines: pl.DataFrame) -> list[tuple[pl.Series, str, str]]:
    """Line numbers that break each rule, with its sentence."""
    several_keys = pl.col("signing_key").n_unique().over("submitter") > 1
    tests = [
        (pl.any_horizontal(pl.col("submitter", "signing_key").fill_null("") == ""), "提出者と署名鍵が必要です",
         "submitter and signing_key are required"),
        (several_keys, "一つの提出者の署名鍵は一つであること", "one submitter has one signing key"),
        (~pl.col("municipality").is_in(municipalities()["code6"].to_list()), "6桁の市区町村コードが必要です",
         "a 6-digit municipality code is required"),
        (~pl.col("record").is_in(list(RECORDS)), "記録の名前が必要です", "the name of a record is required"),
        (pl.col("from_fy").is_null() | pl.col("to_fy").is_null() | (pl.col("from_fy") > pl.col("to_fy")),
         "年度は from_fy 以上 to_fy 以下の数であること", "years must be numbers, from_fy not after to_fy"),
        (pl.col("is_authority").is_null(), "is_authority は true か false であること", "is_authority must be true or false"),
    ]  # fmt: skip
    found = [(lines.filter(broken.fill_null(True))["line"], ja, en) for broken, ja, en in tests]
    found.append(
        (
            _overlaps(lines, ["submitter", "municipality", "record"], pl.lit(True)),
            "同じ提出者・市区町村・記録の年度は重ならないこと",
            "years of one submitter, municipality and record must not overlap",
        )
    )
    found.append(
        (
            _overlaps(lines, ["municipality", "record"], pl.col("is_authority")),
            "正となる提出者は、市区町村・記録・年度ごとに一つであること",
            "one authority per municipality, record and year",
        )
    )
    return found  # fmt: skip


def _overlaps(lines: pl.DataFrame, key: list[str], among: pl.Expr) -> pl.Series:
    ordered = lines.filter(among).sort(*key, "from_fy")
    return ordered.filter(pl.col("from_fy") <= pl.col("to_fy").shift(1).over(key))["line"]


def places() -> pl.DataFrame:
    """state.municipality: every municipality and ward, the city it belongs to, its official births."""
    return municipalities().select(
        code="code6",
        city_code=pl.coalesce(pl.col("parent_city_code6").replace("", None), "code6"),
        births=pl.col("births_2024").fill_null(0),
    )


def feeds() -> pl.DataFrame:
    """state.feed: feed, trust, is_register."""
    return feed_trust()


def _refuse(ja: str, en: str) -> None:
    raise WarehouseProblem(
        f"登録簿: {ja}。直してもう一度実行してください。", f"Registry: {en}. Correct it and run this again.", USAGE
    )
