"""The linkage process: linkage identity and centre key, and neither load identity nor warehouse key (privacy, hole 1).

`python -m pipelines.warehouse.linkage_process DIR DIR` reads requests from its standard input. First-stage tokens are
in its memory alone; what it hands on is (record_key, rule, second pseudonym).
"""

import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import polars as pl
import polars_hash as plh

from pipelines.keys import KeyProblem, Keys
from pipelines.records.linkage import LOCAL_CANON_VERSION, LOCAL_RULES, TOKEN_RULES, LinkageVersion
from pipelines.records.parcel import TOKEN_BYTES, TOKEN_SCHEMA, TOKENS_TABLE
from pipelines.warehouse.keyring import linkage_keys
from pipelines.warehouse.memory import leave_no_core
from pipelines.warehouse.open_parcel import Identity, Opened, open_tokens
from pipelines.warehouse.pipe import PipeClosed, receive, send
from pipelines.warehouse.refusal import Refused

RULES = (*LOCAL_RULES, *(rule.name for rule in TOKEN_RULES))
OF_MANY_ROWS = ("local_person", "local_pregnancy")  # a token of any other rule comes about once


def second_pseudonyms(tokens: pl.DataFrame, *centre_keys: str) -> pl.DataFrame:
    """record_key, rule, pseudonym: HMAC-SHA256(centre key, rule|token), the first 16 bytes; once more for each key of the
    chain, over what the key before made. Other columns stay.

    A token of a rule that many rows share is hashed once.
    """
    for key in centre_keys:
        tokens = _one_link(tokens, key).rename({"pseudonym": "token"})
    return tokens.rename({"token": "pseudonym"})


def _one_link(tokens: pl.DataFrame, centre_key: str) -> pl.DataFrame:
    others = [c for c in tokens.columns if c not in ("token", "key_version", "canon_version")]
    told = tokens.with_columns(
        pl.col("rule").cast(pl.Enum(RULES)), number=pl.col("token").bin.reinterpret(dtype=pl.Int128)
    )
    parts = []
    for rule in RULES:
        rows = told.filter(pl.col("rule") == rule)
        if rule in OF_MANY_ROWS:
            known = hashed(rows.unique("number"), rule, centre_key).select("number", "pseudonym")
            parts.append(rows.join(known, on="number"))
        else:
            parts.append(hashed(rows, rule, centre_key))
    return pl.concat(part.select(*others, "pseudonym") for part in parts)


def hashed(tokens: pl.DataFrame, rule: str, centre_key: str) -> pl.DataFrame:
    """With `pseudonym`: the token of each row under one centre key."""
    message = pl.concat_str(pl.lit(f"{rule}|"), pl.col("token").bin.encode("hex")).alias("message")
    hashed = plh.col("message").chash.hmac_sha256(key=centre_key).str.head(2 * TOKEN_BYTES).str.decode("hex")
    return tokens.with_columns(message).with_columns(pseudonym=hashed)


def read_tokens(opened: Opened) -> pl.DataFrame:
    """The tokens table, checked against its contract; with `is_former` where the parcel bridges two versions. Raises
    Refused."""
    listed = opened.manifest.tables[TOKENS_TABLE]
    try:
        tokens = pl.read_parquet(io.BytesIO(opened.tables[TOKENS_TABLE]))
    except pl.exceptions.PolarsError:
        raise Refused("malformed_table") from None
    if (
        tokens.schema != pl.Schema(TOKEN_SCHEMA)
        or tokens.height != listed.rows
        or not tokens["rule"].is_in(RULES).all()
    ):
        raise Refused("malformed_table")
    if not (tokens["token"].bin.size() == TOKEN_BYTES).all() or tokens.null_count().sum_horizontal().item():
        raise Refused("malformed_table")
    manifest, is_local = opened.manifest, pl.col("rule").is_in(LOCAL_RULES)
    shared = [manifest.version, *([manifest.bridge_from] if manifest.bridge_from else [])]
    own = [LinkageVersion(manifest.key_generation, LOCAL_CANON_VERSION)]
    if not tokens.select(pl.when(is_local).then(_has_key(own)).otherwise(_has_key(shared)).all()).item():
        raise Refused("unknown_key_version")
    if not tokens.select(pl.when(is_local).then(_is_of(own)).otherwise(_is_of(shared)).all()).item():
        raise Refused("unknown_canon_version")
    return tokens.with_columns(is_former=~is_local & _is_of(shared[1:])) if manifest.bridge_from else tokens


def _has_key(versions: Sequence[LinkageVersion]) -> pl.Expr:
    return pl.col("key_version").is_in([version.key for version in versions])


def _is_of(versions: Sequence[LinkageVersion]) -> pl.Expr:
    key, canon = pl.col("key_version"), pl.col("canon_version")
    return pl.any_horizontal((key == version.key) & (canon == version.canon) for version in versions)


def answer(request: dict[str, Any], identity: Identity, keys: Keys) -> tuple[dict[str, Any], pl.DataFrame | None]:
    """The pseudonyms of one parcel with the digest of its manifest, or the reason of its refusal."""
    try:
        chain = [keys.text("centre", version) for version in request["centre_chain"]]
        opened = open_tokens(Path(request["parcel"]), identity, request["signing_keys"])
        return {"manifest": opened.manifest.digest}, second_pseudonyms(read_tokens(opened), *chain)
    except KeyProblem as problem:
        return told(problem), None
    except Refused as refused:
        return {"refused": refused.reason}, None
    except OSError:
        return {"refused": "truncated"}, None


def told(problem: KeyProblem) -> dict[str, Any]:
    return {"key_problem": [problem.sentence_ja, problem.sentence_en]}


def serve(directories: Sequence[Path], requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answers request after request until the load process closes the pipe."""
    leave_no_core()
    try:
        keys = linkage_keys(directories)
        identity = Identity(keys.text("linkage"))
    except KeyProblem as problem:
        send(answers, told(problem))
        return
    send(answers, {"ready": True})
    while True:
        try:
            request, _ = receive(requests)
            send(answers, *answer(request, identity, keys))
        except PipeClosed:
            return


if __name__ == "__main__":
    serve([Path(d) for d in sys.argv[1:]], sys.stdin.buffer, sys.stdout.buffer)
