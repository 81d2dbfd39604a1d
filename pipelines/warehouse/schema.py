"""The landing tables, derived from the declarations: a field declared is a column, with its words as comment."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from importlib.resources import files

import duckdb

from pipelines.declaration import MONTHED, Field, OneOf, Record
from pipelines.records import RECORDS
from pipelines.reference import feed_trust
from pipelines.warehouse.database import transaction

TYPES = {str: "VARCHAR", int: "INTEGER", float: "DOUBLE", bool: "BOOLEAN", date: "DATE"}
KEY = "UUID"  # the 16 bytes of a pseudonym as one number
CLOSED_YEARS = "SELECT fiscal_year FROM state.period WHERE status = 'closed'"


def landing_head(record: Record) -> dict[str, str]:
    """Columns that every landing table has beside what left the edge: whose row, which row, which version."""
    keys = {"row_key": f"{KEY} NOT NULL"} | ({"resident_key": f"{KEY} NOT NULL"} if record.is_of_person else {})
    if "local_pregnancy" in record.local_tokens:
        keys["pregnancy_key"] = KEY
    return {
        "submitter": "VARCHAR NOT NULL", "sequence": "BIGINT NOT NULL", "feed": f"{_enum(feed_trust()['feed'])} NOT NULL",
        **keys, "is_held": "BOOLEAN NOT NULL",
    }  # fmt: skip


def landing_columns(record: Record) -> dict[str, str]:
    """Column -> SQL type of a record's landing table, in order."""
    return landing_head(record) | {name: _sql_type(field) for name, (_, field) in record.leaving.items()}


def event_month(record: Record) -> str:
    """The column that dates a row: the first day of its event's month."""
    column = record.fields[record.event].leaves_as(record.event)
    if column is None:
        raise ValueError(f"record {record.name}: its event {record.event} must leave as a month")
    return column


def fiscal_year(month: str) -> str:
    """SQL: fiscal year (April to March) of a date column."""
    return f"CAST(year({month}) - CASE WHEN month({month}) < 4 THEN 1 ELSE 0 END AS INTEGER)"


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Applies the migrations not yet applied, makes missing landing tables and columns, and their current views.

    All of it or nothing: half a migration could be neither used nor applied again.
    """
    with transaction(connection):
        _migrate(connection)
        there = _columns_there(connection)
        for record in RECORDS.values():
            for statement in (*_changes(record, there.get(record.name, {})), current_view(record)):
                connection.execute(statement)


def _migrate(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("CREATE SCHEMA IF NOT EXISTS main")
    connection.execute("CREATE TABLE IF NOT EXISTS main.migration (name VARCHAR PRIMARY KEY)")
    done = {name for (name,) in connection.execute("SELECT name FROM main.migration").fetchall()}
    folder = files(__package__) / "migrations"
    for step in sorted(folder.iterdir(), key=lambda f: f.name):
        if step.name.endswith(".sql") and step.name not in done:
            connection.execute(step.read_text("utf-8"))
            connection.execute("INSERT INTO main.migration VALUES (?)", [step.name])


def _columns_there(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    there: dict[str, dict[str, str]] = defaultdict(dict)
    for table, column, kind in connection.execute("""SELECT table_name, column_name, data_type FROM duckdb_columns()
        WHERE database_name = 'warehouse' AND schema_name = 'landing'""").fetchall():
        there[table][column] = kind
    return there


def _changes(record: Record, there: Mapping[str, str]) -> Iterator[str]:
    """The table where there is none; else the columns of a later version: 'not asked' (null) in the rows there are.

    A code list that has grown gives its column another type; the rows there keep their codes.
    """
    columns, table = landing_columns(record), f"landing.{record.name}"
    if not there:
        yield f"CREATE TABLE {table} ({', '.join(f'{name} {kind}' for name, kind in columns.items())})"
        yield f"COMMENT ON TABLE {table} IS {_text(record.label_ja, record.label_en)}"
    for name in columns.keys() - there if there else ():
        yield f"ALTER TABLE {table} ADD COLUMN {name} {columns[name]}"
    for name, kind in there.items():
        wanted = columns.get(name, kind).removesuffix(" NOT NULL")
        if wanted != kind:
            yield f"ALTER TABLE {table} ALTER COLUMN {name} SET DATA TYPE {wanted} USING CAST(CAST({name} AS VARCHAR) AS {wanted})"
    for name, (_, field) in record.leaving.items():
        if name not in there:
            yield f"COMMENT ON COLUMN {table}.{name} IS {_text(field.label_ja, field.label_en)}"


def current_view(record: Record) -> str:
    """The rows that count today: neither held nor quarantined, in the scope that the registry gives their submitter.

    Adds `municipality_code` (residence), `fiscal_year` and `calendar_year` of the event, `is_authority` (the registry's
    word for this municipality, record and year; years outside its lines take the nearest), `trust`, `is_register`.
    """
    month = f"r.{event_month(record)}"
    year = f"least(greatest(coalesce({fiscal_year(month)}, s.last_fy), s.first_fy), s.last_fy)"
    return f"""CREATE OR REPLACE VIEW landing.current_{record.name} AS
    WITH span AS (SELECT municipality_code, min(from_fy) AS first_fy, max(to_fy) AS last_fy
                  FROM state.registry WHERE record = '{record.name}' GROUP BY municipality_code)
    SELECT r.*, r.residence_municipality_code AS municipality_code, {fiscal_year(month)} AS fiscal_year,
           CAST(year({month}) AS INTEGER) AS calendar_year, g.is_authority, f.trust, f.is_register
    FROM landing.{record.name} r
    JOIN span s ON s.municipality_code = r.residence_municipality_code
    JOIN state.registry g ON g.record = '{record.name}' AND g.submitter = r.submitter
        AND g.municipality_code = r.residence_municipality_code AND {year} BETWEEN g.from_fy AND g.to_fy
    JOIN state.feed f ON f.feed = r.feed
    LEFT JOIN state.quarantine q ON q.submitter = r.submitter
        AND q.municipality_code = r.residence_municipality_code AND q.fiscal_year = {fiscal_year(month)}
    WHERE NOT r.is_held AND q.submitter IS NULL"""


def _sql_type(field: Field) -> str:
    if isinstance(field.rule, OneOf):
        return _enum(field.rule.codes)
    return "DATE" if field.role in MONTHED else TYPES[field.type]


def _enum(codes: Iterable[str]) -> str:
    """A code of a list is stored as its place in the list; in the order of the texts, so that both sort alike."""
    return "ENUM(" + ", ".join(f"'{code}'" for code in sorted(codes)) + ")"


def _text(ja: str, en: str) -> str:
    return "'" + f"{ja} / {en}".replace("'", "''") + "'"
