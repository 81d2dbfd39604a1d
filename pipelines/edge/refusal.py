"""A refusal: a row, or a whole file (line 0), that is not accepted; file, line, field, rule, sentence, never a value."""

from functools import cache

import polars as pl

TOLD = pl.Categorical()  # a few texts said of millions of rows
REFUSAL_SCHEMA: dict[str, pl.DataType] = {
    "file": TOLD,  # `<feed>/<file name>`
    "record": TOLD,
    "line": pl.UInt32(),  # physical line on which the row begins, of a FHIR bundle the number of its entry, from 1; 0 is the file itself
    "field": TOLD,  # of the record; path of an element in a FHIR resource; strange item number, or place of its column `[n]`
    "rule": TOLD,
    "sentence_ja": TOLD,
    "sentence_en": TOLD,
}

SENTENCES = {
    "encoding": ("文字コードが正しくありません", "holds bytes that are not text in the feed's encoding"),
    "ragged": ("列の数が見出しと違うか、引用符が閉じていません", "has another number of cells than the heading, or an open quote"),
    "json": ("JSONとして読めません", "cannot be read as JSON"),
    "empty_file": ("空のファイルです", "is an empty file"),
    "not_a_list": ("JSONの配列ではありません", "is not a JSON array of objects"),
    "column_missing": ("必要な列がありません", "lacks a required column"),
    "not_in_version": (
        "delivery.json にある様式の版(layout_version)には、この記録がありません",
        "is of a record that the layout version stated in delivery.json does not carry",
    ),
    "unknown_item": (
        "この様式の版にない項目番号です。版を delivery.json の layout_version で示すか、項目を除いて出力してください",
        "is an item number that this layout version does not have; state the version in delivery.json (layout_version), or leave it out",
    ),
    "column_twice": ("同じ見出しの列が2つあります", "has two columns of one heading"),
    "my_number": (
        "個人番号(マイナンバー)などの列があるため、このファイルは受け取りません。列を除いて出し直してください",
        "holds a column of My Numbers or the like and is not accepted; remove the column and export it again",
    ),
    "required": ("必須です", "is required"),
    "form_date": ("実在する日付(YYYY-MM-DD)であること", "must be a real date (YYYY-MM-DD)"),
    "form_whole": ("整数であること", "must be a whole number"),
    "form_number": ("数であること", "must be a number"),
    "form_flag": ("はい・いいえの符号であること", "must be a yes/no flag"),
    "other_municipality": ("住所地はこの提出者が送る市区町村であること", "must be a municipality that this submitter sends"),
    "not_fhir": ("HL7 FHIR(JSON)のBundleでもNDJSONでもありません", "is neither a FHIR bundle (JSON) nor NDJSON of FHIR resources"),
    "resource": ("FHIRのリソース(resourceType)であること", "must be a FHIR resource with its resourceType"),
    "shape": ("FHIR R4の定めた形(文字列・オブジェクト・配列)であること", "must have the shape that FHIR R4 gives it (text, object, list)"),
    "deep": ("Bundleの入れ子は2段までであること", "must not nest bundles deeper than two levels"),
    "unit": ("受け取れる単位(UCUM)であること", "must be in a unit (UCUM) that the feed declares"),
    "answer": ("受け取れるコードの回答であること", "must be an answer whose code the feed declares"),
    "not_workbook": ("Excelのブック(.xlsx・.xlsm)として読めません", "cannot be read as an Excel workbook (.xlsx, .xlsm)"),
    "password": (
        "パスワード付きか旧形式(.xls)のブックです。パスワードを外し、.xlsx で保存してください",
        "has a password or is of the old form (.xls); take the password off and save it as .xlsx",
    ),
    "too_large": (
        "ブックが大きすぎます(シート1枚は展開して64 MiB、全体は256 MiBまで)。年度などで分けてください",
        "is too large (64 MiB unzipped for a sheet, 256 MiB for all); part it by year or the like",
    ),
    "formula": (
        "値が計算されていない式があります。Excelで開いて保存し直してください",
        "holds formulas whose value was never worked out; open it in Excel and save it again",
    ),
    "no_sheet": (
        "知っている見出しのシートがないか、不開示の列があるのに読めないシートがあります",
        "has no sheet with headings that the feed declares, or a sheet with the flag of protected people that cannot be read",
    ),
    "hidden_sheet": (
        "隠れたシートの行は受け取りません。表示して確かめるか、削除してください",
        "stands on a hidden sheet and is not taken; show the sheet and look at it, or delete it",
    ),
    "cell_error": ("式のエラー(#N/A など)のないこと", "must not be an error of a formula (#N/A or the like)"),
    "sum": (
        "集計値は、年度・健診の種類・項目・回答・人数の分かる行であること",
        "must be a sum with its fiscal year, programme, item, answer and number of persons",
    ),
    "duplicate_key": (
        "同じキーと訂正回数の行がすでにあります(最初の行を採ります)",
        "repeats the key and revision of an earlier row (the first one stays)",
    ),
}  # fmt: skip


def refused(file: str, record: str, lines: list[int] | pl.Series, rule: str, field: str = "") -> pl.DataFrame:
    """Refusals by one rule of SENTENCES, a row for each line."""
    if not len(lines):
        return no_refusals()
    return told_of(pl.Series("line", lines, dtype=pl.UInt32), file, record, field, rule, *SENTENCES[rule])


def told_of(lines: pl.Series, file: str, record: str, field: str, rule: str, ja: str, en: str) -> pl.DataFrame:
    """One refusal, schema REFUSAL_SCHEMA, for each line."""
    said = {"file": file, "record": record, "field": field, "rule": rule, "sentence_ja": ja, "sentence_en": en}
    texts = (pl.lit(text).cast(TOLD).alias(name) for name, text in said.items())
    return lines.to_frame("line").with_columns(texts).select(*REFUSAL_SCHEMA)


@cache
def no_refusals() -> pl.DataFrame:
    return pl.DataFrame(schema=REFUSAL_SCHEMA)
