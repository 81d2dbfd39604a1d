"""One submitter's part of a cohort: its residents' facts, recorded, made faulty and sent, stretch by stretch."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from pipelines.feeds import FEEDS
from pipelines.feeds.feed import Feed
from pipelines.records import RECORDS
from pipelines.records.parcel import SYNTHETIC_MARK
from synthetic import VERSION
from synthetic.calibration import Tally, tally_of
from synthetic.draws import Draws, Ids
from synthetic.faults import household_fault, profile, with_faults
from synthetic.observe import Observed, observed, people_as_recorded, through_pmh
from synthetic.places import Habits, habits, places
from synthetic.population.calendar import Window
from synthetic.population.facts import Facts, facts_of
from synthetic.population.households import SLOT_BITS, Pregnancies, column_ids, pregnancies_of
from synthetic.send import Written, sheet_of
from synthetic.truth import ORDER, Truth, truth_of

LINK_SCHEMA = {"feed": pl.String, "file": pl.String, "line": pl.UInt32, "record": pl.String, "entity_id": pl.Int64}
PROTECTED = "protected.csv"


@dataclass(frozen=True)
class Job:
    """What a worker needs to know of a submitter.

    columns: its own columns that belong to the cohort. arrivals: mothers of other columns that move here.
    chosen: positions of all submitters of the cohort. chunk: columns at a time.
    parts: folder for its tables until all submitters are made.
    """

    feeds: Path
    parts: Path
    seed: int
    window: Window
    municipality: int
    columns: int
    arrivals: Ids
    chosen: Ids
    faults: str
    chunk: int


@dataclass(frozen=True)
class Made:
    """What one submitter's part came to; its truth, links and answers lie in files until all are there."""

    tables: dict[str, Path]
    tally: Tally
    rows: int


def make(job: Job) -> Made:
    """Writes the submitter's folder and returns what is true of it."""
    draws, code = Draws(job.seed), places().codes[job.municipality]
    folder = job.feeds / code
    files = _Files(folder, code, habits(draws, job.municipality))
    tally: Tally = Counter()
    parts: list[Truth] = []
    protected: list[pl.DataFrame] = []
    for pregnancies in _stretches(draws, job):
        facts = facts_of(draws, pregnancies, job.municipality, job.window)
        tally += tally_of(facts, code)
        parts.append(truth_of(facts, job.chosen))
        protected.append(_to_be_listed(draws, facts, job))
        _send(draws, facts, files, profile(job.faults))
    answers = [*files.close(), _protected_list(pl.concat(protected), folder, code)]
    _marked(folder, job.seed)
    tables = {name: pl.concat(part[name] for part in parts).sort(ORDER[name]) for name in parts[0]}
    tables |= {"links": files.links(), "answer_key": pl.concat(answers).sort("file", "line", "fault_id")}
    return Made(_kept(tables, job.parts, code), tally, files.rows())


def _kept(tables: Truth, folder: Path, code: str) -> dict[str, Path]:
    paths = {name: folder / f"{code}.{name}.arrow" for name in tables}
    for name, path in paths.items():
        tables[name].write_ipc(path)
    return paths


def _stretches(draws: Draws, job: Job) -> Iterator[Pregnancies]:
    """Own households and those that move here, in the order of their columns; a column is never cut."""
    own = column_ids(job.municipality, range(job.columns))
    columns = np.union1d(own, job.arrivals >> SLOT_BITS)
    for start in range(0, max(len(columns), 1), job.chunk):
        all_of_them = pregnancies_of(draws, columns[start : start + job.chunk], job.window)
        yield all_of_them.where((all_of_them.home == job.municipality) | np.isin(all_of_them.mother, job.arrivals))


class _Files:
    """The files of a submitter's folder, opened as records come."""

    def __init__(self, folder: Path, code: str, habits: Habits) -> None:
        self.habits = habits
        self._written: dict[tuple[str, str], Written] = {}
        self._folder, self._code = folder, code

    def of(self, feed: Feed, record: str) -> Written:
        key = (feed.name, record)
        if key not in self._written:
            name = f"{feed.name}/{feed.file_name(RECORDS[record])}"
            path = self._folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            self._written[key] = Written(path, f"{self._code}/{name}", feed, RECORDS[record], self.habits)
        return self._written[key]

    def close(self) -> list[pl.DataFrame]:
        for file in self._written.values():
            file.close()
        return [_placed(file, answers) for file in self._written.values() for answers in file.answers]

    def links(self) -> pl.DataFrame:
        return pl.concat(
            links.select(
                pl.lit(file.feed.name).alias("feed"), pl.lit(file.name).alias("file"), "line",
                pl.lit(file.record.name).alias("record"), "entity_id",
            )
            for file in self._written.values() for links in file.links
        )  # fmt: skip

    def rows(self) -> int:
        return sum(len(links) for file in self._written.values() for links in file.links)


ANSWER = ("fault_id", "kind", "feed", "file", "line", "field", "entity_id", "expected")


def _placed(file: Written, answers: pl.DataFrame) -> pl.DataFrame:
    return answers.with_columns(
        fault_id=pl.concat_str(pl.lit(file.name.split("/")[0] + "/"), "fault_id"),
        feed=pl.lit(file.feed.name), file=pl.lit(file.name),
    ).select(ANSWER)  # fmt: skip


def _send(draws: Draws, facts: Facts, files: _Files, rates: dict[str, int]) -> None:
    people = people_as_recorded(draws, facts.people)
    for record in facts.events:
        own = observed(facts, record, people)
        for feed, rows in _feeds_of(facts, own, files.habits):
            sheet = sheet_of(rows, feed, RECORDS[record])
            files.of(feed, record).add(draws, with_faults(draws, sheet, rates))


def _feeds_of(facts: Facts, own: Observed, habits: Habits) -> Iterator[tuple[Feed, Observed]]:
    yield FEEDS["municipal"], own
    if habits.uses_pmh and own.record in FEEDS["pmh"].record_names:
        yield FEEDS["pmh"], through_pmh(facts, own)


def _to_be_listed(draws: Draws, facts: Facts, job: Job) -> pl.DataFrame:
    """Mothers on the protected list that the submitter keeps on paper: no row says so."""
    here = facts.events["residency_spell"]["who"].unique().sort()
    mothers = facts.people[here].filter(pl.col("member") == 0)
    hit = household_fault(draws, mothers["household"].to_numpy(), "protected_list", profile(job.faults))
    return mothers.filter(pl.Series(hit)).select("entity_id", "person_local")


def _marked(folder: Path, seed: int) -> None:
    """Says that the folder holds no real person; a release made of it tells it on."""
    text = json.dumps({"seed": seed, "version": VERSION}) + "\n"
    (folder / SYNTHETIC_MARK).write_text(text, "utf-8", newline="\n")


def _protected_list(listed: pl.DataFrame, folder: Path, code: str) -> pl.DataFrame:
    listed = listed.unique("entity_id", keep="first", maintain_order=True)
    text = "local_number\n" + "".join(f"{number}\n" for number in listed["person_local"])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PROTECTED).write_text(text, "utf-8", newline="\n")
    lines = pl.int_range(2, pl.len() + 2, dtype=pl.UInt32)
    return listed.select(
        fault_id=pl.concat_str(pl.lit(f"{code}/protected_list/"), pl.col("entity_id").cast(pl.String)),
        kind=pl.lit("protected_list"), feed=pl.lit(""), file=pl.lit(f"{code}/{PROTECTED}"), line=lines,
        field=pl.lit("local_number"), entity_id="entity_id", expected=pl.lit("excluded"),
    )  # fmt: skip
