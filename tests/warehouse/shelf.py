"""A warehouse without its doors: rows go into the landing as a verified parcel's would, in this process."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import polars as pl

from pipelines.records import RECORDS
from pipelines.records.parcel import LAG_SCHEMA, LAG_TABLE, OUTREACH_SCHEMA, OUTREACH_TABLE
from pipelines.warehouse.apply import Taken, apply_parcels
from pipelines.warehouse.database import DATABASE, attached, make_folder
from pipelines.warehouse.init import renew
from pipelines.warehouse.linkage_process import second_pseudonyms
from pipelines.warehouse.manifest import Manifest
from pipelines.warehouse.refresh import refresh
from pipelines.warehouse.schema import prepare
from pipelines.warehouse.tables import composite_tokens, with_pseudonyms
from tests.warehouse.parcels import Row, Town, month

KEY = "ab" * 32


@dataclass
class Shelf:
    connection: duckdb.DuckDBPyConnection
    towns: dict[str, Town] = field(default_factory=dict)

    def register(self, *lines: tuple[str, str, bool], years: tuple[int, int] = (2022, 2024)) -> None:
        """Lines of (submitter, municipality, is_authority) for every record."""
        renew(self.connection, pl.DataFrame(
            [(s, "00" * 32, m, record, *years, authority) for s, m, authority in lines for record in RECORDS],
            schema={"submitter": pl.String, "signing_key": pl.String, "municipality_code": pl.String, "record": pl.String,
                    "from_fy": pl.Int32, "to_fy": pl.Int32, "is_authority": pl.Boolean},
            orient="row",
        ))  # fmt: skip

    def take(self, submitter: str, rows: Sequence[Row], municipality: str = "") -> None:
        """Applies rows as the submitter's next parcel."""
        town = self.towns.setdefault(submitter, Town(submitter, Path(), municipality))
        records, tokens = town.tables(rows)
        self.take_tables(town, records, tokens)

    def take_tables(self, town: Town, records: dict[str, pl.DataFrame], tokens: pl.DataFrame) -> None:
        """Applies the tables of a parcel as the town's next one."""
        town.sequence += 1
        records = {name: table for name, table in records.items() if name != LAG_TABLE}
        outreach = records.pop(OUTREACH_TABLE, pl.DataFrame(schema=OUTREACH_SCHEMA))
        pseudonyms = second_pseudonyms(tokens, "centre")
        frames = with_pseudonyms(records, pseudonyms)
        manifest = Manifest(
            town.code, (town.municipality,), (2022, 2024), town.sequence, "", 1, 1, {}, {}, {}, {},
            f"{town.sequence:064x}", None, 1,
        )  # fmt: skip
        lags = pl.DataFrame(schema=LAG_SCHEMA)
        name = f"{town.code}-{town.sequence}"
        taken = Taken(manifest, frames, composite_tokens(frames, pseudonyms), lags, outreach, name, b"")
        apply_parcels(self.connection, [taken])

    def core(self, table: str, columns: str = "*") -> list[dict[str, Any]]:
        """Rows of a core table after a refresh, in order."""
        refresh(self.connection)
        return self.ask(f"SELECT {columns} FROM core.{table} ORDER BY ALL")

    def ask(self, query: str) -> list[dict[str, Any]]:
        return self.connection.execute(query).pl().to_dicts()

    def close_years(self, *years: int) -> None:
        for year in years:
            self.connection.execute("INSERT INTO state.period VALUES (?, 'closed', DATE '2025-06-01')", [year])


@cache
def _prepared() -> bytes:
    """The file of an empty warehouse; made once, because its tables take longer than most tests."""
    with TemporaryDirectory() as place:
        folder = Path(place) / "w"
        make_folder(folder)
        connection = attached(folder, KEY)
        prepare(connection)
        connection.close()
        return (folder / DATABASE).read_bytes()


@contextmanager
def shelf(folder: Path) -> Iterator[Shelf]:
    make_folder(folder)
    (folder / DATABASE).write_bytes(_prepared())
    connection = attached(folder, KEY)
    try:
        yield Shelf(connection)
    finally:
        connection.close()


WOMAN: Mapping[str, Any] = {"sex_code": "2", "birth_month": month("1990-01"), "evidence_code": "1"}


def notification(p: str, when: str = "2022-11", **values: Any) -> Row:
    """A new notification by week 11 of pregnancy `p`, whose woman is `p` without its number: `m1/1` is of `m1`."""
    facts = {
        "notified_month": month(when),
        "notification_reason_code": "1",
        "notification_stage_code": "1",
        "parity_class": 0,
    }
    return _of_pregnancy("pregnancy_notification", p, p, facts | values)


def delivery(p: str, when: str = "2023-05", **values: Any) -> Row:
    facts = {
        "delivery_month": month(when), "gestation_weeks_class": 39, "number_of_children_class": 1,
        "mother_age_class": "30-34",
    }  # fmt: skip
    return _of_pregnancy("delivery", p, p, facts | values)


def antenatal(p: str, visit_no: int, when: str | None, **values: Any) -> Row:
    facts = {"visit_no": visit_no, "visit_month": when and month(when)}
    return _of_pregnancy("antenatal_visit", f"{p}/{visit_no}", p, facts | values)


def postpartum(p: str, kind: str, when: str | None = "2023-06", branch: int = 1, **values: Any) -> Row:
    facts = {"visit_kind_code": kind, "visit_month": when and month(when)}
    return _of_pregnancy("postpartum_visit", f"{p}/{kind}/{branch}", p, facts | values)


def _of_pregnancy(record: str, key: str, p: str, values: Mapping[str, Any]) -> Row:
    facts = dict(WOMAN) | dict(values)
    feed, tokens = facts.pop("feed", "municipal"), facts.pop("tokens", {"name": p.split("/")[0]})
    return Row(record, key, p.split("/")[0], facts, p, feed, tokens)


def birth(child: str, p: str, when: str = "2023-05", **values: Any) -> Row:
    facts: dict[str, Any] = {
        "sex_code": "1", "birth_month": month(when), "child_order": 1, "birth_weight_g_class": 2900, "plurality_class": 1,
        "resident_type_code": "1",
    } | values  # fmt: skip
    feed, tokens = facts.pop("feed", "municipal"), facts.pop("tokens", {"name": child})
    return Row("birth", child, child, facts, p, feed, tokens)


def residency(person: str, since: str, **values: Any) -> Row:
    facts: dict[str, Any] = {
        "sex_code": "1", "birth_month": month("2023-05"), "resident_from_month": month(since), "in_reason_code": "1",
        "is_left": False,
    } | values  # fmt: skip
    return Row("residency_spell", f"{person}/{since}", person, facts, tokens=facts.pop("tokens", {"name": person}))


def of_child(record: str, child: str, programme: str, when: str, branch: int = 1, **values: Any) -> Row:
    """A target, checkup or questionnaire row of a child."""
    event = {
        "child_checkup_target": "scheduled_month",
        "child_checkup": "visit_month",
        "child_questionnaire": "answered_month",
    }
    facts: dict[str, Any] = {
        "sex_code": "1", "birth_month": month("2023-05"), "programme_code": programme, event[record]: month(when),
    } | values  # fmt: skip
    if record == "child_checkup":
        facts = {"evidence_code": "1"} | facts
    feed, tokens = facts.pop("feed", "municipal"), facts.pop("tokens", {"name": child.removeprefix("pmh-")})
    return Row(record, f"{child}/{programme}/{branch}", child, facts, None, feed, tokens)
