"""What may be published of the true values: measured, suppressed, and compared with everything published before.

True values live in `measure` and `protect` only. What `Decision.cells` gives holds shown values and statuses and
nothing else (privacy, hole 7).
"""

from dataclasses import dataclass, replace

import polars as pl

from pipelines.indicators import SUMS
from pipelines.release.assemble import AUDIT_FAILED, Source, assemble
from pipelines.release.changes import changes
from pipelines.release.clock import Clock
from pipelines.release.errors import ReleaseError
from pipelines.release.measure import CELL, Measured, measure
from pipelines.release.order import Ordered
from pipelines.release.suppress import Protected, protect
from pipelines.release.symbols import SHOWN
from pipelines.release.system import KEYS
from pipelines.release.vintage import against_earlier, same_quantity, still_true


@dataclass(frozen=True)
class Decision:
    """earlier: every value ever published (`Ledger.earlier_cells`). outdated: keys of cells that this release has not
    and whose earlier value is no longer the true one."""

    of: Ordered
    measured: Measured
    protected: Protected
    earlier: pl.DataFrame
    outdated: pl.DataFrame

    def cells(self, held: pl.DataFrame | None = None) -> pl.DataFrame:
        """The published cells: count_id, CELL, value, status, is_held, vintage; `held` keeps its earlier value too."""
        order = self.of.order
        return _without_hidden(
            against_earlier(
                self.protected.cells, self.earlier, order.policy, order.areas, self.of.counts,
                self.of.indicators.values(), order.status, held, self.protected.own_rows_only,
            )
        )  # fmt: skip

    def changes(self, cells: pl.DataFrame) -> pl.DataFrame:
        """`changes` since the release before; empty of a provisional one, in which no status tells a kept value from a
        new one."""
        before = self.earlier.clear() if self.of.order.status == "provisional" else self.earlier
        return changes(cells, before, self.of.indicators.values(), self.of.counts, self.of.order.areas)

    def tables(self, source: Source, cells: pl.DataFrame) -> dict[str, pl.DataFrame]:
        """Every published table of these cells."""
        return assemble(source, self.of.order, cells, _shown_sums(self.measured, cells), set(self.of.indicators))


def decide(source: Source, of: Ordered, earlier: pl.DataFrame, clock: Clock) -> Decision:
    """Counts, and hides what the policy protects. Raises ReleaseError (3) on undeclared nesting."""
    order = of.order
    with clock.stage("measure"):
        measured = measure(
            source.connection, of.counts, of.sums, of.indicators, order.areas, order.years, order.levels, order.policy
        )
        beside = _beside(source, of, measured.cells, earlier)
    with clock.stage("suppress"):
        known = _known(measured.cells, beside, earlier, of) if earlier.height else None
        protected = protect(
            measured.cells, order.areas, of.counts, of.indicators, order.policy, source.secret, measured.nested, known,
            beside,
        )  # fmt: skip
    return Decision(of, measured, protected, earlier, beside.filter(~pl.col("is_told")).select(KEYS))


def _known(cells: pl.DataFrame, beside: pl.DataFrame, earlier: pl.DataFrame, of: Ordered) -> pl.DataFrame:
    """Keys of cells that a reader has a value of: of this release's where it is still true, of those beside it whether
    it is or not, for nobody tells him."""
    shown = same_quantity(earlier, of.counts)
    return pl.concat([still_true(cells, earlier, of.counts), beside.join(shown, on=KEYS, how="semi").select(KEYS)])


def _beside(source: Source, of: Ordered, cells: pl.DataFrame, earlier: pl.DataFrame) -> pl.DataFrame:
    """The cells of years and pooled years of earlier releases that this one does not publish, with their true values;
    is_told: an earlier release showed this very value.

    A reader has them still: 2021-2023 beside 2022-2024 tells how 2024 differs from 2021.
    """
    order, now = of.order, cells.select("period").unique()
    past = earlier.select("period").unique().join(now, on="period", how="anti").sort("period")["period"]
    found = [cells.clear()]
    for period in past:
        years = tuple(range(int(period[:4]), int(period[-4:]) + 1))
        policy = replace(order.policy, pooled_years=max(len(years), 2))
        then = measure(source.connection, of.counts, of.sums, of.indicators, order.areas, years, order.levels, policy)
        found.append(then.cells.filter(pl.col("period") == period).select(cells.columns))
    beside = pl.concat(found)
    told = still_true(beside, earlier, of.counts).with_columns(is_told=True)
    return beside.join(told, on=KEYS, how="left", maintain_order="left").with_columns(
        pl.col("is_told").fill_null(value=False)
    )


def _without_hidden(cells: pl.DataFrame) -> pl.DataFrame:
    """The published cells: a value only beside a status that shows it. The last frame that suppression touches."""
    bare = cells.select(
        "count_id", *CELL, pl.when(pl.col("status").is_in(SHOWN)).then("value").alias("value"), "status",
        *(c for c in ("is_held", "vintage") if c in cells.columns),
    )  # fmt: skip
    if bare.filter(pl.col("value").is_not_null() != pl.col("status").is_in(SHOWN)).height:
        raise ReleaseError(
            "表示するセルには値が必要で、表示しないセルは値を持てません。公表を中止しました。",
            "A shown cell requires a value and a hidden one must not have any; the release was stopped.",
            AUDIT_FAILED,
        )
    return bare


def _shown_sums(measured: Measured, cells: pl.DataFrame) -> pl.DataFrame:
    """Sums of those cells only whose members are shown at their new value."""
    over = {s.id: s.over for s in SUMS.values()}
    current = cells.filter(pl.col("status").is_in(SHOWN), ~pl.col("is_held"))
    sums = measured.sums.with_columns(count_id=pl.col("sum_id").replace_strict(over, default=None))
    return sums.join(current, on=["count_id", *CELL], how="semi").drop("count_id")
