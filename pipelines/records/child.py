"""Checkups of children: the target list, the result, the questionnaire."""

from datetime import date

import polars as pl

from pipelines.declaration import Between, Field, OneOf, Record, Role
from pipelines.records.growth import growth_class
from pipelines.records.head import BRANCH, OF_PERSON, not_before_birth, with_head
from pipelines.records.months import months_between, window_class
from pipelines.records.programmes import DAYS_AFTER_BIRTH, OF_CHILDREN, month_without_a_day, programme

PROGRAMME = programme(among=OF_CHILDREN)


def _age_months() -> pl.Expr:
    """Months of age at the visit; 1 at the 1-month checkup, as the month that leaves."""
    is_near = pl.col("programme_code").is_in(DAYS_AFTER_BIRTH)
    return pl.when(is_near).then(1).otherwise(months_between("birth_date", "visit_date"))


CHECKUP_TARGET = Record(
    "child_checkup_target", 1, "乳幼児健診対象者", "checkup target", grain="child, programme and year",
    key=("person_local", "programme_code", "target_fiscal_year"), event="scheduled_date",
    visit_code="programme_code", local_tokens=OF_PERSON,
    fields=with_head({
        **PROGRAMME,
        "target_fiscal_year": Field(int, "対象年度", "fiscal year of the list", rule=Between(2000, 2100), required=True),
        "scheduled_date": Field(date, "健診予定日", "scheduled date", Role.EVENT_DATE, required=True),
        "target_reason_code": Field(str, "対象事由", "reason on the list", rule=OneOf("mchdb-L23")),
        "removed_reason_code": Field(str, "除外事由", "reason of removal", Role.SENSITIVE, OneOf("mchdb-L24")),
        "is_removed": Field(
            bool, "除外の有無", "removed from the list", derive=lambda: pl.col("removed_reason_code").is_not_null()),
    }),
    rules=(not_before_birth("scheduled_date"),),
    group="019060",
)  # fmt: skip

CHECKUP = Record(
    "child_checkup", 1, "乳幼児健診結果", "child checkup", grain="visit",
    key=("person_local", "programme_code", "branch"), event="visit_date", visit_code="programme_code",
    local_tokens=OF_PERSON,
    fields=with_head({
        **PROGRAMME,
        **BRANCH,
        "visit_date": Field(
            date, "健診受診日", "date of visit", Role.EVENT_DATE, required=True,
            told_as=month_without_a_day("visit_date", months_after_birth=1)),
        "mode_code": Field(str, "実施区分", "individual or group", rule=OneOf("019-115")),
        "height_cm": Field(float, "身長", "height", Role.EDGE, Between(30.0, 140.0), "cm"),
        "weight_kg": Field(float, "体重", "weight", Role.EDGE, Between(1.0, 50.0), "kg"),
        "head_circumference_cm": Field(float, "頭囲", "head circumference", Role.EDGE, Between(25.0, 65.0), "cm"),
        "nutrition_code": Field(str, "栄養", "nutrition", rule=OneOf("019-119")),
        "judgement_code": Field(str, "判定", "judgement", rule=OneOf("019-116")),
        "ticket_kind_code": Field(str, "受診券の種類", "kind of ticket", rule=OneOf("mchdb-L13")),
        "age_months": Field(int, "月齢(月の差)", "age by months", unit="月", derive=_age_months),
        "window_class": Field(str, "対象期間との関係", "against the legal window", derive=window_class),
        "height_class": Field(
            str, "身長の階級", "class of height", derive=lambda: growth_class("height_cm", "height_cm")),
        "weight_class": Field(
            str, "体重の階級", "class of weight", derive=lambda: growth_class("weight_kg", "weight_kg")),
    }),
    rules=(not_before_birth("visit_date"),),
    group="019061/063/066",
)  # fmt: skip

_ANSWERS: dict[str, tuple[str, str, str]] = {
    "guidance_code": ("産後の指導・ケア", "enough guidance after discharge", "019-136"),
    "smoking_pregnancy_code": ("妊娠中の喫煙", "smoking in pregnancy", "019-194"),
    "smoking_mother_code": ("母の喫煙", "mother smokes", "019-194"),
    "smoking_father_code": ("父の喫煙", "father smokes", "019-194"),
    "family_doctor_code": ("かかりつけ医", "family doctor", "019-127"),
    "community_code": ("この地域での子育て", "wants to raise children here", "019-124"),
    "father_childcare_code": ("父の育児", "father takes part", "019-125"),
    "relaxed_code": ("ゆったりした時間", "relaxed time", "019-127"),
    "difficulty_code": ("育てにくさ", "feels difficulty", "019-128"),
    "difficulty_cope_code": ("育てにくさの解決方法", "knows how to cope", "019-123"),
}

QUESTIONNAIRE = Record(
    "child_questionnaire", 1, "乳幼児健診アンケート", "checkup questionnaire", grain="questionnaire",
    key=("person_local", "programme_code"), event="answered_date", visit_code="programme_code",
    local_tokens=OF_PERSON,
    fields=with_head({
        **PROGRAMME,
        "answered_date": Field(date, "回答日", "date answered", Role.EVENT_DATE, required=True),
        "respondent_code": Field(str, "同伴者", "accompanied by", rule=OneOf("019-156")),
        **{name: Field(str, ja, en, rule=OneOf(codes)) for name, (ja, en, codes) in _ANSWERS.items()},
        "economic_code": Field(str, "経済的状況", "economic situation", Role.SENSITIVE, OneOf("019-191")),
        "harsh_items": Field(str, "体罰等", "harsh parenting", Role.SENSITIVE),
    }),
    rules=(not_before_birth("answered_date"),),
    group="019062/064/067",
)  # fmt: skip
