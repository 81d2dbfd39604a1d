"""What follows a checkup: the detailed examination of who was referred, the search for who did not come."""

from datetime import date

import polars as pl

from pipelines.declaration import CrossRule, Field, OneOf, Record, Role
from pipelines.records.head import BRANCH, LOCAL_NUMBER, OF_PERSON, not_before_birth, with_head
from pipelines.records.months import months_between
from pipelines.records.programmes import OF_CHILDREN, OF_MOTHERS, month_without_a_day, programme

LOCATED = ("1", "2", "3")  # code list mchdb-L27
RULES_OF_CHILDREN = (  # of list mchdb-L28; the others could tell of a loss
    "infant_visit_due", "checkup_not_attended", "referral_not_completed", "vaccination_delay_and_moved_in",
)  # fmt: skip

DETAILED_EXAM = Record(
    "detailed_exam", 1, "精密健診", "detailed examination", grain="referral",
    key=("person_local", "programme_code", "referral_no"), event="referred_date", visit_code="programme_code",
    local_tokens=OF_PERSON,
    fields=with_head({
        **programme(among=(*OF_MOTHERS, *OF_CHILDREN)),
        "referral_no": Field(str, "依頼番号", "referral number", Role.LOCAL_KEY, LOCAL_NUMBER, required=True),
        "referred_date": Field(
            date, "精密健診依頼日", "date referred", Role.EVENT_DATE, required=True,
            told_as=month_without_a_day("referred_date", months_after_birth=1)),
        "examined_date": Field(date, "精密健診実施日", "date examined", Role.EDGE),
        "domain_code": Field(str, "精密健診の領域", "domain", rule=OneOf("mchdb-L25")),
        "result_code": Field(str, "精密検査結果", "result", rule=OneOf("019-106")),
        "diagnosis": Field(str, "診断名", "diagnosis", Role.SENSITIVE),
        "found_by_code": Field(str, "把握経路", "how it became known", rule=OneOf("mchdb-L26")),
        "is_examined": Field(bool, "受診の有無", "examined", derive=lambda: pl.col("examined_date").is_not_null()),
        "months_to_exam": Field(
            int, "実施までの月数(月の差)", "months to the examination", unit="月",
            derive=lambda: months_between("referred_date", "examined_date")),
    }),
    rules=(
        not_before_birth("referred_date"),
        CrossRule("examined_is_not_before_referred", "精密健診実施日は依頼日以後であること",
                  "must not be before the referral", "examined_date",
                  lambda: pl.col("examined_date") >= pl.col("referred_date")),
    ),
    group="019052/055/072/073",
)  # fmt: skip

NONATTENDER_FOLLOWUP = Record(
    "nonattender_followup", 1, "未受診者勧奨", "follow-up of children not seen", grain="contact",
    key=("person_local", "programme_code", "branch"), event="found_date", visit_code="programme_code",
    local_tokens=OF_PERSON,
    fields=with_head({
        **programme(among=OF_CHILDREN),
        **BRANCH,
        "found_date": Field(date, "未受診把握日", "date found not seen", Role.EVENT_DATE, required=True),
        "contacted_date": Field(date, "勧奨日", "date contacted", Role.EDGE),
        "method_code": Field(str, "勧奨方法", "way of contact", rule=OneOf("019-142")),
        "outcome_code": Field(str, "把握した状況", "what is known", Role.SENSITIVE, OneOf("mchdb-L27")),
        "rule_id": Field(str, "支援の規則", "rule of outreach", rule=OneOf("mchdb-L28", RULES_OF_CHILDREN)),
        "is_contacted": Field(bool, "勧奨の有無", "contacted", derive=lambda: pl.col("contacted_date").is_not_null()),
        "is_located": Field(
            bool, "状況把握の有無", "whereabouts known", derive=lambda: pl.col("outcome_code").is_in(LOCATED)),
    }),
    rules=(not_before_birth("found_date"),),
    group="019071/074",
)  # fmt: skip
