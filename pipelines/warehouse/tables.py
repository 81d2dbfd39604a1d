"""The tables of an opened parcel as frames of the landing: checked against their declarations, row keys replaced."""

import io
from collections.abc import Mapping, Sequence, Set
from functools import cache

import polars as pl
import pyarrow.parquet as pq

from pipelines.declaration import MONTHED, Field, Matches, OneOf, Record
from pipelines.records import RECORDS
from pipelines.records.linkage import TOKEN_RULES
from pipelines.records.parcel import (
    LAG_SCHEMA,
    LAG_TABLE,
    MOST_LISTED,
    OUTREACH_RULES,
    OUTREACH_SCHEMA,
    OUTREACH_TABLE,
    TOKEN_BYTES,
    record_schema,
)
from pipelines.warehouse.applied import Scope
from pipelines.warehouse.open_parcel import Opened
from pipelines.warehouse.refusal import Refused

LARGEST_TABLE_BYTES = 1 << 32  # unpacked
LONGEST_CLASS = 16  # characters of a derived class: no name, no sentence
HEAD = ("record_key", "feed")
LOCAL_KEYS = {"local_row": "row_key", "local_person": "resident_key", "local_pregnancy": "pregnancy_key"}
ROW_TYPES = {"is_cancelled": pl.Boolean, "resident_key": pl.Binary}
PAIRS = {"rule": pl.String, "former": pl.Binary, "current": pl.Binary}
COMPOSITE = tuple(rule.name for rule in TOKEN_RULES)


def read_records(opened: Opened, feeds: Set[str]) -> dict[str, pl.DataFrame]:
    """Record -> its checked rows, with `record_key` and `feed`. Raises Refused."""
    versions = opened.manifest.record_versions
    frames = _read(opened, list(opened.manifest.records))
    for name, frame in frames.items():
        frames[name] = _declared(frame, RECORDS[name], versions[name])
        if not feeds >= set(frame["feed"].unique()):
            raise Refused("unknown_feed")
    rows = _rows_of(frames)["row"]
    if rows.n_unique() < rows.len():
        raise Refused("malformed_table")
    return frames


def read_lags(opened: Opened) -> pl.DataFrame:
    """Arrival lags as counts by class; empty where the parcel has none."""
    if LAG_TABLE not in opened.manifest.tables:
        return pl.DataFrame(schema=LAG_SCHEMA)
    lags = _read(opened, [LAG_TABLE])[LAG_TABLE]
    if lags.schema != pl.Schema(LAG_SCHEMA) or not lags.select(_is_whole_month("event_month")).item():
        raise Refused("malformed_table")
    return lags


def read_outreach(opened: Opened) -> pl.DataFrame:
    """What came of the lists of outreach, as counts of a rule and a quarter; empty where the parcel has none.

    Only a municipality keeps lists, and of its own residents. Raises Refused.
    """
    manifest = opened.manifest
    if OUTREACH_TABLE not in manifest.tables:
        return pl.DataFrame(schema=OUTREACH_SCHEMA)
    counts = _read(opened, [OUTREACH_TABLE])[OUTREACH_TABLE]
    if counts.schema != pl.Schema(OUTREACH_SCHEMA) or not counts.select(_are_counts()).item():
        raise Refused("malformed_table")
    if manifest.submitter not in manifest.municipalities:
        raise Refused("out_of_scope_municipality")
    return counts


def _are_counts() -> pl.Expr:
    listed, reached, quarter = pl.col("listed"), pl.col("reached"), pl.col("listed_quarter")
    return pl.all_horizontal(
        *(pl.col(c).is_not_null().all() for c in OUTREACH_SCHEMA),
        pl.col("rule").is_in(OUTREACH_RULES).all(), (quarter == quarter.dt.truncate("1q")).all(),
        reached.is_between(0, listed).all(), listed.cast(pl.Int64).sum() <= MOST_LISTED,
        ~pl.struct("rule", "listed_quarter").is_duplicated().any(),
    )  # fmt: skip


def check_rows(frames: Mapping[str, pl.DataFrame], municipalities: tuple[str, ...], scope: Scope, years: range) -> None:
    """Every row lies in a municipality of the manifest, and in the registry's scope for its record. Raises Refused."""
    code = pl.col("residence_municipality_code").filter(~pl.col("is_cancelled").fill_null(False))
    for name, frame in frames.items():
        codes = frame.select(code.unique()).to_series().to_list()
        if None in codes:
            raise Refused("malformed_table")
        for municipality in codes:
            if municipality not in municipalities:
                raise Refused("out_of_scope_municipality")
            if not scope.covers(municipality, name, years):
                raise Refused("out_of_scope_period")


def with_pseudonyms(frames: Mapping[str, pl.DataFrame], pseudonyms: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Rows with row_key, resident_key and, for records of a pregnancy, pregnancy_key. Raises Refused.

    A cancellation tells which row is gone and nothing of whose it was.
    """
    told = pseudonyms.select("rule", "pseudonym", row=number("record_key"))
    rows = _rows_of(frames, "is_cancelled")
    for rule, name in LOCAL_KEYS.items():
        known = told.filter(pl.col("rule") == rule).select("row", pl.col("pseudonym").alias(name))
        if known["row"].n_unique() < known.height or (rule == "local_row" and known.height != rows.height):
            raise Refused("malformed_table")
        rows = rows.join(known, on="row", how="left", maintain_order="left")
    nobody = pl.col("resident_key").is_null() & ~pl.col("is_cancelled").fill_null(False)
    keys, joined, first = rows.select(LOCAL_KEYS.values()), {}, 0
    for name, frame in frames.items():
        joined[name] = frame.hstack(keys.slice(first, frame.height))
        first += frame.height
        lost = pl.col("row_key").is_null() | (nobody if RECORDS[name].is_of_person else pl.lit(False))
        if joined[name].select(lost.any()).item():
            raise Refused("malformed_table")
    return joined


def composite_tokens(frames: Mapping[str, pl.DataFrame], pseudonyms: pl.DataFrame) -> pl.DataFrame:
    """resident_key, rule, pseudonym, is_former: once each, for the rows of `with_pseudonyms`.

    is_former: of the version that is left, in a parcel that bridges two.
    """
    is_composite = pl.any_horizontal(pl.col("rule") == rule for rule in COMPOSITE)
    is_former = pl.col("is_former") if "is_former" in pseudonyms.columns else pl.lit(False)
    tokens = pseudonyms.filter(is_composite).select(
        "rule", "pseudonym", is_former.alias("is_former"), row=number("record_key")
    )
    found = tokens.join(_rows_of(frames, "resident_key").drop_nulls(), on="row")
    if found.height != tokens.height:
        raise Refused("malformed_table")
    return found.select("resident_key", pl.col("rule").cast(pl.String), "pseudonym", "is_former").unique()


def bridge_pairs(pseudonyms: pl.DataFrame) -> pl.DataFrame:
    """rule, former, current: pseudonyms of one identity in the two versions that a row carries; empty without a bridge."""
    if "is_former" not in pseudonyms.columns:
        return pl.DataFrame(schema=PAIRS)
    told = pseudonyms.with_columns(pl.col("rule").cast(pl.String))
    former = told.filter("is_former").select("record_key", "rule", former="pseudonym")
    current = told.filter(~pl.col("is_former")).select("record_key", "rule", current="pseudonym")
    return former.join(current, on=["record_key", "rule"]).select(*PAIRS).unique()


def number(key: str) -> pl.Expr:
    """A key of 16 bytes as one number, which is joined and compared in a fraction of the time."""
    return pl.col(key).bin.reinterpret(dtype=pl.Int128)


def _rows_of(frames: Mapping[str, pl.DataFrame], *columns: str) -> pl.DataFrame:
    """`row` and the columns named, of the rows of every record, in their order."""
    nothing = pl.DataFrame(schema={"row": pl.Int128, **{column: ROW_TYPES[column] for column in columns}})
    return pl.concat([nothing, *(f.select(number("record_key").alias("row"), *columns) for f in frames.values())])


def _read(opened: Opened, names: Sequence[str]) -> dict[str, pl.DataFrame]:
    """The tables of these names, as many rows as the manifest lists, none larger than bounded memory takes."""
    try:
        for name in names:
            about = pq.read_metadata(io.BytesIO(opened.tables[name]))
            if about.num_rows != opened.manifest.tables[name].rows:
                raise Refused("altered")
            if sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups)) > LARGEST_TABLE_BYTES:
                raise Refused("too_large")
        frames = pl.collect_all([pl.scan_parquet(io.BytesIO(opened.tables[name])) for name in names])
    except (pl.exceptions.PolarsError, OSError, ValueError):
        raise Refused("malformed_table") from None
    return dict(zip(names, frames, strict=True))


def _declared(frame: pl.DataFrame, record: Record, version: int) -> pl.DataFrame:
    """The frame with every column of the newest version; a field that its version does not know was not asked."""
    wanted, sent = record_schema(record), _sent(record, version)
    if dict(frame.schema) != sent or not frame.select(_holds(record.name, version)).item():
        raise Refused("malformed_table")
    try:
        coded = frame.with_columns(pl.col(c).cast(kind) for c, kind in _lists(record.name).items() if c in sent)
    except pl.exceptions.InvalidOperationError:
        raise Refused("malformed_table") from None
    return coded.with_columns(pl.lit(None, t).alias(c) for c, t in wanted.items() if c not in sent)


@cache
def _lists(name: str) -> dict[str, pl.Enum]:
    """Columns of a code list; no other code goes in."""
    rules = {column: field.rule for column, (_, field) in RECORDS[name].leaving.items()}
    return {column: pl.Enum(sorted(rule.codes)) for column, rule in rules.items() if isinstance(rule, OneOf)}


def _sent(record: Record, version: int) -> dict[str, pl.DataType]:
    """Columns and types of a record's table as a parcel of this version holds them."""
    since = {column: field.since for column, (_, field) in record.leaving.items()}
    return {c: t for c, t in record_schema(record).items() if c in HEAD or since[c] <= version}


@cache
def _holds(name: str, version: int) -> pl.Expr:
    """Whether nothing finer than declared came: months, short classes, whole keys; codes are cast to their lists."""
    record = RECORDS[name]
    fields = {column: field for column, (_, field) in record.leaving.items()}
    tests = [*(pl.col(c).is_not_null().all() for c in HEAD), (pl.col("record_key").bin.size() == TOKEN_BYTES).all()]
    for column, kind in _sent(record, version).items():
        if column not in HEAD and fields[column].role in MONTHED:
            tests.append(_is_whole_month(column))
        if column not in HEAD and kind == pl.String and column not in _lists(name):
            tests.append(_text_holds(column, fields[column]).all())
    return pl.all_horizontal(tests)


def _text_holds(column: str, field: Field) -> pl.Expr:
    value = pl.col(column)
    if isinstance(field.rule, Matches):
        return field.rule.holds(value).fill_null(True)
    return (value.str.len_chars() <= LONGEST_CLASS).fill_null(True)


def _is_whole_month(column: str) -> pl.Expr:
    return (pl.col(column).dt.day() == 1).fill_null(True).all()
