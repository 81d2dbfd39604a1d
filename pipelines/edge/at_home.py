"""A submitter's folder seen from inside: what would leave, worked out as for a sending, and not sent.

The local list and the town's own summary begin here, so that they leave out exactly the people whom a parcel leaves out.
Keys are drawn for this one run and forgotten with it; nothing under them leaves this process. Where the submitter's state
is named, its own key is taken for the local numbers, and who was tied to whom in earlier deliveries counts too.
"""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipelines.edge.depart import Departure, depart
from pipelines.edge.folder import Folder, read_folder
from pipelines.edge.note import refuse_other_generation
from pipelines.edge.problem import USAGE, EdgeProblem
from pipelines.edge.protect import listed, of_every_town
from pipelines.edge.pseudonymize import TokenKeys
from pipelines.edge.send import no_core_dumps
from pipelines.edge.state import SENT_SCHEMA, State, already_sent, held
from pipelines.keys import find

LEFT_OUT = (
    "不開示・支援措置の世帯は、この結果に含めていません。",
    "protected households are left out of this result.",
)
STATE_NOT_ASKED = (
    "以前の提出は見ていません(--state の指定なし)。変更分だけのファイルでは、ここにない記録と、以前の提出だけが示す家族のつながりは"
    "考えに入っていません。",
    "earlier deliveries were not asked (no --state): where the files hold changes alone, rows that are not in them, and families "
    "that only earlier deliveries show, are not taken into account.",
)


@dataclass(frozen=True, repr=False)
class Earlier:
    """What the submitter's state keeps of earlier deliveries. local: the submitter's own key. sent: schema SENT_SCHEMA."""

    directory: Path
    state: State
    local: str
    local_version: int
    sent: pl.DataFrame


@contextmanager
def earlier(state: Path | None, keys: Sequence[Path]) -> Iterator[Earlier | None]:
    """The state under its lock, None where none is named. keys: the directory of the local key, and no other.

    Raises EdgeProblem (64, 75, 2), KeyProblem (77).
    """
    if state is None:
        if keys:
            raise EdgeProblem(
                "--keys は --state と一緒に指定します(local の鍵だけ)。",
                "--keys goes with --state here (the local key alone).",
                USAGE,
            )
        yield None
        return
    local = find(("local",), keys)
    with held(state) as before:
        yield Earlier(state, before, local.text("local"), local.version("local"), already_sent(state))


@dataclass(frozen=True)
class AtHome:
    """folder: every file as checked. departure: what would leave. keys: of this run (the local one of the state, if named).

    is_state_asked: whether the submitter's state was.
    """

    folder: Folder
    departure: Departure
    keys: TokenKeys
    is_state_asked: bool = True

    @property
    def told(self) -> list[tuple[str, str]]:
        """What a reader of the result must know (ja, en): who is left out, and how much could not be looked at."""
        refused = sum(f.refused + f.arrived.is_refused for f in self.folder.files)
        rows = (
            f"検査で拒否された {refused:,} 件は数えていません。mchdb edge check の報告を見て直してください。",
            f"{refused:,} refusals of the check are not looked at; see the report of mchdb edge check.",
        )
        return [LEFT_OUT, *([rows] if refused else []), *self._not_asked(), *self.folder.warnings]

    def _not_asked(self) -> list[tuple[str, str]]:
        if not self.is_state_asked:
            return [STATE_NOT_ASKED]
        named = ", ".join(f"{feed}/{record}" for feed, record in self.departure.not_here)
        return [
            (f"以前に送り、今回のファイルにない行があります: {named}。その内容は見ていません。全件のファイルで実行すると含まれます。",
             f"rows sent earlier are not in these files: {named}; what they say was not asked. Files with all rows would tell.")
        ] if named else []  # fmt: skip


def at_home(feeds: Path, protected: Path, layout: Path | None = None, before: Earlier | None = None) -> AtHome:
    """Reads, checks and protects as a sending does. protected: the required list. Raises EdgeProblem (2, 64), KeyProblem (77).

    layout: a town's own headings of its municipal files. before: of earlier deliveries, where the state is named.
    """
    no_core_dumps()
    numbers = listed(protected)
    folder = read_folder(feeds, keeps_text=True, layout=layout)  # deaths and losses count in refused rows too
    if unseen := folder.unseen():
        named = ", ".join(unseen)
        raise EdgeProblem(
            f"{named} が読めず、不開示・支援措置の人を確かめられません。直してから実行してください。何も作りません。",
            f"{named} cannot be read, so the people who must not be disclosed cannot be known; correct it first. "
            "Nothing is made.",
        )
    if before:
        for feed, note in folder.notes.items():
            refuse_other_generation(feed, note, before.local_version)
    keys = TokenKeys(
        edge=secrets.token_hex(32), edge_version=1, local=before.local if before else secrets.token_hex(32),
        local_version=before.local_version if before else 1, parcel=secrets.token_hex(32), submitter=folder.submitter,
    )  # fmt: skip
    rows = [f.accepted for f in folder.records]
    arrived, sent = [f.arrived for f in folder.files], before.sent if before else pl.DataFrame(schema=SENT_SCHEMA)
    numbers = of_every_town(numbers, arrived, folder.municipalities)
    return AtHome(folder, depart(arrived, rows, numbers, sent, keys), keys, before is not None)
