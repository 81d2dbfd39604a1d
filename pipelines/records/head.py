"""The head that every record shares: who, where, through which channel (reference: domain, chapter 5)."""

from datetime import date

import polars as pl

from pipelines.declaration import Between, CrossRule, Field, Matches, OneOf, Role

MUNICIPALITY = Matches(r"^\d{6}$", "6桁の全国地方公共団体コード", "a 6-digit municipality code")
KANA = Matches(r"^[\p{Katakana}\p{Hiragana}ー・\-－ 　ｰﾞﾟ゛゜]+$", "かな", "in kana")
LOCAL_NUMBER = Matches(r"^[0-9A-Za-z\-]{1,100}$", "100字以内の英数字", "at most 100 letters, digits or hyphens")
DIGITS = Matches(r"^[0-9０-９\-－]+$", "数字", "in digits")

PERSON: dict[str, Field] = {
    "person_local": Field(str, "宛名番号", "local number", Role.LOCAL_KEY, LOCAL_NUMBER, required=True),
    "name": Field(str, "氏名", "name", Role.DIRECT),
    "kana_surname": Field(str, "氏名カナ(氏)", "kana surname", Role.LINK, KANA),
    "kana_given_name": Field(str, "氏名カナ(名)", "kana given name", Role.LINK, KANA),
    "alphabet_name": Field(str, "英字氏名", "official alphabet name", Role.LINK),
    "birth_date": Field(
        date, "生年月日", "birth date", Role.BIRTH_DATE, Between(date(1900, 1, 1), date(2100, 12, 31)), required=True
    ),
    "sex_code": Field(str, "性別", "sex", rule=OneOf("019-233"), required=True),
    "address": Field(str, "住所", "address", Role.DIRECT),
    "phone": Field(str, "電話番号", "phone", Role.LINK, DIGITS),
    "insurer_number": Field(str, "保険者番号", "insurer number", Role.LINK, DIGITS),
    "insured_symbol": Field(str, "被保険者証記号", "insured symbol", Role.LINK),
    "insured_number": Field(str, "被保険者証番号", "insured number", Role.LINK),
    "branch_number": Field(str, "被保険者証枝番", "branch number", Role.LINK, DIGITS),
    "is_not_disclosed": Field(bool, "不開示・支援措置", "not to be disclosed", Role.EDGE),
    "resident_type_code": Field(str, "住民種別", "resident type", rule=OneOf("019-180")),
}

ROW: dict[str, Field] = {
    "revision_no": Field(int, "訂正回数", "revision number", rule=Between(0, 99)),
    "is_cancelled": Field(bool, "取消", "cancelled"),
    "residence_municipality_code": Field(
        str, "住所地", "residence municipality on the event date", rule=MUNICIPALITY, required=True
    ),
    "service_municipality_code": Field(str, "実施地", "place of service", rule=MUNICIPALITY),
    "facility_code": Field(str, "医療機関コード", "facility code", Role.EDGE),
    "facility_type_code": Field(str, "実施機関種別", "class of facility", rule=OneOf("mchdb-L3")),
    "entry_channel_code": Field(str, "入力経路", "entry channel", rule=OneOf("mchdb-L4")),
    "evidence_code": Field(str, "根拠", "evidence", rule=OneOf("mchdb-L5")),
    "recorded_date": Field(date, "登録日", "date recorded", Role.EDGE),
    "note": Field(str, "備考", "note", Role.FREE_TEXT),
}


def with_head(fields: dict[str, Field], **replaced: Field) -> dict[str, Field]:
    """The shared head, its replaced fields, and the record's own fields after it."""
    return {**PERSON, **ROW, **replaced, **fields}


OF_PERSON = {"local_person": ("person_local",)}
BRANCH = {"branch": Field(int, "枝番", "branch", Role.EDGE, Between(1, 99), required=True)}


def not_before_birth(event: str) -> CrossRule:
    return CrossRule(
        f"{event}_is_not_before_birth", "生年月日以後であること", "must not be before the birth date", event,
        lambda: pl.col(event) >= pl.col("birth_date"),
    )  # fmt: skip
