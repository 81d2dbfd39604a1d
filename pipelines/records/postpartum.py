"""Care after the delivery (産後ケア事業)."""

from datetime import date

import polars as pl

from pipelines.declaration import Between, Classes, CrossRule, Field, OneOf, Record, Role
from pipelines.records.head import BRANCH, with_head
from pipelines.records.pregnancy import OF_PREGNANCY, PREGNANCY

DAYS = Classes(1, 1, 7)
YEN = Classes(100, 0, 100_000)  # a fee to the yen would tell whose row it is (privacy, hole 15)


def yen(label_ja: str, label_en: str) -> Field:
    return Field(int, label_ja, label_en, Role.QUASI, Between(0, 10_000_000), "円", classes=YEN)


POSTPARTUM_CARE = Record(
    "postpartum_care", 1, "産後ケア", "postpartum care", grain="use",
    key=("person_local", "pregnancy_no", "branch"), event="used_date", visit_code="service_code",
    local_tokens=OF_PREGNANCY,
    fields=with_head({
        **PREGNANCY,
        **BRANCH,
        "service_code": Field(str, "利用サービス", "form of care", rule=OneOf("019-108"), required=True),
        "applied_date": Field(date, "申請日", "date of application", Role.EDGE),
        "used_date": Field(date, "利用日", "first day of use", Role.EVENT_DATE),
        "used_days": Field(int, "利用日数", "days of use", Role.QUASI, Between(1, 31), "日", classes=DAYS),
        "approval_code": Field(str, "承認区分", "approval", rule=OneOf("019-100")),
        "reason_code": Field(str, "利用理由", "reason", rule=OneOf("mchdb-L16")),
        "self_payment_yen": yen("自己負担額", "paid by the family"),
        "public_payment_yen": yen("公費負担額", "paid by the municipality"),
    }),
    rules=(
        CrossRule("used_is_not_before_applied", "利用日は申請日以後であること", "must not be before the application",
                  "used_date", lambda: pl.col("used_date") >= pl.col("applied_date")),
    ),
    group="019056",
)  # fmt: skip
