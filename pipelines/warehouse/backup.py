"""Copies of the warehouse, encrypted as it is: what was applied stays applied in the copy, so it refuses replays too."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from pipelines.warehouse.database import DATABASE, attached, locked, make_folder, opened, told_plainly
from pipelines.warehouse.keyring import warehouse_key
from pipelines.warehouse.problem import USAGE, WarehouseProblem
from pipelines.warehouse.receipt import write_accepted

LEDGER_HEAD = "ledger_head"  # written by the release; a copy without it could publish what was withdrawn


def backup(folder: Path, directory: Path, keys: Sequence[Path]) -> None:
    """A safe copy of the warehouse in `directory`, which must be new or empty; appears whole or not at all."""
    _require_empty(directory)
    draft = directory.with_name(f".{directory.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    with opened(folder, warehouse_key(keys)) as connection:
        connection.execute("CHECKPOINT")
        _copy(folder, draft)
    _appear(draft, directory)


def restore(directory: Path, folder: Path, keys: Sequence[Path]) -> None:
    """Brings a copy back as the warehouse `folder`, which must be new or empty.

    The sequence numbers applied come with it: parcels up to its own last one are refused as before, later ones are
    loaded again in order. Receipts are written anew. Raises WarehouseProblem 64, 74; 77 where the key is another.
    """
    _require_empty(folder)
    if not (directory / DATABASE).is_file():
        raise WarehouseProblem(
            "mchdb backup で取った控えのフォルダが必要ですが、ありません。",
            "A folder made by mchdb backup is required; it holds none.",
            USAGE,
        )
    key, draft = warehouse_key(keys), folder.with_name(f".{folder.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    with told_plainly():
        _copy(directory, draft)
        make_folder(draft)
        with locked(draft):
            connection = attached(draft, key)
            try:
                write_accepted(connection, draft)
            finally:
                connection.close()
        _appear(draft, folder)


def _copy(source: Path, target: Path) -> None:
    target.mkdir(mode=0o700, parents=True)
    for name in (DATABASE, LEDGER_HEAD):
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)
            (target / name).chmod(0o600)
            with (target / name).open("rb") as file:
                os.fsync(file.fileno())


def _appear(draft: Path, target: Path) -> None:
    if target.is_dir():
        target.rmdir()
    draft.rename(target)


def _require_empty(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise WarehouseProblem(
            "新しい、または空のフォルダが必要ですが、指定された場所には何かあります。別の場所を指定してください。",
            "A new or empty folder is required; the given place holds something. Name another place.",
            USAGE,
        )
