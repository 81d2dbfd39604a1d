"""The refusal report of a submitter: a page a clerk reads and tables for the vendor. It holds no record's value."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import polars as pl

from pipelines.edge.advice import advice
from pipelines.edge.folder import Folder
from pipelines.edge.page import both, page_of, paragraph, table
from pipelines.edge.private import write_private
from pipelines.records import RECORDS

TABLE, BY_RULE, PAGE = "refusals.csv", "refusals_by_rule.csv", "refusals.html"
LINES_SHOWN = 200  # of a place, on the page
LINES_LISTED = 2_000  # of a place, in its table: a spreadsheet's cell holds no more
ROWS_AT_ONCE = 50_000
RULE = ["rule", "sentence_ja", "sentence_en"]


def write_report(folder: Folder, out: Path) -> list[Path]:
    """Writes `refusals.csv`, `refusals_by_rule.csv` and `refusals.html`, readable by their owner alone. Raises OSError.

    Every refusal stands in the first, with its line; the others count them all and list the first lines of each place.
    """
    refusals = folder.refusals
    return [
        write_private(out / TABLE, more=_csv(_in_order(folder))),
        write_private(out / BY_RULE, more=_csv([_with_lines(refusals)])),
        write_private(out / PAGE, page(folder)),
    ]


def page(folder: Folder) -> str:
    """The page: what to do first, then counts by file, sums by rule, and each place with its lines; Japanese first."""
    title_ja, title_en = f"{folder.submitter} 検査の報告", "report of the check"
    notes = [paragraph(ja, en) for ja, en in folder.warnings]
    files = f"<h2>{both('ファイルごとの結果', 'by file')}</h2>{_files(folder)}"
    return page_of(
        title_ja, title_en, [_verdict(folder), files, *notes, *_by_rule(folder.refusals), *_places(folder.refusals)]
    )


def _verdict(folder: Folder) -> str:
    """One sentence: whether anything is to be done, and what happens to the rest."""
    if unseen := folder.unseen():
        named = ", ".join(unseen)
        return paragraph(
            f"このままでは送れません。{named} で不開示・支援措置の人を確かめられないためです。まずこのファイルを直してください。",
            f"Nothing can be sent: {named} does not show who must not be disclosed. Correct this file first.",
        )
    if folder.refusals.is_empty():
        return paragraph("拒否はありません。このまま送れます。", "Nothing was refused; it can be sent as it is.")
    return paragraph(
        "拒否された行は送られません。ほかの行はこのまま送れます。業務システムで直して出力し直すと、次の提出で届きます。",
        "Refused rows are not sent, the others can be. Corrected in the system and exported again, they go with the next sending.",
    )


def _files(folder: Folder) -> str:
    rows = [
        (c.arrived.file, c.arrived.record.label_ja, c.arrived.read, len(c.rows), c.refused, c.free_text_cells, c.arrived.my_numbers_in_text)
        for c in folder.files
    ]  # fmt: skip
    heads = (
        ("ファイル", "file"), ("記録", "record"), ("読んだ行", "read"), ("通った行", "accepted"), ("拒否", "refused"),
        ("備考のある行", "filled free text"), ("備考中の個人番号らしき数", "looks like a My Number in free text"),
    )  # fmt: skip
    return table(heads, rows)


def _by_rule(refusals: pl.DataFrame) -> list[str]:
    """Sums by rule, the most frequent first, with what to do."""
    if refusals.is_empty():
        return []
    sums = refusals.group_by(RULE).agg(pl.len().alias("rows"), pl.col("file").n_unique().alias("files"))
    heads = (
        ("守ること", "what is required"), ("件数", "refusals"), ("ファイル数", "files"), ("どうするか", "what to do"),
    )  # fmt: skip
    rows = [
        (f"{ja} / {en}", n, files, " / ".join(advice(rule)))
        for rule, ja, en, n, files in sums.sort("rows", *RULE, descending=[True, False, False, False]).iter_rows()
    ]
    return [f"<h2>{both('規則ごとの件数と、どうするか', 'by rule, and what to do')}</h2>", table(heads, rows)]


def _places(refusals: pl.DataFrame) -> list[str]:
    """Each place that breaks a rule: file, field, lines."""
    if refusals.is_empty():
        return []
    heads = (
        ("ファイル", "file"), ("項目", "field"), ("守ること", "what is required"), ("行数", "rows"), ("行番号", "lines"),
    )  # fmt: skip
    rows = [_place(**group) for group in _grouped(refusals).iter_rows(named=True)]
    return [f"<h2>{both('直すところ', 'what to correct')}</h2>", table(heads, rows)]


def _grouped(refusals: pl.DataFrame) -> pl.DataFrame:
    """A row for each place that breaks a rule: how often, and its first lines."""
    by = ["file", "record", "field", *RULE]
    lines = pl.col("line").unique().sort().head(LINES_LISTED).alias("line")
    return refusals.group_by(by).agg(pl.len().alias("rows"), lines).sort("file", "field", "rule")


def _place(
    file: str, record: str, field: str, rule: str, sentence_ja: str, sentence_en: str, rows: int, line: list[int]
) -> tuple[object, ...]:
    declared = RECORDS[record].fields.get(field) if record in RECORDS else None
    named = (
        f"{declared.label_ja} / {declared.label_en}" if declared else field or "(行・ファイル全体 / the row or file)"
    )
    shown = ", ".join(str(n) if n else "ファイル全体 / the file" for n in line[:LINES_SHOWN])
    more = " …" if len(line) > LINES_SHOWN else ""
    return file, named, f"{sentence_ja} / {sentence_en}", rows, shown + more


def _with_lines(refusals: pl.DataFrame) -> pl.DataFrame:
    """A row for each file, field and rule with its lines, as many as a cell holds, and what to do."""
    grouped = _grouped(refusals)
    to_do = [advice(rule) for rule in grouped["rule"]]
    return grouped.with_columns(
        pl.concat_str(
            pl.col("line").cast(pl.List(pl.String)).list.join(" "),
            pl.when((pl.col("rows") > LINES_LISTED) & (pl.col("line").list.len() == LINES_LISTED))
            .then(pl.lit(" …"))
            .otherwise(pl.lit("")),
        ).alias("lines"),
        what_to_do_ja=pl.Series([ja for ja, _ in to_do], dtype=pl.String),
        what_to_do_en=pl.Series([en for _, en in to_do], dtype=pl.String),
    ).drop("line")


def _in_order(folder: Folder) -> Iterator[pl.DataFrame]:
    """The refusals of one file after the other, each by its lines; of none a table without rows."""
    named: dict[str, list[pl.DataFrame]] = {}
    for checked in folder.files:
        named.setdefault(checked.arrived.file, []).append(checked.refusals)
    return (pl.concat(named[file]).sort("line", "field") for file in sorted(named))


def _csv(tables: Iterable[pl.DataFrame]) -> Iterator[str]:
    """Tables of the same columns as one text, so many rows at once as fit into little memory."""
    for place, rows in enumerate(tables):
        if place == 0:
            yield "\ufeff" + rows.clear().write_csv(line_terminator="\r\n")
        for some in rows.iter_slices(ROWS_AT_ONCE):
            yield some.write_csv(line_terminator="\r\n", include_header=False)
