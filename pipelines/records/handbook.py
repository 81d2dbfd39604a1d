"""What begins with the notification: its questionnaire, the handbook on paper and in the app."""

from datetime import date

import polars as pl

from pipelines.declaration import Between, Field, Matches, OneOf, Record, Role
from pipelines.records.head import LOCAL_NUMBER, with_head
from pipelines.records.months import mother_age_class
from pipelines.records.pregnancy import CHILDREN, OF_PREGNANCY, PREGNANCY

PREFECTURE = Matches(r"^(0[1-9]|[1-3]\d|4[0-7])$", "2桁の都道府県コード", "a 2-digit prefecture code")


def _bmi_class() -> pl.Expr:
    """Class of the body mass index before pregnancy (日本肥満学会): `-18.4`, `18.5-24.9`, `25.0-29.9`, `30.0-`."""
    bmi = pl.col("prepregnancy_weight_kg") / (pl.col("height_cm") / 100) ** 2
    return (
        pl.when(bmi < 18.5).then(pl.lit("-18.4"))
        .when(bmi < 25).then(pl.lit("18.5-24.9"))
        .when(bmi < 30).then(pl.lit("25.0-29.9"))
        .when(bmi >= 30).then(pl.lit("30.0-"))
    )  # fmt: skip


PREGNANCY_QUESTIONNAIRE = Record(
    "pregnancy_questionnaire", 1, "妊娠届出アンケート", "questionnaire at notification", grain="pregnancy",
    key=("person_local", "pregnancy_no"), event="answered_date", local_tokens=OF_PREGNANCY,
    fields=with_head({
        **PREGNANCY,
        "answered_date": Field(date, "回答日", "date answered", Role.EVENT_DATE, required=True),
        "smoking_code": Field(str, "喫煙", "smokes", rule=OneOf("019-194")),
        "drinking_code": Field(str, "飲酒", "drinks", rule=OneOf("019-194")),
        "satogaeri_code": Field(str, "里帰り", "stay with the parents for the birth", rule=OneOf("mchdb-L9")),
        "satogaeri_prefecture_code": Field(str, "里帰り先の都道府県", "prefecture of the stay", rule=PREFECTURE),
        "support_person_code": Field(str, "支援者の有無", "has somebody to help", rule=OneOf("019-123")),
        "employed_code": Field(str, "就労", "has worked in pregnancy", rule=OneOf("019-196")),
        "economic_code": Field(str, "経済的状況", "economic situation", Role.SENSITIVE, OneOf("019-191")),
        "mental_history_code": Field(str, "精神科の既往", "mental illness before", Role.SENSITIVE, OneOf("019-195")),
        "unwanted_code": Field(str, "予期しない妊娠", "unwanted pregnancy", Role.SENSITIVE, OneOf("019-123")),
        "partner_violence_code": Field(str, "パートナーの暴力", "partner violence", Role.SENSITIVE, OneOf("019-123")),
        "height_cm": Field(float, "身長", "height", Role.EDGE, Between(100.0, 210.0), "cm"),
        "prepregnancy_weight_kg": Field(
            float, "妊娠前の体重", "weight before pregnancy", Role.EDGE, Between(25.0, 200.0), "kg"),
        "prepregnancy_bmi_class": Field(
            str, "妊娠前のBMIの階級", "class of the body mass index before pregnancy", derive=_bmi_class),
        "mother_age_class": Field(
            str, "母の年齢階級", "mother's age class", derive=lambda: mother_age_class("answered_date")),
    }),
    group="019045",
)  # fmt: skip

HANDBOOK_ISSUE = Record(
    "handbook_issue", 1, "母子健康手帳交付", "handbook issued", grain="handbook",
    key=("person_local", "pregnancy_no", "handbook_order"), event="issued_date", local_tokens=OF_PREGNANCY,
    fields=with_head({
        **PREGNANCY,
        "handbook_order": Field(int, "登録番号連番", "order among the handbooks", rule=Between(1, 5), required=True),
        "handbook_number": Field(str, "母子健康手帳交付番号", "handbook number", Role.EDGE, LOCAL_NUMBER),
        "issued_date": Field(date, "交付日", "date of issue", Role.EVENT_DATE, required=True),
        "issue_reason_code": Field(str, "交付事由", "reason of issue", rule=OneOf("019-091")),
        "handbook_kind_code": Field(str, "手帳の種類", "kind of handbook", rule=OneOf("mchdb-L10")),
        "language_code": Field(str, "手帳の言語", "language of the handbook", rule=OneOf("mchdb-L11")),
    }),
    group="019046",
)  # fmt: skip

EHANDBOOK_REGISTRATION = Record(
    "ehandbook_registration", 1, "電子版母子健康手帳の登録", "e-handbook registration", grain="registration",
    key=("person_local", "pregnancy_no", "app_code"), event="registered_date", local_tokens=OF_PREGNANCY,
    fields=with_head({
        **PREGNANCY,
        "registered_date": Field(date, "アプリ登録日", "date of registration", Role.EVENT_DATE, required=True),
        "linked_date": Field(date, "連携日", "date linked", Role.EDGE),
        "closed_date": Field(date, "終了日", "date closed", Role.EDGE),
        "app_code": Field(str, "電子版手帳の種類", "kind of app", rule=OneOf("mchdb-L12"), required=True),
        "is_pmh_linked": Field(bool, "PMH連携", "linked to PMH"),
        "is_mynaportal_linked": Field(bool, "マイナポータル連携", "linked to Mynaportal"),
        "guardian_count": Field(int, "共有する保護者の数", "guardians", Role.QUASI, Between(0, 10), classes=CHILDREN),
        "is_carried_over": Field(bool, "他のアプリからの引継ぎ", "carried over from another app"),
        "is_closed": Field(bool, "終了の有無", "closed", derive=lambda: pl.col("closed_date").is_not_null()),
    }),
)  # fmt: skip
