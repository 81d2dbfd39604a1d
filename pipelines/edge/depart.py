"""From checked rows to what may leave: who stays, tokens, narrow windows, coarse rows. The steps that protect people.

Every accepted row goes one of two ways here, and the two are counted: it leaves, or it stays (protected people and
rows that never leave, all causes together).
"""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from pipelines.declaration import Role
from pipelines.edge.accepted import Accepted, beside
from pipelines.edge.coarsen import cancellations, coarsen
from pipelines.edge.lag import arrival_lag
from pipelines.edge.protect import PERSON, everywhere, protected_people
from pipelines.edge.pseudonymize import (
    PARTS,
    TokenKeys,
    composite_tokens,
    hmac,
    local_token,
    token_rows,
    with_local_tokens,
)
from pipelines.edge.read import Arrived
from pipelines.edge.state import SENT_SCHEMA
from pipelines.edge.window import hide_narrow_windows
from pipelines.edge.withdraw import GONE, everyone_tied, is_tied, taken_back, tokens_of
from pipelines.feeds import FEEDS
from pipelines.records import RECORDS
from pipelines.records.linkage import LOCAL_RULES
from pipelines.records.parcel import LAG_TABLE, TOKENS_TABLE


@dataclass(frozen=True)
class Departure:
    """records, tokens: tables of the two members, sorted. sent: what the state remembers afterwards.

    leaving: record -> accepted rows that leave, cancellations of the feed among them. staying: record -> rows that
    never leave or are of protected people (absent: none). windowed: pregnancies that lost event months. span: fiscal years of the events.
    """

    records: dict[str, pl.DataFrame]
    tokens: dict[str, pl.DataFrame]
    sent: pl.DataFrame
    leaving: dict[str, int]
    staying: dict[str, int]
    windowed: int
    span: tuple[int, int] | None


def depart(
    arrived: list[Arrived], accepted: list[Accepted], numbers: list[str], sent: pl.DataFrame, keys: TokenKeys
) -> Departure:
    """What of the accepted rows may leave under these keys.

    arrived: every file as read, refused ones too (who is protected). numbers: the required list.
    sent: what left before (schema SENT_SCHEMA).
    """
    going, held = _parted(with_local_tokens(accepted, keys), _stays)
    live, cancelled = _parted(going, lambda _: pl.col("is_cancelled").fill_null(False))
    people = _people(live)
    composite = composite_tokens(people, keys)
    live = _with_identity(live, people, composite, keys)
    inside = _protected_tokens(protected_people(arrived, numbers), numbers, live, sent, keys)
    leaving, protected = _parted(live, lambda _: is_tied(inside))
    told_gone, silent = _parted(_without_identity(cancelled), lambda _: is_tied(inside))
    gone = [tokens_of(told_gone, SENT_SCHEMA).select(GONE), taken_back(sent, inside, _column(held, "local_row"))]
    composite = composite.join(_column(leaving, "record_key").to_frame(), on="record_key", how="semi")
    windowed = hide_narrow_windows(leaving, _mothers(composite))
    cancelling = _row_keyed(pl.concat(gone).unique(), keys)
    return Departure(
        {**_record_tables(windowed.rows, cancelling), LAG_TABLE: arrival_lag(windowed.rows)},
        {TOKENS_TABLE: _token_table(leaving, composite, cancelling, keys)},
        pl.concat([sent, tokens_of(leaving, SENT_SCHEMA)]).unique(GONE, keep="last", maintain_order=True),
        _counted([*leaving, *told_gone]),
        _counted([*held, *protected, *silent]),
        windowed.pregnancies,
        _span(leaving),
    )


def _parted(
    accepted: list[Accepted], condition: Callable[[Accepted], pl.Expr | None]
) -> tuple[list[Accepted], list[Accepted]]:
    """The rows without and the rows with a condition (None: no row has it); every row is in one of the two."""
    without, having = [], []
    for a in accepted:
        asked = condition(a)
        is_so = None if asked is None or a.rows.is_empty() else a.rows.select(asked).to_series()
        if is_so is None or not is_so.any():
            without.append(a)
        else:
            without.append(a.with_rows(a.rows.filter(~is_so)))
            having.append(a.with_rows(a.rows.filter(is_so)))
    return without, having


def _stays(accepted: Accepted) -> pl.Expr | None:
    """Rows that never leave the source, whoever they are about (losses); the last revision of a row decides for all."""
    if accepted.record.stays is None:
        return None
    last = accepted.record.stays().fill_null(False).sort_by(pl.col("revision_no").fill_null(0)).last()
    return last.over("local_row")


def _people(accepted: list[Accepted]) -> pl.DataFrame:
    """Whose row each is, with what composite tokens are made of: `record_key, feed, person_local`, PARTS as text."""
    parts = [pl.col(part).cast(pl.String) for part in PARTS]
    rows = (a.rows.select("record_key", pl.lit(a.feed.name).alias("feed"), "person_local", *parts) for a in accepted)
    text = dict.fromkeys(["feed", "person_local", *PARTS], pl.String)
    return pl.concat([pl.DataFrame(schema={"record_key": pl.Binary, **text}), *rows])


def _with_identity(
    accepted: list[Accepted], people: pl.DataFrame, composite: pl.DataFrame, keys: TokenKeys
) -> list[Accepted]:
    """Rows with `local_identity`, a name's token under the submitter's own key (stays in the state), and no name."""
    whose = ["feed", "person_local"]
    names = composite.filter(pl.col("rule") == "name").unique(whose, keep="first", maintain_order=True)
    hexed = names.select(*whose, pl.col("token").bin.encode("hex"))
    named = hexed.select(*whose, local_token(hexed, "local_identity", "token", "", keys).alias("local_identity"))
    identity = people.select(whose).join(named, on=whose, how="left", maintain_order="left").select("local_identity")
    nameless = [a.with_rows(a.rows.drop(a.record.of_role(Role.LINK))) for a in accepted]
    return beside(nameless, identity)


def _without_identity(cancelled: list[Accepted]) -> list[Accepted]:
    """A cancelled row may come without a name: it is told by its numbers alone."""
    return [a.with_rows(a.rows.with_columns(pl.lit(None, pl.Binary).alias("local_identity"))) for a in cancelled]


def _protected_tokens(
    protected: pl.DataFrame, numbers: list[str], live: list[Accepted], sent: pl.DataFrame, keys: TokenKeys
) -> dict[str, pl.Series]:
    """Local tokens of everybody who stays, closed over what is at hand and what was sent before."""
    people = pl.concat([protected.select(PERSON), everywhere(numbers)]).unique()
    seeds = [
        local_token(part, "local_person", "person_local", part["namespace"][0], keys)
        for part in people.partition_by("namespace")
    ]
    return everyone_tied(
        pl.concat(seeds) if seeds else pl.Series(dtype=pl.Binary), [sent, tokens_of(live, SENT_SCHEMA)]
    )


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
    """Every record's table, sorted by its row key: the order tells nothing of the source's."""
    tables: dict[str, list[pl.DataFrame]] = {}
    for a in accepted:
        tables.setdefault(a.record.name, []).append(
            coarsen(a.rows.with_columns(pl.lit(a.feed.name).alias("feed")), a.record)
        )
    for (name,), rows in cancelling.partition_by("record", as_dict=True).items():
        tables.setdefault(str(name), []).append(cancellations(rows["record_key"], rows["feed"], RECORDS[str(name)]))
    return {name: _by_key(pl.concat(parts)) for name, parts in sorted(tables.items())}


def _token_table(
    leaving: list[Accepted], composite: pl.DataFrame, cancelling: pl.DataFrame, keys: TokenKeys
) -> pl.DataFrame:
    """Composite tokens on first rows, local tokens on every row, and of a cancelled row its row token alone."""
    rows = pl.concat([pl.DataFrame(schema=_ROW_TOKENS), *(a.rows.select(*_ROW_TOKENS) for a in leaving)])
    own = [rows.select("record_key", pl.lit(rule).alias("rule"), token=rule) for rule in LOCAL_RULES]
    gone = cancelling.select("record_key", pl.lit("local_row").alias("rule"), token="local_row")
    local = token_rows(pl.concat([*own, gone]), keys.local_version)
    shared = token_rows(composite.select("record_key", "rule", "token"), keys.edge_version)
    return _by_key(pl.concat([shared, local]))


def _by_key(table: pl.DataFrame) -> pl.DataFrame:
    """Sorted by row key, rows of one key left in order: by its first 8 bytes as a number, which sort far sooner."""
    first_bytes = pl.col("record_key").bin.slice(0, 8).bin.reinterpret(dtype=pl.UInt64, endianness="big")
    return table.sort(first_bytes, maintain_order=True)


_ROW_TOKENS = dict.fromkeys(("record_key", *LOCAL_RULES), pl.Binary)


def _counted(accepted: list[Accepted]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for a in accepted:
        counts[a.record.name] = counts.get(a.record.name, 0) + a.rows.height
    return counts


def _column(accepted: list[Accepted], name: str) -> pl.Series:
    empty = pl.Series(name, dtype=pl.Binary)
    return pl.concat([empty, *(a.rows[name] for a in accepted)])


def _span(accepted: list[Accepted]) -> tuple[int, int] | None:
    """First and last fiscal year (April to March) of what happened; where people lived before does not count."""
    dated = [
        a.rows.select(pl.col(a.record.event).alias("date")) for a in accepted if a.record.name != "residency_spell"
    ]
    year = pl.col("date").dt.offset_by("-3mo").dt.year()
    span = pl.concat([pl.DataFrame(schema={"date": pl.Date}), *dated]).select(
        year.min().alias("low"), year.max().alias("high")
    )
    low, high = span.row(0)
    return None if low is None else (low, high)
