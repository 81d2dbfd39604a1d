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
DIGITS = 12
SEPARATORS = r"[\s\-－‐‑–—―−ー]"
LIKE_ONE = rf"[0-9](?:{SEPARATORS}*[0-9]){{11,}}"
OTHER_DIGIT = r"[\p{N}--[0-9]]"  # full-width, circled, raised and more, of which NFKC makes digits
LIKE_OTHERS = rf"\p{{N}}(?:{SEPARATORS}*\p{{N}}){{5,}}"  # one of them makes two digits at most


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
    like_one = [name for name in long if _is_like_one(rows[name].unique())]
    counted = {name: _counted(rows[name]) for name in like_one}
    return {name: numbers for name, numbers in counted.items() if numbers.met}


def _is_like_one(cells: pl.Series) -> bool:
    """True where a number may stand in one of the cells, in plain digits or in others."""
    return bool(cells.str.contains(LIKE_ONE).any() or cells.str.contains(OTHER_DIGIT).any())


def _true(rows: pl.DataFrame, names: list[str], asked: pl.Expr) -> list[str]:
    """The columns of which it is true what is asked of each of them."""
    if rows.is_empty() or not names:
        return []
    return [name for name, answer in zip(names, rows.select(asked).row(0), strict=True) if answer]


def _counted(cells: pl.Series) -> Numbers:
    """Cells with a 12-digit number in any digits that NFKC makes plain, alone or beside another number."""
    text = pl.col("text")
    found = pl.DataFrame({"text": cells}).with_row_index("cell")
    other = found.filter(text.str.contains(OTHER_DIGIT)).filter(text.str.contains(LIKE_OTHERS))
    plain = found.filter(text.str.contains(LIKE_ONE))
    plain = pl.concat([plain.join(other, on="cell", how="anti"), other.with_columns(text.str.normalize("NFKC"))])
    runs = plain.select("cell", run=text.str.extract_all(LIKE_ONE)).explode("run").drop_nulls()
    numbers = _numbers(runs).group_by("cell").agg(IS_VALID.any().alias("is_valid"))
    return Numbers(numbers.height, int(numbers["is_valid"].sum()))


def _numbers(runs: pl.DataFrame) -> pl.DataFrame:
    """`cell, number`: what of each run of digits and separators can be read as one number, from one gap to another."""
    run = pl.col("run")
    is_whole = ~run.str.contains(SEPARATORS)
    whole = runs.filter(is_whole & (run.str.len_bytes() == DIGITS)).select("cell", number="run")
    parted = runs.filter(~is_whole).with_row_index("id")
    parts = parted.select("id", part=run.str.extract_all("[0-9]+")).explode("part").select(
        "id", end=pl.col("part").str.len_bytes().cum_sum().over("id"), length=pl.col("part").str.len_bytes()
    )  # fmt: skip
    begins = parts.select("id", begin=pl.col("end") - pl.col("length"), end=pl.col("end") - pl.col("length") + DIGITS)
    found = begins.join(parts.select("id", "end"), on=["id", "end"]).join(parted, on="id")
    number = run.str.replace_all(SEPARATORS, "").str.slice(pl.col("begin"), DIGITS)
    return pl.concat([whole, found.select("cell", number.alias("number"))])


def _is_valid(number: pl.Expr) -> pl.Expr:
    digit = [number.str.slice(i, 1).cast(pl.Int32) for i in range(12)]
    rest = pl.sum_horizontal(d * w for d, w in zip(digit, WEIGHTS, strict=False)) % 11
    return digit[11] == pl.when(rest <= 1).then(0).otherwise(11 - rest)


IS_VALID = _is_valid(pl.col("number"))
