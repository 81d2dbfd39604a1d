"""Tiny feeds made from the declarations: a valid row per record, changed by what a test is about."""

import csv
import io
import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.declaration import Between, Field, Matches, OneOf, Record
from pipelines.edge.depart import Departure, depart
from pipelines.edge.folder import read_folder
from pipelines.edge.protect import of_every_town
from pipelines.edge.pseudonymize import TokenKeys
from pipelines.edge.send import SendResult, send
from pipelines.edge.state import SENT_SCHEMA
from pipelines.feeds import FEEDS, Feed
from pipelines.keys import create
from pipelines.records import RECORDS
from pipelines.records.linkage import LinkageVersion
from synthetic.bundles import bundles
from synthetic.workbooks import lines, workbook

TOWN, OTHER_TOWN = "313254", "172057"
MOTHER = {
    "person_local": "900000000000001", "name": "加賀見花子", "kana_surname": "カガミ", "kana_given_name": "ハナコ",
    "birth_date": "1992-07-17", "sex_code": "2", "address": "若桜町舂米五百二十一番地", "phone": "0857-55-0123",
    "insurer_number": "313254", "insured_symbol": "若桜記", "insured_number": "7654321", "branch_number": "02",
}  # fmt: skip
CHILD = MOTHER | {
    "person_local": "900000000000002", "name": "加賀見空太", "kana_given_name": "クウタ", "birth_date": "2022-11-19",
    "sex_code": "1", "branch_number": "03",
}  # fmt: skip
STRANGER = CHILD | {
    "person_local": "900000000000009", "name": "出水稲穂", "kana_surname": "デミズ", "kana_given_name": "イナホ",
    "birth_date": "2022-11-03", "phone": "0857-55-0999", "insured_number": "1122334", "mother_local": "900000000000010",
}  # fmt: skip
SPECIAL = {
    "revision_no": "0", "is_cancelled": "0", "is_not_disclosed": "0", "pregnancy_no": "2022-0042", "plurality": "1",
    "number_of_children": "1", "expected_children": "1", "child_order": "1", "notification_stage_code": "1",
    "gestation_weeks_at_notification": "9", "gestation_weeks_at_visit": "9", "special_finding_code": "1",
    "blood_pressure_systolic_mmhg": "110", "blood_pressure_diastolic_mmhg": "70", "target_fiscal_year": "2024",
    "mother_local": MOTHER["person_local"], "removed_reason_code": None, "resident_to_date": None, "note": "特記なし",
    "programme_code": "34", "birth_weight_g": "2987", "gestation_weeks": "39", "service_municipality_code": "312011",
}  # fmt: skip
DATES = {
    "resident_from_date": "2022-11-19", "notified_date": "2022-05-13", "visit_date": "2024-06-12", "due_date": "2022-11-25",
    "delivery_date": "2022-11-19", "scheduled_date": "2024-06-05", "answered_date": "2024-06-12", "recorded_date": "2024-06-20",
}  # fmt: skip
OF_MOTHER = tuple(name for name, record in RECORDS.items() if "pregnancy_no" in record.arriving and name != "birth")
OF_A_TOWN = (
    "municipal",
    "pmh",
    "claims",
    "requests",
    "layout",
)  # feeds of a file per record, which say nothing for themselves
ANY_DATE = "2023-06-14"
VISIT_DATES = {"antenatal_visit": "2022-05-20", "postpartum_visit": "2022-12-21"}


def row(record: str, town: str = TOWN, /, **changes: Any) -> dict[str, str | None]:
    """A valid row of a record as text by field name, with `changes`."""
    declared = RECORDS[record]
    made = {name: _value(field) for name, field in declared.arriving.items()}
    known = SPECIAL | DATES | {"residence_municipality_code": town} | (MOTHER if record in OF_MOTHER else CHILD)
    made |= {name: value for name, value in known.items() if name in made}
    if record in VISIT_DATES:
        made["visit_date"] = VISIT_DATES[record]
    if strange := changes.keys() - {name for each in RECORDS.values() for name in each.arriving}:
        raise KeyError(f"no record has a field {sorted(strange)}")
    return made | {name: value for name, value in changes.items() if name in made}


def _value(field: Field) -> str | None:
    if field.type is date:
        return ANY_DATE
    match field.rule:
        case OneOf() as rule:
            return rule.codes[0]
        case Between(low=low) if not isinstance(low, date):
            return str(int(low) if field.type is int else low)
        case Matches():
            return "A-1" if field.required else None
    return "0" if field.type is bool else None


@dataclass
class Folder:
    """`feeds/<code>`: files are written as the feed's layout says, and rewritten by each `put`."""

    path: Path

    def put(
        self,
        record: str,
        *rows: dict[str, str | None],
        feed: str = "municipal",
        encoding: str = "utf-8",
        end: str = "\n",
    ) -> Path:
        """Writes rows (by field name) as the feed sends them."""
        if FEEDS[feed].format == "workbook":
            return self.put_bytes(record, workbook_of(FEEDS[feed], RECORDS[record], list(rows)), feed)
        content = text_of(FEEDS[feed], RECORDS[record], list(rows), end)
        return self.put_bytes(record, content.encode(encoding), feed)

    def put_bytes(self, record: str, content: bytes, feed: str = "municipal") -> Path:
        file = self.path / feed / FEEDS[feed].file_name(RECORDS[record])
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return file


def text_of(feed: Feed, record: Record, rows: list[dict[str, str | None]], end: str = "\n") -> str:
    if feed.format == "fhir":
        return bundles(pl.DataFrame(rows, schema=dict.fromkeys(rows[0], pl.String)), record, feed).decode()
    return _csv(feed, record, rows, end) if feed.format == "csv" else _json(feed, record, rows)


def workbook_of(feed: Feed, record: Record, rows: list[dict[str, str | None]]) -> bytes:
    return workbook(lines(pl.DataFrame(rows, schema=dict.fromkeys(rows[0], pl.String)), record, feed), record, feed)


def _csv(feed: Feed, record: Record, rows: list[dict[str, str | None]], end: str) -> str:
    columns = feed.columns(record)
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator=end)
    writer.writerow([c.header for c in columns])
    writer.writerows([[r[c.field] if r[c.field] is not None else "" for c in columns] for r in rows])
    return file.getvalue()


def _json(feed: Feed, record: Record, rows: list[dict[str, str | None]]) -> str:
    elements = []
    for r in rows:
        element: dict[str, Any] = dict.fromkeys(feed.dropped, "210987654321")
        for column in feed.columns(record):
            _place(element, column.header.split("."), _sent(r, column.field, column.conversion))
        elements.append(element)
    return "[\n" + ",\n".join(json.dumps(e, ensure_ascii=False) for e in elements) + "\n]\n"


def _sent(row: dict[str, str | None], field: str, conversion: str) -> Any:
    match conversion:
        case "true_false":
            return row[field] == "1"
        case "cancellation":
            return "2" if row[field] == "1" else "1"
        case "surname" | "given_name":
            return f"{row['kana_surname']}　{row['kana_given_name']}"
    return row[field]


def _place(element: dict[str, Any], path: list[str], value: Any) -> None:
    for name in path[:-1]:
        element = element.setdefault(name, {})
    element[path[-1]] = value


@dataclass
class Town:
    """A submitter with everything it needs to send."""

    home: Path
    centre: Path
    code: str = TOWN

    def __post_init__(self) -> None:
        self.keys = [self.centre / "edge", self.home / "local", self.home / "submitter"]
        pubs = [self.centre / kind / f"{kind}-1.pub" for kind in ("linkage", "load")]
        create("local", self.home / "local")
        create("submitter", self.home / "submitter", recipients=pubs)
        self.protected = self.home / "protected.csv"
        self.protected.write_text("local_number\n")
        self.feeds = Folder(self.home / "feeds" / self.code)
        self.state, self.out, self.report = self.home / "state", self.home / "parcels", self.home / "report"

    def send(self, bridge_from: LinkageVersion | None = None) -> SendResult:
        return send(
            self.feeds.path, self.keys, self.protected, self.state, self.out, self.report, bridge_from=bridge_from
        )  # fmt: skip

    def whole_family(self, **changes: Any) -> None:
        """A valid row in every record of the municipal feed, and in those of the other feeds under their own numbers."""
        for record in FEEDS["municipal"].record_names:
            self.feeds.put(record, row(record, self.code, **changes))
        for feed in OF_A_TOWN[1:]:
            for record in FEEDS[feed].record_names:
                number = f"{feed.upper()}-77" if record in OF_MOTHER else f"{feed.upper()}-88"
                self.feeds.put(record, row(record, self.code, person_local=number, **changes), feed=feed)


FIXED_KEYS = TokenKeys("e" * 64, 1, "1" * 64, 1, "f" * 64, TOWN)


def departed(feeds: Folder, numbers: tuple[str, ...] = (), keys: TokenKeys = FIXED_KEYS) -> Departure:
    """What would be sealed, with a fixed parcel key."""
    folder = read_folder(feeds.path)
    rows = [f.accepted for f in folder.records]
    arrived = [f.arrived for f in folder.files]
    protected = of_every_town(list(numbers), arrived, folder.municipalities)
    return depart(arrived, rows, protected, pl.DataFrame(schema=SENT_SCHEMA), keys)
