"""The tables of an export: what they hold and what each of their columns means.

Shape and wording follow 総務省「統計表における機械判読可能なデータの表記方法の統一ルール」(2020-12-18): one header row,
one cell one datum, numbers are numbers, units and area codes in columns of their own, western years beside Japanese.
"""

from dataclasses import dataclass, field

import polars as pl

from pipelines.declaration import LEVELS
from pipelines.release.errors import UsageError
from pipelines.release.japanese_year import japanese_year, western_years
from pipelines.release.reading import Release, refuse_values_beside_hidden, table
from pipelines.release.symbols import ZERO

COVERAGE_DECIMALS = 3


@dataclass(frozen=True)
class Column:
    """type: `string`, `integer` or `number` (the words of Frictionless)."""

    name: str
    label_ja: str
    label_en: str
    type: str = "string"
    unit: str = ""


@dataclass(frozen=True)
class Table:
    """A table of the export: its columns in order, and its rows."""

    name: str
    title_ja: str
    title_en: str
    columns: tuple[Column, ...]
    rows: pl.DataFrame = field(compare=False)
    key: tuple[str, ...] = ()


AREA = (
    Column("area_code", "地域コード(6桁)", "area code, 6 digits (全国地方公共団体コード)"),
    Column("area_code5", "標準地域コード(5桁)", "standard area code, 5 digits"),
    Column("area_name_ja", "地域名", "area name in Japanese"),
    Column("area_name_en", "地域名(英語)", "area name in English"),
    Column("level", "地域の段階", "level of the area"),
)
TIME = (
    Column("period", "期間", "period (2024; pooled 2022-2024; month 2024-04)"),
    Column("period_kind", "期間の種類", "kind of period"),
    Column("japanese_year", "年・年度(和暦)", "Japanese year; 年度 runs from April to March"),
    Column("year_from", "西暦(始め)", "first western year", "integer", "年"),
    Column("year_to", "西暦(終わり)", "last western year", "integer", "年"),
)
CATEGORY = (
    Column("breakdown_id", "内訳", "breakdown (all: none)"),
    Column("category_code", "区分コード", "category code (all: total)"),
    Column("category_ja", "区分", "category in Japanese"),
    Column("category_en", "区分(英語)", "category in English"),
)
STATUS = (
    Column("status", "状態", "status; what each means is in the table symbols"),
    Column("symbol", "記号", "symbol for the printed table; the value column stays a number or empty"),
)
OBSERVATIONS = (
    Column("indicator_id", "指標ID", "indicator"),
    Column("indicator_ja", "指標", "indicator in Japanese"),
    Column("indicator_en", "指標(英語)", "indicator in English"),
    *AREA, *TIME, *CATEGORY,
    Column("numerator", "分子", "numerator", "integer", "人・件"),
    Column("denominator", "分母", "denominator", "integer", "人・件"),
    Column("value", "値", "value, rounded; empty where not shown", "number", "unit 列 / column unit"),
    Column("ci_low", "95 %信頼区間(下限)", "lower 95 % limit", "number", "unit 列 / column unit"),
    Column("ci_high", "95 %信頼区間(上限)", "upper 95 % limit", "number", "unit 列 / column unit"),
    Column("unit", "単位", "unit of value and limits"),
    Column("n_areas_reporting", "報告市区町村数", "municipalities reporting", "integer", "市区町村"),
    Column("n_areas_expected", "登録市区町村数", "municipalities registered", "integer", "市区町村"),
    Column("coverage_births", "網羅割合(出生数による)", "share of births covered", "number", "1 = 100 %"),
    *STATUS,
)  # fmt: skip
COUNTS = (
    Column("count_id", "計数ID", "count"),
    Column("count_ja", "計数", "count in Japanese"),
    Column("count_en", "計数(英語)", "count in English"),
    *AREA, *TIME, *CATEGORY,
    Column("value", "値", "value; empty where not shown", "integer", "unit 列 / column unit"),
    Column("unit", "単位", "unit of the value"),
    *STATUS,
)  # fmt: skip

PLACE_AND_CATEGORY = """
    JOIN area a USING (area_code)
    LEFT JOIN breakdown b ON b.breakdown_id = o.breakdown_id AND b.category_code = o.category_code
    LEFT JOIN symbol s ON s.status = o.status
    WHERE a.level IN (SELECT unnest(?))
"""
COMMON = """
    o.area_code, a.area_code5, a.name_ja AS area_name_ja, a.name_en AS area_name_en, a.level,
    o.period, o.period_kind, o.breakdown_id, o.category_code, b.label_ja AS category_ja, b.label_en AS category_en,
    o.status, nullif(s.symbol, '') AS symbol,
"""
IN_ORDER = "ORDER BY 1, o.period_kind, o.period, o.area_code, o.breakdown_id, b.sort, o.category_code"


def observations(release: Release, indicators: list[str], levels: list[str]) -> Table:
    """Values of the chosen indicators at the chosen levels, rounded as each indicator says."""
    rows = table(
        release,
        f"""
        SELECT o.indicator_id, i.label_ja AS indicator_ja, i.label_en AS indicator_en, {COMMON}
               o.numerator, o.denominator, o.value, o.ci_low, o.ci_high, i.unit, i.decimals, i.basis,
               o.n_areas_reporting, o.n_areas_expected, o.coverage_births
        FROM observation o JOIN indicator i USING (indicator_id) {PLACE_AND_CATEGORY}
          AND o.indicator_id IN (SELECT unnest(?)) {IN_ORDER}
        """,
        levels, indicators,
    )  # fmt: skip
    refuse_values_beside_hidden(rows, ("numerator", "denominator", "value", "ci_low", "ci_high"))
    rounded = _rounded(rows).with_columns(
        pl.col("coverage_births").round(COVERAGE_DECIMALS, mode="half_away_from_zero")
    )
    key = ("indicator_id", "period", "period_kind", "area_code", "breakdown_id", "category_code")
    return Table(
        "observations", "指標の値", "values of indicators", OBSERVATIONS, _finished(rounded, OBSERVATIONS), key
    )


def counts(release: Release, indicators: list[str], levels: list[str]) -> Table:
    """The counts behind the chosen indicators."""
    rows = table(
        release,
        f"""
        SELECT o.count_id, c.label_ja AS count_ja, c.label_en AS count_en, {COMMON}
               o.value, c.basis, CASE c.subject WHEN 'person' THEN '人' ELSE '件' END AS unit
        FROM count_cell o JOIN count_definition c USING (count_id) {PLACE_AND_CATEGORY}
          AND o.count_id IN (
            SELECT unnest([numerator_id, denominator_id]) FROM indicator WHERE indicator_id IN (SELECT unnest(?))
          ) {IN_ORDER}
        """,
        levels, indicators,
    )  # fmt: skip
    refuse_values_beside_hidden(rows, ("value",))
    key = ("count_id", "period", "period_kind", "area_code", "breakdown_id", "category_code")
    return Table("counts", "計数の値", "values of counts", COUNTS, _finished(rows, COUNTS), key)


def chosen_indicators(release: Release, wanted: list[str] | None) -> list[str]:
    """The wanted indicators, or all. Raises UsageError for one that the release does not hold."""
    there = table(release, "SELECT indicator_id FROM indicator ORDER BY 1")["indicator_id"].to_list()
    return _chosen(wanted, there, "指標", "An indicator")


def chosen_levels(wanted: list[str] | None) -> list[str]:
    """The wanted area levels, or all. Raises UsageError for an unknown one."""
    return _chosen(wanted, list(LEVELS), "地域の段階", "A level")


def _chosen(wanted: list[str] | None, there: list[str], what_ja: str, what_en: str) -> list[str]:
    if wanted is None:
        return there
    if not wanted or set(wanted) - set(there):
        raise UsageError(
            f"{what_ja}は次のいずれかで、指定されたものはありません: {', '.join(there)}。この中から指定してください。",
            f"{what_en} must be one of these, and the given one is not: {', '.join(there)}; choose from them.",
        )
    return [each for each in there if each in wanted]


def _rounded(rows: pl.DataFrame) -> pl.DataFrame:
    """Value and limits as the indicator publishes them: 四捨五入, so that no further digit is in any file."""
    measures = ("value", "ci_low", "ci_high")
    by_decimals = rows["decimals"].unique().drop_nulls().to_list()
    return rows.with_columns(
        pl.coalesce(
            pl.when(pl.col("decimals") == n).then(pl.col(name).round(n, mode="half_away_from_zero"))
            for n in by_decimals
        ).alias(name)
        for name in (measures if by_decimals else ())
    )


def _finished(rows: pl.DataFrame, columns: tuple[Column, ...]) -> pl.DataFrame:
    """With the Japanese years and the symbol of an observed zero, in the declared order."""
    symbol = pl.when((pl.col("value") == 0) & pl.col("symbol").is_null()).then(pl.lit(ZERO)).otherwise("symbol")
    joined = rows.join(_years(rows), on=["period", "basis"], how="left", maintain_order="left")
    return joined.with_columns(symbol=symbol).select(column.name for column in columns)


def _years(rows: pl.DataFrame) -> pl.DataFrame:
    """period, basis, japanese_year, year_from, year_to: one row for each that occurs."""
    times = rows.select("period", "basis").unique().rows()
    return pl.DataFrame(
        [
            (period, basis, japanese_year(period, is_fiscal=basis != "calendar_year"), *western_years(period))
            for period, basis in times
        ],
        schema={
            "period": pl.String, "basis": pl.String, "japanese_year": pl.String,
            "year_from": pl.Int64, "year_to": pl.Int64,
        },
        orient="row",
    )  # fmt: skip
