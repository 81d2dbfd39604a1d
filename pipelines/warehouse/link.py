"""Links: which residents are one person. A pure function of the set of current rows; no order of loading matters.

First within a municipality, over the feeds of those who send for it (resident_id); then between municipalities
(person_id). A token links only where it is unique on both sides; twins are kept apart by vetoes; a component that
would hold two residents of one side is left unlinked (privacy, holes 4, 19 and 21).
"""

import duckdb
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pipelines.records import RECORDS

VETOES = ("sex_code", "birth_month", "child_order")
UNKNOWN_SEX = "3"  # code list 019-227


def _people_of(record: str) -> str:
    order = "child_order" if "child_order" in RECORDS[record].fields else "NULL::INTEGER"
    return f"""SELECT municipality_code, submitter, feed, resident_key,
        nullif(sex_code, '{UNKNOWN_SEX}') AS sex_code, birth_month, {order} AS child_order, is_register
        FROM landing.current_{record}"""


# Tokens by which residents are compared: while a bridge is open, a former pseudonym stands for the current one.
TOKENS = """SELECT t.resident_key, t.rule, coalesce(b.current, t.pseudonym) AS pseudonym
    FROM landing.token t LEFT JOIN state.bridge b ON b.rule = t.rule AND b.former = t.pseudonym"""
_ONE = ", ".join(f"CASE WHEN min({v}) = max({v}) THEN min({v}) END AS {v}" for v in VETOES)
_OF_PEOPLE = " UNION ALL ".join(_people_of(name) for name, record in RECORDS.items() if record.is_of_person)
# Resident keys with their numbers and what vetoes a link; null where their rows do not agree.
NUMBERED = f"""CREATE OR REPLACE TEMP TABLE numbered AS
    SELECT municipality_code, submitter, feed, resident_key, dense_rank() OVER (ORDER BY resident_key) AS resident, {_ONE},
           bool_or(is_register) AS is_register
    FROM ({_OF_PEOPLE}) GROUP BY municipality_code, submitter, feed, resident_key"""
RESIDENT = """CREATE OR REPLACE TABLE core.resident AS
    WITH keys AS (SELECT resident, resident_key, min(birth_month) AS birth_month FROM numbered GROUP BY ALL)
    SELECT l.municipality_code, l.submitter, l.feed, k.resident_key, r.resident_key AS resident_id,
           p.resident_key AS person_id, l.is_registered, k.birth_month
    FROM links l
    JOIN keys k ON k.resident = l.resident
    JOIN keys r ON r.resident = l.resident_number
    JOIN keys p ON p.resident = l.person_number"""


def link(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes core.resident: municipality_code, submitter, feed, resident_key, resident_id, person_id, is_registered, birth_month.

    One row per resident key; an id is the least key of those that are one.
    """
    connection.execute(NUMBERED)
    connection.register("links", links(_residents(connection), _tokens(connection)).to_arrow())
    connection.execute(RESIDENT)
    connection.unregister("links")
    connection.execute("DROP TABLE numbered")


def links(residents: pl.DataFrame, tokens: pl.DataFrame) -> pl.DataFrame:
    """municipality_code, submitter, feed, resident, resident_number, person_number, is_registered.

    A resident's number is the place of its key among all: the least number is the least key.
    """
    sides = residents.with_columns(
        scope=_numbered(pl.col("municipality_code")),
        side=_numbered(pl.concat_str("submitter", pl.lit("|"), "feed")),
        key=pl.col("resident"),
    )
    known = sides.join(_linked(sides, tokens).rename({"id": "resident_number"}), on=["scope", "key"]).with_columns(
        is_registered=pl.col("is_register").any().over("scope", "resident_number")
    )
    wide = known.with_columns(scope=pl.lit(0, pl.UInt32), side=pl.col("scope"), key=pl.col("resident_number"))
    people = _linked(wide, tokens).select(resident_number="key", person_number="id")
    return known.join(people, on="resident_number").select(
        "municipality_code", "submitter", "feed", "resident", "resident_number", "person_number", "is_registered"
    )


def _numbered(text: pl.Expr) -> pl.Expr:
    return text.cast(pl.Categorical).to_physical()


def _residents(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Every resident key of the current rows with what vetoes a link."""
    return connection.execute(
        f"SELECT municipality_code, submitter, feed, resident, {', '.join(VETOES)}, is_register FROM numbered"
    ).pl()


def _tokens(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """resident, token: a number for each token that more than one resident key has; the others link nobody."""
    return connection.execute(f"""
        WITH told AS (SELECT DISTINCT n.resident, t.rule, t.pseudonym
                      FROM ({TOKENS}) t JOIN (SELECT DISTINCT resident_key, resident FROM numbered) n
                      ON n.resident_key = t.resident_key),
        shared AS (SELECT rule, pseudonym, row_number() OVER () AS token
                   FROM (SELECT rule, pseudonym FROM told GROUP BY rule, pseudonym HAVING count(*) > 1))
        SELECT t.resident, s.token FROM told t JOIN shared s ON s.rule = t.rule AND s.pseudonym = t.pseudonym
    """).pl()


def _linked(nodes: pl.DataFrame, tokens: pl.DataFrame) -> pl.DataFrame:
    """scope, key, id: the id of a component is the least of its keys. `side` is where a token must be unique."""
    told = nodes.join(tokens, on="resident").select("scope", "side", "key", "token").unique()
    alone = told.filter(pl.len().over("scope", "side", "token") == 1)
    shared = alone.filter(pl.len().over("scope", "token") > 1)
    pairs = shared.join(shared, on=["scope", "token"], suffix="_other").filter(pl.col("key") < pl.col("key_other"))
    ends = pl.concat([pairs.select("scope", "key"), pairs.select("scope", key="key_other")]).unique()
    linked = nodes.join(ends, on=["scope", "key"], how="semi")
    known = linked.group_by("scope", "key").agg(pl.col(v).drop_nulls().unique() for v in VETOES)
    kept = _without_vetoes(pairs.select("scope", "key", "key_other").unique(), known)
    found = _components(linked.select("scope", "side", "key").unique(), known, kept)
    every = nodes.select("scope", "key").unique()
    return every.join(found, on=["scope", "key"], how="left").with_columns(pl.coalesce("id", "key").alias("id"))


def _without_vetoes(pairs: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    both = pairs.join(known, on=["scope", "key"]).join(
        known.rename({"key": "key_other"}), on=["scope", "key_other"], suffix="_other"
    )
    differs = pl.any_horizontal(
        (pl.col(v).list.len() > 0) & (pl.col(f"{v}_other").list.len() > 0)
        & (pl.col(v).list.set_intersection(f"{v}_other").list.len() == 0)
        for v in VETOES
    )  # fmt: skip
    return both.filter(~differs).select("scope", "key", "key_other")


def _components(sides: pl.DataFrame, known: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """Components of the pairs; one with two keys of a side, or with facts that differ, falls apart into its keys."""
    keys = sides.select("scope", "key").unique(maintain_order=False).with_row_index("node")
    ends = pairs.join(keys, on=["scope", "key"]).join(
        keys.rename({"key": "key_other"}), on=["scope", "key_other"], suffix="_other"
    )
    size = keys.height
    graph = coo_array(
        (ends["node"].is_not_null().to_numpy(), (ends["node"].to_numpy(), ends["node_other"].to_numpy())), (size, size)
    )
    group = connected_components(graph, directed=False)[1] if size else []
    grouped = keys.with_columns(group=pl.Series(group, dtype=pl.Int32))
    conflict = _two_of_a_side(sides, grouped).vstack(_facts_differ(known, grouped)).unique()
    whole = grouped.with_columns(least=pl.col("key").min().over("group")).join(
        conflict.with_columns(is_conflict=True), on="group", how="left"
    )
    return whole.select("scope", "key", id=pl.when(pl.col("is_conflict")).then("key").otherwise("least"))


def _two_of_a_side(sides: pl.DataFrame, grouped: pl.DataFrame) -> pl.DataFrame:
    held = sides.join(grouped, on=["scope", "key"])
    return (
        held.group_by("group", "side").agg(n=pl.col("key").n_unique()).filter(pl.col("n") > 1).select("group").unique()
    )


def _facts_differ(known: pl.DataFrame, grouped: pl.DataFrame) -> pl.DataFrame:
    """A chain may bring together what no pair showed: one says child 1, one nothing, one child 2."""
    facts = known.join(grouped, on=["scope", "key"])
    several = pl.any_horizontal(pl.col(v).list.explode(empty_as_null=True).drop_nulls().n_unique() > 1 for v in VETOES)
    found = facts.filter(pl.len().over("group") > 1).group_by("group").agg(several.alias("differ"))
    return found.filter("differ").select("group")
