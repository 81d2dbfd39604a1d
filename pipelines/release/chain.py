"""The lines of the ledger: a chain of hashes, and the head by which an installation knows where it stands in it."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pipelines.declaration import Count
from pipelines.release.errors import LedgerError


@dataclass(frozen=True)
class Entry:
    """One line of the ledger. `counts` maps each count to the identity it had; the digests are of published data.

    populations: year -> area -> inhabitants, as first published with this release: they froze the tiers of its areas.
    """

    sequence: int
    release_id: str
    status: str
    policy_id: str
    fiscal_years: str
    created_on: str
    counts: dict[str, str]
    values_digest: str
    values_file: str
    values_file_sha256: str
    previous: str
    hash: str = ""
    populations: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def line(self) -> dict[str, object]:
        """What stands in the ledger; a line without new populations is as it was before they were recorded."""
        return {name: held for name, held in asdict(self).items() if name != "populations" or held}

    @property
    def own_hash(self) -> str:
        return sha256(canonical({name: held for name, held in self.line.items() if name != "hash"}))


def count_identity(count: Count) -> str:
    """What a count counts: the digest of its grain, population and condition, whatever their layout.

    An edited condition under the same id is another quantity (privacy, hole 9).
    """
    return sha256(canonical([" ".join(sql.split()) for sql in (count.grain, count.population, count.condition)]))


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def canonical(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def sealed(draft: Entry) -> Entry:
    return Entry(**{**asdict(draft), "hash": draft.own_hash})


def lines_of(entries: tuple[Entry, ...]) -> bytes:
    return b"".join(canonical(entry.line) + b"\n" for entry in entries)


def head_of(entry: Entry) -> bytes:
    return canonical({"sequence": entry.sequence, "hash": entry.hash}) + b"\n"


def intent_beside(head_path: Path) -> Path:
    return head_path.with_name(head_path.name + "_next")


def read_chain(path: Path) -> tuple[Entry, ...]:
    if not path.is_file():
        raise LedgerError(
            f"公表には台帳 {path.name} が必要ですが、ありません。保管した台帳を元の場所に戻してください。",
            f"A release requires the ledger {path.name}, which is absent; put the kept ledger back in its place.",
        )
    try:
        entries = tuple(Entry(**json.loads(line)) for line in path.read_bytes().splitlines())
    except (ValueError, TypeError):
        raise _altered() from None
    if not entries or not _is_chain(entries) or not all(_has_its_values(path, entry) for entry in entries[1:]):
        raise _altered()
    return entries


def _is_chain(entries: tuple[Entry, ...]) -> bool:
    before = ("", *(entry.hash for entry in entries))
    return all(
        entry.sequence == place and entry.previous == before[place] and entry.hash == entry.own_hash
        for place, entry in enumerate(entries)
    )


def _has_its_values(path: Path, entry: Entry) -> bool:
    values = path.with_name(entry.values_file)
    return values.is_file() and sha256(values.read_bytes()) == entry.values_file_sha256


def _altered() -> LedgerError:
    return LedgerError(
        "台帳の行または公表値が、書き込まれた時と異なります。保管した台帳を元の場所に戻してください。",
        "A line or the values of the ledger are not as they were written; put the kept ledger back in its place.",
    )


def stands_at(entries: tuple[Entry, ...], head_path: Path) -> str:
    """`current`, or `interrupted` (killed between the line and the head). Raises LedgerError otherwise."""
    head, last = _read_head(head_path), entries[-1]
    if head == head_of(last):
        return "current"
    follows = len(entries) > 1 and head == head_of(entries[-2])
    if follows and intent_beside(head_path).is_file() and intent_beside(head_path).read_bytes() == head_of(last):
        return "interrupted"
    if head in map(head_of, entries):
        raise LedgerError(
            "この設置は台帳より遅れています(複製または復元した倉庫)。最後に公表した設置から公表してください。",
            "This installation is behind the ledger (a copied or restored warehouse); release from the one that "
            "released last.",
        )
    raise LedgerError(
        "台帳がこの設置の最後の公表を含みません(古い台帳、または別の設置の台帳)。正しい台帳を指定してください。",
        "The ledger does not hold the last release of this installation (an older ledger, or another "
        "installation's); name the right one.",
    )


def _read_head(head_path: Path) -> bytes:
    if not head_path.is_file():
        raise LedgerError(
            f"公表には設置の台帳位置 {head_path.name} が必要ですが、ありません。倉庫を控えから復元してください。",
            f"A release requires the installation's {head_path.name}, which is absent; restore the warehouse from "
            "its backup.",
        )
    return head_path.read_bytes()
