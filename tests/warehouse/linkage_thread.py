"""The other process of the centre as a thread of this one: the same pipes, the same messages, the same keys."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import IO

from pipelines.warehouse.linkage_client import LINKAGE, Linkage


class ThreadLinkage(Linkage):
    """The client's side of the pipes, without a process behind them."""

    def __init__(self, requests: IO[bytes], answers: IO[bytes]) -> None:
        self._requests, self._answers = requests, answers
        self.process_id = os.getpid()


@contextmanager
def linkage_thread(directories: Sequence[Path], module: str = LINKAGE) -> Iterator[Linkage]:
    """Stands in for `linkage_client.linkage_process`."""
    (asked, asking), (told, telling) = os.pipe(), os.pipe()
    requests, answers = os.fdopen(asked, "rb"), os.fdopen(telling, "wb")
    linkage = ThreadLinkage(os.fdopen(asking, "wb"), os.fdopen(told, "rb"))
    serving = Thread(target=import_module(module).serve, args=(directories, requests, answers), daemon=True)
    serving.start()
    try:
        linkage.greet()
        yield linkage
    finally:
        linkage._requests.close()
        linkage._answers.close()
        serving.join()
        requests.close()
        with suppress(BrokenPipeError):  # an answer that nobody waits for any more
            answers.close()
