"""Some submitters' part of a cohort: their residents' facts, recorded, made faulty and sent, stretch by stretch.

Small submitters are made together: a step costs the same for ten rows as for ten thousand.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from pipelines.feeds import FEEDS
from pipelines.feeds.feed import Feed
from pipelines.records import RECORDS
from pipelines.records.parcel import SYNTHETIC_MARK
from synthetic import VERSION
from synthetic.agents import PROTECTED
from synthetic.calibration import Tally, tally_of
from synthetic.draws import Draws, Ids
from synthetic.faults import KEY_SCHEMA, Faulty, household_fault, with_faults
from synthetic.layout import OwnFeed
from synthetic.observe import (
    THROUGH_PMH,
    Observed,
    observed,
    people_as_recorded,
    through_other,
    through_pmh,
    with_voucher,
)
from synthetic.parts import Aside, Part
from synthetic.places import Habits, habits, places
from synthetic.population.as_records import events_of
from synthetic.population.calendar import Window
from synthetic.population.facts import Facts, facts_of
from synthetic.population.households import SLOT_BITS, Pregnancies, column_ids, pregnancies_of
from synthetic.send import Written, lines_of, sheet_of
from synthetic.truth import truth_of

ROWS_AT_ONCE = 20_000  # are recorded and become text together
OTHERS_HABITS = Habits("utf-8", uses_pmh=True)  # RFC 8259: JSON is UTF-8; an agent writes alike for all


@dataclass(frozen=True)
class Job:
    """What a worker needs to know of some submitters.

    municipalities: their positions, rising. columns: how many of its own each brings. arrivals: mothers of other
    columns that move to one of them, and where to. chosen: positions of all submitters of the cohort.
    others: feeds sent besides the municipal one and PMH, by every submitter.
    only: the one column that is wanted; None for all. own: a municipality's own format of its files; encoding: theirs,
    None for each submitter's habit. records: those that are sent. rates: kind -> faults per million. chunk: columns at a time. parts: folder for their tables until all submitters are made.
    """

    feeds: Path
    parts: Path
    seed: int
    window: Window
    municipalities: Ids
    columns: Ids
    arrivals: tuple[Ids, Ids]
    chosen: Ids
    only: int | None
    own: OwnFeed | None
    encoding: str | None
    records: tuple[str, ...]
    rates: dict[str, int]
    chunk: int
    others: tuple[str, ...] = ()

    def habits(self, draws: Draws, municipality: int) -> Habits:
        own = habits(draws, municipality, self.window.end)
        return replace(own, encoding=self.encoding or own.encoding)

    def feeds_of(self, record: str, its_habits: Habits) -> Iterator[Feed]:
        municipal = self.own or FEEDS["municipal"]
        if record in self.records and record in municipal.record_names:
            yield municipal
        if record in self.records and its_habits.uses_pmh and record in THROUGH_PMH:
            yield FEEDS["pmh"]
        yield from (FEEDS[n] for n in self.others if record in self.records and record in FEEDS[n].record_names)


@dataclass(frozen=True)
class Made:
    """What some submitters' part came to; its truth, links and answers lie in files until all are there."""

    part: Part
    tally: Tally
    rows: int
    faults: int
    submitters: int


def make(job: Job) -> Made:
    """Writes the submitters' folders and returns what is true of them."""
    draws = Draws(job.seed)
    aside = Aside(job.parts, places().codes[job.municipalities[0]], of_one=len(job.municipalities) == 1)
    files = _Files(draws, job, aside)
    tally: Tally = Counter()
    protected: list[pl.DataFrame] = []
    faults = 0
    for pregnancies in _stretches(draws, job):
        facts = facts_of(draws, pregnancies, job.window)
        _send(draws, facts, files, job)
        aside.tables(truth_of(facts, job.chosen))
        faults += aside.answers(files.answers())
        tally += tally_of(facts)
        protected.append(_to_be_listed(draws, facts, job.rates))
        del facts  # the next stretch needs its memory
    files.close()
    faults += aside.answers(_protected_lists(pl.concat(protected), job))
    part = aside.close(files.names)
    return Made(part, tally, int(part.segments[:, 1].sum()), faults, len(job.municipalities))


def _stretches(draws: Draws, job: Job) -> Iterator[Pregnancies]:
    """Per submitter its own households and those that move here, in the order of their columns; a column is never cut."""
    mothers, to = job.arrivals
    own = (column_ids(int(m), range(int(n))) for m, n in zip(job.municipalities, job.columns, strict=True))
    seen = [
        np.union1d(columns, mothers[to == m] >> SLOT_BITS) for m, columns in zip(job.municipalities, own, strict=True)
    ]
    if job.only is not None:
        seen = [columns[columns == job.only] for columns in seen]
    submitter, columns = np.repeat(job.municipalities, [len(part) for part in seen]), np.concatenate(seen)
    for start in range(0, max(len(columns), 1), job.chunk):
        here = slice(start, start + job.chunk)
        all_of_them = pregnancies_of(draws, columns[here], job.window, submitter[here])
        comes = (all_of_them.next_home == all_of_them.submitter) & np.isin(all_of_them.mother, mothers)
        yield all_of_them.where((all_of_them.home == all_of_them.submitter) | comes)


class _Files:
    """The files of the submitters' folders; they grow as records come."""

    def __init__(self, draws: Draws, job: Job, aside: Aside) -> None:
        self._files: list[Written] = []
        self._number: dict[tuple[int, str, str], int] = {}  # of submitter, feed and record
        self.aside = aside
        self._answers: list[pl.DataFrame] = []
        habits_of = {int(m): job.habits(draws, int(m)) for m in job.municipalities}
        self.in_pmh = np.array([m for m, h in habits_of.items() if h.uses_pmh], dtype=np.int64)
        for m, its_habits in habits_of.items():
            self._open(job, m, its_habits)
            _marked(job.feeds / places().codes[m], job.seed)

    def _open(self, job: Job, municipality: int, its_habits: Habits) -> None:
        for record in RECORDS.values():
            for feed in job.feeds_of(record.name, its_habits):
                name = f"{places().codes[municipality]}/{feed.name}/{feed.file_name(record)}"
                (job.feeds / name).parent.mkdir(parents=True, exist_ok=True)
                self._number[municipality, feed.name, record.name] = len(self._files)
                is_its_own = feed.format == "csv" and not feed.is_of_agent
                written_as = its_habits if is_its_own else OTHERS_HABITS
                self._files.append(Written(job.feeds / name, name, feed, record, written_as))

    def add(self, draws: Draws, faulty: Faulty, feed: Feed) -> None:
        """Every submitter's rows to its file."""
        lines = lines_of(draws, faulty, feed)
        owners, first = np.unique(faulty.sheet.about["submitter"].to_numpy(), return_index=True)
        first = np.append(first, len(faulty.sheet.rows))
        sent = faulty.position(first)
        numbers = np.array([self._number[int(m), feed.name, faulty.sheet.record.name] for m in owners], dtype=np.int64)
        entities = faulty.about["entity_id"].to_numpy()
        before = np.array([self._files[number].lines for number in numbers], dtype=np.int64)
        for i, number in enumerate(numbers.tolist()):
            file, n = self._files[number], int(sent[i + 1] - sent[i])
            file.add(lines.between(first[i], first[i + 1], file.habits), n)
            self.aside.links(number, entities[sent[i] : sent[i + 1]])
        position = faulty.key["position"].to_numpy()
        owner = np.searchsorted(sent, position, side="right") - 1
        line = before[owner] + 1 + position - sent[owner]
        where = pl.DataFrame({"number": numbers[owner], "line": line.astype(np.uint32)})
        self._answers.append(pl.concat([faulty.key.drop("position"), where], how="horizontal"))

    def answers(self) -> pl.DataFrame:
        """The answers to the rows added since the last call, each with its file."""
        answers = pl.concat([NO_ANSWER, *self._answers])
        self._answers.clear()
        return _placed(answers, pl.DataFrame(self.names, ("feed", "file", "record"), orient="row")[answers["number"]])

    def close(self) -> None:
        for file in self._files:
            file.close()

    @property
    def names(self) -> list[tuple[str, str, str]]:
        return [(file.feed.name, file.name, file.record.name) for file in self._files]


NO_ANSWER = pl.DataFrame(schema={**KEY_SCHEMA, "number": pl.Int64, "line": pl.UInt32}).drop("position")
ANSWER = ("fault_id", "kind", "feed", "file", "line", "field", "entity_id", "expected")


def _placed(answers: pl.DataFrame, files: pl.DataFrame) -> pl.DataFrame:
    placed = pl.concat([answers, files], how="horizontal")
    code = pl.col("file").str.slice(0, 7)
    return placed.with_columns(fault_id=pl.concat_str(code, "fault_id")).select(ANSWER)


def _send(draws: Draws, facts: Facts, files: _Files, job: Job) -> None:
    people = people_as_recorded(draws, facts.people)
    for record, events in events_of(facts, job.records):
        for start in range(0, len(events), ROWS_AT_ONCE):
            few = replace(facts, events={record: events[start : start + ROWS_AT_ONCE]})
            own = observed(few, record, people)
            for feed in job.feeds_of(record, OTHERS_HABITS):
                rows = _through(feed, few, own, files.in_pmh)
                files.add(draws, with_faults(draws, sheet_of(rows, feed, RECORDS[record]), job.rates), feed)


def _through(feed: Feed, facts: Facts, own: Observed, in_pmh: Ids) -> Observed:
    """What of a record's rows comes through a feed, and under whose numbers."""
    if feed.name == "pmh":
        return through_pmh(facts, own, in_pmh)
    if feed.is_of_agent:
        own = with_voucher(own)
    return through_other(own, feed.name, initial(feed)) if feed.local_namespace else own


def initial(feed: Feed) -> str:
    """What the numbers begin with that another system gives."""
    return feed.name[0].upper()


def _write_list(folder: Path, numbers: pl.Series) -> None:
    text = "local_number\n" + "".join(f"{number}\n" for number in numbers)
    (folder / PROTECTED).write_text(text, "utf-8", newline="\n")


def _to_be_listed(draws: Draws, facts: Facts, rates: dict[str, int]) -> pl.DataFrame:
    """Mothers on the protected list that their submitter keeps on paper: no row says so."""
    here = facts.events["residency_spell"]["who"].unique().sort()
    mothers = facts.people[here].filter(pl.col("member") == 0)
    hit = household_fault(draws, mothers["household"].to_numpy(), "protected_list", rates)
    return mothers.filter(pl.Series(hit)).select("submitter", "entity_id", "person_local", "pmh_key")


def _marked(folder: Path, seed: int) -> None:
    """Says that the folder holds no real person; a release made of it tells it on."""
    (folder / SYNTHETIC_MARK).write_text(synthetic_mark(seed), "utf-8", newline="\n")


def synthetic_mark(seed: int) -> str:
    return json.dumps({"seed": seed, "version": VERSION}) + "\n"


def _protected_lists(listed: pl.DataFrame, job: Job) -> pl.DataFrame:
    """Writes every submitter's list, and returns what is expected of the people on it."""
    listed = listed.unique(("submitter", "entity_id"), keep="first", maintain_order=True)
    for m in job.municipalities:
        code, its_people = places().codes[m], listed.filter(pl.col("submitter") == m)
        _write_list(job.feeds / code, its_people["person_local"])
        agents = ((job.feeds / code / name, FEEDS[name]) for name in job.others if FEEDS[name].is_of_agent)
        for folder, feed in agents:
            number = pl.concat_str(pl.lit(f"{code}-{initial(feed)}"), "pmh_key")
            if folder.is_dir():
                _write_list(folder, its_people.select(number).to_series())
    code = places().code[listed["submitter"]]
    return listed.select(
        fault_id=pl.concat_str(code, pl.lit("/protected_list/"), pl.col("entity_id").cast(pl.String)),
        kind=pl.lit("protected_list"), feed=pl.lit(""), file=pl.concat_str(code, pl.lit(f"/{PROTECTED}")),
        line=(pl.int_range(pl.len()).over("submitter") + 2).cast(pl.UInt32),
        field=pl.lit("local_number"), entity_id="entity_id", expected=pl.lit("excluded"),
    )  # fmt: skip
