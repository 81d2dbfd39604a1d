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
from pipelines.edge.accepted import Accepted
from pipelines.edge.canon import canonical
from pipelines.records.linkage import (
    CANON_VERSION,
    LOCAL_CANON_VERSION,
    LOCAL_RULES,
    TOKEN_RULES,
    LinkageVersion,
    TokenRule,
)
from pipelines.records.parcel import TOKEN_BYTES

BETWEEN = "\x1f"  # in no canonical form and in no local number
PARTS = tuple(dict.fromkeys(part for rule in TOKEN_RULES for part in rule.parts))
IDENTITY = ("record_key", "feed", "person_local", *PARTS)


@dataclass(frozen=True, repr=False)
class EdgeKey:
    """The linkage domain's key (hex text) in one version, and the canonical forms that its tokens are made of."""

    text: str
    version: LinkageVersion


@dataclass(frozen=True, repr=False)
class TokenKeys:
    """Keys (hex text) of one parcel: the linkage domain's, the submitter's own, and one drawn for this parcel alone.

    former: in a declared bridging period alone, the key that the linkage domain leaves behind.
    """

    edge: str
    edge_version: int
    local: str
    local_version: int
    parcel: str
    submitter: str
    former: EdgeKey | None = None

    @property
    def of_linkage(self) -> tuple[EdgeKey, ...]:
        """The keys of composite tokens: that of today and, in a bridging period, the former one."""
        current = EdgeKey(self.edge, LinkageVersion(self.edge_version))
        return (current, self.former) if self.former else (current,)


def hmac(texts: pl.Series, key: str) -> pl.Series:
    """HMAC-SHA256 of each text under a key (used as its bytes), the first 16 bytes; null stays null."""
    digest = plh.col("text").chash.hmac_sha256(key=key).str.head(2 * TOKEN_BYTES).str.decode("hex")
    return pl.DataFrame({"text": texts}).select(digest.alias(texts.name))[texts.name]


def heads_of(accepted: Sequence[Accepted], keys: TokenKeys) -> pl.DataFrame:
    """Whose row each accepted row is, in the order of the parts: what is decided about leaving is decided on this.

    `record, feed, person_local, is_cancelled, stays`, PARTS as text, `record_key`, and a column for each of LOCAL_RULES,
    null where a part is missing or a record has none; a record of no person has no number and no PARTS. The row key is
    of this parcel alone: it joins tokens to rows, and no two parcels to each other. The local tokens are under the
    submitter's own key; one submitter's number never gives the token of another's.
    """
    heads = pl.concat([pl.DataFrame(schema=_HEAD), *(a.rows.select(_head(a, keys)) for a in accepted)])
    shared = [_hmac_once(heads[rule], keys.local) for rule in LOCAL_RULES if rule != "local_row"]
    return heads.with_columns(
        hmac(heads["record_key"], keys.parcel), hmac(heads["local_row"], keys.local), *shared
    )  # fmt: skip


def local_token(rows: pl.DataFrame, rule: str, part: str, namespace: str, keys: TokenKeys) -> pl.Series:
    """The token of one local rule for every row, from a column that holds its one part."""
    return hmac(rows.select(_joined(_local_domain(rule, namespace, keys), [part]).alias("text"))["text"], keys.local)


_TEXTS = ("record_key", *LOCAL_RULES)
_HEAD: dict[str, type[pl.DataType]] = {
    **dict.fromkeys(("record", "feed", "person_local"), pl.String), "is_cancelled": pl.Boolean, "stays": pl.Boolean,
    **dict.fromkeys((*PARTS, *_TEXTS), pl.String),
}  # fmt: skip


def _head(accepted: Accepted, keys: TokenKeys) -> list[pl.Expr]:
    whose = [pl.lit(accepted.record.name).alias("record"), pl.lit(accepted.feed.name).alias("feed")]
    how = [pl.col("is_cancelled").fill_null(False), _stays(accepted.record).alias("stays")]
    identity = [_identity(accepted.record, part) for part in ("person_local", *PARTS)]
    return [*whose, identity[0], *how, *identity[1:], *_texts(accepted, keys)]


def _identity(record: Record, part: str) -> pl.Expr:
    return (pl.col(part) if record.is_of_person else pl.lit(None)).cast(pl.String).alias(part)


def _stays(record: Record) -> pl.Expr:
    """Rows that never leave the source, whoever they are about (losses); the last revision of a row decides for all."""
    if record.stays is None:
        return pl.lit(False)
    last = record.stays().fill_null(False).sort_by(pl.col("revision_no").fill_null(0)).last()
    return last.over(*record.key)


def _texts(accepted: Accepted, keys: TokenKeys) -> list[pl.Expr]:
    """What is hashed for each row: the text of its row key and of each local rule."""
    record, namespace = accepted.record, accepted.feed.local_namespace
    row: list[str | pl.Expr] = [*record.key, pl.col("revision_no").fill_null(0), pl.lit(accepted.feed.name)]
    texts = {rule: _joined(_local_domain(rule, namespace, keys), p) for rule, p in record.local_tokens.items()}
    texts["record_key"] = _joined([record.name], row)
    texts["local_row"] = _joined(_local_domain("local_row", namespace, keys, record.name), record.key)
    return [texts.get(name, pl.lit(None, pl.String)).alias(name) for name in _TEXTS]


def _local_domain(rule: str, namespace: str, keys: TokenKeys, record: str = "") -> list[str]:
    return [rule, str(keys.local_version), str(LOCAL_CANON_VERSION), keys.submitter, namespace, record]


def _hmac_once(texts: pl.Series, key: str) -> pl.Series:
    """`hmac` where many rows share a text: each distinct text is hashed once."""
    distinct = texts.drop_nulls().unique()
    made = pl.DataFrame({"text": distinct, "token": hmac(distinct, key)})
    rows = pl.DataFrame({"text": texts}).join(made, on="text", how="left", maintain_order="left")
    return rows["token"].alias(texts.name)


def identities(people: pl.DataFrame, canon_version: int = CANON_VERSION) -> pl.DataFrame:
    """The columns IDENTITY, PARTS in their canonical forms: each distinct identity of a feed and person, on its first row.

    people: the columns IDENTITY (PARTS as text), one row per record row.
    """
    return canonical(_distinct(people).sort("record_key"), PARTS, canon_version)


def composite_tokens(forms: pl.DataFrame, key: EdgeKey) -> pl.DataFrame:
    """`record_key, feed, person_local, rule, token` of `identities`: once per feed, person and token, on its first row."""
    return pl.concat([_tokens_of(forms, rule, key) for rule in TOKEN_RULES])


def local_identities(forms: pl.DataFrame, keys: TokenKeys) -> pl.DataFrame:
    """`feed, person_local, local_identity`: a name's token under the submitter's own key, so that it outlives an edge key.

    forms: `identities` in the forms of LOCAL_CANON_VERSION. It stays in the state and never leaves.
    """
    name = next(rule for rule in TOKEN_RULES if rule.name == "name")
    text = _joined(_local_domain("local_identity", "", keys), name.parts).alias("text")
    named = forms.select("feed", "person_local", text).drop_nulls("text")
    once = named.unique(["feed", "person_local"], keep="first", maintain_order=True)
    return once.select("feed", "person_local", hmac(once["text"], keys.local).alias("local_identity"))


def _distinct(people: pl.DataFrame) -> pl.DataFrame:
    """Each identity with its least row key; rows of one person that follow each other are put together beforehand."""
    identity = ["feed", "person_local", *PARTS]
    begins = pl.any_horizontal(pl.col(part).ne_missing(pl.col(part).shift()) for part in identity)
    stretches = people.select("record_key", *identity, begins=begins | (pl.int_range(pl.len()) == 0))
    least = stretches.group_by(pl.col("begins").cum_sum(), maintain_order=True).agg(pl.col("record_key").min())
    first = stretches.filter("begins").select(*identity, least["record_key"])
    return first.group_by(identity).agg(pl.col("record_key").min())


def _tokens_of(forms: pl.DataFrame, rule: TokenRule, key: EdgeKey) -> pl.DataFrame:
    domain = [rule.name, str(key.version.key), str(key.version.canon)]
    token = hmac(forms.select(_joined(domain, rule.parts).alias("text"))["text"], key.text)
    named = forms.select("record_key", "feed", "person_local", pl.lit(rule.name).alias("rule"), token.alias("token"))
    once = ["feed", "person_local", "token"]
    return named.drop_nulls("token").unique(once, keep="first", maintain_order=True)


def token_rows(tokens: pl.DataFrame, version: LinkageVersion) -> pl.DataFrame:
    """`record_key, rule, token` to schema TOKEN_SCHEMA; a missing token gives no row."""
    return tokens.drop_nulls("token").select(
        "record_key", "rule", pl.lit(version.key, pl.Int32).alias("key_version"),
        pl.lit(version.canon, pl.Int32).alias("canon_version"), "token",
    )  # fmt: skip


def _joined(domain: Sequence[str], parts: Sequence[str | pl.Expr]) -> pl.Expr:
    """Domain and parts as one text; null where a part is null."""
    texts = (pl.col(p) if isinstance(p, str) else p for p in parts)
    return pl.concat_str(pl.lit(BETWEEN.join(domain)), *texts, separator=BETWEEN)
