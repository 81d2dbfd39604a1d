"""Attacks a release the way a reader with nothing but the published file would; what it finds must not be published.

In this order: values beside a status that hides them, small numbers and small rests among what is shown, ratios that
say more than their counts, and then the three audits of the equations (one unknown, null space, intervals), as an
outsider and as each single submitter. Findings name cells and rules, never a hidden value.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from pipelines.declaration import Count, Indicator, Policy, Sensitivity
from pipelines.indicators import COUNTS
from pipelines.release.areas import strictest
from pipelines.release.attack import Undecided, told_to_outsiders
from pipelines.release.beside import EARLIER, OUTDATED, with_earlier
from pipelines.release.borders import SUCCESSION, bordered
from pipelines.release.bounds import too_narrow
from pipelines.release.findings import Finding
from pipelines.release.intervals import NoTable
from pipelines.release.ledger import Ledger
from pipelines.release.policy import policy_from_rows
from pipelines.release.primary import Terms, primary, terms, with_public
from pipelines.release.proof import Proof
from pipelines.release.reading import opened, table
from pipelines.release.symbols import SHOWN
from pipelines.release.system import KEYS, TOTAL, IncompleteCells, Mask, System, build, pairs_of
from pipelines.release.view import View, view
from pipelines.release.vintage import unsafe_changes

ADDS_NOTHING = ("not_collected", "not_applicable")
SEARCHES = 24  # for two tables apart; each looks on only for the cells that none has proven yet
MANY_AT_ONCE = 6  # searches, before cells are tried one by one as well
SINGLES = 40
FILLED = {
    "count": ("value",),
    "proportion": ("numerator", "denominator", "value", "ci_low", "ci_high"),
    "rate": ("numerator", "denominator", "value", "ci_low", "ci_high"),
    "mean": ("denominator", "value", "ci_low", "ci_high"),
}


@dataclass(frozen=True)
class Published:
    """The tables of a release that an attack needs."""

    status: str
    cells: pl.DataFrame
    observations: pl.DataFrame
    areas: pl.DataFrame
    counts: dict[str, Count]
    indicators: dict[str, Indicator]
    policy: Policy
    succession: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=SUCCESSION))
    release_id: str = ""
    by_outsiders: bool = False  # attacked by nobody who sends records himself

    @property
    def places(self) -> pl.DataFrame:
        """The areas that have cells."""
        return self.areas.filter(pl.col("area_code").is_in(self.cells["area_code"].unique().implode()))


def audit_published(
    path: Path, ledger: Path | None = None, *, with_intervals: bool = True, outdated: pl.DataFrame | None = None
) -> list[Finding]:
    """Everything that is wrong with a published file, worst first; empty where it is safe.

    ledger: attack with what earlier releases showed, too. with_intervals: False where the same pattern of hidden cells
    was proven just before, as in the release itself. outdated: keys of earlier values that are known not to be true
    any more (the release itself knows).
    Raises UsageError for a file that is no release, LedgerError for a broken ledger.
    """
    with opened(path) as connection:
        release = _read(connection)
    past = None
    if ledger is not None:
        past = Past.of(Ledger.open(ledger, None), release.release_id)
        release = replace(release, areas=past.in_strictest_tier(release.areas))
    found = [*_beside_status(release), *_ratios(release)]
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
    left = set(release.cells["count_id"].unique())
    ties = [(p.inner, p.outer) for p in pairs_of(release.counts, release.indicators.values())]
    while left:
        family = {min(left)}
        while more := {c for tie in ties for c in tie if family & set(tie)} - family:
            family |= more
        left -= family
        is_own = release.cells["count_id"].is_in(sorted(family))
        if is_own.any():
            yield replace(release, cells=release.cells.filter(is_own))


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
    """The primary rule on what is shown, then what follows from it."""
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


def _beside_status(release: Published) -> Iterator[Finding]:
    """A value exactly where the status shows one, in counts and in every column of an observation."""
    is_shown = pl.col("status").is_in(SHOWN)
    for frame, keys, columns in (
        (release.cells, KEYS, ("value",)),
        (release.observations, ("indicator_id", *KEYS[1:]), FILLED["proportion"]),
    ):
        filled = pl.any_horizontal(pl.col(c).is_not_null() for c in columns)
        yield from _of_frame("value_beside_hidden", frame.filter(~is_shown & filled), keys)
        yield from _of_frame("shown_without_value", frame.filter(is_shown & pl.col("value").is_null()), keys)


def _ratios(release: Published) -> Iterator[Finding]:
    """Observations: all of what their kind has or nothing, and only where their counts are shown (privacy, hole 24)."""
    counts = release.cells.filter(pl.col("status").is_in(SHOWN)).select(*KEYS, "value")
    levels = dict(release.areas.select("area_code", "level").iter_rows())
    for indicator in release.indicators.values():
        own = release.observations.filter(pl.col("indicator_id") == indicator.id, pl.col("status").is_in(SHOWN))
        keys = ("indicator_id", *KEYS[1:])
        wanted = FILLED[indicator.kind]
        half = pl.any_horizontal(
            *(pl.col(c).is_null() for c in wanted), *(pl.col(c).is_not_null() for c in _empty_columns(indicator))
        )
        yield from _of_frame("half_shown", own.filter(half), keys)
        for count_id in _counts_of(indicator):
            there = counts.filter(pl.col("count_id") == count_id)
            yield from _of_frame("without_its_counts", own.join(there, on=list(KEYS[1:]), how="anti"), keys)
            told = "denominator" if count_id == indicator.denominator else "numerator"
            other = own.join(there, on=list(KEYS[1:]), suffix="_counted").filter(
                pl.col(told) != pl.col("value_counted")
            )
            yield from _of_frame("contradiction", other, keys)
        if indicator.kind == "mean":
            level = pl.col("area_code").replace_strict(levels, default=None)
            few = (pl.col("denominator") < release.policy.mean_shown_from) & ~level.is_in(["nation", "prefecture"])
            yield from _of_frame("mean_of_few", own.filter(few), keys)
            yield from _mean_differences(release, own)


def _mean_differences(release: Published, means: pl.DataFrame) -> Iterator[Finding]:
    """Shown means of nested members that differ by 1..k-1 of them: the few that differ would be told (hole 13)."""
    members = means.select(*KEYS[1:], count_id="indicator_id", value="denominator")
    within = pl.concat([_inside_area(members, release.areas), _inside_total(members), _inside_years(members)])
    own = members.rename({"value": "part"}).join(within, on=KEYS).join(release.areas, on="area_code")
    rest = pl.col("whole") - pl.col("part")
    k = pl.col("population").map_elements(lambda p: release.policy.k_for(p) or 0, return_dtype=pl.Int64)
    yield from _of_frame("mean_difference", own.filter(rest >= 1, rest < k), KEYS)


def _inside_area(members: pl.DataFrame, areas: pl.DataFrame) -> pl.DataFrame:
    """KEYS of a part and `whole`, the members of the area above it."""
    above = members.join(areas.select("area_code", "parent_code"), on="area_code")
    whole = members.rename({"area_code": "parent_code", "value": "whole"})
    return above.join(whole, on=[k if k != "area_code" else "parent_code" for k in KEYS]).select(*KEYS, "whole")


def _inside_total(members: pl.DataFrame) -> pl.DataFrame:
    keys = [k for k in KEYS if k not in ("breakdown_id", "category_code")]
    whole = members.filter(pl.col("breakdown_id") == TOTAL).select(*keys, whole="value")
    return members.filter(pl.col("breakdown_id") != TOTAL).join(whole, on=keys).select(*KEYS, "whole")


def _inside_years(members: pl.DataFrame) -> pl.DataFrame:
    keys = [k for k in KEYS if k not in ("period", "period_kind")]
    is_pooled = pl.col("period_kind").str.starts_with("pooled")
    whole = members.filter(is_pooled).select(*keys, whole="value", span="period")
    inside = (pl.col("period") >= pl.col("span").str.head(4)) & (pl.col("period") <= pl.col("span").str.tail(4))
    return members.filter(~is_pooled).join(whole, on=keys).filter(inside).select(*KEYS, "whole")


def _empty_columns(indicator: Indicator) -> list[str]:
    """Columns that a kind never fills; a count may repeat its value as the numerator."""
    may = {*FILLED[indicator.kind], *(("numerator",) if indicator.kind == "count" else ())}
    return [c for c in FILLED["proportion"] if c not in may]


def _counts_of(indicator: Indicator) -> tuple[str, ...]:
    if indicator.kind == "mean":
        return (str(indicator.denominator),)
    return (indicator.numerator, indicator.denominator) if indicator.denominator else (indicator.numerator,)


def _of_frame(rule: str, frame: pl.DataFrame, keys: tuple[str, ...]) -> Iterator[Finding]:
    for cell in frame.select(keys).iter_rows():
        yield Finding(rule, cell)


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
    yield from _of_frame("vintage_difference", rows, KEYS)


def _read(connection: duckdb.DuckDBPyConnection) -> Published:
    rows = table(connection, "SELECT * FROM policy")
    settings = dict(rows.select("key", "value").iter_rows())
    cells = table(connection, f"SELECT {', '.join(KEYS)}, value, status FROM count_cell ORDER BY ALL")
    areas = table(
        connection,
        "SELECT area_code, level, parent_code, min(population) AS population "
        "FROM area JOIN area_population USING (area_code) GROUP BY ALL ORDER BY area_code",
    )
    return Published(
        str(table(connection, "SELECT status FROM release").item()),
        cells,
        table(connection, "SELECT * FROM observation"),
        areas,
        _counts(table(connection, "SELECT * FROM count_definition"), settings),
        _indicators(table(connection, "SELECT * FROM indicator")),
        policy_from_rows(rows),
        table(connection, "SELECT old_code, new_code FROM area_succession ORDER BY ALL"),
        str(table(connection, "SELECT release_id FROM release").item()),
    )


def _counts(rows: pl.DataFrame, settings: dict[str, str]) -> dict[str, Count]:
    sensitive, known = (settings.get(k, "").split() for k in ("sensitive_counts", "publicly_known_counts"))
    nested = [pair.split("<") for pair in settings.get("nested_in_practice", "").split()]
    return {
        r["count_id"]: Count(
            r["count_id"], r["label_ja"], r["label_en"], "", r["subject"], r["counting"], r["basis"],
            Sensitivity(r["sensitivity"]), r["population_sql"], r["condition_sql"], r["within_count_id"],
            tuple(outer for inner, outer in nested if inner == r["count_id"]),
            r["count_id"] in sensitive, r["count_id"] in known,
        )
        for r in rows.iter_rows(named=True)
    }  # fmt: skip


def _indicators(rows: pl.DataFrame) -> dict[str, Indicator]:
    return {
        r["indicator_id"]: Indicator(
            r["indicator_id"], r["kind"], r["label_ja"], r["label_en"], r["definition_ja"], r["definition_en"],
            r["numerator_id"], r["denominator_id"], r["unit"], r["official_source"] or "",
        )
        for r in rows.iter_rows(named=True)
    }  # fmt: skip
