"""Rows as FHIR: a document bundle of one line for each, by reading the declaration of the feed.

A column's header says where it stands: of the Patient, of the Encounter, or an Observation with the first code that the
feed's table of items has for it. What is empty is left out.
"""

from functools import cache

import polars as pl

from pipelines.declaration import OneOf, Record
from pipelines.feeds.feed import Column, Feed
from pipelines.reference import feed_table
from synthetic.faults import as_text

SENDER = b'{"resourceType":"Organization","id":"sender","name":"mchdb synthetic cohort"}\n'  # the first line of a file
ISSUER = "urn:mchdb:regional-patient-number"
MEMBER = "http://jpfhir.jp/fhir/clins/Idsystem/JP_Insurance_memberID"
LOCAL, EXTENSION, LIST = "urn:mchdb:record", "urn:mchdb:extension:", "urn:mchdb:code-list:"
INSTITUTION = "http://jpfhir.jp/fhir/core/IdSystem/insurance-medical-institution-no"
PHR = {"child_checkup": "43", "antenatal_visit": "44"}  # PHR document types
SYL = '{"url":"http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation","valueCode":"SYL"}'
ABC = SYL.replace("SYL", "ABC")
MEMBER_PARTS = ("insurer_number", "insured_symbol", "insured_number", "branch_number")


def bundles(rows: pl.DataFrame, record: Record, feed: Feed) -> bytes:
    """A line per row, in UTF-8."""
    has = {c.header: c for c in feed.columns(record) if c.field in rows.columns}
    named = as_text(rows)
    entries = [_composition(record, has), _patient(has), _encounter(record, has), _mother(has)]
    entries += [_observation(column, record, feed) for header, column in has.items() if _is_item(header)]
    whole = pl.concat_str(pl.lit('{"resourceType":"Bundle","type":"document","entry":['), *entries, pl.lit("]}\n"))
    return "".join(named.select(whole).to_series()).encode()


def _is_item(header: str) -> bool:
    return header.startswith(("Observation[", "Condition[", "Procedure["))


def _text(field: str) -> pl.Expr:
    """A field as a JSON string."""
    return pl.concat_str(
        pl.lit('"'),
        pl.col(field).str.replace_all("\\", "\\\\", literal=True).str.replace_all('"', '\\"', literal=True),
        pl.lit('"'),
    )


def _number(field: str) -> pl.Expr:
    """A field as a JSON number; as a string where it is none."""
    return pl.when(pl.col(field).str.contains(r"^-?\d+(\.\d+)?$")).then(pl.col(field)).otherwise(_text(field))


def _if(column: Column | None, before: str, after: str = "", value: pl.Expr | None = None) -> pl.Expr:
    """A piece of text around a value; nothing where there is none."""
    if column is None:
        return pl.lit("")
    shown = _text(column.field) if value is None else value
    return (
        pl.when(pl.col(column.field).is_not_null())
        .then(pl.concat_str(pl.lit(before), shown, pl.lit(after)))
        .otherwise(pl.lit(""))
    )


def _joined(*parts: pl.Expr | str) -> pl.Expr:
    return pl.concat_str(*(pl.lit(p) if isinstance(p, str) else p for p in parts))


def _composition(record: Record, has: dict[str, Column]) -> pl.Expr:
    phr = (
        f',"category":[{{"coding":[{{"system":"urn:oid:1.2.392.200119.6.1001","code":"{PHR[record.name]}"}}]}}]'
        if record.name in PHR
        else ""
    )
    return _joined(
        f'{{"resource":{{"resourceType":"Composition","status":"final","type":{{"coding":[{{"system":"{LOCAL}","code":"{record.name}"}}]}}{phr},',
        '"subject":{"reference":"Patient/p"},"encounter":{"reference":"Encounter/e"}',
        _if(has.get("Composition.date"), ',"date":'), "}}",
    )  # fmt: skip


def _patient(has: dict[str, Column]) -> pl.Expr:
    def of(name: str) -> Column | None:
        return has.get(f"Patient.{name}")

    flag = pl.when(pl.col("is_not_disclosed").is_in(["1", "true"])).then(pl.lit("1")).otherwise(pl.lit("0"))
    number = pl.concat_str([pl.col(p).fill_null("") for p in MEMBER_PARTS], separator=":")
    gender = pl.col("sex_code").replace({"1": "male", "2": "female", "3": "unknown"})
    return _joined(
        ',{"resource":{"resourceType":"Patient","id":"p","meta":{"security":[{"system":"urn:mchdb:not-disclosed","code":"', flag, '"}]}',
        _if(of("address[municipality]"), f',"extension":[{{"url":"{EXTENSION}residence-municipality","valueString":', "}]"),
        f',"identifier":[{{"system":"{ISSUER}","value":', _text("person_local"), "}",
        pl.when(pl.col("insured_number").is_not_null())
        .then(_joined(f',{{"system":"{MEMBER}","value":"', number, '"}')).otherwise(pl.lit("")),
        '],"name":[{"text":', _text("name").fill_null('""'), "}",
        _if(of("name[SYL].given"), f',{{"extension":[{SYL}],"family":', "]}", _joined(_text("kana_surname"), ',"given":[', _text("kana_given_name"))),
        _if(of("name[ABC]"), f',{{"extension":[{ABC}],"text":', "}"),
        "]", _if(of("telecom[phone]"), ',"telecom":[{"system":"phone","value":', "}]"),
        _if(of("gender"), ',"gender":"', '"', gender), _if(of("birthDate"), ',"birthDate":'),
        _if(of("multipleBirth"), ',"multipleBirthInteger":', value=_number("child_order")), "}}",
    )  # fmt: skip


def _encounter(record: Record, has: dict[str, Column]) -> pl.Expr:
    cancelled = (
        pl.when(pl.col("is_cancelled").is_in(["1", "true"]))
        .then(pl.lit("entered-in-error"))
        .otherwise(pl.lit("finished"))
    )
    told = [
        _if(column, f',{{"url":"{EXTENSION}{header.removeprefix("extension[").removesuffix("]")}","valueString":', "}")
        for header, column in has.items() if header.startswith("extension[")
    ]  # fmt: skip
    place = f',"serviceProvider":{{"identifier":{{"system":"{INSTITUTION}","value":'
    return _joined(
        ',{"resource":{"resourceType":"Encounter","id":"e"', _if(has.get("meta.versionId"), ',"meta":{"versionId":', "}"),
        ',"status":"', cancelled, f'","type":[{{"coding":[{{"system":"{LOCAL}","code":"{record.name}"}}',
        _if(has.get("programme"), f',{{"system":"{LIST}mchdb-L22","code":', "}"), ']}],"subject":{"reference":"Patient/p"}',
        _if(has.get("date"), ',"period":{"start":', "}"), _if(has.get("serviceProvider.identifier"), place, "}}"),
        f',"extension":[{{"url":"{EXTENSION}format","valueString":"1"}}', *told,
        _if(has.get("EpisodeOfCare"), f',{{"url":"{EXTENSION}pregnancy-number","valueString":', "}"), "]}}",
    )  # fmt: skip


def _mother(has: dict[str, Column]) -> pl.Expr:
    before = (
        ',{"resource":{"resourceType":"RelatedPerson","patient":{"reference":"Patient/p"},'
        f'"relationship":[{{"coding":[{{"code":"MTH"}}]}}],"identifier":[{{"system":"{ISSUER}","value":'
    )
    return _if(has.get("RelatedPerson.identifier"), before, "}]}}")


def _observation(column: Column, record: Record, feed: Feed) -> pl.Expr:
    system, code, unit = _item(feed, column.header)
    before = (
        ',{"resource":{"resourceType":"Observation","status":"final","subject":{"reference":"Patient/p"},'
        f'"encounter":{{"reference":"Encounter/e"}},"code":{{"coding":[{{"system":"{system}","code":"{code}"}}]}},'
    )
    rule = record.fields[column.field].rule
    if isinstance(rule, OneOf):
        return _if(
            column, f'{before}"valueCodeableConcept":{{"coding":[{{"system":"{LIST}{rule.code_list}","code":', "}]}}}"
        )
    ucum = f',"unit":"{unit}","system":"http://unitsofmeasure.org","code":"{unit}"' if unit else ""
    return _if(column, f'{before}"valueQuantity":{{"value":', f"{ucum}}}}}}}", _number(column.field))


@cache
def _item(feed: Feed, header: str) -> tuple[str, str, str]:
    """System, code and unit of what we call this header: a public code before the project's own, in our own unit."""
    rows = feed_table(feed.name, "items", feed.version).filter(pl.col("header") == header).fill_null("")
    own = rows.filter(pl.col("times").is_in(["", "1"])).with_columns(
        is_ours=pl.col("system").str.starts_with("urn:mchdb:")
    )
    first = own.sort("is_ours", maintain_order=True).row(0, named=True)
    return first["system"], first["code"], first["unit"]
