"""Whether what was missing came to those who stood on a list: asked of the rows of a later delivery, and remembered.

Once reached stays reached: a later delivery may hold changes alone.
"""

from datetime import date

import duckdb
import polars as pl

from pipelines.declaration import OutreachRule
from pipelines.edge.at_home import AtHome
from pipelines.edge.grains import grains, subject
from pipelines.edge.listed import IS_LINE, LISTED_SCHEMA, not_protected, with_lines
from pipelines.edge.pseudonymize import TokenKeys, local_token
from pipelines.edge.told import known, reachable, told_rows
from pipelines.indicators.outreach import RULES


def followed(listed: pl.DataFrame, home: AtHome, asked: duckdb.DuckDBPyConnection | None = None) -> pl.DataFrame:
    """`listed` (schema LISTED_SCHEMA) after this delivery: protected people left out, and who has been reached.

    asked: the grains of this delivery, where they are there already.
    """
    kept = not_protected(listed, home.departure.protected, home.keys.local_version)
    waiting = kept.filter(IS_LINE & ~pl.col("is_reached")).select("rule", "as_of").unique()
    if waiting.is_empty():
        return kept
    connection = asked or grains(told_rows(home, reachable(home)), known(home))
    came = pl.concat([_came(connection, RULES[rule], day, home.keys) for rule, day in waiting.iter_rows()])
    if asked is None:
        connection.close()
    told = kept.join(came, on=["rule", "as_of", "line"], how="left", maintain_order="left")
    return told.with_columns(pl.col("is_reached") | pl.col("came").fill_null(False)).drop("came")


def remembered(listed: pl.DataFrame, met: pl.DataFrame, rule: OutreachRule, day: date, keys: TokenKeys) -> pl.DataFrame:
    """`listed` with the lines of a list. met: `local_number, subject`."""
    made = pl.DataFrame({"rule": [rule.id], "as_of": [day]}, schema_overrides=LISTED_SCHEMA)
    lines = _tokens(met, rule, keys).with_columns(
        rule=pl.lit(rule.id), as_of=pl.lit(day), key_version=pl.lit(keys.local_version, pl.Int32), is_reached=False,
        local_person=local_token(met, "local_person", "local_number", "", keys),
    )  # fmt: skip
    return with_lines(listed, pl.concat([_shaped(made), _shaped(lines)]))


def _came(connection: duckdb.DuckDBPyConnection, rule: OutreachRule, day: date, keys: TokenKeys) -> pl.DataFrame:
    """`rule, as_of, line, came` of everything in the rule's grain for which what was missing is on record."""
    found = connection.execute(
        f"SELECT DISTINCT {subject(rule.grain)} AS subject "
        f"FROM own.{rule.grain} CROSS JOIN (SELECT CAST(? AS DATE) AS as_of) WHERE ({rule.population}) AND ({rule.reached})",
        [day],
    ).pl()
    return _tokens(found, rule, keys).select(
        pl.lit(rule.id).alias("rule"), pl.lit(day).alias("as_of"), "line", pl.lit(True).alias("came")
    )


def _tokens(rows: pl.DataFrame, rule: OutreachRule, keys: TokenKeys) -> pl.DataFrame:
    """The rows with `line`: the token of what each is about, of no use for another rule."""
    return rows.with_columns(local_token(rows, f"listed {rule.id}", "subject", "", keys).alias("line"))


def _shaped(rows: pl.DataFrame) -> pl.DataFrame:
    there = set(rows.columns)
    return rows.select((pl.col(c) if c in there else pl.lit(None)).cast(t).alias(c) for c, t in LISTED_SCHEMA.items())
