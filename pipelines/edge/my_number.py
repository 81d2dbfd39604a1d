"""My Numbers (個人番号) stop a file: by the heading, or because a column is filled like one.

Check digit: 総務省令第85号 第5条 (reference: standards, 7.1); a random 12-digit number passes one time in ten, so a
single hit in a column of local numbers says nothing, and a column of them does.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

FORBIDDEN = ("個人番号", "マイナンバ", "mynumber", "法人番号", "住民票コード")
WEIGHTS = (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
SHORTEST = 12  # bytes of a cell that can hold one
SMALLEST_COLUMN = 20
SHARE = 0.5
SEPARATORS = r"[\s\-－‐‑–—−ー]"
LIKE_ONE = rf"(?:[0-9０-９]{SEPARATORS}*){{11}}[0-9０-９]"
TWELVE = r"(?:^|\D)(\d{12})(?:$|\D)"


def is_forbidden_name(heading: str) -> bool:
    """True for a heading, or a JSON key, that announces a My Number or another national number."""
    plain = unicodedata.normalize("NFKC", heading).lower().replace("_", "").replace("-", "").replace(" ", "")
    return any(name in plain for name in FORBIDDEN)


def forbidden_names(headings: Iterable[str]) -> list[str]:
    return [h for h in headings if is_forbidden_name(h)]


@dataclass(frozen=True)
class Numbers:
    """Cells of a column that hold a 12-digit number, and those of them whose number is valid; the text is never kept."""

    met: int
    valid: int

    @property
    def fill_the_column(self) -> bool:
        return self.met >= SMALLEST_COLUMN and self.valid > SHARE * self.met


def numbers_in(rows: pl.DataFrame) -> dict[str, Numbers]:
    """What each text column holds of 12-digit numbers; a column without any is absent."""
    texts = [name for name, kind in rows.schema.items() if kind == pl.String]
    long = _true(rows, texts, pl.col(texts).str.len_bytes().max() >= SHORTEST)
    distinct = pl.col(long).filter(pl.col(long).ne_missing(pl.col(long).shift())).unique()  # repeats often follow
    like_one = _true(rows, long, distinct.str.contains(LIKE_ONE).any())
    return {name: _counted(rows[name]) for name in like_one}


def _true(rows: pl.DataFrame, names: list[str], asked: pl.Expr) -> list[str]:
    """The columns of which it is true what is asked of each of them."""
    if rows.is_empty() or not names:
        return []
    return [name for name, answer in zip(names, rows.select(asked).row(0), strict=True) if answer]


def _counted(cells: pl.Series) -> Numbers:
    """The first 12-digit number of each cell, in half-width digits."""
    plain = pl.col("text").str.normalize("NFKC").str.replace_all(SEPARATORS, "")
    like = pl.DataFrame({"text": cells}).filter(pl.col("text").str.contains(LIKE_ONE))
    numbers = like.select(number=plain.str.extract(TWELVE, 1)).drop_nulls()
    return Numbers(numbers.height, numbers.filter(IS_VALID).height)


def _is_valid(number: pl.Expr) -> pl.Expr:
    digit = [number.str.slice(i, 1).cast(pl.Int32) for i in range(12)]
    rest = pl.sum_horizontal(d * w for d, w in zip(digit, WEIGHTS, strict=False)) % 11
    return digit[11] == pl.when(rest <= 1).then(0).otherwise(11 - rest)


IS_VALID = _is_valid(pl.col("number"))
