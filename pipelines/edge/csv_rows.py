"""Lines of CSV to rows, each with the physical line it begins on; a row that does not fit its heading is refused alone.

Polars reads the rows; this file only makes sure beforehand that every row it is given has as many cells as the
heading, because Polars would stop at a long row and fill a short one (reference: engineering, chapter 5).
"""

import csv
from itertools import pairwise

import polars as pl

QUOTED = r'"[^"]*"'
# cells in quotes (with doubled quotes inside) or without any quote, parted by commas
WELL_FORMED = r'^(?:[^",]*|(?:"[^"]*")+)(?:,(?:[^",]*|(?:"[^"]*")+))*$'
LONGEST_ROW = 200  # physical lines: an open quote swallows no more than this before it is a refusal of its own line


def heading_cells(line: str) -> list[str]:
    """The cells of the heading line."""
    return [cell.strip() for cell in next(csv.reader([line.replace("\r", " ")]), [])]


def rows_of(lines: pl.Series, width: int) -> tuple[pl.DataFrame, list[int], list[int]]:
    """Rows below the heading, and the lines refused as ragged and as undecodable.

    The rows hold `line` (UInt32) and `column_1` ... `column_<width>` (text, empty is null).
    """
    judged = _judged(_without_blank_end(lines), width)
    whole = judged.filter(pl.col("kind") == "row").select("line", "text")
    if len(whole) == len(judged):
        return _parsed(whole, width), [], []
    undecodable = judged.filter(pl.col("text").is_null())["line"].to_list()
    joined, ragged, inside = _joined(judged, width)
    rows = pl.concat([whole.filter(~pl.col("line").is_in(inside)), joined]).sort("line")
    return _parsed(rows, width), ragged, undecodable


def _without_blank_end(lines: pl.Series) -> pl.DataFrame:
    """Lines after the heading, numbered as they stand in the file, without blank ones at the end."""
    body = pl.DataFrame({"text": lines.slice(1)}).with_row_index("line", offset=2)
    is_filled = (body["text"].str.strip_chars(" \x1a") != "").fill_null(True)
    filled = is_filled.arg_true()
    return body.head(int(filled[-1]) + 1 if len(filled) else 0)


def _judged(body: pl.DataFrame, width: int) -> pl.DataFrame:
    """`kind` of a line: `row` is a whole row, `open` has an odd number of quotes, `odd` is neither."""
    is_full = _row_where(_commas(pl.col("text")) == width - 1)
    counted = body.with_columns(quotes=pl.col("text").str.count_matches('"', literal=True).fill_null(0))
    bare = counted.filter(pl.col("quotes") == 0).with_columns(kind=is_full)
    if len(bare) == len(body):
        return bare
    is_open = pl.when(pl.col("quotes") % 2 == 1).then(pl.lit("open"))
    quoted = counted.filter(pl.col("quotes") > 0).with_columns(kind=is_open.otherwise(_row_where(_is_whole(width))))
    return pl.concat([bare, quoted]).sort("line")


def _commas(text: pl.Expr) -> pl.Expr:
    return text.str.count_matches(",", literal=True)


def _is_whole(width: int) -> pl.Expr:
    text = pl.col("text")
    return text.str.contains(WELL_FORMED) & (_commas(text.str.replace_all(QUOTED, "")) == width - 1)


def _row_where(is_row: pl.Expr) -> pl.Expr:
    return pl.when(is_row).then(pl.lit("row")).otherwise(pl.lit("odd"))


def _joined(judged: pl.DataFrame, width: int) -> tuple[pl.DataFrame, list[int], list[int]]:
    """Rows whose quoted cell holds newlines: (rows put together, ragged lines, lines inside the rows put together)."""
    odd = judged.filter(pl.col("kind") != "row", pl.col("text").is_not_null()).select("line", "kind")
    opens = odd.filter(pl.col("kind") == "open")["line"].to_list()
    following = dict(pairwise(opens))
    made: list[pl.DataFrame] = []
    ragged: list[int] = []
    inside: list[int] = []
    for line, kind in odd.iter_rows():
        if inside and line <= inside[-1]:
            continue
        end = following.get(line) if kind == "open" else None
        row = _whole_row(judged, line, end, width) if end and end - line < LONGEST_ROW else None
        if row is None:
            ragged.append(line)
        else:
            made.append(row)
            inside.extend(range(line + 1, (end or line) + 1))
    empty = judged.select("line", "text").clear()
    return pl.concat([empty, *made]), ragged, inside


def _whole_row(judged: pl.DataFrame, first: int, last: int, width: int) -> pl.DataFrame | None:
    """One row out of the lines `first` to `last`, or None where they make none."""
    lines = judged.filter(pl.col("line").is_between(first, last))
    if lines["text"].null_count():
        return None
    row = lines.select(pl.col("line").first(), pl.col("text").str.join("\n")).filter(_is_whole(width))
    return row if len(row) else None


def _parsed(rows: pl.DataFrame, width: int) -> pl.DataFrame:
    names = [f"column_{i}" for i in range(1, width + 1)]
    if rows.is_empty():
        return pl.DataFrame(schema={"line": pl.UInt32(), **dict.fromkeys(names, pl.String())})
    text: bytes = rows["text"].str.join("\n").cast(pl.Binary).item()
    cells = pl.read_csv(
        text,
        has_header=False,
        schema=dict.fromkeys(names, pl.String),
        infer_schema=False,
        raise_if_empty=False,
    )
    if len(cells) != len(rows):
        raise ValueError("rows and lines of a CSV file do not agree")
    if b'""' in text:
        cells = cells.with_columns(pl.all().replace("", None))
    return cells.insert_column(0, rows["line"].cast(pl.UInt32))
