"""The refusal report of a submitter: a page a clerk reads and a table for the vendor. It holds no record's value."""

import os
from collections.abc import Sequence
from html import escape
from pathlib import Path

import polars as pl

from pipelines.edge.folder import Folder
from pipelines.edge.refusal import REFUSAL_SCHEMA
from pipelines.records import RECORDS

TABLE, PAGE = "refusals.csv", "refusals.html"
LINES_SHOWN = 200
STYLE = (
    "body{font-family:system-ui,'Noto Sans JP',sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;width:100%;margin:.5rem 0 2rem}th,td{border:1px solid #bbb;padding:.3rem .6rem;"
    "text-align:left;vertical-align:top}th{background:#f2f2f2}.en{color:#666;font-size:.85em}td.n{text-align:right}"
)


def write_report(folder: Folder, out: Path) -> list[Path]:
    """Writes `refusals.csv` and `refusals.html`, readable by their owner alone. Raises OSError."""
    out.mkdir(parents=True, exist_ok=True)
    refusals = folder.refusals.select(*REFUSAL_SCHEMA).sort("file", "line", "field")
    table = "\ufeff" + refusals.write_csv()
    return [_private(out / TABLE, table), _private(out / PAGE, page(folder))]


def page(folder: Folder) -> str:
    """The page: counts by file, then each rule with its line numbers; Japanese first."""
    title = f"{folder.submitter} 受付できなかった行 / rows that were not accepted"
    body = [f"<h1>{escape(title)}</h1>", _files(folder), *_rules(folder.refusals), *_notes(folder)]
    head = f'<!doctype html><html lang="ja"><head><meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style>'
    return head + "</head><body>" + "".join(body) + "</body></html>"


def _files(folder: Folder) -> str:
    rows = [
        (c.arrived.file, c.arrived.record.label_ja, c.arrived.read, len(c.rows), c.refused, c.free_text_cells, c.arrived.my_numbers_in_text)
        for c in folder.files
    ]  # fmt: skip
    heads = (
        ("ファイル", "file"), ("記録", "record"), ("読んだ行", "read"), ("通った行", "accepted"), ("拒否", "refused"),
        ("備考のある行", "filled free text"), ("備考中の個人番号らしき数", "looks like a My Number in free text"),
    )  # fmt: skip
    return _table(heads, rows)


def _rules(refusals: pl.DataFrame) -> list[str]:
    if refusals.is_empty():
        return ["<p>拒否はありません。<span class=en>Nothing was refused.</span></p>"]
    by = ["file", "record", "field", "rule", "sentence_ja", "sentence_en"]
    groups = (
        refusals.group_by(by).agg(pl.len().alias("rows"), pl.col("line").unique().sort()).sort("file", "field", "rule")
    )
    heads = (
        ("ファイル", "file"),
        ("項目", "field"),
        ("守ること", "what is required"),
        ("行数", "rows"),
        ("行番号", "lines"),
    )
    return [
        "<h2>直すところ <span class=en>what to correct</span></h2>",
        _table(heads, [_rule(**g) for g in groups.iter_rows(named=True)]),
    ]


def _rule(
    file: str, record: str, field: str, rule: str, sentence_ja: str, sentence_en: str, rows: int, line: list[int]
) -> tuple[object, ...]:
    declared = RECORDS[record].fields.get(field)
    named = f"{declared.label_ja} / {declared.label_en}" if declared else "(ファイル全体 / the file)"
    shown = ", ".join(str(n) if n else "ファイル全体" for n in line[:LINES_SHOWN]) + (
        " …" if len(line) > LINES_SHOWN else ""
    )
    return file, named, f"{sentence_ja} / {sentence_en}", rows, shown


def _notes(folder: Folder) -> list[str]:
    return [f"<p>{escape(ja)}<br><span class=en>{escape(en)}</span></p>" for ja, en in folder.warnings]


def _table(heads: tuple[tuple[str, str], ...], rows: Sequence[tuple[object, ...]]) -> str:
    head = "".join(f"<th>{escape(ja)}<br><span class=en>{escape(en)}</span></th>" for ja, en in heads)
    body = "".join("<tr>" + "".join(_cell(cell) for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _cell(cell: object) -> str:
    return f"<td class=n>{cell:,}</td>" if isinstance(cell, int) else f"<td>{escape(str(cell))}</td>"


def _private(path: Path, text: str) -> Path:
    with os.fdopen(
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8", newline=""
    ) as file:
        file.write(text)
    return path
