"""A submitter's folder seen from inside: what would leave, worked out as for a sending, and not sent.

The local list and the town's own summary begin here, so that they leave out exactly the people whom a parcel leaves out.
Keys are drawn for this one run and forgotten with it; nothing under them leaves this process.
"""

import secrets
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipelines.edge.depart import Departure, depart
from pipelines.edge.folder import Folder, read_folder
from pipelines.edge.problem import EdgeProblem
from pipelines.edge.protect import listed, of_every_town
from pipelines.edge.pseudonymize import TokenKeys
from pipelines.edge.send import no_core_dumps
from pipelines.edge.state import SENT_SCHEMA

LEFT_OUT = (
    "不開示・支援措置の世帯は、この結果に含めていません。",
    "protected households are left out of this result.",
)


@dataclass(frozen=True)
class AtHome:
    """folder: every file as checked. departure: what would leave. keys: of this run alone."""

    folder: Folder
    departure: Departure
    keys: TokenKeys

    @property
    def told(self) -> list[tuple[str, str]]:
        """What a reader of the result must know (ja, en): who is left out, and how much could not be looked at."""
        refused = sum(f.refused + f.arrived.is_refused for f in self.folder.files)
        rows = (
            f"検査で拒否された {refused:,} 件は数えていません。mchdb edge check の報告を見て直してください。",
            f"{refused:,} refusals of the check are not looked at; see the report of mchdb edge check.",
        )
        return [LEFT_OUT, *([rows] if refused else []), *self.folder.warnings]


def at_home(feeds: Path, protected: Path, layout: Path | None = None) -> AtHome:
    """Reads, checks and protects as a sending does. protected: the required list. Raises EdgeProblem (2, 64).

    layout: a town's own headings of its municipal files.
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
    keys = TokenKeys(
        edge=secrets.token_hex(32), edge_version=1, local=secrets.token_hex(32), local_version=1,
        parcel=secrets.token_hex(32), submitter=folder.submitter,
    )  # fmt: skip
    rows = [f.accepted for f in folder.records]
    arrived, never_sent = [f.arrived for f in folder.files], pl.DataFrame(schema=SENT_SCHEMA)
    numbers = of_every_town(numbers, arrived, folder.municipalities)
    return AtHome(folder, depart(arrived, rows, numbers, never_sent, keys), keys)
