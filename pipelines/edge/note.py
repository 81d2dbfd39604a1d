"""The note beside a feed's files (`delivery.json`): everything or changes, which numbers they use, whose residents they hold.

    {"delivery": "full", "absent_rows": "cancel", "key_generation": 2, "layout_version": "2024.6"}
    {"delivery": "delta", "municipalities": ["312011", "313254"]}

`delivery`: `full` or `delta`. `absent_rows`: what becomes of rows sent before that a full delivery no longer holds: `keep`
(so without a word), `cancel` (a few), or `replace` (however many: when the numbers were given anew). `key_generation`: of
the local numbers; a new system that gives them anew raises it. `municipalities`: those whose residents an agent's feed
holds; without a word the submitter itself. What the submitter may send for, the centre's registry says.
`layout_version`: of the feed's layout; where it is not stated, each file is known by its headings.
The national standard's own mark of a delivery could not be had (要確認).
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.edge.problem import EdgeProblem
from pipelines.feeds.feed import NOTE
from pipelines.reference import municipalities

DELIVERIES = ("full", "delta")
MAY_SAY = {"delivery", "absent_rows", "key_generation", "municipalities", "layout_version"}
ABSENT_ROWS = {"keep": 0, "cancel": 20, "replace": 100}  # per cent of a record's rows; more looks like a file cut off


@dataclass(frozen=True)
class Note:
    """largest_absent_percent: of the rows sent before, so many are taken back when they are not there any more.

    municipalities: 6-digit codes, rising; none: the submitter's own.
    """

    largest_absent_percent: int = 0
    key_generation: int | None = None
    municipalities: tuple[str, ...] = ()
    layout_version: str | None = None


def note_of(folder: Path) -> Note:
    """The note of a feed's folder; without one, its files are changes. Raises EdgeProblem (2) for a note of another form."""
    path = folder / NOTE
    if not path.exists():
        return Note()
    try:
        told = json.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError):
        told = None
    if not _is_note(told):
        raise EdgeProblem(
            f"{folder.name}/{NOTE} には delivery(full か delta)、全件で消えた行の扱い absent_rows(keep・cancel・replace、"
            "full のときだけ)、番号の世代 key_generation(1以上)、代わって送る市区町村 municipalities(6桁の団体コードの並び)、"
            "様式の版 layout_version だけが書けます。何も送りません。",
            f"{folder.name}/{NOTE} may hold delivery (full or delta), absent_rows (keep, cancel or replace, with full alone), "
            "key_generation (1 or more), municipalities (a list of 6-digit codes) and layout_version, nothing else; correct it. "
            "Nothing is sent.",
        )
    absent, sent_for = told.get("absent_rows", "keep"), tuple(sorted(set(told.get("municipalities", ()))))
    return Note(ABSENT_ROWS[absent], told.get("key_generation"), sent_for, told.get("layout_version"))


def _is_note(told: Any) -> bool:
    if not isinstance(told, dict) or set(told) - MAY_SAY:
        return False
    generation = told.get("key_generation", 1)
    return (
        told.get("delivery") in DELIVERIES
        and told.get("absent_rows", "keep") in ABSENT_ROWS
        and (told["delivery"] == "full" or told.get("absent_rows", "keep") == "keep")
        and type(generation) is int
        and generation >= 1
        and ("municipalities" not in told or _are_municipalities(told["municipalities"]))
        and type(told.get("layout_version", "")) is str
    )


def _are_municipalities(told: Any) -> bool:
    known = set(municipalities()["code6"])
    return isinstance(told, list) and bool(told) and all(isinstance(code, str) and code in known for code in told)


def refuse_other_generation(feed: str, note: Note, key_generation: int) -> None:
    """Raises EdgeProblem (2) where the numbers are not those of the local key: a number given anew would be two people."""
    if note.key_generation in (None, key_generation):
        return
    raise EdgeProblem(
        f"{feed} の番号は第 {note.key_generation} 世代ですが、提出者の鍵(local)は第 {key_generation} 版です。"
        "番号を付け直したときは同じ版の鍵を作って(keys local --version)送ってください。何も送りません。",
        f"the numbers of {feed} are of generation {note.key_generation}, the local key is version {key_generation}; make "
        "the key of that version (keys local --version) when numbers were given anew. Nothing is sent.",
    )
