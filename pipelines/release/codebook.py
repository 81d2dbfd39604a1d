"""The codebook of a release: what every record, count, indicator, policy, code and symbol means, as pages and as csv."""

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from pipelines.release.datapackage import csv_bytes
from pipelines.release.errors import DiskError
from pipelines.release.official_notes import STATUS_JA, created_on, release_line
from pipelines.release.pages import Page, both, code, document, grid, heading, paragraph, terms
from pipelines.release.reading import Release, opened, table
from pipelines.release.writing import replace_file

Row = dict[str, Any]
INTRODUCTION = {
    "records": ("届く記録とその項目。役割は、提出元の中で項目をどう扱うかを表す。",
                "The records that arrive and their fields; the role says what happens to a field at its source."),
    "counts": ("数える対象と条件(SQL)。指標は計数から作る。", "What is counted, and its condition in SQL; indicators are made of counts."),
    "indicators": ("公表する指標の定義、公式統計との違い、注意。", "Definitions, how ours differs from the official figure, and cautions."),
    "policies": ("何を表示し、何を秘匿するかの基準。", "What is shown and what is suppressed."),
    "codes": ("コード表と発行者。", "Code lists and their issuers."),
    "symbols": ("表示しない値の理由と、印刷用の記号。", "Why a value is not shown, and its symbol in print."),
}  # fmt: skip
ROLES = {
    "direct": ("出さない(氏名等)", "never leaves"),
    "edge": ("出さない(点検のみ)", "stays at the source"),
    "link": ("複合トークンの中でのみ使う", "inside a composite token only"),
    "local_key": ("提出者の鍵による符号", "token under the submitter's own key"),
    "birth_date": ("月まで", "month only"),
    "event_date": ("月まで", "month only"),
    "free_text": ("出さない(件数のみ)", "dropped"),
    "sensitive": ("許可がなければ出さない", "dropped unless allowed"),
    "quasi": ("階級にする", "as a class"),
    "plain": ("そのまま", "as it is"),
}


def codebook(published: Path, to: Path) -> list[Path]:
    """Writes index, records, counts, indicators, policies, codes and symbols (.html) and codebook.csv into folder `to`.

    Returns the files. Raises UsageError (64) when `published` is not a release, DiskError (74).
    """
    with opened(published) as release:
        line = release_line(release)
        pages = _pages(release)
        rows = table(release, EVERYTHING)
    edition = _edition(line)
    try:
        to.mkdir(parents=True, exist_ok=True)
    except OSError:
        raise DiskError(to.name) from None
    for page in pages:
        replace_file(to / f"{page.name}.html", document(page, pages, *edition).encode())
    replace_file(to / "codebook.csv", csv_bytes(rows.drop("place")))
    return [*(to / f"{page.name}.html" for page in pages), to / "codebook.csv"]


def _edition(line: Row) -> tuple[str, str]:
    status, day = str(line["status"]), created_on(line).isoformat()
    synthetic = ("合成データ。", "Synthetic data. ") if line["is_synthetic"] else ("", "")
    return (
        f"{synthetic[0]}公表ID {line['release_id']}({STATUS_JA.get(status, status)}、{day} 作成、公表基準 {line['policy_id']})",
        f"{synthetic[1]}Release {line['release_id']} ({status}, {day}, policy {line['policy_id']})",
    )


def _pages(release: Release) -> tuple[Page, ...]:
    made = (
        Page("records", "記録", "Records", _records(release)),
        Page("counts", "計数", "Counts", _counts(release)),
        Page("indicators", "指標", "Indicators", _indicators(release)),
        Page("policies", "公表基準", "Publication policy", _policies(release)),
        Page("codes", "コード", "Codes", _codes(release)),
        Page("symbols", "記号", "Symbols", _symbols(release)),
    )
    introduced = tuple(
        Page(p.name, p.title_ja, p.title_en, paragraph(*INTRODUCTION[p.name]) + p.body) for p in made
    )  # fmt: skip
    return (_index(release, introduced), *introduced)


def _index(release: Release, pages: tuple[Page, ...]) -> Page:
    synthetic = release_line(release)["is_synthetic"]
    note = '<p class="note">' + both("架空の人々から作った合成データです。", "Made of synthetic people.") + "</p>"
    ways = grid(
        [("ページ", "page"), ("内容", "what it holds")],
        (
            [f'<a href="{p.name}.html">{both(p.title_ja, p.title_en)}</a>', both(*INTRODUCTION[p.name])] for p in pages
        ),
    )  # fmt: skip
    about = paragraph(
        "この公表に含まれる数値の意味をまとめたものです。同じ内容が codebook.csv にあります。",
        "What the numbers of this release mean; codebook.csv holds the same.",
    )
    return Page("index", "コードブック", "Codebook", (note if synthetic else "") + about + ways)


def _rows(release: Release, sql: str, *values: object) -> Iterator[Row]:
    return table(release, sql, *values).iter_rows(named=True)


def _records(release: Release) -> str:
    parts = []
    for record in _rows(release, "SELECT * FROM record_definition ORDER BY record"):
        fields = _rows(release, "SELECT * FROM field_definition WHERE record = ? ORDER BY rowid", record["record"])
        parts.append(heading(record["record"], record["label_ja"], record["label_en"]))
        parts.append(
            f"<p>{code(record['record'])} · 第{record['version']}版 · 1行 = {escape(record['grain'] or '')}</p>"
        )
        parts.append(grid(FIELD_HEADINGS, (_field(row) for row in fields)))
    return "".join(parts) or paragraph("なし", "none")


FIELD_HEADINGS = (
    ("項目", "field"), ("名称", "label"), ("型・単位", "type, unit"), ("役割", "role"), ("規則", "rule"), ("出典項目", "source item"),
)  # fmt: skip


def _field(row: Row) -> list[str]:
    codes = (
        f'<a href="codes.html#{escape(row["code_list"], quote=True)}">{code(row["code_list"])}</a>'
        if row["code_list"]
        else ""
    )
    return [
        code(row["field"]), both(row["label_ja"], row["label_en"]), " ".join(filter(None, (row["type"], escape(row["unit"] or "")))),
        both(*ROLES.get(row["role"], (row["role"], ""))), both(row["rule_ja"], row["rule_en"]) + codes,
        escape(row["source_item"] or ""),
    ]  # fmt: skip


def _counts(release: Release) -> str:
    return "".join(
        heading(row["count_id"], row["label_ja"], row["label_en"])
        + terms(
            [
                ("ID", "", code(row["count_id"])),
                ("数える対象", "subject", escape(f"{row['subject']} ({row['counting']})")),
                ("期間の基準", "basis", code(row["basis"])),
                ("公表区分", "sensitivity", escape(row["sensitivity"] or "")),
                ("母集団", "population", code(row["population_sql"])),
                ("条件", "condition", code(row["condition_sql"])),
                ("含まれる計数", "lies within", _link("counts", row["within_count_id"])),
            ]
        )
        for row in _rows(release, "SELECT * FROM count_definition ORDER BY count_id")
    ) or paragraph("なし", "none")


def _indicators(release: Release) -> str:
    sql = """SELECT i.*, t.targets FROM indicator i LEFT JOIN (
        SELECT indicator_id, list({'year': target_year, 'value': value, 'plan': plan} ORDER BY target_year, plan) AS targets
        FROM indicator_target GROUP BY 1) t USING (indicator_id) ORDER BY indicator_id"""
    return "".join(_indicator(row) for row in _rows(release, sql)) or paragraph("なし", "none")


DIRECTIONS = {"higher": ("高いほど望ましい", "higher is better"), "lower": ("低いほど望ましい", "lower is better")}


def _indicator(row: Row) -> str:
    targets = "".join(
        f"<div>{t['year']}: {t['value']:g} {escape(row['unit'])} · {escape(t['plan'])}</div>"
        for t in row["targets"] or []
    )
    return heading(row["indicator_id"], row["label_ja"], row["label_en"]) + terms([
        ("ID", "", code(row["indicator_id"])),
        ("定義", "definition", both(row["definition_ja"], row["definition_en"])),
        ("分子", "numerator", _link("counts", row["numerator_id"]) if row["kind"] != "mean" else code(row["numerator_id"])),
        ("分母", "denominator", _link("counts", row["denominator_id"])),
        ("単位・小数", "unit, decimals", escape(f"{row['unit']} · {row['decimals']}")),
        ("期間の基準", "basis", code(row["basis"])),
        ("望ましい方向", "direction", both(*DIRECTIONS.get(row["direction"], ("判断しない", "no judgement")))),
        ("目標", "target", targets),
        ("公式統計", "official source", escape(row["official_source"] or "")),
        ("注意", "caution", both(row["caution_ja"], row["caution_en"])),
    ])  # fmt: skip


def _link(page: str, name: str | None) -> str:
    return f'<a href="{page}.html#{escape(name, quote=True)}">{code(name)}</a>' if name else ""


def _policies(release: Release) -> str:
    rows = _rows(release, "SELECT * FROM policy ORDER BY rowid")
    headings = (("意味", "meaning"), ("値", "value"), ("根拠", "guideline"), ("項目", "key"))
    return grid(headings, (
        [both(r["meaning_ja"], r["meaning_en"]), escape(r["value"] or ""), escape(r["guideline"] or ""), code(r["key"])]
        for r in rows
    ))  # fmt: skip


def _codes(release: Release) -> str:
    parts = []
    for found in _rows(release, "SELECT DISTINCT code_list, issuer, version FROM code ORDER BY ALL"):
        rows = _rows(release, "SELECT * FROM code WHERE code_list = ? ORDER BY rowid", found["code_list"])
        issued = f"{found['issuer']} {found['version'] or ''}".strip()
        parts.append(heading(found["code_list"], found["code_list"], "") + f"<p>{escape(issued)}</p>")
        parts.append(
            grid(
                [("コード", "code"), ("名称", "label")],
                ([code(r["code"]), both(r["label_ja"], r["label_en"])] for r in rows),
            )
        )
    return "".join(parts) or paragraph("なし", "none")


def _symbols(release: Release) -> str:
    rows = _rows(release, "SELECT * FROM symbol ORDER BY rowid")
    return grid([("記号", "symbol"), ("状態", "status"), ("意味", "meaning")], (
        [escape(r["symbol"] or ""), code(r["status"]), both(r["meaning_ja"], r["meaning_en"])] for r in rows
    ))  # fmt: skip


EVERYTHING = """
    SELECT 1 AS place, 'record' AS part, '' AS of, record AS id, label_ja, label_en, '' AS unit, '' AS type,
           '' AS role, grain AS definition_ja, '' AS definition_en, '' AS code_list, '' AS source FROM record_definition
    UNION ALL SELECT 2, 'field', record, field, label_ja, label_en, unit, type, role, rule_ja, rule_en, code_list,
           source_item FROM field_definition
    UNION ALL SELECT 3, 'count', coalesce(within_count_id, ''), count_id, label_ja, label_en, '', subject, sensitivity,
           population_sql || ' / ' || condition_sql, population_sql || ' / ' || condition_sql, '', '' FROM count_definition
    UNION ALL SELECT 4, 'indicator', '', indicator_id, label_ja, label_en, unit, kind, coalesce(direction, ''),
           definition_ja, definition_en, '', official_source FROM indicator
    UNION ALL SELECT 5, 'category', breakdown_id, category_code, label_ja, label_en, '', '', '', '', '', '', '' FROM breakdown
    UNION ALL SELECT 6, 'policy', policy_id, key, meaning_ja, meaning_en, '', '', '', value, value, '', guideline FROM policy
    UNION ALL SELECT 7, 'code', code_list, code, label_ja, label_en, '', '', '', '', '', code_list, issuer FROM code
    UNION ALL SELECT 8, 'symbol', '', status, symbol, symbol, '', '', '', meaning_ja, meaning_en, '', '' FROM symbol
    ORDER BY place, of, id
"""
