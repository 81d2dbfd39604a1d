"""Files that are there whole or not at all, whatever ends the process or fills the disk."""

import os
from pathlib import Path

from pipelines.release.errors import DiskError

PART = ".part"


def replace_file(path: Path, data: bytes) -> None:
    """Write `data` beside `path`, on the disk, and rename it into place.

    Raises DiskError; the earlier file, if any, then stands untouched.
    """
    part = path.with_name(path.name + PART)
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        _keep_the_name(path.parent)
    except OSError:
        part.unlink(missing_ok=True)
        raise DiskError(path.name) from None


def place_file(part: Path, path: Path) -> None:
    """Rename a finished file of the same folder into place once it is on the disk. Raises DiskError."""
    try:
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
        _keep_the_name(path.parent)
    except OSError:
        raise DiskError(path.name) from None


def _keep_the_name(folder: Path) -> None:
    """A rename is kept through a power cut once its folder is synced; Windows knows no folder handles."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
