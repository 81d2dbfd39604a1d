"""The load process's side of the pipe: asks the linkage process for the pseudonyms of one parcel after the other."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl

import pipelines
from pipelines.warehouse.pipe import PipeClosed, receive, send
from pipelines.warehouse.problem import KEY, WarehouseProblem
from pipelines.warehouse.refusal import Refused

LINKAGE, REKEYING = "pipelines.warehouse.linkage_process", "pipelines.warehouse.rekey_process"
PASSED_ON = ("PATH", "SYSTEMROOT", "TMPDIR", "LANG", "_RJEM_MALLOC_CONF")


class Linkage:
    """A running linkage process. `ask` sends a request, `pseudonyms` takes the answers in the same order."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        if process.stdin is None or process.stdout is None:
            raise ValueError("the linkage process needs both of its pipes")
        self._requests, self._answers = process.stdin, process.stdout
        self.process_id = process.pid

    def ask(self, parcel: Path, signing_keys: Mapping[str, str], centre_chain: Sequence[int] = (1,)) -> None:
        """centre_chain: versions of the centre key that lie over each other in the pseudonyms of this warehouse."""
        with _alive():
            request = {"parcel": str(parcel), "signing_keys": dict(signing_keys), "centre_chain": list(centre_chain)}
            send(self._requests, request)

    def pseudonyms(self, manifest_digest: str) -> pl.DataFrame:
        """record_key, rule, pseudonym of the parcel asked for. Raises Refused; both members name one manifest."""
        with _alive():
            message, frame = receive(self._answers)
        _raise_key_problem(message)
        if "refused" in message:
            raise Refused(message["refused"])
        if message["manifest"] != manifest_digest or frame is None:
            raise Refused("members_differ")
        return frame

    def greet(self) -> None:
        """Waits until the process has read its keys. Raises WarehouseProblem 77 with its sentence.

        `centre_version` is then the newest centre key of a re-keying process.
        """
        with _alive():
            message, _ = receive(self._answers)
        _raise_key_problem(message)
        self.centre_version = int(message.get("version", 0))

    def renamed(self, pseudonyms: pl.DataFrame) -> pl.DataFrame:
        """rule, pseudonym (hex text) -> the same with `current`, under the key that is added to the chain."""
        with _alive():
            send(self._requests, {}, pseudonyms)
            _, frame = receive(self._answers)
        if frame is None:
            raise ValueError("the process of the centre key must answer with a table")
        return frame


@contextmanager
def linkage_process(directories: Sequence[Path], module: str = LINKAGE) -> Iterator[Linkage]:
    """Starts the linkage process on its own key directories and ends it. Its error output is thrown away unread."""
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    environment["PYTHONPATH"] = str(Path(str(pipelines.__file__)).parents[1])
    environment["POLARS_MAX_THREADS"] = "1"  # it works beside the load process, which has the other cores
    with subprocess.Popen(
        [sys.executable, "-m", module, *(str(d.resolve()) for d in directories)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment,
    ) as process:  # fmt: skip
        try:
            linkage = Linkage(process)
            linkage.greet()
            yield linkage
        finally:
            process.kill()


def _raise_key_problem(message: Mapping[str, Any]) -> None:
    if "key_problem" in message:
        sentence_ja, sentence_en = message["key_problem"]
        raise WarehouseProblem(sentence_ja, sentence_en, KEY)


@contextmanager
def _alive() -> Iterator[None]:
    try:
        yield
    except PipeClosed:
        raise WarehouseProblem(
            "連結用の処理が動いている必要がありますが、途中で終わりました。適用済みの提出物はそのまま残っています。もう一度実行してください。",
            "The linkage process must be running, but it ended early. What was loaded is kept. Run this again.",
            70,
        ) from None
