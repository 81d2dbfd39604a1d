"""Checks and sends what a submitter's folder holds: one sealed parcel, every row accounted for."""

import os
import secrets
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import Any

import polars as pl

from pipelines.edge.bridge import former_key
from pipelines.edge.depart import Departure, depart
from pipelines.edge.folder import Folder, read_folder
from pipelines.edge.listed import counts_before, first_waiting, from_day
from pipelines.edge.note import refuse_other_generation
from pipelines.edge.problem import EdgeProblem
from pipelines.edge.protect import listed, of_every_town
from pipelines.edge.pseudonymize import EdgeKey, TokenKeys
from pipelines.edge.report import write_report
from pipelines.edge.seal import seal
from pipelines.edge.state import State, already_sent, held, listed_before, publish
from pipelines.keys import Keys, find
from pipelines.records import RECORDS
from pipelines.records.linkage import CANON_VERSION, LinkageVersion
from pipelines.records.parcel import OUTREACH_TABLE, SMALLEST_COUNT_TOLD

KINDS = ("edge", "local", "submitter")


@dataclass(frozen=True)
class Counted:
    """Rows of one record: read = accepted + refused + excluded."""

    read: int
    accepted: int
    refused: int
    excluded: int = 0

    def __post_init__(self) -> None:
        if self.read != self.accepted + self.refused + self.excluded:
            raise RuntimeError("read rows are not the accepted, the refused and the excluded ones")


@dataclass(frozen=True)
class CheckResult:
    """What a folder held. refused: rows and whole files; more than 0 is exit 1. Counts and names of files, no values."""

    submitter: str
    counts: dict[str, Counted]
    refused: int
    warnings: list[tuple[str, str]]
    reports: list[Path]

    def summary(self) -> dict[str, Any]:
        counts = {name: vars(c) for name, c in self.counts.items()}
        return {"submitter": self.submitter, "refused": self.refused, "records": counts, "reports": self.reports}

    def lines(self) -> Iterator[str]:
        for name, c in self.counts.items():
            told = f"読 {c.read:,} = 通 {c.accepted:,} + 拒否 {c.refused:,} + 対象外 {c.excluded:,}"
            label = RECORDS[name].label_ja if name in RECORDS else "行にならないもの"
            yield f"{self.submitter} {label} ({name}): {told} / read = accepted + refused + excluded"
        for ja, en in self.warnings:
            yield f"{ja} / {en}"
        yield from (f"報告 / report: {path}" for path in self.reports)


@dataclass(frozen=True)
class SendResult(CheckResult):
    """parcel: the file that appeared. seconds: where the time went, stage -> seconds."""

    parcel: Path = Path()
    sequence: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    def summary(self) -> dict[str, Any]:
        return {**super().summary(), "parcel": self.parcel, "sequence": self.sequence, "seconds": self.seconds}

    def lines(self) -> Iterator[str]:
        yield from super().lines()
        yield f"提出物 / parcel: {self.parcel}"


@dataclass(frozen=True)
class Delivery:
    """One submitter's sending: its folder, key directories, list of protected people and state."""

    feeds: Path
    keys: tuple[Path, ...]
    protected: Path
    state: Path


def check_feeds(feeds: Path, out: Path | None = None, layout: Path | None = None) -> CheckResult:
    """Reads and checks a submitter's folder and, where `out` is given, writes the refusal report. Raises EdgeProblem.

    layout: a town's own headings of its municipal files.
    """
    folder = read_folder(feeds, layout=layout)
    reports = write_report(folder, out) if out else []
    accepted = {r: sum(len(f.rows) for f in folder.files if f.arrived.record.name == r) for r in _records(folder)}
    return CheckResult(folder.submitter, _balanced(folder, accepted, {}), _refused(folder), folder.warnings, reports)


def send(
    feeds: Path,
    keys: Sequence[Path],
    protected: Path,
    state: Path,
    out: Path,
    report: Path | None = None,
    layout: Path | None = None,
    bridge_from: LinkageVersion | None = None,
    today: date | None = None,
) -> SendResult:
    """Check, protect, pseudonymize, coarsen, seal: one parcel for one submitter's folder.

    keys: directories of the edge, local and submitter keys. protected: the required list. out: folder of parcels.
    layout: a town's own headings of its municipal files. bridge_from: in a declared bridging period alone, the version
    that is left behind: rows carry its tokens besides those of the newest. today: the day by which a quarter of
    outreach has ended.
    Raises EdgeProblem (2, 64, 75), KeyProblem (77), OSError; then nothing was sent.
    """
    no_core_dumps()
    found = find(KINDS, keys)
    recipients = found.recipients()
    former = None if bridge_from is None else former_key(found, bridge_from)
    numbers = listed(protected)
    with held(state) as before:
        clock = [perf_counter()]
        lines = listed_before(state)
        folder = read_folder(feeds, keeps_text=lines.height > 0, layout=layout)
        reports = write_report(folder, report) if report else []
        _refuse_unseen(folder)
        clock.append(perf_counter())
        for feed, note in folder.notes.items():
            refuse_other_generation(feed, note, found.version("local"))
        token_keys = _token_keys(found, folder.submitter, former)
        rows = [f.accepted for f in folder.records]
        if lines.is_empty():  # else the rows tell afterwards who was reached
            folder = folder.without_rows
        arrived, before_this = [f.arrived for f in folder.files], already_sent(state)
        numbers = of_every_town(numbers, arrived, folder.municipalities)
        departure = depart(arrived, rows, numbers, before_this, token_keys, folder.complete())
        counts = _balanced(folder, departure.leaving, departure.staying)
        clock.append(perf_counter())
        facts = _facts(folder, departure, counts, before, token_keys)
        lines, ended = _followed(lines, folder, departure, token_keys), first_waiting(today or date.today())
        records = departure.records | _outreach(lines, ended)
        sealed = seal(records, departure.tokens, facts, recipients, found.text("submitter").splitlines()[0])
        clock.append(perf_counter())
        out.mkdir(parents=True, exist_ok=True)
        parcel = out / f"{secrets.token_hex(16)}.parcel"
        after = publish(state, before, sealed, departure.sent, from_day(lines, ended), ended, parcel)
        clock.append(perf_counter())
    stages = ("read and check", "protect, pseudonymize, coarsen", "seal", "write")
    seconds = {s: round(b - a, 3) for s, a, b in zip(stages, clock, clock[1:], strict=False)}
    return SendResult(
        folder.submitter, counts, _refused(folder), folder.warnings, reports, parcel, after.sequence, seconds
    )


def send_many(
    deliveries: Sequence[Delivery], out: Path, jobs: int = 2, progress: Callable[[SendResult], None] | None = None
) -> list[SendResult | Exception]:
    """Sends for many submitters, each in its own process with one Polars thread; results in the order given.

    A submitter whose sending fails stands in the list as its EdgeProblem, KeyProblem or OSError; the others go on.
    """
    results: dict[int, SendResult | Exception] = {}
    largest_first = sorted(range(len(deliveries)), key=lambda i: -_size(deliveries[i].feeds))
    with _one_thread_each(), ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        running = {pool.submit(_send_one, deliveries[i], out): i for i in largest_first}
        for done in as_completed(running):
            problem = done.exception()
            if problem is None and progress:
                progress(done.result())
            if problem is not None and not isinstance(problem, Exception):
                raise problem
            results[running[done]] = problem or done.result()
    return [results[i] for i in range(len(deliveries))]


def no_core_dumps() -> None:
    """A crash must not write the memory of this process, which holds people, to a disk (privacy, hole 25)."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _send_one(delivery: Delivery, out: Path) -> SendResult:
    return send(delivery.feeds, delivery.keys, delivery.protected, delivery.state, out)


class _one_thread_each:
    """Workers inherit the setting: two processes of two threads each would stand in each other's way."""

    NAME = "POLARS_MAX_THREADS"

    def __enter__(self) -> None:
        self.before = os.environ.get(self.NAME)
        os.environ[self.NAME] = "1"

    def __exit__(self, *_: object) -> None:
        if self.before is None:
            os.environ.pop(self.NAME)
        else:
            os.environ[self.NAME] = self.before


def _size(folder: Path) -> int:
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())


def _refuse_unseen(folder: Folder) -> None:
    if unseen := folder.unseen():
        named = ", ".join(unseen)
        raise EdgeProblem(
            f"{named} が読めず、不開示・支援措置の人を確かめられません。直してから送ってください。何も送りません。",
            f"{named} cannot be read, so the people who must not be disclosed cannot be known; correct it first. "
            "Nothing is sent.",
        )


def _token_keys(keys: Keys, submitter: str, former: EdgeKey | None) -> TokenKeys:
    return TokenKeys(
        edge=keys.text("edge"), edge_version=keys.version("edge"), local=keys.text("local"),
        local_version=keys.version("local"), parcel=secrets.token_hex(32), submitter=submitter,
        former=former,
    )  # fmt: skip


def _followed(lines: pl.DataFrame, folder: Folder, departure: Departure, keys: TokenKeys) -> pl.DataFrame:
    """The lines of outreach after this delivery: who was reached, and nobody who must stay."""
    if lines.is_empty():
        return lines
    from pipelines.edge.at_home import AtHome
    from pipelines.edge.reached import followed

    return followed(lines, AtHome(folder, departure, keys))


def _outreach(lines: pl.DataFrame, ended: date) -> dict[str, pl.DataFrame]:
    """The counts of the quarters that are over, where a list was made in one: a table of the parcel."""
    counts = counts_before(lines, ended)
    return {OUTREACH_TABLE: counts} if counts.height else {}


def _records(folder: Folder) -> list[str]:
    return list(dict.fromkeys(f.arrived.record.name for f in folder.files))


def _balanced(folder: Folder, leaving: dict[str, int], staying: dict[str, int]) -> dict[str, Counted]:
    """Per record: what was read is accepted, refused or excluded; RuntimeError where it is not."""
    counts = {}
    for name in _records(folder):
        files = [f for f in folder.files if f.arrived.record.name == name]
        read, refused = sum(f.arrived.read for f in files), sum(f.refused for f in files)
        counts[name] = Counted(read, leaving.get(name, 0), refused, staying.get(name, 0))
    return counts


def _refused(folder: Folder) -> int:
    """Rows refused, and files refused as a whole."""
    return sum(f.refused + f.arrived.is_refused for f in folder.files)


def _facts(
    folder: Folder, departure: Departure, counts: dict[str, Counted], before: State, keys: TokenKeys
) -> dict[str, Any]:
    """The manifest's own part. A number of 1 to 9 people's rows is left out: it could mark a family."""
    excluded = sum(c.excluded for c in counts.values())
    small = {"excluded": excluded, "windowed": departure.windowed}
    return {
        "submitter": folder.submitter,
        "municipalities": [*folder.municipalities],
        "span": list(departure.span or ()),
        "sequence": before.sequence + 1,
        "previous": before.previous,
        "key_version": keys.edge_version,
        "canon_version": CANON_VERSION,
        "key_generation": keys.local_version,
        "record_versions": {name: RECORDS[name].version for name in departure.records if name in RECORDS},
        "refusals": {name: c.refused for name, c in counts.items()},
        **{name: n for name, n in small.items() if n == 0 or n >= SMALLEST_COUNT_TOLD},
        **({} if keys.former is None else {"bridge_from": keys.former.version.told()}),
        **({} if folder.synthetic_seed is None else {"synthetic_seed": folder.synthetic_seed}),
    }
