"""The process that holds the centre key alone while a warehouse is re-keyed; the warehouse key stays with the other.

`python -m pipelines.warehouse.rekey_process DIR` reads (rule, pseudonym) from its standard input and answers with the same
under the newest centre key, which thereby lies over the chain so far: new = HMAC(k2, HMAC(k1, token)).
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import polars as pl

from pipelines.keys import KeyProblem, find
from pipelines.warehouse.linkage_process import hashed, told
from pipelines.warehouse.memory import leave_no_core
from pipelines.warehouse.pipe import PipeClosed, receive, send


def renamed(pseudonyms: pl.DataFrame, centre_key: str) -> pl.DataFrame:
    """rule, pseudonym, current: pseudonyms as hex text."""
    parts = [
        hashed(rows.with_columns(token=pl.col("pseudonym").str.decode("hex")).drop("pseudonym"), str(rule), centre_key)
        for (rule,), rows in pseudonyms.partition_by("rule", as_dict=True).items()
    ]
    as_hex = {"pseudonym": pl.col("token").bin.encode("hex"), "current": pl.col("pseudonym").bin.encode("hex")}
    return pl.concat(part.select("rule", **as_hex) for part in parts)


def serve(directories: Sequence[Path], requests: IO[bytes], answers: IO[bytes]) -> None:
    """Tells the newest version of the centre key, then answers until the other process closes the pipe."""
    leave_no_core()
    try:
        keys = find(("centre",), directories)
    except KeyProblem as problem:
        send(answers, told(problem))
        return
    send(answers, {"ready": True, "version": keys.version("centre")})
    while True:
        try:
            _, pseudonyms = receive(requests)
            if pseudonyms is None:
                raise ValueError("a question without pseudonyms has no answer")
            send(answers, {}, renamed(pseudonyms, keys.text("centre")))
        except PipeClosed:
            return


if __name__ == "__main__":
    serve([Path(d) for d in sys.argv[1:]], sys.stdin.buffer, sys.stdout.buffer)
