"""From checked rows to what may leave: who stays, tokens, narrow windows, coarse rows. The steps that protect people.

Every accepted row goes one of two ways here, and the two are counted: it leaves, or it stays (protected people and
rows that never leave, all causes together).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

import polars as pl

from pipelines.edge.accepted import Accepted
from pipelines.edge.coarsen import cancellations, coarsen
from pipelines.edge.lag import arrival_lag
from pipelines.edge.protect import PERSON, everywhere, protected_people
from pipelines.edge.pseudonymize import (
    IN_ORDER,
    ORDER,
    TokenKeys,
    composite_tokens,
    heads_of,
    hmac,
    identities,
    in_forms,
    local_identities,
    local_token,
    people_of,
    token_rows,
)
from pipelines.edge.read import Arrived
from pipelines.edge.state import SENT_SCHEMA
from pipelines.edge.whose import WHO
from pipelines.edge.window import hide_narrow_windows
from pipelines.edge.withdraw import GONE, absent, everyone_tied, is_tied, taken_back
from pipelines.feeds import FEEDS
from pipelines.records import RECORDS
from pipelines.records.linkage import LOCAL_CANON_VERSION, LOCAL_RULES, LinkageVersion
from pipelines.records.parcel import LAG_TABLE, TOKENS_TABLE

NOTHING_COMPLETE: Mapping[tuple[str, str], int] = MappingProxyType({})


@dataclass(frozen=True)
class Departure:
    """records, tokens: tables of the two members, sorted. sent: what the state remembers afterwards.

    leaving: record -> accepted rows that leave, cancellations of the feed among them. staying: record -> rows that
    never leave or are of protected people (absent: none). protected: `local_person` tokens of everybody who stays.
    not_here: feed and record of rows sent before, of people who may leave, that are not in this delivery. windowed: pregnancies that lost event months. span: fiscal years of the events.
    """

    records: dict[str, pl.DataFrame]
    tokens: dict[str, pl.DataFrame]
    sent: pl.DataFrame
    leaving: dict[str, int]
    staying: dict[str, int]
    protected: pl.Series
    not_here: list[tuple[str, str]]
    windowed: int
    span: tuple[int, int] | None


def depart(
    arrived: list[Arrived],
    accepted: list[Accepted],
    numbers: list[str],
    sent: pl.DataFrame,
    keys: TokenKeys,
    complete: Mapping[tuple[str, str], int] = NOTHING_COMPLETE,
) -> Departure:
    """What of the accepted rows may leave under these keys. The list of them is emptied on the way.

    arrived: every file as read, refused ones too (who is protected). numbers: the required list.
    sent: what left before (schema SENT_SCHEMA). complete: (feed, record) whose file holds all rows there are -> per
    cent of those sent before that may be gone from it, and are taken back.
    """
    heads = heads_of(accepted, keys).with_columns(IN_ORDER)
    live = heads.lazy().filter(IS_LIVE).select(WHO, "record_key").collect()
    people = people_of(accepted)
    named = identities(live, people)
    versions = {LOCAL_CANON_VERSION, *(key.version.canon for key in keys.of_linkage)}
    forms = {version: in_forms(named, version) for version in versions}
    composite = [composite_tokens(forms[key.version.canon], key) for key in keys.of_linkage]
    heads = _with_identity(heads, people, local_identities(forms[LOCAL_CANON_VERSION], keys))
    del live, people, named, forms
    inside = _protected_tokens(protected_people(arrived, numbers), numbers, heads.filter(IS_LIVE), sent, keys)
    heads = heads.with_columns(is_tied(inside).alias("is_protected"))
    leaving, told_gone = heads.filter(LEAVES), heads.filter(TOLD_GONE)
    gone = [
        told_gone.select(GONE),
        taken_back(sent, inside, heads.filter("stays")["local_row"]),
        absent(sent, heads["local_row"], complete),
    ]
    all_gone = pl.concat(gone).unique()
    cancelling = _row_keyed(all_gone, keys)
    composite = [_of_leaving(tokens, leaving["record_key"]) for tokens in composite]
    counted = _counted(heads, LEAVES | TOLD_GONE), _counted(heads, ~LEAVES & ~TOLD_GONE)
    not_here = _not_here(sent, heads["local_row"], inside)
    rows = _rows_that_leave(accepted, heads)
    del heads
    span, windowed = _span(rows), hide_narrow_windows(rows, _mothers(composite[0]), keys.submitter)
    del rows
    lag = arrival_lag(windowed.rows)
    return Departure(
        {**_record_tables(windowed.rows, cancelling), LAG_TABLE: lag},
        {TOKENS_TABLE: _token_table(leaving, composite, cancelling, keys)},
        _remembered(sent, all_gone, leaving),
        *counted,
        inside["local_person"],
        not_here,
        windowed.pregnancies,
        span,
    )


IS_LIVE = ~pl.col("stays") & ~pl.col("is_cancelled")
LEAVES = IS_LIVE & ~pl.col("is_protected")
TOLD_GONE = ~pl.col("stays") & pl.col("is_cancelled") & ~pl.col("is_protected")


def _with_identity(heads: pl.DataFrame, people: pl.DataFrame, named: pl.DataFrame) -> pl.DataFrame:
    """The heads with `local_identity`, a name's token under the submitter's own key (stays in the state).

    A cancelled row may come without a name: it is told by its numbers alone.
    """
    who = ["feed", "person_local"]
    identity = people.select(who).join(named, on=who, how="left", maintain_order="left")["local_identity"]
    told = heads.with_columns(identity.gather(heads[WHO])).drop(WHO)
    return told.with_columns(pl.when(IS_LIVE).then("local_identity").alias("local_identity"))


def _rows_that_leave(accepted: list[Accepted], heads: pl.DataFrame) -> list[Accepted]:
    """The rows of each part with their `record_key` and ORDER, without the rows that stay. The list is emptied."""
    leaves, parts, first = heads.select(LEAVES).to_series(), [], 0
    while accepted:
        a = accepted.pop(0)
        place = slice(first, first + a.rows.height)
        rows = a.rows.with_columns(heads["record_key"][place], heads[ORDER][place])
        parts.append(a.with_rows(rows if leaves[place].all() else rows.filter(leaves[place])))
        first += a.rows.height
    return parts


def _protected_tokens(
    protected: pl.DataFrame, numbers: list[str], live: pl.DataFrame, sent: pl.DataFrame, keys: TokenKeys
) -> dict[str, pl.Series]:
    """Local tokens of everybody who stays, closed over what is at hand and what was sent before."""
    people = pl.concat([protected.select(PERSON), everywhere(numbers)]).unique()
    seeds = [
        local_token(part, "local_person", "person_local", part["namespace"][0], keys)
        for part in people.partition_by("namespace")
    ]
    return everyone_tied(pl.concat(seeds) if seeds else pl.Series(dtype=pl.Binary), [sent, live])


def _of_leaving(tokens: pl.DataFrame, leaving: pl.Series) -> pl.DataFrame:
    """The tokens that stand on a row that leaves: few rows hold them, so that is asked of the many once."""
    asked = leaving.filter(leaving.is_in(tokens["record_key"].unique().implode()))
    return tokens.filter(pl.col("record_key").is_in(asked.implode()))


def _not_here(sent: pl.DataFrame, here: pl.Series, inside: dict[str, pl.Series]) -> list[tuple[str, str]]:
    if sent.is_empty():
        return []
    gone = sent.filter(~is_tied(inside)).join(here.to_frame(), on="local_row", how="anti")
    return sorted(gone.select("feed", "record").unique().iter_rows())


def _remembered(sent: pl.DataFrame, gone: pl.DataFrame, leaving: pl.DataFrame) -> pl.DataFrame:
    """What left, as it left last (schema SENT_SCHEMA). What is taken back stays, not there: it may tie people."""
    if gone.height and sent.height:
        taken = sent.join(gone.with_columns(is_gone=True), on=GONE, how="left", maintain_order="left")["is_gone"]
        sent = sent.with_columns(is_there=pl.col("is_there") & ~taken.fill_null(value=False))
    return _last_of_each(pl.concat([sent, leaving.with_columns(is_there=True).select(*SENT_SCHEMA)]))


def _last_of_each(sent: pl.DataFrame) -> pl.DataFrame:
    """Each row that was sent once, as it was sent last; asked of few, those whose token's first bytes are met twice."""
    begins = sent.select(pl.col("local_row").bin.slice(0, 8).bin.reinterpret(dtype=pl.UInt64)).to_series()
    if begins.n_unique() == len(begins):
        return sent
    is_met_again = begins.is_duplicated()
    met_again = sent.with_row_index("place").filter(is_met_again)
    before = met_again.filter(~pl.struct(GONE).is_last_distinct())["place"]
    return sent.filter(~pl.int_range(pl.len(), dtype=pl.UInt32).is_in(before.implode()))


def _mothers(composite: pl.DataFrame) -> pl.DataFrame:
    """`feed, person_local, mother`: numbers of other source systems that share a token with a number of the register."""
    abroad = pl.col("feed").is_in([feed.name for feed in FEEDS.values() if feed.local_namespace])
    register = composite.filter(~abroad).select("token", mother="person_local")
    met = composite.filter(abroad).join(register, on="token").select("feed", "person_local", "mother")
    return met.sort("feed", "person_local", "mother").unique(["feed", "person_local"], keep="first")


def _row_keyed(gone: pl.DataFrame, keys: TokenKeys) -> pl.DataFrame:
    """Rows that are taken back, whatever the cause, with a row key of this parcel."""
    text = pl.concat_str(pl.lit("gone"), "record", pl.col("local_row").bin.encode("hex"), separator="\x1f").alias(
        "text"
    )
    return gone.with_columns(hmac(gone.select(text)["text"], keys.parcel).alias("record_key"))


def _record_tables(accepted: list[Accepted], cancelling: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Every record's table, sorted by its row key: the order tells nothing of the source's. Rows are let go one by one."""
    tables: dict[str, list[pl.DataFrame]] = {}
    while accepted:
        a = accepted.pop(0)
        tables.setdefault(a.record.name, []).append(coarsen(a.rows, a.record, a.feed.name).with_columns(a.rows[ORDER]))
    for (name,), rows in cancelling.partition_by("record", as_dict=True).items():
        gone = cancellations(rows["record_key"], rows["feed"], RECORDS[str(name)])
        tables.setdefault(str(name), []).append(gone.with_columns(IN_ORDER))
    return {name: _by_key(pl.concat(tables.pop(name))) for name in sorted(tables)}


def _token_table(
    leaving: pl.DataFrame, composite: list[pl.DataFrame], cancelling: pl.DataFrame, keys: TokenKeys
) -> pl.DataFrame:
    """Composite tokens on first rows, local tokens on every row, and of a cancelled row its row token alone."""
    own = [leaving.select("record_key", pl.lit(rule).alias("rule"), ORDER, token=rule) for rule in LOCAL_RULES]
    gone = cancelling.select("record_key", pl.lit("local_row").alias("rule"), IN_ORDER, token="local_row")
    local = token_rows(pl.concat([*own, gone]), LinkageVersion(keys.local_version, LOCAL_CANON_VERSION))
    shared = [
        token_rows(made.with_columns(IN_ORDER), key.version)
        for key, made in zip(keys.of_linkage, composite, strict=True)
    ]
    return _by_key(pl.concat([*shared, local]))


def _by_key(table: pl.DataFrame) -> pl.DataFrame:
    """Sorted by row key, rows of one key left in order."""
    return table.sort(ORDER, maintain_order=True).drop(ORDER)


def _counted(heads: pl.DataFrame, told: pl.Expr) -> dict[str, int]:
    return dict(heads.lazy().filter(told).group_by("record").len().collect().iter_rows())


def _span(accepted: list[Accepted]) -> tuple[int, int] | None:
    """First and last fiscal year (April to March) of what happened; what reaches back does not count."""
    dates = [a.rows[a.record.event] for a in accepted if not a.record.reaches_back]
    ends = [end for dated in dates for end in (dated.min(), dated.max()) if isinstance(end, date)]
    years = [day.year - (day.month < 4) for day in ends]
    return (min(years), max(years)) if years else None
