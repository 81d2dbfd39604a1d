"""What goes with the numbers of an export: where they come from, and what each word and symbol means."""

from datetime import date

import polars as pl

from pipelines.release.official_tables import Column, Table
from pipelines.release.reading import Release, table
from pipelines.release.symbols import ZERO

RULES = "総務省「統計表における機械判読可能なデータの表記方法の統一ルール」(2020-12-18)"
STATUS_JA = {"provisional": "速報", "final": "確定", "revised": "改訂"}


def release_line(release: Release) -> dict[str, object]:
    """The one row of table `release`."""
    return table(release, "SELECT * FROM release").row(0, named=True)


def created_on(line: dict[str, object]) -> date:
    day = line["created_on"]
    if not isinstance(day, date):
        raise TypeError("created_on must be a date")
    return day


def boundary_day(release: Release) -> str:
    """The day whose borders and populations the areas have (1 January of the newest population)."""
    year = table(release, "SELECT max(year) AS year FROM area_population").item()
    return f"{year}-01-01" if year else "-"


def readme(line: dict[str, object], boundaries: str, levels: list[str]) -> Table:
    """Source, day, version, citation, and what must be known before a number is used."""
    columns = (
        Column("item_ja", "項目", "item in Japanese"),
        Column("item_en", "項目(英語)", "item"),
        Column("text_ja", "内容", "text in Japanese"),
        Column("text_en", "内容(英語)", "text"),
    )
    rows = pl.DataFrame(_readme_rows(line, boundaries, levels), schema=[c.name for c in columns], orient="row")
    return Table("README", "はじめに", "read me first", columns, rows)


def _readme_rows(line: dict[str, object], boundaries: str, levels: list[str]) -> list[tuple[str, str, str, str]]:
    release_id, day = str(line["release_id"]), created_on(line).isoformat()
    status = str(line["status"])
    return [
        ("表題", "title", "母子保健 地域統計", "Regional maternal and child health statistics of Japan"),
        ("出典", "source", "mchdb(母子保健匿名統計)", "mchdb, anonymized maternal-child health analytics"),
        *_synthetic_note(line),
        ("公表ID", "release id", release_id, release_id),
        ("版", "version", f"{STATUS_JA.get(status, status)}(表構造 第{line['schema_version']}版)",
         f"{status} (schema version {line['schema_version']})"),
        ("作成日", "created on", day, day),
        ("対象年度", "fiscal years", str(line["fiscal_years"]), str(line["fiscal_years"])),
        ("公表基準", "publication policy", f"{line['policy_id']}(policy 表)", f"{line['policy_id']} (table policy)"),
        ("地域の境界日", "boundaries as of", boundaries, boundaries),
        ("収録した地域の段階", "area levels", ", ".join(levels), ", ".join(levels)),
        ("引用", "how to cite", f"mchdb「母子保健 地域統計」公表ID {release_id}({day} 作成)を加工",
         f"mchdb, Regional maternal and child health statistics, release {release_id} ({day}), own calculation"),
        ("値が空欄のセル", "empty values", "公表しない値。理由は status、印刷用の記号は symbol、凡例は symbols 表",
         "Not shown: the reason is in status, the symbol for print in symbol, the legend in table symbols"),
        ("全国", "nation", "登録された都道府県の合計(日本全国の値ではない)", "Sum of the registered prefectures, not all Japan"),
        ("表記方法", "notation", RULES, "Rules of the Ministry of Internal Affairs for machine-readable tables"),
    ]  # fmt: skip


def _synthetic_note(line: dict[str, object]) -> list[tuple[str, str, str, str]]:
    if not line["is_synthetic"]:
        return []
    return [
        ("合成データ", "synthetic data", "架空の人々から作った合成データであり、実在の人・地域の実績ではない",
         "Made of synthetic people; no real person and no real result of any area")
    ]  # fmt: skip


CODEBOOK = (
    Column("part", "部", "part: column, indicator, count or category"),
    Column("of", "属する表・内訳", "table or breakdown it belongs to"),
    Column("id", "ID", "id"),
    Column("label_ja", "名称", "label in Japanese"),
    Column("label_en", "名称(英語)", "label in English"),
    Column("unit", "単位", "unit"),
    Column("definition_ja", "定義", "definition in Japanese"),
    Column("definition_en", "定義(英語)", "definition in English"),
    Column("official_source", "公式統計", "official source"),
    Column("caution_ja", "注意", "caution in Japanese"),
    Column("caution_en", "注意(英語)", "caution in English"),
)
MEANINGS = """
    SELECT 1 AS place, 'indicator' AS part, 'observations' AS of, indicator_id AS id, label_ja, label_en, unit,
           definition_ja, definition_en, official_source, caution_ja, caution_en
    FROM indicator WHERE indicator_id IN (SELECT unnest(?))
    UNION ALL
    SELECT 2, 'count', 'counts', count_id, label_ja, label_en, CASE subject WHEN 'person' THEN '人' ELSE '件' END,
           'SQL: (' || population_sql || ') AND (' || condition_sql || ')',
           'SQL: (' || population_sql || ') AND (' || condition_sql || ')', '', '', ''
    FROM count_definition WHERE count_id IN (
        SELECT unnest([numerator_id, denominator_id]) FROM indicator WHERE indicator_id IN (SELECT unnest(?)))
    UNION ALL
    SELECT 3, 'category', breakdown_id, category_code, label_ja, label_en, '', '', '', '', '', '' FROM breakdown
    ORDER BY place, of, id
"""


def codebook(release: Release, indicators: list[str], tables: tuple[Table, ...]) -> Table:
    """Every column of `tables`, and every indicator, count and category that stands in them."""
    columns = [
        ("column", each.name, c.name, c.label_ja, c.label_en, c.unit, *[""] * 5)
        for each in tables
        for c in each.columns
    ]
    names = [column.name for column in CODEBOOK]
    meanings = table(release, MEANINGS, indicators, indicators).select(names)
    rows = pl.concat([pl.DataFrame(columns, schema=dict.fromkeys(names, pl.String()), orient="row"), meanings])
    return Table("codebook", "コードブック", "codebook", CODEBOOK, rows, ("part", "of", "id"))


def areas(release: Release, levels: list[str]) -> Table:
    """The areas of the chosen levels with both codes and what they lie in."""
    columns = (
        Column("area_code", "地域コード(6桁)", "area code, 6 digits"),
        Column("area_code5", "標準地域コード(5桁)", "standard area code, 5 digits"),
        Column("level", "地域の段階", "level"),
        Column("name_ja", "名称", "name in Japanese"),
        Column("name_en", "名称(英語)", "name in English"),
        Column("parent_code", "上位の地域", "parent area"),
        Column("medical_area_code", "二次医療圏", "medical area"),
    )
    rows = table(
        release,
        "SELECT area_code, area_code5, level, name_ja, name_en, parent_code, medical_area_code FROM area"
        " WHERE level IN (SELECT unnest(?)) ORDER BY area_code",
        levels,
    )
    return Table("area", "地域", "areas", columns, rows, ("area_code",))


def symbol_table(release: Release) -> Table:
    """Every status with its symbol and meaning, and the symbol of an observed zero."""
    columns = (
        Column("status", "状態", "status"),
        Column("symbol", "記号", "symbol"),
        Column("meaning_ja", "意味", "meaning in Japanese"),
        Column("meaning_en", "意味(英語)", "meaning in English"),
    )
    names = [column.name for column in columns]
    rows = table(
        release, "SELECT status, nullif(symbol, '') AS symbol, meaning_ja, meaning_en FROM symbol ORDER BY rowid"
    )
    zero = pl.DataFrame(
        [("observed", ZERO, "計数のない場合(値は 0)", "none (the value is 0)")], schema=names, orient="row"
    )
    return Table("symbols", "記号", "symbols", columns, pl.concat([rows, zero]))


def policy_table(release: Release) -> Table:
    """The publication policy under which the release was made, key by key."""
    columns = (
        Column("policy_id", "公表基準", "policy"),
        Column("key", "項目", "key"),
        Column("value", "値", "value"),
        Column("meaning_ja", "意味", "meaning in Japanese"),
        Column("meaning_en", "意味(英語)", "meaning in English"),
        Column("guideline", "根拠", "guideline"),
    )
    rows = table(
        release,
        "SELECT policy_id, key, value, meaning_ja, meaning_en, guideline FROM policy"
        " WHERE policy_id = (SELECT policy_id FROM release) ORDER BY rowid",
    )
    return Table("policy", "公表基準", "publication policy", columns, rows, ("policy_id", "key"))
