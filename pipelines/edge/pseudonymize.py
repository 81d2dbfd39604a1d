"""Tokens: what leaves instead of a person. Nothing else that holds an identity passes this file.

Composite tokens (TOKEN_RULES) are made under the linkage domain's edge key, local tokens under the submitter's own
key; each is HMAC-SHA256 cut to 16 bytes, and its input begins with rule, key version and canonicalization version, so
that no token of one rule, version or submitter can equal that of another. A missing part gives no token.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import polars as pl
import polars_hash as plh

from pipelines.declaration import Record
from pipelines.edge.accepted import Accepted
from pipelines.edge.canon import canonical
from pipelines.edge.whose import PARTS, WHO
from pipelines.records.linkage import LOCAL_CANON_VERSION, LOCAL_RULES, TOKEN_RULES, LinkageVersion, TokenRule
from pipelines.records.parcel import TOKEN_BYTES

ORDER = "order"
# The first 8 bytes of a row key as a number, which sort far sooner; read while the keys lie in memory as they were made.
IN_ORDER = pl.col("record_key").bin.slice(0, 8).bin.reinterpret(dtype=pl.UInt64, endianness="big").alias(ORDER)
BETWEEN = "\x1f"  # in no canonical form and in no local number


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
    digest = plh.col("text").chash.hmac_sha256(key=key).str.head(2 * TOKEN_BYTES)
    return _bytes_of(pl.DataFrame({"text": texts}).select(digest).to_series()).alias(texts.name)


def _bytes_of(digits: pl.Series) -> pl.Series:
    """Each text of 2 * TOKEN_BYTES hexadecimal digits as bytes, null as null: all at once, in half the time of one by one."""
    together, is_there = bytes.fromhex(digits.drop_nulls().str.join("").item()), pl.col("digits").is_not_null()
    one = pl.lit(together).bin.slice((is_there.cum_sum() - 1) * TOKEN_BYTES, TOKEN_BYTES)
    return pl.DataFrame({"digits": digits}).select(pl.when(is_there).then(one)).to_series()


def heads_of(accepted: Sequence[Accepted], keys: TokenKeys) -> pl.DataFrame:
    """Whose row each accepted row is, in the order of the parts: what is decided about leaving is decided on this.

    `record, feed, is_cancelled, stays`, WHO (the place among `people_of` all), `record_key`, and a column for each of
    LOCAL_RULES, null where a part is missing or a record has none. The row key is of this parcel alone: it joins tokens
    to rows, and no two parcels to each other. The local tokens are under the submitter's own key; one submitter's number
    never gives the token of another's.
    """
    before = accumulate((a.people.height for a in accepted), initial=0)
    parts = (_of_rows(a.rows.select(_head(a, n, keys)), keys) for a, n in zip(accepted, before, strict=False))
    heads = pl.concat([_of_rows(pl.DataFrame(schema=_HEAD), keys), *parts])
    shared = _shared_tokens(accepted, keys)
    return heads.with_columns(shared[rule].gather(heads[WHO]) for rule in SHARED_RULES)


def _of_rows(heads: pl.DataFrame, keys: TokenKeys) -> pl.DataFrame:
    """The heads of one part with what each row has of its own hashed: no text of all rows of a town is held at once."""
    return heads.with_columns(hmac(heads["record_key"], keys.parcel), hmac(heads["local_row"], keys.local))


def _shared_tokens(accepted: Sequence[Accepted], keys: TokenKeys) -> pl.DataFrame:
    """A column for each of SHARED_RULES, a row for each stretch of rows in the order of `people_of`."""
    empty = pl.DataFrame(schema=dict.fromkeys(SHARED_RULES, pl.String))
    texts = pl.concat([empty, *(a.people.with_columns(_shared_texts(a, keys)).select(SHARED_RULES) for a in accepted)])
    if texts.height != sum(a.people.height for a in accepted):
        raise RuntimeError("tokens that rows share are not in the order of the people they are of")
    return texts.select(_hmac_once(texts[rule], keys.local) for rule in SHARED_RULES)


def local_token(rows: pl.DataFrame, rule: str, part: str, namespace: str, keys: TokenKeys) -> pl.Series:
    """The token of one local rule for every row, from a column that holds its one part."""
    return hmac(rows.select(_joined(_local_domain(rule, namespace, keys), [part]).alias("text"))["text"], keys.local)


SHARED_RULES = tuple(rule for rule in LOCAL_RULES if rule != "local_row")  # many rows have one token
_TEXTS = ("record_key", "local_row")
_HEAD: dict[str, type[pl.DataType]] = {
    **dict.fromkeys(("record", "feed"), pl.String), "is_cancelled": pl.Boolean, "stays": pl.Boolean,
    WHO: pl.UInt32, **dict.fromkeys(_TEXTS, pl.String),
}  # fmt: skip


def _head(accepted: Accepted, people_before: int, keys: TokenKeys) -> list[pl.Expr]:
    named = [pl.lit(accepted.record.name).alias("record"), pl.lit(accepted.feed.name).alias("feed")]
    how = [pl.col("is_cancelled").fill_null(False), _stays(accepted.record).alias("stays")]
    return [*named, *how, pl.col(WHO) + people_before, *_texts(accepted, keys)]


def _stays(record: Record) -> pl.Expr:
    """Rows that never leave the source, whoever they are about (losses); the last revision of a row decides for all."""
    if record.stays is None:
        return pl.lit(False)
    last = record.stays().fill_null(False).sort_by(pl.col("revision_no").fill_null(0)).last()
    return last.over(*record.key)


def _texts(accepted: Accepted, keys: TokenKeys) -> list[pl.Expr]:
    """What is hashed for each row: the text of its row key and of its own token."""
    record = accepted.record
    domain = _local_domain("local_row", accepted.feed.local_namespace, keys, record.name)
    row: list[str | pl.Expr] = [*record.key, pl.col("revision_no").fill_null(0), pl.lit(accepted.feed.name)]
    return [_joined([record.name], row).alias("record_key"), _joined(domain, record.key).alias("local_row")]


def _shared_texts(accepted: Accepted, keys: TokenKeys) -> list[pl.Expr]:
    """What is hashed for each stretch of rows: the text of each of SHARED_RULES."""
    parts, namespace = accepted.record.local_tokens, accepted.feed.local_namespace
    texts = {rule: _joined(_local_domain(rule, namespace, keys), parts[rule]) for rule in SHARED_RULES if rule in parts}
    return [texts.get(rule, pl.lit(None, pl.String)).alias(rule) for rule in SHARED_RULES]


def _local_domain(rule: str, namespace: str, keys: TokenKeys, record: str = "") -> list[str]:
    return [rule, str(keys.local_version), str(LOCAL_CANON_VERSION), keys.submitter, namespace, record]


def _hmac_once(texts: pl.Series, key: str) -> pl.Series:
    """`hmac` where many rows share a text: each distinct text is hashed once."""
    distinct = texts.drop_nulls().unique()
    made = pl.DataFrame({"text": distinct, "token": hmac(distinct, key)})
    rows = pl.DataFrame({"text": texts}).join(made, on="text", how="left", maintain_order="left")
    return rows["token"].alias(texts.name)


def people_of(accepted: Sequence[Accepted]) -> pl.DataFrame:
    """`feed, person_local` and PARTS of every stretch of rows, in the order of the parts."""
    empty = pl.DataFrame(schema=dict.fromkeys(("feed", "person_local", *PARTS), pl.String))
    named = (a.people.select(pl.lit(a.feed.name).alias("feed"), "person_local", *PARTS) for a in accepted)
    return pl.concat([empty, *named])


def identities(heads: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """`record_key, feed, person_local` and PARTS as text: each distinct identity of a feed and person, on its first row.

    heads: WHO and `record_key` of the rows that tell of somebody. people: as `people_of`.
    """
    least = heads.group_by(WHO, maintain_order=True).agg(pl.col("record_key").min())  # rising, as the parts are
    named = people.filter(pl.int_range(pl.len()).is_in(least[WHO].implode())).with_columns(least["record_key"])
    return named.group_by(people.columns).agg(pl.col("record_key").min()).sort("record_key")


def in_forms(named: pl.DataFrame, canon_version: int) -> pl.DataFrame:
    """named: `identities`; the same with PARTS in the canonical forms of a version."""
    return canonical(named, PARTS, canon_version)


def composite_tokens(forms: pl.DataFrame, key: EdgeKey) -> pl.DataFrame:
    """`record_key, feed, person_local, rule, token`: once per feed, person and token, on its first row.

    forms: identities `in_forms` of the key's version.
    """
    return pl.concat([_tokens_of(forms, rule, key) for rule in TOKEN_RULES])


def local_identities(forms: pl.DataFrame, keys: TokenKeys) -> pl.DataFrame:
    """`feed, person_local, local_identity`: a name's token under the submitter's own key, so that it outlives an edge key.

    forms: identities `in_forms` of LOCAL_CANON_VERSION. It stays in the state and never leaves.
    """
    name = next(rule for rule in TOKEN_RULES if rule.name == "name")
    text = _joined(_local_domain("local_identity", "", keys), name.parts).alias("text")
    named = forms.select("feed", "person_local", text).drop_nulls("text")
    once = named.unique(["feed", "person_local"], keep="first", maintain_order=True)
    return once.select("feed", "person_local", hmac(once["text"], keys.local).alias("local_identity"))


def _tokens_of(forms: pl.DataFrame, rule: TokenRule, key: EdgeKey) -> pl.DataFrame:
    domain = [rule.name, str(key.version.key), str(key.version.canon)]
    token = hmac(forms.select(_joined(domain, rule.parts).alias("text"))["text"], key.text)
    named = forms.select("record_key", "feed", "person_local", pl.lit(rule.name).alias("rule"), token.alias("token"))
    once = ["feed", "person_local", "token"]
    return named.drop_nulls("token").unique(once, keep="first", maintain_order=True)


def token_rows(tokens: pl.DataFrame, version: LinkageVersion) -> pl.DataFrame:
    """`record_key, rule, token` to schema TOKEN_SCHEMA, and ORDER; a missing token gives no row."""
    return tokens.drop_nulls("token").select(
        "record_key", "rule", pl.lit(version.key, pl.Int32).alias("key_version"),
        pl.lit(version.canon, pl.Int32).alias("canon_version"), "token", ORDER,
    )  # fmt: skip


def _joined(domain: Sequence[str], parts: Sequence[str | pl.Expr]) -> pl.Expr:
    """Domain and parts as one text; null where a part is null."""
    texts = (pl.col(p) if isinstance(p, str) else p for p in parts)
    return pl.concat_str(pl.lit(BETWEEN.join(domain)), *texts, separator=BETWEEN)
