"""Visits, advice and plans: what nurses do for a family between the checkups."""

from datetime import date

import polars as pl

from pipelines.declaration import Field, OneOf, Record, Role
from pipelines.records.head import BRANCH, LOCAL_NUMBER, OF_PERSON, not_before_birth, with_head
from pipelines.records.months import months_between

CHILDREN_VISITED = ("3", "4", "5", "6")  # code list 019-143


def _age_of_child() -> pl.Expr:
    is_child = pl.col("visit_target_code").is_in(CHILDREN_VISITED)
    return pl.when(is_child).then(months_between("birth_date", "visit_date"))


HOME_VISIT = Record(
    "home_visit", 1, "訪問", "home visit", grain="visit",
    key=("person_local", "visit_target_code", "branch"), event="visit_date", visit_code="visit_target_code",
    local_tokens=OF_PERSON,
    fields=with_head({
        "visit_target_code": Field(str, "訪問種別", "who is visited", rule=OneOf("019-143"), required=True),
        **BRANCH,
        "applied_date": Field(date, "訪問申込日", "date of application", Role.EDGE),
        "visit_date": Field(date, "訪問日", "date of visit", Role.EVENT_DATE, required=True),
        "is_all_infant_visit": Field(bool, "乳児家庭全戸訪問", "visit to all infants"),
        "visitor_code": Field(str, "訪問した者", "who visited", rule=OneOf("mchdb-L8")),
        "requested_by_code": Field(str, "依頼元", "who asked for it", rule=OneOf("mchdb-L17")),
        "met_child_code": Field(str, "児の視認", "child was met", rule=OneOf("019-236")),
        "result_code": Field(str, "訪問結果", "result", rule=OneOf("019-141")),
        "reason_not_met_code": Field(str, "会えなかった理由", "why nobody was met", rule=OneOf("mchdb-L18")),
        "age_months": Field(int, "月齢(月の差)", "age by months", unit="月", derive=_age_of_child),
    }),
    rules=(not_before_birth("visit_date"),),
    group="019075/076",
)  # fmt: skip

CONSULTATION = Record(
    "consultation", 1, "相談・保健指導", "consultation", grain="consultation",
    key=("person_local", "target_code", "branch"), event="consulted_date", visit_code="target_code",
    local_tokens=OF_PERSON,
    fields=with_head({
        "target_code": Field(str, "対象者区分", "who is advised", rule=OneOf("019-154"), required=True),
        **BRANCH,
        "applied_date": Field(date, "相談申込日", "date of application", Role.EDGE),
        "consulted_date": Field(date, "相談日", "date of consultation", Role.EVENT_DATE, required=True),
        "mode_code": Field(str, "実施区分", "individual or group", rule=OneOf("019-115")),
        "channel_code": Field(str, "相談の方法", "way of consultation", rule=OneOf("mchdb-L19")),
        "topic_code": Field(str, "相談の主題", "topic", Role.SENSITIVE, OneOf("mchdb-L20")),
        "center_code": Field(str, "こども家庭センター", "family centre", Role.EDGE),
        "result_code": Field(str, "指導結果", "result", rule=OneOf("019-141")),
    }),
    rules=(not_before_birth("consulted_date"),),
    group="019077/078/079/080",
)  # fmt: skip

SUPPORT_PLAN = Record(
    "support_plan", 1, "サポートプラン", "support plan", grain="plan",
    key=("person_local", "plan_no"), event="made_date", visit_code="plan_target_code", local_tokens=OF_PERSON,
    fields=with_head({
        "plan_no": Field(str, "計画番号", "plan number", Role.LOCAL_KEY, LOCAL_NUMBER, required=True),
        "plan_target_code": Field(str, "プランの対象", "whose plan", rule=OneOf("mchdb-L21"), required=True),
        "plan_kind_code": Field(str, "プランの種類", "kind of plan", rule=OneOf("mchdb-L35")),
        "made_date": Field(date, "作成日", "date made", Role.EVENT_DATE, required=True),
        "reviewed_date": Field(date, "見直し日", "date reviewed", Role.EDGE),
        "closed_date": Field(date, "終了日", "date closed", Role.EDGE),
        "is_specified_expectant": Field(bool, "特定妊婦", "specified expectant mother", Role.SENSITIVE),
        "is_reviewed": Field(bool, "見直しの有無", "reviewed", derive=lambda: pl.col("reviewed_date").is_not_null()),
        "is_closed": Field(bool, "終了の有無", "closed", derive=lambda: pl.col("closed_date").is_not_null()),
    }),
)  # fmt: skip
