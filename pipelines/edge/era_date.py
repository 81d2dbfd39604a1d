"""Dates of the Japanese calendar as text to days: a text of another form, or of a day outside its era, stays as it came,
and the check refuses it.
"""

import polars as pl

from pipelines.feeds.eras import ERAS

# 令和6年4月1日, 令和元年5月1日, R6.4.1, R06/04/01, R6-4-1
WORDS = r"^({eras})(元|[0-9]{{1,2}})(?:年|[./-])([0-9]{{1,2}})(?:月|[./-])([0-9]{{1,2}})日?$"
DIGITS = r"^({eras})([0-9]{{2}})([0-9]{{2}})([0-9]{{2}})$"  # 5060401


def iso_of(sent: pl.Expr, form: str) -> pl.Expr:
    """`YYYY-MM-DD` out of a text in one of ERA_FORMS; whether there is such a day is for the check to say."""
    plain = sent.str.normalize("NFKC").str.replace_all(r"\s", "").str.to_uppercase()
    names = [(era.digit,) if form == "era_digits" else (era.name, era.letter) for era in ERAS]
    pattern = (DIGITS if form == "era_digits" else WORDS).format(eras="|".join(n for of_era in names for n in of_era))
    name, year, month, day = (plain.str.extract(pattern, place) for place in (1, 2, 3, 4))
    told = sent
    for era, of_era in zip(ERAS, names, strict=True):
        count = year.replace("元", "1").cast(pl.Int32, strict=False)
        full = (count + era.first.year - 1).cast(pl.String)
        iso = pl.concat_str(full, month.str.zfill(2), day.str.zfill(2), separator="-")
        is_in = iso.is_between(pl.lit(str(era.first)), pl.lit(str(era.last))) & (count >= 1)
        told = pl.when(name.is_in(of_era) & is_in).then(iso).otherwise(told)
    return told
