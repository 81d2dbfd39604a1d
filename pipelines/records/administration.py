"""What offices settle between them: tickets, claims, requests for information, a municipality's own measures."""

from datetime import date

import polars as pl

from pipelines.declaration import Between, CrossRule, Field, OneOf, Record, Role
from pipelines.records.head import BRANCH, LOCAL_NUMBER, MUNICIPALITY, OF_PERSON, not_before_birth, with_head
from pipelines.records.months import months_between
from pipelines.records.postpartum import yen
from pipelines.records.pregnancy import OF_PREGNANCY
from pipelines.records.programmes import month_without_a_day, programme

CHECKUP_TICKET = Record(
    "checkup_ticket", 1, "受診券", "checkup ticket", grain="ticket",
    key=("person_local", "programme_code", "ticket_no"), event="issued_date", visit_code="programme_code",
    local_tokens=OF_PREGNANCY,
    fields=with_head({
        "ticket_no": Field(str, "受診券番号", "ticket number", Role.LOCAL_KEY, LOCAL_NUMBER, required=True),
        "pregnancy_no": Field(str, "登録番号", "pregnancy number", Role.LOCAL_KEY, LOCAL_NUMBER),
        **programme(),
        "visit_no": Field(int, "受診回数", "visit number", rule=Between(1, 30)),
        "ticket_kind_code": Field(str, "受診券の種類", "kind of ticket", rule=OneOf("mchdb-L13"), required=True),
        "issued_date": Field(date, "交付日", "date of issue", Role.EVENT_DATE, required=True),
        "ticket_used_date": Field(date, "受診券の使用日", "date the ticket was used", Role.EDGE),
        "is_used": Field(bool, "使用の有無", "used", derive=lambda: pl.col("ticket_used_date").is_not_null()),
    }),
    rules=(
        CrossRule("used_is_not_before_issued", "使用日は交付日以後であること", "must not be before the issue",
                  "ticket_used_date", lambda: pl.col("ticket_used_date") >= pl.col("issued_date")),
    ),
)  # fmt: skip

# Dated by the month of the claim: the month of a service that follows the birth by days would give its day away.
CLAIM = Record(
    "claim", 1, "費用請求", "claim", grain="claim line",
    key=("claim_line_no",), event="claimed_date", visit_code="programme_code", local_tokens=OF_PREGNANCY,
    fields=with_head({
        "claim_line_no": Field(str, "請求明細番号", "claim line", Role.LOCAL_KEY, LOCAL_NUMBER, required=True),
        "pregnancy_no": Field(str, "登録番号", "pregnancy number", Role.LOCAL_KEY, LOCAL_NUMBER),
        **programme(),
        "visit_no": Field(int, "受診回数", "visit number", rule=Between(1, 30)),
        "service_date": Field(date, "実施日", "date of service", Role.EDGE, required=True),
        "claimed_date": Field(
            date, "請求年月", "month of the claim (its first day)", Role.EVENT_DATE, required=True,
            told_as=month_without_a_day("claimed_date", months_after_birth=2)),
        "reviewed_date": Field(date, "審査年月", "month of the review", Role.EDGE),
        "paid_date": Field(date, "支払年月", "month of the payment", Role.EDGE),
        "contract_kind_code": Field(str, "契約の種類", "kind of contract", rule=OneOf("mchdb-L29")),
        "payment_method_code": Field(str, "支払の方法", "way of payment", rule=OneOf("mchdb-L30")),
        "unit_price_yen": yen("単価", "unit price"),
        "public_payment_yen": yen("公費負担額", "paid by the municipality"),
        "self_payment_yen": yen("自己負担額", "paid by the family"),
        "returned_code": Field(str, "返戻・査定", "returned or reduced", rule=OneOf("mchdb-L31")),
        "payer_code": Field(str, "審査支払機関", "review and payment body", rule=OneOf("mchdb-L1")),
        "ticket_kind_code": Field(str, "受診券の種類", "kind of ticket", rule=OneOf("mchdb-L13")),
        "is_paid": Field(bool, "支払の有無", "paid", derive=lambda: pl.col("paid_date").is_not_null()),
        "months_to_payment": Field(
            int, "支払までの月数(月の差)", "months to the payment", unit="月",
            derive=lambda: months_between("claimed_date", "paid_date")),
    }),
    rules=(
        CrossRule("claimed_is_not_before_service", "請求年月は実施日の月以後であること",
                  "must not be before the month of the service", "claimed_date",
                  lambda: months_between("service_date", "claimed_date") >= 0),
        CrossRule("paid_is_not_before_claimed", "支払年月は請求年月以後であること", "must not be before the claim",
                  "paid_date", lambda: months_between("claimed_date", "paid_date") >= 0),
    ),
    group="019049/054/059",
)  # fmt: skip

IS_ASKED = "2"  # code list mchdb-L42

# A request stands in two offices; the one that asks tells of its own resident, so the other's row stays where it is.
INFORMATION_REQUEST = Record(
    "information_request", 1, "自治体間の情報照会", "request between municipalities", grain="request",
    key=("person_local", "request_no"), event="requested_date", visit_code="request_reason_code",
    local_tokens=OF_PERSON,
    fields=with_head({
        "request_no": Field(str, "照会番号", "request number", Role.LOCAL_KEY, LOCAL_NUMBER, required=True),
        "request_side_code": Field(str, "照会・被照会の別", "asks or is asked", Role.EDGE, OneOf("mchdb-L42")),
        "request_reason_code": Field(str, "照会の事由", "reason", rule=OneOf("mchdb-L32"), required=True),
        "requested_date": Field(date, "照会日", "date of the request", Role.EVENT_DATE, required=True),
        "replied_date": Field(date, "回答日", "date answered", Role.EDGE),
        "answer_code": Field(str, "回答", "answer", rule=OneOf("mchdb-L33")),
        "request_channel_code": Field(str, "照会の経路", "channel", rule=OneOf("mchdb-L34")),
        "other_municipality_code": Field(str, "相手の市区町村", "the other municipality", Role.EDGE, MUNICIPALITY),
        "is_answered": Field(bool, "回答の有無", "answered", derive=lambda: pl.col("replied_date").is_not_null()),
        "months_to_answer": Field(
            int, "回答までの月数(月の差)", "months to the answer", unit="月",
            derive=lambda: months_between("requested_date", "replied_date")),
    }),
    rules=(
        CrossRule("replied_is_not_before_requested", "回答日は照会日以後であること", "must not be before the request",
                  "replied_date", lambda: pl.col("replied_date") >= pl.col("requested_date")),
    ),
    stays=lambda: pl.col("request_side_code") == IS_ASKED,
)  # fmt: skip

OWN_MEASURE = Record(
    "own_measure", 1, "独自施策", "municipality's own measure", grain="measure",
    key=("person_local", "own_code", "branch"), event="held_date", visit_code="measure_kind_code",
    local_tokens=OF_PERSON,
    fields=with_head({
        "own_code": Field(str, "独自施策コード", "municipality's own code", Role.EDGE, LOCAL_NUMBER, required=True),
        **BRANCH,
        "measure_kind_code": Field(str, "独自施策の区分", "kind of measure", rule=OneOf("mchdb-L39"), required=True),
        **programme(required=False),
        "target_code": Field(str, "対象者区分", "who is it for", rule=OneOf("019-154")),
        "held_date": Field(
            date, "独自施策の実施日", "date held", Role.EVENT_DATE, required=True,
            told_as=month_without_a_day("held_date", months_after_birth=1)),
        "judgement_code": Field(str, "判定", "judgement", rule=OneOf("019-116")),
    }),
    rules=(not_before_birth("held_date"),),
    group="019069/070",
)  # fmt: skip
