"""Who stood on a list of outreach, remembered until the counts of its quarter leave, and then forgotten.

In the submitter's state stand a rule, the day of the list and tokens under the submitter's own key: no number, no name,
no day of anybody. A quarter's counts leave once, with the first parcel after the next quarter has ended: they are not
told again when somebody is protected later, so that no two numbers tell of it (privacy, hole 5).
"""

from datetime import date

import polars as pl

from pipelines.records.parcel import OUTREACH_SCHEMA

LISTED_SCHEMA = {
    "rule": pl.String,
    "as_of": pl.Date,  # the day of the list on which the line first stood
    "key_version": pl.Int32,  # of the submitter's own key
    "line": pl.Binary,  # token of rule, person and what the line is about; null: the list was made
    "local_person": pl.Binary,
    "is_reached": pl.Boolean,
}
IS_LINE = pl.col("line").is_not_null()


def first_waiting(today: date) -> date:
    """First day of the oldest quarter whose counts still wait: the one before today's."""
    month = today.year * 12 + (today.month - 1) // 3 * 3 - 3
    return date(month // 12, month % 12 + 1, 1)


def with_lines(listed: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """Each line once per rule, under the first day on which it stood there; each list once per rule and quarter."""
    made_in = pl.when(~IS_LINE).then(_quarter())
    together = pl.concat([listed, new]).with_columns(made_in=made_in)
    return together.unique(["rule", "line", "made_in"], keep="first", maintain_order=True).drop("made_in")


def not_protected(listed: pl.DataFrame, protected: pl.Series, key_version: int) -> pl.DataFrame:
    """Without the lines of people who must stay, and without those of another key, of whom that cannot be known."""
    is_known = (pl.col("key_version") == key_version) & ~pl.col("local_person").is_in(protected.implode())
    return listed.filter(~IS_LINE | is_known)


def counts_before(listed: pl.DataFrame, day: date) -> pl.DataFrame:
    """Listed and reached by rule and quarter, of the lists before the day; schema OUTREACH_SCHEMA, sorted."""
    of_quarter = listed.filter(pl.col("as_of") < day).group_by("rule", _quarter().alias("listed_quarter"))
    counted = of_quarter.agg(listed=IS_LINE.sum(), reached=(IS_LINE & pl.col("is_reached")).sum())
    return counted.select(pl.col(c).cast(t) for c, t in OUTREACH_SCHEMA.items()).sort("rule", "listed_quarter")


def from_day(listed: pl.DataFrame, day: date) -> pl.DataFrame:
    """What is still remembered when the counts before the day have left."""
    return listed.filter(pl.col("as_of") >= day)


def _quarter() -> pl.Expr:
    return pl.col("as_of").dt.truncate("1q")
