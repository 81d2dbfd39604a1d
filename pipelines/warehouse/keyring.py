"""Which key goes to which process: a process reads its own keys only, and never learns the others."""

from collections.abc import Sequence
from pathlib import Path

from pipelines.keys import Keys, find

WAREHOUSE_KINDS = ("warehouse",)
LOAD_KINDS = ("load", "warehouse")
LINKAGE_KINDS = ("linkage", "centre")


def warehouse_key(directories: Sequence[Path]) -> str:
    """The warehouse key's text. Raises KeyProblem (77) where it is missing or another kind is given."""
    return find(WAREHOUSE_KINDS, directories).text("warehouse")


def load_keys(directories: Sequence[Path]) -> Keys:
    return find(LOAD_KINDS, directories)


def linkage_keys(directories: Sequence[Path]) -> Keys:
    return find(LINKAGE_KINDS, directories)


def apart(directories: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Directories of the load process and of the linkage process, told apart by file names: no key is read for it."""
    linkage = [d for d in directories if any(any(d.glob(f"{kind}-*.key")) for kind in LINKAGE_KINDS)]
    return [d for d in directories if d not in linkage], linkage
