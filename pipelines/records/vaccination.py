"""Vaccinations, what is asked of others for them, and infections gone through."""

from datetime import date

from pipelines.declaration import Between, Field, OneOf, Record, Role
from pipelines.records.head import BRANCH, LOCAL_NUMBER, OF_PERSON, not_before_birth, with_head
from pipelines.records.months import age_months

VACCINE = {
    "vaccine_code": Field(str, "予防接種の種類", "vaccine", rule=OneOf("mchdb-L36"), required=True),
    "dose_no": Field(int, "回数", "dose", rule=Between(1, 9), required=True),
}

VACCINATION = Record(
    "vaccination", 1, "予防接種", "vaccination", grain="dose",
    key=("person_local", "vaccine_code", "dose_no", "branch"), event="vaccinated_date", visit_code="vaccine_code",
    local_tokens=OF_PERSON,
    fields=with_head({
        **VACCINE,
        **BRANCH,
        "ticket_number": Field(str, "接種券番号", "ticket number", Role.EDGE, LOCAL_NUMBER),
        "ticket_issued_date": Field(date, "予診票発行日", "date the form was issued", Role.EDGE),
        "vaccinated_date": Field(date, "接種日", "date vaccinated", Role.EVENT_DATE, required=True),
        "mode_code": Field(str, "実施区分", "how it was given", rule=OneOf("019-170")),
        "act_code": Field(str, "接種区分", "vaccinated or examined only", rule=OneOf("019-171")),
        "routine_code": Field(str, "法定区分", "routine or voluntary", rule=OneOf("019-189")),
        "special_reason_code": Field(str, "特別の事情", "special reason", Role.SENSITIVE, OneOf("019-172")),
        "lot_number": Field(str, "ロット番号", "lot number", Role.DIRECT),
        **age_months("vaccinated_date"),
    }),
    rules=(not_before_birth("vaccinated_date"),),
    reaches_back=True, group="019083/085",
)  # fmt: skip

VACCINATION_REQUEST = Record(
    "vaccination_request", 1, "接種依頼", "request to vaccinate elsewhere", grain="request",
    key=("person_local", "vaccine_code", "dose_no", "branch"), event="requested_date", visit_code="vaccine_code",
    local_tokens=OF_PERSON,
    fields=with_head({
        **VACCINE,
        **BRANCH,
        "requested_date": Field(date, "依頼日", "date of the request", Role.EVENT_DATE, required=True),
        "request_reason_code": Field(str, "依頼事由", "reason", rule=OneOf("mchdb-L38")),
    }),
    rules=(not_before_birth("requested_date"),),
    group="019084",
)  # fmt: skip

RUBELLA_TEST = Record(
    "rubella_test", 1, "風疹抗体検査", "rubella antibody test", grain="test",
    key=("person_local", "branch"), event="tested_date", local_tokens=OF_PERSON,
    fields=with_head({
        **BRANCH,
        "tested_date": Field(date, "抗体検査日", "date tested", Role.EVENT_DATE, required=True),
        "antibody_method_code": Field(str, "抗体検査方法", "method", rule=OneOf("019-175")),
        "titre": Field(float, "抗体価", "titre", Role.SENSITIVE, Between(0.0, 100_000.0)),
        "judgement_code": Field(str, "接種判定", "to be vaccinated", rule=OneOf("019-174")),
    }),
    rules=(not_before_birth("tested_date"),),
    reaches_back=True, group="019086",
)  # fmt: skip

INFECTION = Record(
    "infection", 1, "罹患情報", "infection gone through", grain="infection",
    key=("person_local", "infection_code", "branch"), event="infected_date", visit_code="infection_code",
    local_tokens=OF_PERSON,
    fields=with_head({
        "infection_code": Field(str, "罹患した感染症", "infection", rule=OneOf("mchdb-L37"), required=True),
        **BRANCH,
        "infected_date": Field(date, "罹患日", "date of infection", Role.EVENT_DATE, required=True),
        **age_months("infected_date"),
    }),
    rules=(not_before_birth("infected_date"),),
    reaches_back=True, group="019088",
)  # fmt: skip
