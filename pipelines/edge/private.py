"""Files that stay in the town hall: readable by their owner alone, and never beside what is sent.

On Windows the mode of a file means nothing: there the folder's own permissions must hold (docs: town-hall).
"""

import os
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

from pipelines.edge.problem import USAGE, EdgeProblem

PARCELS = "*.parcel"
ONLY_ITS_OWNER = 0o600


def refuse_parcel_folder(out: Path) -> None:
    """Raises EdgeProblem (64) where `out` lies in a folder of parcels, at any depth: it would be sent along."""
    place = out.resolve()
    if any(next(folder.glob(PARCELS), None) for folder in (place, *place.parents) if folder.is_dir()):
        raise EdgeProblem(
            "提出物(.parcel)のあるフォルダには作れません。提出物と別のフォルダを --out で指定してください。何も作りません。",
            "this cannot be put into a folder that holds parcels; name another folder with --out. Nothing is made.",
            USAGE,
        )


def write_private(path: Path, *texts: str, more: Iterable[str] = ()) -> Path:
    """Writes a file (UTF-8), mode 0600 whatever was there before; no temporary file. Raises OSError.

    more: texts made one after the other as they are written, so that a long file needs no room in memory.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), ONLY_ITS_OWNER)
    try:
        with os.fdopen(handle, "wb") as file:
            for text in chain(texts, more):
                file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path
