"""Who lives where, from when to when (住民基本台帳)."""

from datetime import date

import polars as pl

from pipelines.declaration import CrossRule, Field, OneOf, Record, Role
from pipelines.records.head import MUNICIPALITY, OF_PERSON, with_head


def _left() -> pl.Expr:
    """Left the municipality, whatever the reason: a death does not leave the source as such."""
    return pl.col("resident_to_date").is_not_null()


RESIDENCY_SPELL = Record(
    "residency_spell", 1, "在住期間", "residency spell", grain="person spell",
    key=("person_local", "resident_from_date"), event="resident_from_date",
    local_tokens=OF_PERSON,
    fields=with_head({
        "resident_from_date": Field(date, "住民となった日", "resident from", Role.EVENT_DATE, required=True),
        "resident_to_date": Field(date, "住民でなくなった日", "resident to", Role.EVENT_DATE),
        "in_reason_code": Field(str, "増異動事由", "reason of coming", rule=OneOf("mchdb-L7")),
        "out_reason_code": Field(str, "減異動事由", "reason of leaving", Role.SENSITIVE, OneOf("mchdb-L7")),
        "previous_municipality_code": Field(str, "前住所地", "previous municipality", Role.EDGE, MUNICIPALITY),
        "next_municipality_code": Field(str, "転出先", "next municipality", Role.EDGE, MUNICIPALITY),
        "is_left": Field(bool, "転出等の有無", "has left", derive=_left),
    }),
    rules=(
        CrossRule("resident_to_is_not_before_from", "住民でなくなった日は住民となった日以後であること",
                  "must not be before the day of becoming a resident", "resident_to_date",
                  lambda: pl.col("resident_to_date") >= pl.col("resident_from_date")),
    ),
    reaches_back=True, group="019089",
)  # fmt: skip
