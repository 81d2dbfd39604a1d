"""The deliveries of agents: what the vouchers of many municipalities say, in one file of one body for a prefecture.

Each submitter's part is made with its other files, so that a cohort is the same however it is cut; here the parts of a
prefecture are put together, in the order of the municipalities, under the code of the prefecture (総務省, 検査数字).
"""

import json
import shutil
from functools import partial
from pathlib import Path

from pipelines.feeds import FEEDS
from pipelines.feeds.feed import NOTE
from pipelines.records.parcel import SYNTHETIC_MARK

PROTECTED = "protected.csv"
WEIGHTS = (6, 5, 4, 3, 2)
PIECE = 1 << 20  # bytes

Moved = dict[str, tuple[str, int]]  # file of a submitter -> the agent's file, and how many of its rows stand before


def agent_of(code: str) -> str:
    """The 6-digit code of the prefecture of a municipality, under which its 国保連 sends."""
    prefecture = f"{code[:2]}000"
    total = sum(int(digit) * weight for digit, weight in zip(prefecture, WEIGHTS, strict=True))
    return f"{prefecture}{(11 - total % 11) % 10}"


def put_agents_together(feeds: Path, codes: list[str], seed_mark: str) -> Moved:
    """Puts the parts of agents' feeds that lie in the submitters' folders into the agents' own; tells what went where."""
    moved: Moved = {}
    rows: dict[Path, int] = {}  # of each file of an agent, so far
    for feed in (f for f in FEEDS.values() if f.is_of_agent):
        sent_for: dict[str, list[str]] = {}
        for code in (c for c in codes if (feeds / c / feed.name).is_dir()):
            agent = agent_of(code)
            sent_for.setdefault(agent, []).append(code)
            moved |= _put(feeds, feeds / code / feed.name, agent, rows)
        for agent, municipalities in sent_for.items():
            told = json.dumps({"delivery": "delta", "municipalities": sorted(municipalities)}) + "\n"
            (feeds / agent / feed.name / NOTE).write_text(told, "utf-8", newline="\n")
            (feeds / agent / SYNTHETIC_MARK).write_text(seed_mark, "utf-8", newline="\n")
    return moved


def _put(feeds: Path, part: Path, agent: str, rows: dict[Path, int]) -> Moved:
    """Appends a submitter's part, and throws it away."""
    moved: Moved = {}
    for path in sorted(part.iterdir()):
        whole = feeds / agent / (path.name if path.name == PROTECTED else f"{part.name}/{path.name}")
        whole.parent.mkdir(parents=True, exist_ok=True)
        before = rows.setdefault(whole, 0)
        with path.open("rb") as source, whole.open("ab") as target:
            heading = source.readline()
            if not target.tell():
                target.write(heading)
            for piece in iter(partial(source.read, PIECE), b""):
                target.write(piece)
                rows[whole] += piece.count(b"\n")
        moved[path.relative_to(feeds).as_posix()] = whole.relative_to(feeds).as_posix(), before
    shutil.rmtree(part)
    return moved
