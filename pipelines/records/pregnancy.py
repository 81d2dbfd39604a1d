"""Notification and antenatal checkups."""

from datetime import date

import polars as pl

from pipelines.declaration import Between, Classes, CrossRule, Field, OneOf, Record, Role
from pipelines.records.head import LOCAL_NUMBER, OF_PERSON, with_head
from pipelines.records.months import gestation_class, mother_age_class

PARITY = Classes(1, 0, 4)
CHILDREN = Classes(1, 1, 3)
SYSTOLIC, DIASTOLIC = Classes(10, 80, 200), Classes(10, 40, 130)

PREGNANCY = {
    "pregnancy_no": Field(str, "登録番号", "pregnancy number", Role.LOCAL_KEY, LOCAL_NUMBER, required=True),
}
OF_PREGNANCY = OF_PERSON | {"local_pregnancy": ("person_local", "pregnancy_no")}


def _stage_agrees_with_weeks() -> pl.Expr:
    """Stages 1 to 4 (code list 90) against the completed weeks; `after delivery` and `unknown` are not judged."""
    weeks, stage = pl.col("gestation_weeks_at_notification"), pl.col("notification_stage_code")
    by_weeks = (
        pl.when(weeks < 12).then(pl.lit("1"))
        .when(weeks < 20).then(pl.lit("2"))
        .when(weeks < 28).then(pl.lit("3"))
        .when(weeks >= 28).then(pl.lit("4"))
    )  # fmt: skip
    return stage.is_in(["5", "6"]) | (by_weeks == stage)


NOTIFICATION = Record(
    "pregnancy_notification", 1, "妊娠届出", "pregnancy notification", grain="pregnancy",
    key=("person_local", "pregnancy_no"), event="notified_date", local_tokens=OF_PREGNANCY,
    fields=with_head({
        **PREGNANCY,
        "notified_date": Field(date, "届出年月日", "date of notification", Role.EVENT_DATE, required=True),
        "notification_reason_code": Field(str, "届出事由", "reason", rule=OneOf("019-089"), required=True),
        "notification_stage_code": Field(str, "届出時期", "stage", rule=OneOf("019-090"), required=True),
        "gestation_weeks_at_notification": Field(
            int, "届出時妊娠週数", "weeks at notification", Role.EDGE, Between(0, 45), unit="週"),
        "due_date": Field(date, "出産予定日", "due date", Role.EDGE),
        "expected_children": Field(int, "胎児数", "expected children", Role.QUASI, Between(1, 5), classes=CHILDREN),
        "parity": Field(int, "経産回数", "previous births", Role.QUASI, Between(0, 20), classes=PARITY),
        "interview_done_code": Field(str, "面談", "interview", rule=OneOf("019-236")),
        "mother_age_class": Field(
            str, "母の年齢階級", "mother's age class", derive=lambda: mother_age_class("notified_date")),
    }),
    rules=(
        CrossRule("stage_agrees_with_weeks", "届出時期は届出時妊娠週数と一致すること",
                  "must agree with the weeks at notification", "notification_stage_code",
                  _stage_agrees_with_weeks),
    ),
    group="019044",
)  # fmt: skip

ANTENATAL_VISIT = Record(
    "antenatal_visit", 1, "妊婦健診", "antenatal visit", grain="visit",
    key=("person_local", "pregnancy_no", "visit_no"), event="visit_date", visit_code="visit_no",
    local_tokens=OF_PREGNANCY,
    fields=with_head({
        **PREGNANCY,
        "visit_no": Field(int, "受診回数", "visit number", rule=Between(1, 30), required=True),
        "visit_kind_code": Field(str, "受診区分", "kind of visit", rule=OneOf("019-092")),
        "visit_date": Field(date, "受診日", "date of visit", Role.EVENT_DATE, required=True),
        "gestation_weeks_at_visit": Field(int, "妊娠週数", "weeks at the visit", Role.EDGE, Between(4, 45), unit="週"),
        "weight_kg": Field(float, "体重", "weight", Role.EDGE, Between(25.0, 200.0), unit="kg"),
        "blood_pressure_systolic_mmhg": Field(
            int, "最高血圧", "systolic blood pressure", Role.QUASI, Between(50, 260), "mmHg", classes=SYSTOLIC),
        "blood_pressure_diastolic_mmhg": Field(
            int, "最低血圧", "diastolic blood pressure", Role.QUASI, Between(20, 180), "mmHg", classes=DIASTOLIC),
        "urine_protein_code": Field(str, "尿蛋白", "urine protein", rule=OneOf("019-093")),
        "urine_sugar_code": Field(str, "尿糖", "urine sugar", rule=OneOf("019-093")),
        "hypertensive_disorder_code": Field(
            str, "妊娠高血圧症候群", "hypertensive disorder of pregnancy", rule=OneOf("019-235")),
        "gestational_diabetes_code": Field(str, "妊娠糖尿病", "gestational diabetes", rule=OneOf("019-235")),
        "judgement_code": Field(str, "判定", "judgement", rule=OneOf("019-210")),
        "ticket_kind_code": Field(str, "受診券の種類", "kind of ticket", rule=OneOf("mchdb-L13")),
        "gestation_class": Field(
            str, "妊娠週数階級", "class of weeks", derive=lambda: gestation_class("gestation_weeks_at_visit")),
    }),
    rules=(
        CrossRule("diastolic_is_below_systolic", "最低血圧は最高血圧より低いこと", "must be below the systolic pressure",
                  "blood_pressure_diastolic_mmhg",
                  lambda: pl.col("blood_pressure_diastolic_mmhg") < pl.col("blood_pressure_systolic_mmhg")),
    ),
    group="019048",
)  # fmt: skip
