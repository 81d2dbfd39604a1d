"""The rows of one town as the centre would hold them after loading its parcel: the last version of each, and whose it is.

Mirrors what the centre does with a first parcel (last revision, cancelled rows gone, links between the town's own
feeds), because a town's own figures must be the ones that the centre counts for it.
"""

from collections.abc import Mapping

import polars as pl

from pipelines.edge.depart import Departure
from pipelines.feeds import FEEDS
from pipelines.records import RECORDS
from pipelines.records.linkage import TOKEN_RULES
from pipelines.records.parcel import TOKENS_TABLE, record_schema

KEYS = {"local_row": "row_key", "local_person": "resident_key", "local_pregnancy": "pregnancy_key"}
VETOES = ("sex_code", "birth_month", "child_order")  # two rows that differ in one of them are not one person
UNKNOWN_SEX = "3"  # code list 019-227


def own_rows(departure: Departure) -> dict[str, pl.DataFrame]:
    """Record -> its current rows: columns of the parcel and KEYS; every record is there, empty where none came."""
    keyed = _keyed(departure)
    return {name: _current(keyed[name]) if name in keyed else _none(name) for name in RECORDS}


def residents(departure: Departure, rows: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """`feed, resident_key, resident_id, is_registered`: which numbers of the town's feeds are one person.

    resident_id: hex text. is_registered: the person is known to the town's own register.
    """
    people = _people(rows)
    tokens = _composite(departure).join(people, on=["feed", "resident_key"], how="semi")
    found = people.join(_linked(people, tokens), on="resident_key")
    registers = [feed.name for feed in FEEDS.values() if feed.is_register]
    return found.select(
        "feed", "resident_key", pl.col("resident_id").bin.encode("hex"),
        pl.col("feed").is_in(registers).any().over("resident_id").alias("is_registered"),
    )  # fmt: skip


def _keyed(departure: Departure) -> dict[str, pl.DataFrame]:
    tokens = departure.tokens[TOKENS_TABLE]
    keyed = {name: rows for name, rows in departure.records.items() if name in RECORDS}
    for rule, key in KEYS.items():
        own = tokens.filter(pl.col("rule") == rule).select("record_key", pl.col("token").alias(key))
        keyed = {name: rows.join(own, on="record_key", how="left") for name, rows in keyed.items()}
    return keyed


def _current(keyed: pl.DataFrame) -> pl.DataFrame:
    """A cancellation takes every version of its row; of the others the highest revision stays."""
    gone = keyed.filter(pl.col("is_cancelled").fill_null(False)).select("row_key")
    by_revision = keyed.join(gone, on="row_key", how="anti").sort(
        pl.col("revision_no").fill_null(0), descending=True, maintain_order=True
    )
    return by_revision.unique("row_key", keep="first", maintain_order=True)


def _none(record: str) -> pl.DataFrame:
    return pl.DataFrame(schema=record_schema(RECORDS[record]) | dict.fromkeys(KEYS.values(), pl.Binary()))


def _composite(departure: Departure) -> pl.DataFrame:
    """`feed, resident_key, rule, token` of the composite tokens, once each."""
    rows = pl.concat([
        pl.DataFrame(schema={"record_key": pl.Binary, "feed": pl.String, "resident_key": pl.Binary}),
        *(rows.select("record_key", "feed", "resident_key") for rows in _keyed(departure).values()),
    ])  # fmt: skip
    tokens = departure.tokens[TOKENS_TABLE].filter(pl.col("rule").is_in([rule.name for rule in TOKEN_RULES]))
    return rows.join(tokens, on="record_key").select("feed", "resident_key", "rule", "token").unique()


def _people(rows: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Everybody with what vetoes a link; null where the rows of one number do not agree."""
    told = [
        frame.select(
            "feed", "resident_key", pl.col("sex_code").replace(UNKNOWN_SEX, None), "birth_month",
            pl.col("child_order") if "child_order" in frame.columns else pl.lit(None, pl.Int32).alias("child_order"),
        )
        for name, frame in rows.items() if "person_local" in RECORDS[name].fields
    ]  # fmt: skip
    one = [
        pl.when(pl.col(v).drop_nulls().n_unique() == 1).then(pl.col(v).drop_nulls().first()).alias(v) for v in VETOES
    ]
    return pl.concat(told).group_by("feed", "resident_key").agg(one)


def _linked(people: pl.DataFrame, tokens: pl.DataFrame) -> pl.DataFrame:
    """`resident_key, resident_id`: the least key of each component; one that holds a contradiction falls apart."""
    grouped = _components(people.select("resident_key").unique(), _pairs(people, tokens))
    held = people.join(grouped, on="resident_key")
    several = pl.any_horizontal(pl.col(v).drop_nulls().n_unique() > 1 for v in VETOES)
    contradicts = held.group_by("group").agg(several.alias("is_so")).filter("is_so").select("group")
    two_of_a_feed = (
        held.group_by("group", "feed").agg(pl.col("resident_key").n_unique().alias("n")).filter(pl.col("n") > 1)
    )
    apart = pl.concat([contradicts, two_of_a_feed.select("group")]).unique()
    alone = grouped.join(apart, on="group", how="semi").select("resident_key", resident_id="resident_key")
    together = grouped.join(apart, on="group", how="anti").select("resident_key", resident_id="group")
    return pl.concat([alone, together])


def _pairs(people: pl.DataFrame, tokens: pl.DataFrame) -> pl.DataFrame:
    """`resident_key, other`: people of two feeds who share a token that is unique in both, and whom nothing vetoes."""
    unique = tokens.filter(pl.len().over("feed", "rule", "token") == 1).join(people, on=["feed", "resident_key"])
    met = unique.join(unique, on=["rule", "token"], suffix="_other").filter(
        pl.col("resident_key") != pl.col("resident_key_other")
    )
    agree = pl.all_horizontal((pl.col(v) == pl.col(f"{v}_other")).fill_null(True) for v in VETOES)
    return met.filter(agree).select("resident_key", other="resident_key_other").unique()


def _components(nodes: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """`resident_key, group`: the least key that can be reached from each; the pairs stand in both directions."""
    found = nodes.with_columns(group=pl.col("resident_key"))
    while True:
        reached = pairs.join(found, left_on="other", right_on="resident_key").select("resident_key", "group")
        grown = pl.concat([found, reached]).group_by("resident_key").agg(pl.col("group").min())
        if grown.sort("resident_key").equals(found.sort("resident_key")):
            return grown
        found = grown
