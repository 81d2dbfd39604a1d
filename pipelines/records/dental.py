"""Teeth: of mothers, and of children at 1 year 6 months and at 3 years."""

from datetime import date

import polars as pl

from pipelines.declaration import Between, Classes, CrossRule, Field, OneOf, Record, Role
from pipelines.records.head import BRANCH, OF_PERSON, not_before_birth, with_head
from pipelines.records.months import age_months, window_class
from pipelines.records.pregnancy import OF_PREGNANCY, PREGNANCY
from pipelines.records.programmes import programme

TEETH = Classes(1, 0, 10)
WITH_DENTAL_CHECK = ("34", "36")
# The same digit means something else at either age: code lists 019-243 and 019-130, 019-129 and 019-139.
CARIES: dict[str, tuple[str, ...]] = {"34": ("none", "watched", "caries"), "36": ("none", "caries")}
CARIES_TYPE: dict[str, tuple[str, ...]] = {"34": ("O1", "O2", "A", "B", "C"), "36": ("O", "A", "B", "C1", "C2")}

MATERNAL_DENTAL = Record(
    "maternal_dental", 1, "妊産婦歯科健診", "dental checkup of mothers", grain="visit",
    key=("person_local", "pregnancy_no", "branch"), event="visit_date", visit_code="maternal_phase_code",
    local_tokens=OF_PREGNANCY,
    fields=with_head({
        **PREGNANCY,
        **BRANCH,
        "maternal_phase_code": Field(str, "妊産婦区分", "pregnant or delivered", rule=OneOf("019-102"), required=True),
        "visit_date": Field(date, "受診日", "date of visit", Role.EVENT_DATE, required=True),
        "untreated_caries_count": Field(
            int, "未処置歯数", "untreated teeth", Role.QUASI, Between(0, 32), "本", classes=TEETH),
        "gum_code": Field(str, "歯肉の炎症", "inflamed gums", rule=OneOf("019-104")),
        "judgement_code": Field(str, "判定", "judgement", rule=OneOf("019-103")),
        "detailed_result_code": Field(str, "精密検査判定", "result of the detailed examination", rule=OneOf("019-105")),
    }),
    group="019050/051",
)  # fmt: skip


def _meaning(code: str, by_programme: dict[str, tuple[str, ...]]) -> pl.Expr:
    """What a code says at the age of its programme; null where it says nothing there."""
    named = {f"{p}/{n}": meaning for p, names in by_programme.items() for n, meaning in enumerate(names, start=1)}
    place = pl.concat_str("programme_code", pl.lit("/"), code)
    return place.replace_strict(named, default=None, return_dtype=pl.String)


CHILD_DENTAL = Record(
    "child_dental", 1, "乳幼児歯科健診", "dental checkup of children", grain="visit",
    key=("person_local", "programme_code", "branch"), event="visit_date", visit_code="programme_code",
    local_tokens=OF_PERSON,
    fields=with_head({
        **programme(among=WITH_DENTAL_CHECK),
        **BRANCH,
        "visit_date": Field(date, "歯科健診受診日", "date of visit", Role.EVENT_DATE, required=True),
        "caries_state_code": Field(str, "むし歯の状態", "caries", Role.EDGE, OneOf("019-243")),
        "caries_teeth_count": Field(
            int, "むし歯の本数", "teeth with caries", Role.QUASI, Between(0, 20), "本", classes=TEETH),
        "treated_teeth_count": Field(
            int, "処置歯数", "treated teeth", Role.QUASI, Between(0, 20), "本", classes=TEETH),
        "caries_type_code": Field(str, "罹患型", "type of caries", Role.EDGE, OneOf("019-129")),
        "malocclusion_code": Field(str, "不正咬合", "malocclusion", rule=OneOf("019-134")),
        "soft_tissue_code": Field(str, "軟組織異常", "abnormality of soft tissue", rule=OneOf("019-244")),
        "dirt_code": Field(str, "歯の汚れ", "dirt on the teeth", rule=OneOf("019-232")),
        "judgement_code": Field(str, "判定", "judgement", rule=OneOf("019-199")),
        **age_months("visit_date"),
        "window_class": Field(str, "対象期間との関係", "against the legal window", derive=window_class),
        "caries_class": Field(
            str, "むし歯の有無", "caries or not", derive=lambda: _meaning("caries_state_code", CARIES)),
        "caries_type_class": Field(
            str, "罹患型の名称", "name of the type of caries", derive=lambda: _meaning("caries_type_code", CARIES_TYPE)),
    }),
    rules=(
        not_before_birth("visit_date"),
        CrossRule("caries_state_is_of_the_age", "3歳のむし歯の状態はコード表 019-130 にあるコードであること",
                  "must be a code of code list 019-130 at 3 years", "caries_state_code",
                  lambda: (pl.col("programme_code") != "36") | (pl.col("caries_state_code") != "3")),
        CrossRule("treated_teeth_are_not_more_than_caries", "処置歯数はむし歯の本数以下であること",
                  "must not be more than the teeth with caries", "treated_teeth_count",
                  lambda: pl.col("treated_teeth_count") <= pl.col("caries_teeth_count")),
    ),
    group="019065/068",
)  # fmt: skip
