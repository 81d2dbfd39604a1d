"""Attacks a release the way a reader with nothing but the published file would; what it finds must not be published.

In this order: values beside a status that hides them, small numbers and small rests among what is shown, ratios that
say more than their counts, and then the three audits of the equations (one unknown, null space, intervals), as an
outsider and as each single submitter. Findings name cells and rules, never a hidden value.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from pipelines.indicators import COUNTS
from pipelines.release.areas import strictest
from pipelines.release.attack import Undecided, told_to_outsiders
from pipelines.release.beside import EARLIER, OUTDATED, with_earlier
from pipelines.release.borders import bordered
from pipelines.release.bounds import too_narrow
from pipelines.release.families import each, families, worth_a_process
from pipelines.release.findings import Finding, of_frame
from pipelines.release.intervals import NoTable
from pipelines.release.ledger import Ledger
from pipelines.release.primary import Terms, primary, terms, with_public
from pipelines.release.proof import Proof
from pipelines.release.published import Published, read_published
from pipelines.release.ratios import beside_status, ratios
from pipelines.release.reading import opened
from pipelines.release.symbols import SHOWN
from pipelines.release.system import KEYS, IncompleteCells, Mask, System, build, pairs_of
from pipelines.release.view import View, view
from pipelines.release.vintage import unsafe_changes

ADDS_NOTHING = ("not_collected", "not_applicable")
SEARCHES = 24  # for two tables apart; each looks on only for the cells that none has proven yet
MANY_AT_ONCE = 6  # searches, before cells are tried one by one as well
SINGLES = 40


def audit_published(
    path: Path, ledger: Path | None = None, *, with_intervals: bool = True, outdated: pl.DataFrame | None = None
) -> list[Finding]:
    """Everything that is wrong with a published file, of each family of counts the worst first; empty where it is safe.

    ledger: attack with what earlier releases showed, too. with_intervals: False where the same pattern of hidden cells
    was proven just before, as in the release itself. outdated: keys of earlier values that are known not to be true
    any more (the release itself knows).
    Raises UsageError for a file that is no release, LedgerError for a broken ledger.
    """
    with opened(path) as connection:
        release = read_published(connection)
    past = None
    if ledger is not None:
        past = Past.of(Ledger.open(ledger, None), release.release_id)
        release = replace(release, areas=past.in_strictest_tier(release.areas))
    found = [*beside_status(release), *ratios(release)]
    if not found:
        found = _attacked(release, past, outdated, with_intervals=with_intervals)
    return [*found, *_vintages(release, past)]


@dataclass(frozen=True)
class Past:
    """What was published before a release: `Ledger.earlier_cells` with the hidden ones, and `Ledger.populations`."""

    cells: pl.DataFrame
    populations: pl.DataFrame

    @staticmethod
    def of(ledger: Ledger, release_id: str) -> "Past":
        return Past(ledger.earlier_cells(before=release_id, with_hidden=True), ledger.populations(before=release_id))

    def in_strictest_tier(self, areas: pl.DataFrame) -> pl.DataFrame:
        """The areas with the smallest population that they were ever published with."""
        people = [f.select("area_code", pl.col("population").cast(pl.Int64)) for f in (areas, self.populations)]
        known = strictest(pl.concat(people))
        return areas.drop("population").join(known, on="area_code", how="left", maintain_order="left")


def _attacked(
    release: Published, past: Past | None, outdated: pl.DataFrame | None, *, with_intervals: bool
) -> list[Finding]:
    """What the audits find in a release and what stands beside it. Where the two contradict each other, the data of
    that family of counts have changed, and it is attacked by itself."""
    if past is None or past.cells.is_empty():
        return audit_cells(release, with_intervals=with_intervals)
    attempts = _attempts(release, past, outdated, with_intervals=with_intervals)
    if all(_fits(each) for each in attempts) and attempts:
        return list(dict.fromkeys(f for each in attempts for f in each))
    found: list[Finding] = []
    for part in _families(release):
        attempts = _attempts(part, past, outdated, with_intervals=with_intervals)
        found += [f for each in attempts if _fits(each) for f in each]
        if not any(map(_fits, attempts[:1])):
            found += audit_cells(part, with_intervals=with_intervals)
    return list(dict.fromkeys(found))


def _attempts(
    release: Published, past: Past, outdated: pl.DataFrame | None, *, with_intervals: bool
) -> list[list[Finding]]:
    return [audit_cells(wider, with_intervals=with_intervals) for wider in _with_past(release, past, outdated)]


def _fits(found: list[Finding]) -> bool:
    return all(f.rule != "contradiction" for f in found)


def _families(release: Published) -> Iterator[Published]:
    """The release in parts: counts tied by nesting or by an indicator stay together, others share no equation."""
    for family in _tied(release):
        yield _of_counts(release, family)


def _tied(release: Published) -> list[list[str]]:
    return families(release.cells["count_id"].unique(), pairs_of(release.counts, release.indicators.values()))


def _of_counts(release: Published, some: Sequence[str]) -> Published:
    return replace(release, cells=release.cells.filter(pl.col("count_id").is_in(some)))


def _with_past(release: Published, past: Past, outdated: pl.DataFrame | None) -> Iterator[Published]:
    """The release with the cells beside it; and once more over moved borders, for outsiders: the two areas that an
    area was split into know each other's piece whatever is published, because each knows its own."""
    borders = [release.succession.clear()]
    if release.succession["old_code"].is_in(past.cells["area_code"].unique().implode()).any():
        borders.append(release.succession)
    for succession in borders:
        wider = _wider(release, past, outdated, succession)
        if wider:
            yield replace(wider, succession=succession, by_outsiders=not succession.is_empty())


def _wider(release: Published, past: Past, outdated: pl.DataFrame | None, succession: pl.DataFrame) -> Published | None:
    """None where the release and what stands beside it do not fit together at all."""
    own = {c: release.counts[c] for c in release.cells["count_id"].unique()}
    is_former = pl.col("area_code").is_in(release.succession["old_code"].implode())
    areas = pl.concat([release.places, release.areas.filter(~is_former)]).unique("area_code", maintain_order=True)
    same = past.cells.filter(pl.col("count_id").is_in(sorted(own)))
    try:
        wider = with_earlier(
            release.cells, areas, same, {i: COUNTS.get(i, c) for i, c in own.items()},
            pairs_of(release.counts, release.indicators.values()), succession, past.populations, _held(release),
            outdated,
        )  # fmt: skip
    except IncompleteCells:
        return None
    return replace(release, cells=wider[0], areas=wider[1]) if wider else release


def audit_cells(release: Published, *, with_intervals: bool = True) -> list[Finding]:
    """The primary rule on what is shown, then what follows from it; families of counts side by side."""
    apart = [_of_counts(release, some) for some in worth_a_process(_tied(release), release.cells["count_id"])]
    done = each(partial(_audit_family, with_intervals=with_intervals), apart, release.cells.height)
    return [finding for found in done for finding in found]


def _audit_family(release: Published, *, with_intervals: bool) -> list[Finding]:
    try:
        pairs = pairs_of(release.counts, release.indicators.values())
        system = bordered(build(_as_known(release), release.places, pairs), release.succession)
    except IncompleteCells:
        return [Finding("contradiction")]
    says = with_public(system, terms(system, release.counts, release.policy), _elsewhere(release))
    is_hidden = np.isnan(system.value)
    n = system.n_cells
    is_told = release.cells["status"].is_in(SHOWN).to_numpy() & ~is_hidden[:n]
    small = (primary(system, says)[:n] > 0) & is_told
    found = [*_of_rows("small_count", system, small), *_of_rows("contradiction", system, _contradicting(system))]
    try:
        found = found or [*_derived(release, system, says, is_hidden, with_intervals=with_intervals)]
        if found and (release.cells["status"] == EARLIER).any():
            _refuse_impossible(view(system, says, is_hidden))
        return found
    except (NoTable, Undecided):
        return [Finding("contradiction")]


def _contradicting(system: System) -> Mask:
    """Sums that are shown with all their parts and do not add up, and counts larger than what they lie within."""
    wrong = np.zeros(system.n_cells, dtype=bool)
    lines, (inner, outer) = system.cell_lines, system.certain
    gap = lines.equations(system.n_cells) @ system.value[: system.n_cells]
    wrong[lines.cells[lines.start[:-1]][np.abs(gap) >= 1]] = True  # NaN, an unknown part, is no contradiction
    wrong[inner[system.value[inner] > system.value[outer]]] = True
    return wrong


def _derived(
    release: Published, system: System, says: Terms, is_hidden: Mask, *, with_intervals: bool
) -> Iterator[Finding]:
    """Peeling and null space as outsider and as every submitter, then an interval for every hidden cell.

    A held cell is shown with the value of an earlier release and unknown in this one: it may not be told exactly, but
    its interval is what the earlier release said.
    """
    seen, is_held = view(system, says, is_hidden), _held(release)
    seen = replace(seen, is_target=seen.is_target & (release.cells["status"] != OUTDATED).to_numpy())
    told, proof = np.zeros(system.n_cells, dtype=bool), Proof.of_nothing(system.n_cells)
    if release.by_outsiders:
        rows = told_to_outsiders(seen)
        rows = rows[seen.is_target[rows]]
    else:
        rows, proof = proof.told(seen)
    told[rows] = True
    if told.any() or not with_intervals:
        yield from _of_rows("exactly_told", system, told)
        return
    thin = too_narrow(system, says, is_hidden, seen.width) & seen.is_target & ~is_held
    proof = replace(proof, is_wide=is_held)
    for nth in range(0 if thin.any() else SEARCHES):
        proof = proof.continued(seen, SINGLES if nth >= MANY_AT_ONCE else 0)
        if not proof.is_open(seen).any():
            return
    yield from _of_rows("narrow_interval", system, thin if thin.any() else proof.is_open(seen))


def _refuse_impossible(seen: View) -> None:
    """Raises NoTable where no table at all fits what is known: then nothing can be said to follow from it."""
    Proof.of_nothing(seen.system.n_cells).continued(replace(seen, is_target=np.zeros_like(seen.is_target)))


def _of_rows(rule: str, system: System, rows: Mask) -> Iterator[Finding]:
    for cell in system.frame.head(system.n_cells).filter(pl.Series(rows)).select(KEYS).iter_rows():
        yield Finding(rule, cell)


def _as_known(release: Published) -> pl.DataFrame:
    """Cells with the value where it belongs to this release: not where it is held from an earlier one; and the nothing
    that an area which did not collect, or was not there, adds to every sum (privacy, hole 11)."""
    shown = pl.when(pl.col("status").is_in((*SHOWN, EARLIER)) & ~pl.Series(_held(release))).then("value")
    nothing = pl.when(pl.col("status").is_in(ADDS_NOTHING)).then(0)
    return release.cells.select(*KEYS, value=pl.coalesce(shown, nothing))


def _held(release: Published) -> Mask:
    is_earlier = (release.cells["status"] == "provisional").to_numpy()
    return is_earlier & (release.status != "provisional")


def _elsewhere(release: Published) -> pl.DataFrame:
    return release.cells.filter(pl.col("status").is_in(ADDS_NOTHING))


def _vintages(release: Published, past: Past | None) -> Iterator[Finding]:
    """Changes since earlier releases that must not be seen; the file itself may stand in the ledger already."""
    if past is None or past.cells.is_empty():
        return
    earlier = past.cells.filter(pl.col("value").is_not_null())
    cells = _as_known(release).with_columns(is_shown=pl.col("value").is_not_null())
    rows = unsafe_changes(
        cells, earlier, release.policy, release.places, {i: COUNTS[i] for i in release.counts if i in COUNTS},
        release.indicators.values(),
    )  # fmt: skip
    yield from of_frame("vintage_difference", rows, KEYS)
