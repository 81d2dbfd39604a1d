"""What is shown, as files: one tidy table with text codes, numeric values, a status and a symbol for every cell.

Follows the rules of the Ministry of Internal Affairs for machine-readable statistics (統計表における機械判読可能な
データの表記方法の統一ルール, 2020-12-18): one datum per cell, no symbol in a numeric column, codes as text.
"""

import datetime as dt
import io

import polars as pl
import streamlit as st
import xlsxwriter

from dashboards.view import View

CODEBOOK = (
    (
        "area_code",
        "全国地方公共団体コード(6桁)、医療圏コード、全国は000000",
        "area code (6 digits), medical area code, 000000 for the nation",
    ),
    ("area_code5", "標準地域コード(5桁)", "standard area code (5 digits)"),
    ("area_ja", "地域名", "name of the area in Japanese"),
    ("area_en", "地域名(英語)", "name of the area in English"),
    ("level", "地域の段階", "level of the area"),
    ("indicator_id", "指標", "indicator"),
    ("indicator_ja", "指標名", "indicator's label in Japanese"),
    ("indicator_en", "指標名(英語)", "indicator's label in English"),
    ("period", "期間(2022-2024は3年の計)", "period (2022-2024: pooled)"),
    ("basis", "期間の基準", "basis of the period"),
    ("category_ja", "内訳の区分", "category of the breakdown in Japanese"),
    ("category_en", "内訳の区分(英語)", "category of the breakdown in English"),
    ("value", "値(表示しない場合は空欄)", "value; empty where not shown"),
    ("ci_low", "95 %区間の下限", "lower end of the 95 % interval"),
    ("ci_high", "95 %区間の上限", "upper end of the 95 % interval"),
    ("numerator", "分子", "numerator"),
    ("denominator", "分母", "denominator"),
    ("unit", "単位", "unit"),
    ("status", "状態", "status"),
    ("symbol", "記号", "symbol"),
)
NUMBERS = ("value", "ci_low", "ci_high", "numerator", "denominator")


def tidy(view: View, cells: pl.DataFrame) -> pl.DataFrame:
    """The cells of a view as the table of CODEBOOK, rounded as they are shown.

    cells: indicator_id, area_code, period, value, ci_low, ci_high, numerator, denominator, status, and the category's
    labels where there is a breakdown.
    """
    indicators = view.release.indicators().select(
        "indicator_id", "unit", "decimals", "basis", indicator_ja="label_ja", indicator_en="label_en"
    )
    areas = view.release.areas().select("area_code", "area_code5", "level", area_ja="name_ja", area_en="name_en")
    own = cells.select(
        c
        for c in cells.columns
        if c in ("indicator_id", "area_code", "period", "category_ja", "category_en", "status", *NUMBERS)
    )
    table = own.join(indicators, on="indicator_id", how="left", maintain_order="left").join(
        areas, on="area_code", how="left", maintain_order="left"
    )
    rounded = [
        pl.coalesce(pl.when(pl.col("decimals") == d).then(pl.col(c).round(d)) for d in range(6)).alias(c)
        for c in ("value", "ci_low", "ci_high")
    ]
    table = table.with_columns(*rounded, symbol=pl.col("status").replace_strict(view.symbols(), default="…"))
    absent = [pl.lit(None, pl.String).alias(c) for c, *_ in CODEBOOK if c not in table.columns]
    return table.with_columns(absent).select(c for c, *_ in CODEBOOK)


def as_csv(table: pl.DataFrame) -> bytes:
    """UTF-8 with a byte order mark, so that Excel reads the Japanese."""
    return b"\xef\xbb\xbf" + table.write_csv().encode("utf-8")


def as_xlsx(view: View, table: pl.DataFrame) -> bytes:
    """Sheets: readme, data, indicators, codebook, symbols. Properties hold the release and its date only."""
    info = view.release.info
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        book.set_properties({"title": info.release_id, "created": dt.datetime.combine(info.created_on, dt.time())})
        _sheet(book, "readme", ("項目 / item", "内容 / content"), _readme(view))
        _sheet(book, "data", table.columns, table.rows())
        used = view.release.indicators().filter(pl.col("indicator_id").is_in(table["indicator_id"].unique().to_list()))
        meaning = used.select("indicator_id", "label_ja", "label_en", "definition_ja", "definition_en", "numerator_ja", "denominator_ja",
                              "unit", "basis", "official_source", "caution_ja", "caution_en")  # fmt: skip
        _sheet(book, "indicators", meaning.columns, meaning.rows())
        _sheet(book, "codebook", ("column", "意味", "meaning"), CODEBOOK)
        symbols = view.release.symbols()
        _sheet(book, "symbols", symbols.columns, symbols.rows())
    return buffer.getvalue()


def _readme(view: View) -> list[tuple[str, str]]:
    info = view.release.info
    rows = [
        ("公表ID / release", info.release_id), ("区分 / status", info.status), ("作成日 / created", info.created_on.isoformat()),
        ("対象年度 / fiscal years", info.fiscal_years), ("公表基準 / policy", info.policy_id), ("版 / software", info.software_version),
        ("登録市区町村 / registered municipalities", f"{view.release.n_registered()} / {view.release.n_municipalities()}"),
    ]  # fmt: skip
    return rows + ([("注意 / note", view.words("synthetic"))] if info.is_synthetic else [])


def _sheet(book: xlsxwriter.Workbook, name: str, head: object, rows: object) -> None:
    sheet = book.add_worksheet(name)
    sheet.write_row(0, 0, list(head))  # type: ignore[call-overload]
    for i, row in enumerate(rows, start=1):  # type: ignore[var-annotated, arg-type]
        for j, cell in enumerate(row):
            if isinstance(cell, str):
                sheet.write_string(i, j, cell)
            elif cell is not None:
                sheet.write_number(i, j, cell)
    sheet.freeze_panes(1, 0)
    sheet.autofit()


def offer(view: View, cells: pl.DataFrame) -> None:
    """The two download buttons; files are made when asked for."""
    words, name = view.words, f"mchdb_{view.release.info.release_id}"
    with st.container(horizontal=True, key="downloads"):
        st.download_button(
            f"{words('download')} {words('download_csv')}", lambda: as_csv(tidy(view, cells)), f"{name}.csv", "text/csv",
            on_click="ignore", key="download_csv",
        )  # fmt: skip
        st.download_button(
            f"{words('download')} {words('download_xlsx')}", lambda: as_xlsx(view, tidy(view, cells)), f"{name}.xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", on_click="ignore", key="download_xlsx",
        )  # fmt: skip
