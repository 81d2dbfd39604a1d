"""Canonical forms of what goes into a composite token, by version; vectorised on distinct values.

One spelling for one person: width, hiragana and katakana, small kana, long vowels, dashes and blanks are folded. What
is empty afterwards is null, so that a missing part gives no token. A change of a form is a new CANON_VERSION, whose forms
stand beside those of the versions before it: a bridging period needs both.
"""

from collections.abc import Callable, Sequence
from functools import cache

import polars as pl

from pipelines.records.linkage import CANON_VERSION

HIRAGANA = "".join(chr(c) for c in range(0x3041, 0x3097))
KATAKANA = "".join(chr(ord(c) + 0x60) for c in HIRAGANA)
SMALL, LARGE = "ァィゥェォッャュョヮヵヶ", "アイウエオツヤユヨワカケ"
SAME_SOUND, SOUND = "ヂヅヰヱヲ", "ジズイエオ"
DASHES = "-‐‑‒–—―−ｰー~〜～"
LONG = "ー"
VOWELS = (  # a long vowel, however it is written, after a kana of its row
    ("アカサタナハマヤラワガザダバパ", "ー", "ア"),
    ("イキシチニヒミリギジビピ", "ー", "イ"),
    ("ウクスツヌフムユルグズブプヴ", "ー", "ウ"),
    ("エケセテネヘメレゲゼデベペ", "イエー", "イ"),
    ("オコソトノホモヨロゴゾドボポ", "ウオー", "ウ"),
)
BLANKS = r"[\s\p{C}・･'’,.、。]"


def canonical(rows: pl.DataFrame, fields: Sequence[str], version: int = CANON_VERSION) -> pl.DataFrame:
    """The rows with every cell of these linking fields in its canonical form; null where nothing is left of it."""
    made = rows.lazy()
    for field in fields:
        if field not in FORMS[version]:
            raise KeyError(f"no canonical form is declared for the field {field}")
        forms = rows.lazy().select(field).drop_nulls().unique().with_columns(_form_of(field, version).alias("form"))
        made = made.join(forms, on=field, how="left", maintain_order="left").drop(field).rename({"form": field})
    return made.select(rows.columns).collect()


@cache
def _form_of(field: str, version: int) -> pl.Expr:
    form = FORMS[version][field](pl.col(field))
    return pl.when(form != "").then(form)


def _plain(text: pl.Expr) -> pl.Expr:
    """NFKC (with spacing voice marks joined to their kana), one dash, no blanks, upper case."""
    joined = text.str.replace_many(["゛", "゜"], ["\u3099", "\u309a"]).str.normalize("NFKC").str.normalize("NFC")
    return joined.str.replace_many(list(DASHES), [LONG] * len(DASHES)).str.replace_all(BLANKS, "").str.to_uppercase()


def _kana(text: pl.Expr) -> pl.Expr:
    kana = _plain(text).str.replace_many(list(HIRAGANA + SMALL + SAME_SOUND), list(_to_katakana()))
    for row, written, one in VOWELS:
        kana = kana.str.replace_all(f"([{row}])[{written}]", f"${{1}}{one}")
    return kana.str.replace_all(LONG, "", literal=True)


def _to_katakana() -> str:
    """What HIRAGANA + SMALL + SAME_SOUND become, letter by letter."""
    fold = dict(zip(SMALL + SAME_SOUND, LARGE + SOUND, strict=True))
    return "".join(fold.get(c, c) for c in KATAKANA) + LARGE + SOUND


def _text(text: pl.Expr) -> pl.Expr:
    return _plain(text).str.replace_all(LONG, "-", literal=True)


def _letters(text: pl.Expr) -> pl.Expr:
    return _plain(text).str.replace_all(LONG, "", literal=True)


def _digits(text: pl.Expr) -> pl.Expr:
    return text.str.normalize("NFKC").str.replace_all(r"[^0-9]", "")


def _padded(width: int) -> Callable[[pl.Expr], pl.Expr]:
    def pad(text: pl.Expr) -> pl.Expr:
        digits = _digits(text)
        return pl.when(digits != "").then(digits.str.zfill(width))

    return pad


FIRST_FORMS: dict[str, Callable[[pl.Expr], pl.Expr]] = {
    "kana_surname": _kana,
    "kana_given_name": _kana,
    "alphabet_name": _letters,
    "name": _letters,  # compared inside the edge only
    "phone": _digits,
    "insurer_number": _padded(8),
    "insured_symbol": _text,
    "insured_number": _text,
    "branch_number": _padded(2),
    "birth_date": lambda text: text,
    "sex_code": lambda text: pl.when(text.is_in(["1", "2"])).then(text),  # 'unknown' is a missing part
}
FORMS = {1: FIRST_FORMS}  # canonicalization version -> linking field -> its form
