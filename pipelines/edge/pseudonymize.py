"""Tokens: what leaves instead of a person. Nothing else that holds an identity passes this file.

Composite tokens (TOKEN_RULES) are made under the linkage domain's edge key, local tokens under the submitter's own
key; each is HMAC-SHA256 cut to 16 bytes, and its input begins with rule, key version and canonicalization version, so
that no token of one rule, version or submitter can equal that of another. A missing part gives no token.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
import polars_hash as plh

from pipelines.declaration import Record
from pipelines.edge.canon import canonical
from pipelines.feeds import Feed
from pipelines.records.linkage import CANON_VERSION, TOKEN_RULES, TokenRule
from pipelines.records.parcel import TOKEN_BYTES

BETWEEN = "\x1f"  # in no canonical form and in no local number
PARTS = tuple(dict.fromkeys(part for rule in TOKEN_RULES for part in rule.parts))


@dataclass(frozen=True, repr=False)
class TokenKeys:
    """Keys (hex text) of one parcel: the linkage domain's, the submitter's own, and one drawn for this parcel alone."""

    edge: str
    edge_version: int
    local: str
    local_version: int
    parcel: str
    submitter: str


def hmac(texts: pl.Series, key: str) -> pl.Series:
    """HMAC-SHA256 of each text under a key (used as its bytes), the first 16 bytes; null stays null."""
    digest = plh.col("text").chash.hmac_sha256(key=key).str.head(2 * TOKEN_BYTES).str.decode("hex")
    return pl.DataFrame({"text": texts}).select(token=digest)["token"]


def record_keys(rows: pl.DataFrame, feed: Feed, record: Record, keys: TokenKeys) -> pl.Series:
    """The row key of this parcel alone: it joins tokens to rows, and no two parcels to each other."""
    revision = pl.col("revision_no").fill_null(0)
    return hmac(_joined(rows, [record.name], [*record.key, revision, pl.lit(feed.name)]), keys.parcel)


def local_tokens(rows: pl.DataFrame, feed: Feed, record: Record, keys: TokenKeys) -> dict[str, pl.Series]:
    """Token rule -> token of every row, under the submitter's own key; null where a part is missing."""
    own = {r: local_token(rows, r, p, feed.local_namespace, keys) for r, p in record.local_tokens.items()}
    domain = _local_domain("local_row", feed.local_namespace, keys, record.name)
    return {"local_row": hmac(_joined(rows, domain, record.key), keys.local), **own}


def local_token(rows: pl.DataFrame, rule: str, parts: Sequence[str], namespace: str, keys: TokenKeys) -> pl.Series:
    """One local token per row; one submitter's number never gives the token of another's."""
    domain = _local_domain(rule, namespace, keys)
    distinct = rows.select(parts).unique()
    tokens = distinct.with_columns(hmac(_joined(distinct, domain, parts), keys.local).alias("local_token"))
    return rows.select(parts).join(tokens, on=list(parts), how="left", maintain_order="left")["local_token"]


def _local_domain(rule: str, namespace: str, keys: TokenKeys, record: str = "") -> list[str]:
    return [rule, str(keys.local_version), str(CANON_VERSION), keys.submitter, namespace, record]


def composite_tokens(people: pl.DataFrame, keys: TokenKeys) -> pl.DataFrame:
    """`record_key, feed, person_local, rule, token`: once per feed, person and distinct identity, on its first row.

    people: `record_key, feed, person_local` and PARTS as text, one row per record row.
    """
    identity = ["feed", "person_local", *PARTS]
    distinct = people.group_by(identity).agg(pl.col("record_key").min()).sort("record_key")
    canon = distinct.with_columns(canonical(distinct[part], part) for part in PARTS)
    return pl.concat([_tokens_of(canon, rule, keys) for rule in TOKEN_RULES])


def _tokens_of(canon: pl.DataFrame, rule: TokenRule, keys: TokenKeys) -> pl.DataFrame:
    domain = [rule.name, str(keys.edge_version), str(CANON_VERSION)]
    token = hmac(_joined(canon, domain, rule.parts), keys.edge)
    named = canon.select("record_key", "feed", "person_local", pl.lit(rule.name).alias("rule"), token.alias("token"))
    once = ["feed", "person_local", "token"]
    return named.drop_nulls("token").unique(once, keep="first", maintain_order=True)


def token_rows(tokens: pl.DataFrame, key_version: int) -> pl.DataFrame:
    """`record_key, rule, token` to schema TOKEN_SCHEMA; a missing token gives no row."""
    return tokens.drop_nulls("token").select(
        "record_key", "rule", pl.lit(key_version, pl.Int32).alias("key_version"),
        pl.lit(CANON_VERSION, pl.Int32).alias("canon_version"), "token",
    )  # fmt: skip


def _joined(rows: pl.DataFrame, domain: Sequence[str], parts: Sequence[str | pl.Expr]) -> pl.Series:
    """Domain and parts as one text; null where a part is null."""
    texts = (pl.col(p) if isinstance(p, str) else p for p in parts)
    return rows.select(pl.concat_str(pl.lit(BETWEEN.join(domain)), *texts, separator=BETWEEN).alias("text"))["text"]
