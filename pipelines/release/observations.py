"""Indicators from counts that are shown: value and interval, all or nothing (privacy, hole 24).

Nothing in here sees a hidden count: a cell whose counts are not both shown has a status and nothing else.
"""

import polars as pl

from pipelines.declaration import Indicator, Policy
from pipelines.release.measure import CELL
from pipelines.release.symbols import SHOWN

Z95 = 1.959963984540054


def observe(
    indicator: Indicator,
    frame: pl.DataFrame,
    cells: pl.DataFrame,
    sums: pl.DataFrame,
    areas: pl.DataFrame,
    policy: Policy,
) -> pl.DataFrame:
    """Numerator, denominator, value, ci_low, ci_high and status of every cell in `frame` (CELL columns).

    cells: published count cells (count_id, CELL, value or null, status, vintage) · sums: n, total, squares of shown means only.
    """
    rows = frame
    for name, count_id in (("numerator", indicator.numerator), ("denominator", indicator.denominator)):
        own = cells.filter(pl.col("count_id") == (count_id or ""))
        told = {name: "value", f"{name}_status": "status", f"{name}_vintage": "vintage"}
        rows = rows.join(own.select(*CELL, **told), on=CELL, how="left")
    measured = (
        _mean(indicator, rows, sums, areas, policy)
        if indicator.kind == "mean"
        else rows.with_columns(_interval(indicator))
    )
    settled = measured.with_columns(
        status=pl.coalesce(
            *(pl.when(~pl.col(s).is_in(SHOWN)).then(pl.col(s)) for s in _status_columns(indicator)),
            pl.when(_is_empty(indicator)).then(pl.lit("not_applicable")),
            pl.when(pl.col("value").is_null() | _is_mixed(indicator)).then(pl.lit("suppressed")),
            _weakest(indicator),
        )
    )
    return _all_or_nothing(settled).select(
        pl.lit(indicator.id).alias("indicator_id"), *CELL,
        "numerator", "denominator", "value", "ci_low", "ci_high", "status",
    )  # fmt: skip


def _status_columns(indicator: Indicator) -> list[str]:
    names = {"count": ["numerator"], "mean": ["denominator"]}.get(indicator.kind, ["numerator", "denominator"])
    return [f"{name}_status" for name in names]


def _is_empty(indicator: Indicator) -> pl.Expr:
    """Nobody to count: a ratio of zero members does not exist."""
    return pl.lit(False) if indicator.kind == "count" else pl.col("denominator") == 0


def _is_mixed(indicator: Indicator) -> pl.Expr:
    """Numerator and denominator of two releases: their ratio belongs to none (privacy, hole 9)."""
    if len(_status_columns(indicator)) == 1:
        return pl.lit(False)
    return pl.col("numerator_vintage").ne_missing(pl.col("denominator_vintage"))


def _weakest(indicator: Indicator) -> pl.Expr:
    """The least certain of the shown statuses: partial before provisional before revised before observed."""
    columns = _status_columns(indicator)
    found = [
        pl.when(pl.any_horizontal(pl.col(c) == status for c in columns)).then(pl.lit(status))
        for status in ("partial", "provisional", "revised")
    ]
    return pl.coalesce(*found, pl.lit("observed"))


def _all_or_nothing(rows: pl.DataFrame) -> pl.DataFrame:
    filled = ["numerator", "denominator", "value", "ci_low", "ci_high"]
    shown = pl.col("status").is_in(SHOWN)
    return rows.with_columns(pl.when(shown).then(pl.col(c)).alias(c) for c in filled)


def _interval(indicator: Indicator) -> list[pl.Expr]:
    n, d, scale = pl.col("numerator"), pl.col("denominator"), indicator.scale
    if indicator.kind == "count":
        nothing = pl.lit(None, pl.Float64)
        return [n.cast(pl.Float64).alias("value"), nothing.alias("ci_low"), nothing.alias("ci_high")]
    low, high = wilson(n, d) if indicator.kind == "proportion" else attendance(n, d)
    return [
        (scale * n / d).alias("value"), (scale * low).alias("ci_low"), (scale * high).alias("ci_high")
    ]  # fmt: skip


def wilson(n: pl.Expr, d: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """95 % limits of a proportion (Wilson 1927, score interval)."""
    p, z2 = n / d, Z95**2
    centre = p + z2 / (2 * d)
    half = Z95 * (p * (1 - p) / d + z2 / (4 * d * d)).sqrt()
    return (centre - half) / (1 + z2 / d), (centre + half) / (1 + z2 / d)


def attendance(n: pl.Expr, d: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """95 % limits of a rate that is nearly a proportion: Wilson up to 100 %, Byar's above."""
    is_within = n <= d
    return tuple(  # type: ignore[return-value]
        pl.when(is_within).then(within).otherwise(beyond)
        for within, beyond in zip(wilson(n, d), byar(n, d), strict=True)
    )


def byar(n: pl.Expr, d: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """95 % limits of a rate whose numerator is not within its denominator (Byar's approximation; Breslow & Day 1987)."""

    def limit(events: pl.Expr, sign: int) -> pl.Expr:
        return events * (1 - 1 / (9 * events) + sign * Z95 / (3 * events.sqrt())) ** 3

    return pl.when(n > 0).then(limit(n, -1) / d).otherwise(0.0), limit(n + 1, 1) / d


def _mean(
    indicator: Indicator, rows: pl.DataFrame, sums: pl.DataFrame, areas: pl.DataFrame, policy: Policy
) -> pl.DataFrame:
    """Mean and normal interval, where the denominator is shown and large enough (privacy, hole 13)."""
    own = sums.filter(pl.col("sum_id") == indicator.numerator).select(*CELL, "n", "total", "squares")
    rows = (
        rows.drop("numerator")
        .join(own, on=CELL, how="left")
        .join(areas.select("area_code", "level"), on="area_code", how="left")
    )
    is_large = (pl.col("n") >= policy.mean_shown_from) | pl.col("level").is_in(["nation", "prefecture"])
    is_shown = (
        pl.col("denominator").is_not_null() & (pl.col("n") == pl.col("denominator")) & is_large & (pl.col("n") > 1)
    )
    mean, n = pl.col("total") / pl.col("n"), pl.col("n")
    variance = (pl.col("squares") - pl.col("total") * mean) / (n - 1)
    half = Z95 * (pl.max_horizontal(variance, pl.lit(0.0)) / n).sqrt()
    step = indicator.decimals
    return rows.with_columns(
        pl.lit(None, pl.Int64).alias("numerator"),
        *(
            pl.when(is_shown).then((indicator.scale * x).round(step)).alias(name)
            for name, x in (("value", mean), ("ci_low", mean - half), ("ci_high", mean + half))
        ),
    )
