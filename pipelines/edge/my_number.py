"""My Numbers (個人番号) stop a file: by the heading, or because a column is filled like one.

Check digit: 総務省令第85号 第5条 (reference: standards, 7.1); a random 12-digit number passes one time in ten, so a
single hit in a column of local numbers says nothing, and a column of them does.
"""

import unicodedata
from collections.abc import Iterable

import polars as pl

FORBIDDEN = ("個人番号", "マイナンバ", "mynumber", "法人番号", "住民票コード")
WEIGHTS = (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
SHORTEST = 12  # bytes of a cell that can hold one
SMALLEST_COLUMN = 20
SHARE = 0.5
SEPARATORS = r"[\s\-－‐‑–—−ー]"
LIKE_ONE = r"[0-9０-９][0-9０-９\s\-－‐‑–—−ー]{10,}[0-9０-９]"
TWELVE = r"(?:^|\D)(\d{12})(?:$|\D)"


def is_forbidden_name(heading: str) -> bool:
    """True for a heading, or a JSON key, that announces a My Number or another national number."""
    plain = unicodedata.normalize("NFKC", heading).lower().replace("_", "").replace("-", "").replace(" ", "")
    return any(name in plain for name in FORBIDDEN)


def forbidden_names(headings: Iterable[str]) -> list[str]:
    return [h for h in headings if is_forbidden_name(h)]


def columns_filled_like_one(rows: pl.DataFrame) -> list[str]:
    """The text columns in which at least 20 cells hold a 12-digit number and more than half of those are valid."""
    longest = rows.select(pl.selectors.string().str.len_bytes().max()).row(0, named=True) if len(rows) else {}
    return [name for name, length in longest.items() if (length or 0) >= SHORTEST and _is_filled_like_one(rows[name])]


def cells_with_one(cells: pl.Series) -> int:
    """How many cells of a free-text column hold a valid 12-digit number; the text itself is never kept."""
    return int(_numbers(cells).filter(IS_VALID)["cells"].sum())


def _is_filled_like_one(cells: pl.Series) -> bool:
    numbers = _numbers(cells)
    met = int(numbers["cells"].sum())
    return met >= SMALLEST_COLUMN and int(numbers.filter(IS_VALID)["cells"].sum()) > SHARE * met


def _numbers(cells: pl.Series) -> pl.DataFrame:
    """`number, cells`: the first 12-digit number of a cell, in half-width digits, and how many cells hold its text."""
    long = cells.filter(cells.str.len_bytes() >= SHORTEST).alias("text")
    if long.is_empty():
        return _NO_NUMBERS
    distinct = long.value_counts(name="cells")
    like = distinct.filter(distinct["text"].str.contains(LIKE_ONE))
    if like.is_empty():
        return _NO_NUMBERS
    plain = pl.col("text").str.normalize("NFKC").str.replace_all(SEPARATORS, "")
    return like.select(plain.str.extract(TWELVE, 1).alias("number"), "cells").drop_nulls("number")


_NO_NUMBERS = pl.DataFrame(schema={"number": pl.String, "cells": pl.UInt32})


def _is_valid(number: pl.Expr) -> pl.Expr:
    digit = [number.str.slice(i, 1).cast(pl.Int32) for i in range(12)]
    rest = pl.sum_horizontal(d * w for d, w in zip(digit, WEIGHTS, strict=False)) % 11
    return digit[11] == pl.when(rest <= 1).then(0).otherwise(11 - rest)


IS_VALID = _is_valid(pl.col("number"))
