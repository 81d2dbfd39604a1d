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

from pipelines.keys import KeyProblem
from pipelines.records.linkage import LOCAL_RULES, TOKEN_RULES
from pipelines.records.parcel import TOKEN_BYTES, TOKEN_SCHEMA, TOKENS_TABLE
from pipelines.warehouse.keyring import linkage_keys
from pipelines.warehouse.memory import leave_no_core
from pipelines.warehouse.open_parcel import Opened, Recipient, open_tokens
from pipelines.warehouse.pipe import PipeClosed, receive, send
from pipelines.warehouse.refusal import Refused

RULES = (*LOCAL_RULES, *(rule.name for rule in TOKEN_RULES))
OF_MANY_ROWS = ("local_person", "local_pregnancy")  # a token of any other rule comes about once


def second_pseudonyms(tokens: pl.DataFrame, centre_key: str) -> pl.DataFrame:
    """record_key, rule, pseudonym: HMAC-SHA256(centre key, rule|token), the first 16 bytes.

    A token of a rule that many rows share is hashed once.
    """
    told = tokens.with_columns(
        pl.col("rule").cast(pl.Enum(RULES)), number=pl.col("token").bin.reinterpret(dtype=pl.Int128)
    )
    parts = []
    for rule in RULES:
        rows = told.filter(pl.col("rule") == rule)
        if rule in OF_MANY_ROWS:
            known = _hashed(rows.unique("number"), rule, centre_key).select("number", "pseudonym")
            parts.append(rows.join(known, on="number"))
        else:
            parts.append(_hashed(rows, rule, centre_key))
    return pl.concat(part.select("record_key", "rule", "pseudonym") for part in parts)


def _hashed(tokens: pl.DataFrame, rule: str, centre_key: str) -> pl.DataFrame:
    message = pl.concat_str(pl.lit(f"{rule}|"), pl.col("token").bin.encode("hex")).alias("message")
    hashed = plh.col("message").chash.hmac_sha256(key=centre_key).str.head(2 * TOKEN_BYTES).str.decode("hex")
    return tokens.with_columns(message).with_columns(pseudonym=hashed)


def read_tokens(opened: Opened) -> pl.DataFrame:
    """The tokens table, checked against its contract. Raises Refused."""
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
    is_local = pl.col("rule").is_in(LOCAL_RULES)
    version = pl.when(is_local).then(opened.manifest.key_generation).otherwise(opened.manifest.key_version)
    if tokens.select((pl.col("key_version") != version).any()).item():
        raise Refused("unknown_key_version")
    if (tokens["canon_version"] != opened.manifest.canon_version).any():
        raise Refused("unknown_canon_version")
    return tokens


def answer(
    request: dict[str, Any], recipient: Recipient, centre_key: str
) -> tuple[dict[str, Any], pl.DataFrame | None]:
    """The pseudonyms of one parcel with the digest of its manifest, or the reason of its refusal."""
    try:
        opened = open_tokens(Path(request["parcel"]), recipient, request["signing_keys"])
        return {"manifest": opened.manifest.digest}, second_pseudonyms(read_tokens(opened), centre_key)
    except Refused as refused:
        return {"refused": refused.reason}, None
    except OSError:
        return {"refused": "truncated"}, None


def serve(directories: Sequence[Path], requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answers request after request until the load process closes the pipe."""
    leave_no_core()
    try:
        keys = linkage_keys(directories)
        recipient, centre_key = Recipient(keys.text("linkage")), keys.text("centre")
    except KeyProblem as problem:
        send(answers, {"key_problem": [problem.sentence_ja, problem.sentence_en]})
        return
    send(answers, {"ready": True})
    while True:
        try:
            request, _ = receive(requests)
            send(answers, *answer(request, recipient, centre_key))
        except PipeClosed:
            return


if __name__ == "__main__":
    serve([Path(d) for d in sys.argv[1:]], sys.stdin.buffer, sys.stdout.buffer)
