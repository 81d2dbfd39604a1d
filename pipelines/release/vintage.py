"""What a new release may change of what was published before (privacy, hole 9).

10 in a provisional release and 11 in the final one tell of one person who came late. So the change of a cell
between two releases is a count with the rule of every count: a change, or a change of the complement, of 1..k-1 is
not published. The earlier value then stays, as provisional, until the change is 0 or at least k.

Each release has its own unknowns: a cell that keeps its earlier value ("held") is unknown in the new one. A reader
adds and subtracts, so holding one cell is not enough: in every sum at least two terms stay unknown, and the change of
all unknown terms together is again 0 or at least k.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.declaration import LEVELS, Count, Indicator, Policy, at_or_above
from pipelines.release.chain import count_identity
from pipelines.release.errors import UsageError
from pipelines.release.ledger import CELL_KEY
from pipelines.release.primary import terms
from pipelines.release.system import Lines, Mask, Nesting, Rows, System, Values, build, pairs_of

STATUS_OF = {"provisional": "provisional", "final": "observed", "revised": "observed"}


def levels_for(status: str) -> tuple[str, ...]:
    """The area levels that a release of `status` may show: a provisional one the nation and prefectures only.

    Raises UsageError for an unknown status.
    """
    if status not in STATUS_OF:
        raise UsageError(
            "公表の状態は provisional・final・revised のいずれかを指定してください。",
            "The status of a release is one of provisional, final, revised; name one of them.",
        )
    return at_or_above("prefecture") if status == "provisional" else LEVELS


def against_earlier(
    cells: pl.DataFrame,
    earlier: pl.DataFrame,
    policy: Policy,
    areas: pl.DataFrame,
    counts: Mapping[str, Count],
    indicators: Iterable[Indicator] = (),
    status: str = "final",
    also_hold: pl.DataFrame | None = None,
    system: System | None = None,
) -> pl.DataFrame:
    """The cells as they may be published beside everything published before.

    cells: the cell key, true `value`, `is_shown` (as suppression decided); every cell of the release.
    earlier: `Ledger.earlier_cells(before=this release)`. areas: area_code, level, parent_code, population.
    also_hold: cell keys that an audit wants held too. system: of the same cells, where it has been built before.

    Returns the cell key, value (null where not shown), status (observed, provisional, revised, suppressed),
    is_held, and vintage (ledger sequence since which a held value stands; null for a value of this release). A
    ratio is of one vintage only: where numerator and denominator differ in `vintage`, it is not shown.
    """
    compared = _compared(cells, earlier, policy, areas, counts, indicators, system)
    is_current = compared.is_shown & ~_unsafe(compared) & ~_listed(cells, also_hold)
    is_current = _closed(compared, is_current)
    return _published(cells, earlier, counts, is_current, status)


def unsafe_changes(
    cells: pl.DataFrame,
    earlier: pl.DataFrame,
    policy: Policy,
    areas: pl.DataFrame,
    counts: Mapping[str, Count],
    indicators: Iterable[Indicator] = (),
) -> pl.DataFrame:
    """Keys of shown cells whose change since any earlier release is one that must not be seen.

    Same frames as `against_earlier`; for the audit, `value` may be null where a cell is not shown.
    """
    compared = _compared(cells, earlier, policy, areas, counts, indicators)
    return cells.filter(_unsafe(compared)).select(CELL_KEY)


def still_true(cells: pl.DataFrame, earlier: pl.DataFrame, counts: Mapping[str, Count]) -> pl.DataFrame:
    """Keys of `cells` (cell key, true `value`) whose last published value has not changed: whoever kept it knows them,
    whether this release shows them or not, so they protect nobody."""
    last = _last_shown(earlier, counts).select(*CELL_KEY, "earlier")
    return cells.join(last, on=CELL_KEY).filter(pl.col("value") == pl.col("earlier")).select(CELL_KEY)


@dataclass(frozen=True)
class Compared:
    """The system of a release and, per earlier release and row, the change since (NaN where not known)."""

    system: System
    is_shown: Mask
    k: Rows
    is_public: Mask
    changes: tuple[Values, ...]


def _compared(
    cells: pl.DataFrame, earlier: pl.DataFrame, policy: Policy, areas: pl.DataFrame,
    counts: Mapping[str, Count], indicators: Iterable[Indicator], system: System | None = None,
) -> Compared:  # fmt: skip
    system = system or build(cells, areas, pairs_of(counts, indicators))
    says = terms(system, counts, policy)
    then = _values_of_each_release(cells, earlier, counts)
    changes = tuple(_change(system, system.value[: system.n_cells] - old) for old in then)
    return Compared(system, cells["is_shown"].to_numpy().astype(bool), says.k, says.is_public, changes)


def _values_of_each_release(
    cells: pl.DataFrame, earlier: pl.DataFrame, counts: Mapping[str, Count]
) -> list[np.ndarray]:
    """One array per earlier release, beside the cells: what it showed of the same quantity."""
    same, keys = same_quantity(earlier, counts), cells.select(CELL_KEY)
    shown_in = (same.filter(pl.col("sequence") == each) for each in sorted(same["sequence"].unique()))
    return [
        keys.join(release, on=CELL_KEY, how="left", maintain_order="left")["value"].cast(pl.Float64).to_numpy()
        for release in shown_in
    ]


def same_quantity(earlier: pl.DataFrame, counts: Mapping[str, Count]) -> pl.DataFrame:
    """Earlier values whose count had the identity that it has now: an edited condition is another quantity."""
    identities = [count_identity(count) for count in counts.values()]
    now = pl.DataFrame({"count_id": list(counts), "count_identity": identities})
    return earlier.join(now, on=["count_id", "count_identity"], how="semi")


def _change(system: System, of_cells: Values) -> Values:
    """The change of every row: of the cells, and of the complements between them."""
    nesting, change = system.nesting, np.full(len(system.value), np.nan)
    change[: system.n_cells] = of_cells
    sure = nesting.is_certain
    change[nesting.complement[sure]] = of_cells[nesting.outer[sure]] - of_cells[nesting.inner[sure]]
    return change


def _unsafe(compared: Compared) -> Mask:
    """Shown cells whose own change, or the change of what they leave of an outer count, is 1..k-1.

    What the State prints is known whatever is held, so it is no target.
    """
    n, nesting = compared.system.n_cells, compared.system.nesting
    unsafe = np.zeros(n, dtype=bool)
    for change in compared.changes:
        unsafe |= _is_small(change[:n], compared.k[:n])
        unsafe[nesting.inner[_small_rest(compared, nesting, change)]] = True
    return unsafe & compared.is_shown & ~compared.is_public[:n]


def _small_rest(compared: Compared, nesting: Nesting, change: Values) -> Mask:
    rest = change[nesting.outer] - change[nesting.inner]
    is_public = compared.is_public[nesting.inner] & compared.is_public[nesting.outer]
    return _is_small(rest, compared.k[nesting.inner]) & ~is_public


def _is_small(change: Values, k: Rows) -> Mask:
    size = np.abs(change)
    return (size >= 1) & (size < k)


def _closed(compared: Compared, is_current: Mask) -> Mask:
    """Leaves fewer cells at their new value until no sum gives an unsafe change away; ends, for it only takes away."""
    while True:
        kept = _without_denominator(compared, is_current)
        for change in compared.changes:
            kept[_next_to_hold(compared, kept, change)] = False
        if (kept == is_current).all():
            return kept
        is_current = kept


def _without_denominator(compared: Compared, is_current: Mask) -> Mask:
    """What lies within a held count is held with it: a ratio is of one vintage."""
    kept, nesting = is_current.copy(), compared.system.nesting
    for _ in LEVELS:  # nesting is a chain of a few counts
        is_held = compared.is_shown & ~kept
        kept[nesting.inner[is_held[nesting.outer]]] = False
    return kept


def _next_to_hold(compared: Compared, kept: Mask, change: Values) -> Rows:
    """For every sum that gives an unsafe change away, the current cell whose holding costs least."""
    system, lines = compared.system, compared.system.lines
    is_current = _with_complements(system, kept)
    broken = _gives_away(compared, is_current, change)
    entries = np.flatnonzero(broken[lines.of_entry] & is_current[lines.cells])
    moved = np.abs(change[lines.cells[entries]])
    order = np.lexsort((system.value[lines.cells[entries]], moved, np.isnan(moved) | (moved == 0)))
    _, first = np.unique(lines.of_entry[entries][order], return_index=True)
    return _inner_of(system)[lines.cells[entries[order[first]]]]


def _gives_away(compared: Compared, is_current: Mask, change: Values) -> Mask:
    """Sums whose single unknown term is a held cell, or whose unknown terms have together changed by 1..k-1."""
    lines = compared.system.lines
    is_unknown = (~is_current & ~compared.is_public)[lines.cells]
    is_held = (_with_complements(compared.system, compared.is_shown) & ~is_current)[lines.cells]
    sign = np.ones(len(lines.cells))
    sign[lines.start[:-1]] = -1
    net = _per_line(lines, np.where(is_unknown, sign * change[lines.cells], 0.0))
    was_known = _per_line(lines, np.isnan(change[lines.cells])) == 0
    is_single = (_per_line(lines, is_unknown) == 1) & (_per_line(lines, is_unknown & is_held) == 1)
    return is_single | (was_known & _is_small(net, compared.k[lines.cells[lines.start[:-1]]]))


def _with_complements(system: System, of_cells: Mask) -> Mask:
    """A complement is known where its inner and its outer count are."""
    nesting, sure = system.nesting, system.nesting.is_certain
    full = np.concatenate([of_cells, np.zeros(len(system.value) - system.n_cells, dtype=bool)])
    full[nesting.complement[sure]] = of_cells[nesting.inner[sure]] & of_cells[nesting.outer[sure]]
    return full


def _inner_of(system: System) -> Rows:
    """The cell that holds each row: itself, and for a complement its inner count."""
    nesting, sure = system.nesting, system.nesting.is_certain
    holds = np.arange(len(system.value))
    holds[nesting.complement[sure]] = nesting.inner[sure]
    return holds


def _per_line(lines: Lines, of_entry: np.ndarray) -> np.ndarray:
    return np.bincount(lines.of_entry, weights=of_entry, minlength=len(lines))


def _listed(cells: pl.DataFrame, keys: pl.DataFrame | None) -> Mask:
    if keys is None:
        return np.zeros(cells.height, dtype=bool)
    marked = keys.select(CELL_KEY).unique().with_columns(is_listed=pl.lit(True))
    joined = cells.select(CELL_KEY).join(marked, on=CELL_KEY, how="left", maintain_order="left")
    return joined["is_listed"].fill_null(False).to_numpy()


def _published(
    cells: pl.DataFrame, earlier: pl.DataFrame, counts: Mapping[str, Count], is_current: Mask, status: str
) -> pl.DataFrame:
    held = pl.col("earlier").is_not_null() & ~pl.col("is_current")
    has_changed = pl.col("earlier").is_not_null() & (pl.col("earlier") != pl.col("value"))
    current = pl.when(has_changed & (status == "revised")).then(pl.lit("revised")).otherwise(pl.lit(STATUS_OF[status]))
    return (
        cells.select(*CELL_KEY, "value", is_current=pl.Series(is_current))
        .join(_last_shown(earlier, counts), on=CELL_KEY, how="left", maintain_order="left")
        .select(
            *CELL_KEY,
            value=pl.when("is_current").then("value").otherwise("earlier"),
            status=pl.when("is_current").then(current).when(held).then(pl.lit("provisional")).otherwise(pl.lit("suppressed")),
            is_held=held,
            vintage=pl.when(held).then("vintage"),
        )
    )  # fmt: skip


def _last_shown(earlier: pl.DataFrame, counts: Mapping[str, Count]) -> pl.DataFrame:
    """The last value shown of each cell, and since which release it stands."""
    ordered = same_quantity(earlier, counts).sort("sequence")
    last = ordered.group_by(CELL_KEY).agg(earlier=pl.col("value").last())
    since = ordered.join(last, on=CELL_KEY).with_columns(
        other_until=pl.when(pl.col("value") != pl.col("earlier")).then("sequence").max().over(CELL_KEY)
    )
    stands = since.filter(pl.col("sequence") > pl.col("other_until").max().over(CELL_KEY).fill_null(-1))
    return last.join(stands.group_by(CELL_KEY).agg(vintage=pl.col("sequence").min()), on=CELL_KEY)
