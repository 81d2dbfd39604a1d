"""What a municipality says of itself: no person is in it, all of it is plain."""

from datetime import date

from pipelines.declaration import Between, Field, OneOf, Record, Role
from pipelines.records.head import ROW

# 母子保健事業の実施状況等調査 (yearly); its item table could not be had: the items are this project's (要確認).
MUNICIPAL_PROGRAMME = Record(
    "municipal_programme", 1, "母子保健事業の実施状況", "programmes of a municipality", grain="municipality, item and year",
    key=("residence_municipality_code", "item_code", "survey_fiscal_year"), event="surveyed_date",
    fields={
        **ROW,
        "item_code": Field(str, "調査項目", "item", rule=OneOf("mchdb-L40"), required=True),
        "survey_fiscal_year": Field(int, "調査年度", "fiscal year of the survey", rule=Between(2000, 2100), required=True),
        "surveyed_date": Field(date, "調査日", "date of the survey", Role.EVENT_DATE, required=True),
        "answer_code": Field(str, "実施の有無", "runs it", rule=OneOf("mchdb-L41")),
        "amount": Field(int, "件数・か所数", "number", rule=Between(0, 1_000_000)),
    },
)  # fmt: skip
