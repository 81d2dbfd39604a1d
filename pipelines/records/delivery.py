"""Delivery, birth and the weeks after."""

from datetime import date

import polars as pl

from pipelines.declaration import Between, Classes, Field, OneOf, Record, Role
from pipelines.records.head import BRANCH, LOCAL_NUMBER, OF_PERSON, with_head
from pipelines.records.months import mother_age_class
from pipelines.records.pregnancy import CHILDREN, OF_PREGNANCY, PARITY, PREGNANCY

WEEKS = Classes(1, 22, 42)
BIRTH_WEIGHT = Classes(100, 300, 4000)
EPDS_ITEMS = tuple(f"epds_item_{i}" for i in range(1, 11))
STILLBIRTH = "3"  # code list 019-230


def _gestation_weeks(*, required: bool) -> Field:
    return Field(
        int, "在胎週数", "completed weeks at delivery", Role.QUASI, Between(22, 45), "週", required, classes=WEEKS
    )


def _epds_total() -> pl.Expr:
    """Sum of the ten items (0-30), only where all ten are answered (Cox 1987; Okano 1996: 9 and over is positive)."""
    return pl.when(pl.all_horizontal(pl.col(i).is_not_null() for i in EPDS_ITEMS)).then(
        pl.sum_horizontal(pl.col(i).cast(pl.Int32) for i in EPDS_ITEMS)
    )


def _epds_status() -> pl.Expr:
    answered = pl.sum_horizontal(pl.col(i).is_not_null().cast(pl.Int32) for i in EPDS_ITEMS)
    return (
        pl.when(answered == 10).then(pl.lit("complete"))
        .when(answered > 0).then(pl.lit("partial"))
        .otherwise(pl.lit("none"))
    )  # fmt: skip


DELIVERY = Record(
    "delivery", 1, "出産の状態", "delivery", grain="delivery",
    key=("person_local", "pregnancy_no"), event="delivery_date", local_tokens=OF_PREGNANCY,
    fields=with_head({
        **PREGNANCY,
        "delivery_date": Field(date, "分娩日", "date of delivery", Role.EVENT_DATE, required=True),
        "gestation_weeks": _gestation_weeks(required=True),
        "course_code": Field(str, "分娩経過", "course", rule=OneOf("019-224")),
        "method_code": Field(str, "分娩方法", "method", rule=OneOf("019-225")),
        "number_of_children": Field(
            int, "出産児数", "children delivered", Role.QUASI, Between(1, 5), required=True, classes=CHILDREN),
        "outcome_code": Field(str, "転帰", "outcome", Role.SENSITIVE, OneOf("mchdb-L14")),
        "parity": Field(int, "経産回数", "previous births", Role.QUASI, Between(0, 20), classes=PARITY),
        "mother_age_class": Field(
            str, "母の年齢階級", "mother's age class", derive=lambda: mother_age_class("delivery_date")),
    }),
    group="019047",
)  # fmt: skip

BIRTH = Record(
    "birth", 1, "出生時状況", "birth", grain="child",
    key=("person_local",), event="birth_date",
    local_tokens=OF_PERSON | {"local_pregnancy": ("mother_local", "pregnancy_no")},
    fields=with_head(
        {
            "mother_local": Field(str, "母の宛名番号", "mother's local number", Role.LOCAL_KEY, LOCAL_NUMBER),
            "pregnancy_no": Field(str, "登録番号", "pregnancy number", Role.LOCAL_KEY, LOCAL_NUMBER),
            "child_order": Field(int, "登録番号連番", "order among the children", rule=Between(1, 5), required=True),
            "birth_weight_g": Field(
                int, "出生体重", "birth weight", Role.QUASI, Between(200, 6500), "g", classes=BIRTH_WEIGHT),
            "birth_length_cm": Field(float, "出生身長", "birth length", Role.EDGE, Between(20.0, 65.0), "cm"),
            "head_circumference_cm": Field(float, "出生時頭囲", "head circumference", Role.EDGE, Between(15.0, 45.0), "cm"),
            "gestation_weeks": _gestation_weeks(required=False),
            "plurality": Field(
                int, "単胎・多胎", "plurality", Role.QUASI, Between(1, 5), required=True, classes=CHILDREN),
            "special_finding_code": Field(
                str, "特別な所見・処置", "special finding", Role.SENSITIVE, OneOf("019-230")),
            "nicu_code": Field(str, "NICU入院", "neonatal intensive care", rule=OneOf("019-235")),
        },
        sex_code=Field(str, "性別", "sex", rule=OneOf("019-227"), required=True),
    ),
    stays=lambda: pl.col("special_finding_code") == STILLBIRTH,
    group="019057",
)  # fmt: skip

POSTPARTUM_VISIT = Record(
    "postpartum_visit", 1, "産婦健診", "postpartum visit", grain="visit",
    key=("person_local", "pregnancy_no", "branch"), event="visit_date", visit_code="visit_kind_code",
    local_tokens=OF_PREGNANCY,
    fields=with_head({
        **PREGNANCY,
        **BRANCH,
        "visit_kind_code": Field(str, "健診種別", "kind of checkup", rule=OneOf("019-221"), required=True),
        "visit_date": Field(date, "受診日", "date of visit", Role.EVENT_DATE, required=True),
        **{
            item: Field(str, f"EPDS 問{i}", f"EPDS item {i}", Role.SENSITIVE, OneOf(f"019-{143 + i}"))
            for i, item in enumerate(EPDS_ITEMS, start=1)
        },
        "judgement_code": Field(str, "判定", "judgement", rule=OneOf("019-107")),
        "epds_total": Field(int, "EPDS合計点", "EPDS total", unit="点", derive=_epds_total),
        "epds_status": Field(str, "EPDSの回答状況", "EPDS answered", derive=_epds_status),
    }),
    group="019053",
)  # fmt: skip
