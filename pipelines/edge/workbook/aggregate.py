"""集計値: what a town counted itself, compared with its own lines. The sums stay here: they are nobody's rows, and tables
that no release has made safe (privacy, hole 12); the report says where they differ, and never by how much.
"""

from dataclasses import dataclass
from functools import cache

import polars as pl

from pipelines.edge.check import Checked
from pipelines.edge.workbook.sheets import Sheet, plain
from pipelines.feeds import Feed
from pipelines.records import RECORDS
from pipelines.reference import feed_table

LINES_SHOWN = 40


@dataclass(frozen=True)
class Sums:
    """file: as the report calls the sheet. told: line, record, field (empty: everybody), fiscal_year, programme_code,
    answer, persons. refused: lines that say nothing that can be compared."""

    file: str
    told: pl.DataFrame
    refused: list[int]


def is_aggregate(sheet: Sheet, feed: Feed) -> bool:
    return set(sum_headings(feed)) <= set(sheet.heading)


@cache
def sum_headings(feed: Feed) -> dict[str, str]:
    """Heading -> field of a sheet of sums."""
    return _table(feed, "column")


@cache
def _items(feed: Feed) -> dict[str, tuple[str, str]]:
    """What is counted, as the sheet calls it -> record and field: an answer of a record, or everybody in it."""
    answers = {
        plain(c.header): (record.name, c.field) for record in feed.records for c in feed.columns(record)
        if c.field.endswith("_code") and c.field in record.arriving
    }  # fmt: skip
    return answers | {item: (record, "") for item, record in _table(feed, "everybody").items()}


def _table(feed: Feed, kind: str) -> dict[str, str]:
    rows = feed_table(feed.name, "aggregate", feed.version).filter(pl.col("kind") == kind)
    return {plain(header): field for header, field in rows.select("header", "field").iter_rows()}


def sums_of(sheet: Sheet, file: str, feed: Feed) -> Sums:
    """Reads a sheet of sums."""
    place = {f: pl.col(f"column_{sheet.heading.index(h) + 1}") for h, f in sum_headings(feed).items()}
    item = place["item"].map_elements(plain, return_dtype=pl.String)
    of = {name: {i: told[at] for i, told in _items(feed).items()} for at, name in enumerate(("record", "field"))}
    told = sheet.cells.select(
        "line", *(item.replace_strict(of[name], default=None, return_dtype=pl.String).alias(name) for name in of),
        place["programme_code"].alias("programme_code"), place["answer"].alias("answer"),
        *(place[n].cast(pl.Int64, strict=False).alias(n) for n in ("fiscal_year", "persons")),
    )  # fmt: skip
    needs_answer = pl.col("field") != ""
    is_told = pl.all_horizontal(pl.col("record", "programme_code", "fiscal_year", "persons").is_not_null())
    is_told &= ~needs_answer.fill_null(False) | pl.col("answer").is_not_null()
    return Sums(file, told.filter(is_told), told.filter(~is_told)["line"].to_list())


def compared(sums: Sums, files: list[Checked]) -> tuple[str, str]:
    """What the sheet's sums and the accepted lines of the delivery say of each other (ja, en)."""
    lines = _persons(files)
    kinds = ["record", "programme_code", "fiscal_year"]
    keys = [*kinds, "field", "answer"]
    both = sums.told.with_columns(pl.when(pl.col("field") != "").then("answer").fill_null("").alias("answer"))
    both = both.join(lines.select(kinds).unique().with_columns(has_lines=True), on=kinds, how="left")
    both = both.join(lines, on=keys, how="left").with_columns(pl.col("counted").fill_null(0))
    known = both.filter(pl.col("has_lines"))
    more, fewer = (
        known.filter(c)["line"].to_list()
        for c in (pl.col("counted") > pl.col("persons"), pl.col("counted") < pl.col("persons"))
    )
    n, same, unknown = len(both), len(known) - len(more) - len(fewer), len(both) - len(known)
    ja = f"{sums.file}: 集計値 {n:,} 行のうち、個票の行と同じ {same:,}、違う {len(more) + len(fewer):,}、個票がない {unknown:,}"
    en = f"{sums.file}: of {n:,} sums {same:,} agree with the lines, {len(more) + len(fewer):,} differ, {unknown:,} have no lines"
    for found, is_ja, is_en in (
        (more, "個票のほうが多い行", "more by the lines"),
        (fewer, "個票のほうが少ない行", "fewer by the lines"),
    ):
        ja, en = (f"{ja}。{is_ja} {_some(found)}", f"{en}; {is_en}: {_some(found)}") if found else (ja, en)
    return ja, en


def _some(lines: list[int]) -> str:
    return ", ".join(map(str, sorted(lines)[:LINES_SHOWN])) + (" …" if len(lines) > LINES_SHOWN else "")


def _persons(files: list[Checked]) -> pl.DataFrame:
    """Persons in the accepted lines by record, programme, fiscal year, and answer (field and answer empty: everybody)."""
    schema = {"record": pl.String, "programme_code": pl.String, "fiscal_year": pl.Int64, "field": pl.String,
              "answer": pl.String, "counted": pl.Int64}  # fmt: skip
    feeds = {f.arrived.feed.name: f.arrived.feed for f in files}
    counted = [pl.DataFrame(schema=schema)]
    for feed in feeds.values():
        for name, field in _items(feed).values():
            rows = [f.rows for f in files if f.arrived.record.name == name and f.arrived.feed is feed]
            counted += [_counted(pl.concat(rows), name, field).select(*schema)] if rows else []
    return pl.concat(counted)


def _counted(rows: pl.DataFrame, record: str, field: str) -> pl.DataFrame:
    declared = RECORDS[record]
    newest = rows.sort(pl.col("revision_no").fill_null(0), descending=True).unique(declared.key, keep="first")
    live = newest.filter(~pl.col("is_cancelled").fill_null(False))
    day = pl.col(declared.event)
    answer = pl.col(field) if field else pl.lit("")
    return (
        live.select("person_local", "programme_code", fiscal_year=(day.dt.year() - (day.dt.month() < 4)).cast(pl.Int64), answer=answer)
        .drop_nulls("answer").group_by("programme_code", "fiscal_year", "answer")
        .agg(pl.col("person_local").n_unique().cast(pl.Int64).alias("counted"))
        .with_columns(record=pl.lit(record), field=pl.lit(field))
    )  # fmt: skip
