"""Tests of newborns: hearing and inborn errors of metabolism."""

from datetime import date

import polars as pl

from pipelines.declaration import Field, OneOf, Record, Role
from pipelines.records.head import BRANCH, OF_PERSON, not_before_birth, with_head
from pipelines.records.months import months_between

EXAM = "3"  # code list mchdb-L15
EXAM_BY_MONTHS = 3  # 1-3-6 rule: examined by three months of age


def _exam_age_class() -> pl.Expr:
    """`-3` or `4-` months by months, of the detailed examination alone.

    The first tests follow the birth by days: their month would give the day of birth away (privacy, hole 8).
    """
    months = months_between("birth_date", "test_date")
    return pl.when(pl.col("test_stage_code") == EXAM).then(
        pl.when(months <= EXAM_BY_MONTHS).then(pl.lit("-3")).when(months > EXAM_BY_MONTHS).then(pl.lit("4-"))
    )


NEWBORN_SCREENING = Record(
    "newborn_screening", 1, "新生児聴覚・代謝検査", "newborn screening", grain="test",
    key=("person_local", "test_stage_code", "branch"), event="birth_date", visit_code="test_stage_code",
    local_tokens=OF_PERSON,
    fields=with_head({
        "test_stage_code": Field(str, "検査の段階", "stage of the test", rule=OneOf("mchdb-L15"), required=True),
        **BRANCH,
        "test_date": Field(date, "検査日", "date of the test", Role.EDGE, required=True),
        "hearing_method_code": Field(str, "聴覚検査方式", "method of the hearing test", rule=OneOf("019-111")),
        "hearing_result_code": Field(str, "聴覚検査結果", "result of the hearing test", rule=OneOf("019-112")),
        "hearing_judgement_code": Field(str, "聴覚検査判定", "judgement of hearing", rule=OneOf("019-113")),
        "metabolic_code": Field(
            str, "先天性代謝異常等検査", "test for inborn errors of metabolism", Role.SENSITIVE, OneOf("019-110")),
        "subsidy_kind_code": Field(str, "助成券種類", "kind of voucher", rule=OneOf("019-114")),
        "exam_age_class": Field(
            str, "精密検査の月齢の階級", "class of age at the detailed examination", unit="月", derive=_exam_age_class),
    }),
    rules=(not_before_birth("test_date"),),
    group="019058",
)  # fmt: skip
