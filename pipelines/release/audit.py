"""Attacks a release the way a reader with nothing but the published file would; what it finds must not be published.

In this order: values beside a status that hides them, small numbers and small rests among what is shown, ratios that
say more than their counts, and then the three audits of the equations (one unknown, null space, intervals), as an
outsider and as each single submitter. Findings name cells and rules, never a hidden value.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from pipelines.declaration import Count, Indicator, Policy, Sensitivity
from pipelines.release.intervals import NoTable
from pipelines.release.policy import policy_from_rows
from pipelines.release.primary import Terms, primary, terms
from pipelines.release.proof import Proof, exactly_told
from pipelines.release.reading import opened, table
from pipelines.release.symbols import SHOWN
from pipelines.release.system import KEYS, IncompleteCells, Mask, System, build, pairs_of
from pipelines.release.view import view

SEARCHES = 12  # for two tables apart; each looks on only for the cells that none has proven yet
SINGLES = 40
FILLED = {
    "count": ("value",),
    "proportion": ("numerator", "denominator", "value", "ci_low", "ci_high"),
    "rate": ("numerator", "denominator", "value", "ci_low", "ci_high"),
    "mean": ("denominator", "value", "ci_low", "ci_high"),
}
RULES = {
    "value_beside_hidden": ("表示しない状態のセルに値があります。", "a cell that is not shown holds a value"),
    "shown_without_value": ("表示する状態のセルに値がありません。", "a shown cell holds no value"),
    "half_shown": ("指標の一部の欄だけに値があります。", "only some of the columns of an indicator are filled"),
    "without_its_counts": ("計数が表示されていない指標に値があります。", "an indicator is shown whose counts are not"),
    "mean_of_few": ("少人数の平均が表示されています。", "a mean of too few members is shown"),
    "small_count": (
        "表示してはいけない小さな数、差、0 %または100 %が表示されています。",
        "a count, a difference, a zero or a whole is shown that the policy does not allow",
    ),
    "contradiction": ("表示された値どうしが矛盾しています。", "the shown values contradict each other"),
    "exactly_told": ("秘匿値が表示された値から正確に分かります。", "a hidden value follows exactly from what is shown"),
    "narrow_interval": ("秘匿値の取り得る範囲が狭すぎます。", "the interval of a hidden value is too narrow"),
    "vintage_difference": (
        "前回の公表との差から、少人数の変化が分かります。",
        "the difference from an earlier release tells of a small change",
    ),
}


@dataclass(frozen=True)
class Finding:
    """What is wrong with which cell; never a value."""

    rule: str
    cell: tuple[str, ...] = ()

    @property
    def sentence_ja(self) -> str:
        return f"{RULES[self.rule][0]} {self._where()}"

    @property
    def sentence_en(self) -> str:
        return f"{RULES[self.rule][1]}: {self._where()}"

    def _where(self) -> str:
        return "(" + ", ".join(self.cell) + ")" if self.cell else ""


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


def audit_published(path: Path, ledger: Path | None = None, *, with_intervals: bool = True) -> list[Finding]:
    """Everything that is wrong with a published file, worst first; empty where it is safe.

    with_intervals: False where the same pattern of hidden cells was proven just before, as in the release itself.
    Raises UsageError for a file that is no release, LedgerError for a broken ledger.
    """
    with opened(path) as connection:
        release = _read(connection)
    found = [*_beside_status(release), *_ratios(release)]
    if not found:
        found = [*audit_cells(release, with_intervals=with_intervals)]
    return [*found, *_vintages(path, release, ledger)]


def audit_cells(release: Published, *, with_intervals: bool = True) -> Iterator[Finding]:
    """The primary rule on what is shown, then what follows from it."""
    known = _as_known(release)
    try:
        system = build(known, release.areas, pairs_of(release.counts, release.indicators.values()))
    except IncompleteCells:
        yield Finding("contradiction")
        return
    says = terms(system, release.counts, release.policy)
    is_hidden = np.isnan(system.value)
    small = (primary(system, says)[: system.n_cells] > 0) & ~is_hidden[: system.n_cells]
    if small.any():
        yield from _of_rows("small_count", system, small)
        return
    try:
        yield from _derived(system, says, is_hidden, with_intervals=with_intervals)
    except NoTable:
        yield Finding("contradiction")


def _derived(system: System, says: Terms, is_hidden: Mask, *, with_intervals: bool) -> Iterator[Finding]:
    """Peeling and null space as outsider and as every submitter, then an interval for every hidden cell."""
    seen = view(system, says, is_hidden)
    told = np.zeros(system.n_cells, dtype=bool)
    told[exactly_told(seen)] = True
    if told.any():
        yield from _of_rows("exactly_told", system, told)
        return
    proof = Proof(np.zeros(system.n_cells, dtype=bool))
    for nth in range(SEARCHES if with_intervals else 0):
        proof = proof.continued(seen, SINGLES if nth > 1 else 0)
        if not proof.is_open(seen).any():
            return
    if with_intervals:
        yield from _of_rows("narrow_interval", system, proof.is_open(seen))


def _of_rows(rule: str, system: System, rows: Mask) -> Iterator[Finding]:
    for cell in system.frame.head(system.n_cells).filter(pl.Series(rows)).select(KEYS).iter_rows():
        yield Finding(rule, cell)


def _as_known(release: Published) -> pl.DataFrame:
    """Cells with the value where it belongs to this release; a value held from an earlier one is unknown in it."""
    held = (pl.col("status") == "provisional") & (release.status != "provisional")
    value = pl.when(pl.col("status").is_in(SHOWN) & ~held).then("value")
    return release.cells.select(*KEYS, value.alias("value"))


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
    counts = release.cells.filter(pl.col("status").is_in(SHOWN)).select(KEYS)
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
        if indicator.kind == "mean":
            level = pl.col("area_code").replace_strict(levels, default=None)
            few = (pl.col("denominator") < release.policy.mean_shown_from) & ~level.is_in(["nation", "prefecture"])
            yield from _of_frame("mean_of_few", own.filter(few), keys)


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


def _vintages(path: Path, release: Published, ledger: Path | None) -> Iterator[Finding]:
    """Changes since earlier releases that must not be seen; the file itself may stand in the ledger already."""
    if ledger is None:
        return
    from pipelines.indicators import COUNTS
    from pipelines.release.ledger import Ledger
    from pipelines.release.vintage import unsafe_changes

    with opened(path) as connection:
        release_id = str(table(connection, "SELECT release_id FROM release").item())
    earlier = Ledger.open(ledger, None).earlier_cells(before=release_id)
    if earlier.is_empty():
        return
    cells = _as_known(release).with_columns(is_shown=pl.col("value").is_not_null())
    rows = unsafe_changes(
        cells, earlier, release.policy, release.areas, {i: COUNTS[i] for i in release.counts if i in COUNTS},
        release.indicators.values(),
    )  # fmt: skip
    yield from _of_frame("vintage_difference", rows, KEYS)


def _read(connection: duckdb.DuckDBPyConnection) -> Published:
    rows = table(connection, "SELECT * FROM policy")
    settings = dict(rows.select("key", "value").iter_rows())
    cells = table(connection, f"SELECT {', '.join(KEYS)}, value, status FROM count_cell ORDER BY ALL")
    year = "(SELECT MAX(year) FROM area_population)"
    areas = table(
        connection,
        "SELECT area_code, level, parent_code, population FROM area JOIN area_population USING (area_code) "
        f"WHERE year = {year}",
    )
    return Published(
        str(table(connection, "SELECT status FROM release").item()),
        cells,
        table(connection, "SELECT * FROM observation"),
        areas.filter(pl.col("area_code").is_in(cells["area_code"].unique().implode())),
        _counts(table(connection, "SELECT * FROM count_definition"), settings),
        _indicators(table(connection, "SELECT * FROM indicator")),
        policy_from_rows(rows),
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
