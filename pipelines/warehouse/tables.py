"""The tables of an opened parcel as frames of the landing: checked against their declarations, row keys replaced."""

import io
from collections.abc import Iterator, Mapping

import polars as pl
import pyarrow.parquet as pq

from pipelines.declaration import MONTHED, Field, Matches, OneOf, Record
from pipelines.records import RECORDS
from pipelines.records.linkage import TOKEN_RULES
from pipelines.records.parcel import LAG_SCHEMA, LAG_TABLE, record_schema
from pipelines.warehouse.applied import Scope
from pipelines.warehouse.open_parcel import Opened
from pipelines.warehouse.refusal import Refused

LARGEST_TABLE_BYTES = 1 << 32  # unpacked
LONGEST_CLASS = 16  # characters of a derived class: no name, no sentence
HEAD = ("record_key", "feed")
COMPOSITE = tuple(rule.name for rule in TOKEN_RULES)


def read_records(opened: Opened, feeds: set[str]) -> dict[str, pl.DataFrame]:
    """Record -> its checked rows, with `record_key` and `feed`. Raises Refused."""
    versions = opened.manifest.record_versions
    frames = {name: _read(opened, name) for name in opened.manifest.records}
    for name, frame in frames.items():
        frames[name] = _declared(frame, RECORDS[name], versions[name])
        if not frame["feed"].is_in(list(feeds)).all():
            raise Refused("unknown_feed")
    keys = pl.concat([f["record_key"] for f in frames.values()]) if frames else pl.Series(dtype=pl.Binary)
    if keys.is_duplicated().any():
        raise Refused("malformed_table")
    return frames


def read_lags(opened: Opened) -> pl.DataFrame:
    """Arrival lags as counts by class; empty where the parcel has none."""
    if LAG_TABLE not in opened.manifest.tables:
        return pl.DataFrame(schema=LAG_SCHEMA)
    lags = _read(opened, LAG_TABLE)
    if lags.schema != pl.Schema(LAG_SCHEMA) or not _whole_months(lags, ["event_month"]):
        raise Refused("malformed_table")
    return lags


def check_rows(frames: Mapping[str, pl.DataFrame], municipalities: tuple[str, ...], scope: Scope, years: range) -> None:
    """Every row lies in a municipality of the manifest, and in the registry's scope for its record. Raises Refused."""
    for name, frame in frames.items():
        rows = frame.filter(~pl.col("is_cancelled").fill_null(False))
        codes = rows["residence_municipality_code"]
        if codes.null_count():
            raise Refused("malformed_table")
        for code in codes.unique().to_list():
            if code not in municipalities:
                raise Refused("out_of_scope_municipality")
            if not scope.covers(code, name, years):
                raise Refused("out_of_scope_period")


def with_pseudonyms(frames: Mapping[str, pl.DataFrame], pseudonyms: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Rows with row_key, resident_key and, for records of a pregnancy, pregnancy_key. Raises Refused.

    A cancellation tells which row is gone and nothing of whose it was.
    """
    keys = _local(pseudonyms, "local_row", "row_key").join(
        _local(pseudonyms, "local_person", "resident_key"), on="record_key", how="left"
    )
    keys = keys.join(_local(pseudonyms, "local_pregnancy", "pregnancy_key"), on="record_key", how="left")
    if keys.height != sum(frame.height for frame in frames.values()):
        raise Refused("malformed_table")
    joined = {name: frame.join(keys, on="record_key") for name, frame in frames.items()}
    if any(joined[name].height != frame.height for name, frame in frames.items()):
        raise Refused("malformed_table")
    nobody = pl.col("resident_key").is_null() & ~pl.col("is_cancelled").fill_null(False)
    if any(frame.select(nobody.any()).item() for frame in joined.values()):
        raise Refused("malformed_table")
    return joined


def composite_tokens(frames: Mapping[str, pl.DataFrame], pseudonyms: pl.DataFrame) -> pl.DataFrame:
    """feed, resident_key, rule, pseudonym: once each, for the rows of `with_pseudonyms`."""
    tokens = pseudonyms.filter(pl.col("rule").cast(pl.String).is_in(COMPOSITE))
    people = [f.select("record_key", "feed", "resident_key").drop_nulls() for f in frames.values()]
    if not people:
        return pl.DataFrame(
            schema={"feed": pl.String, "resident_key": pl.Binary, "rule": pl.String, "pseudonym": pl.Binary}
        )
    found = tokens.join(pl.concat(people), on="record_key")
    if found.height != tokens.height:
        raise Refused("malformed_table")
    return found.select("feed", "resident_key", pl.col("rule").cast(pl.String), "pseudonym").unique()


def _local(pseudonyms: pl.DataFrame, rule: str, name: str) -> pl.DataFrame:
    rows = pseudonyms.filter(pl.col("rule") == rule).select("record_key", pl.col("pseudonym").alias(name))
    if rows["record_key"].is_duplicated().any():
        raise Refused("malformed_table")
    return rows


def _read(opened: Opened, name: str) -> pl.DataFrame:
    content, listed = opened.tables[name], opened.manifest.tables[name]
    try:
        about = pq.read_metadata(io.BytesIO(content))
        if about.num_rows != listed.rows:
            raise Refused("altered")
        if sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups)) > LARGEST_TABLE_BYTES:
            raise Refused("too_large")
        return pl.read_parquet(io.BytesIO(content))
    except (pl.exceptions.PolarsError, OSError, ValueError):
        raise Refused("malformed_table") from None


def _declared(frame: pl.DataFrame, record: Record, version: int) -> pl.DataFrame:
    """The frame with every column of the newest version; a field that its version does not know was not asked."""
    fields = {column: field for column, (_, field) in record.leaving.items()}
    wanted = record_schema(record)
    sent = {c: t for c, t in wanted.items() if c in HEAD or fields[c].since <= version}
    if dict(frame.schema) != sent or not all(_holds(frame, sent, fields)):
        raise Refused("malformed_table")
    return frame.with_columns(pl.lit(None, t).alias(c) for c, t in wanted.items() if c not in sent)


def _holds(frame: pl.DataFrame, sent: Mapping[str, pl.DataType], fields: Mapping[str, Field]) -> Iterator[bool]:
    """Whether nothing finer than declared came: months, codes of their lists, short classes, whole keys."""
    yield not frame.select(pl.col(HEAD).null_count()).sum_horizontal().item()
    yield bool((frame["record_key"].bin.size() == 16).all())
    yield _whole_months(frame, [c for c in sent if c not in HEAD and fields[c].role in MONTHED])
    texts = [c for c, t in sent.items() if t == pl.String and c not in HEAD]
    yield frame.select(pl.all_horizontal(_text_holds(c, fields[c]).all() for c in texts)).item() if texts else True


def _text_holds(column: str, field: Field) -> pl.Expr:
    value = pl.col(column)
    if isinstance(field.rule, (OneOf, Matches)):
        return field.rule.holds(value).fill_null(True)
    return (value.str.len_chars() <= LONGEST_CLASS).fill_null(True)


def _whole_months(frame: pl.DataFrame, columns: list[str]) -> bool:
    return not columns or frame.select(pl.all_horizontal((pl.col(columns).dt.day() == 1).fill_null(True).all())).item()
