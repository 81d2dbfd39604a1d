"""Values and intervals from shown counts: everything or nothing."""

import polars as pl
import pytest

from pipelines.indicators import INDICATORS
from pipelines.release.areas import registered_tree
from pipelines.release.measure import CELL
from pipelines.release.observations import byar, observe, wilson
from pipelines.release.policy import load_policy

AREAS = registered_tree(["312011"])
FILLED = ["numerator", "denominator", "value", "ci_low", "ci_high"]


def cell(count_id: str, value: int | None, status: str = "observed", vintage: int | None = None) -> dict[str, object]:
    at = dict(zip(CELL, ("2024", "fiscal_year", "312011", "all", "all"), strict=True))
    return {"count_id": count_id, **at, "value": value, "status": status, "vintage": vintage}


def observed(indicator: str, *cells: dict[str, object], sums: pl.DataFrame | None = None) -> dict[str, object]:
    frame = pl.DataFrame(list(cells), schema_overrides={"value": pl.Int64, "vintage": pl.Int64})
    nothing = pl.DataFrame(
        schema={
            "sum_id": pl.String,
            **dict.fromkeys(CELL, pl.String),
            "n": pl.Int64,
            "total": pl.Int64,
            "squares": pl.Int64,
        }
    )
    keys = frame.select(CELL).unique()
    totals = nothing if sums is None else sums
    return observe(INDICATORS[indicator], keys, frame, totals, AREAS, load_policy("standard")).row(0, named=True)


@pytest.mark.parametrize(
    ("n", "d", "low", "high"), [(10, 100, 0.0552, 0.1744), (0, 50, 0.0, 0.0713), (50, 50, 0.9287, 1.0)]
)
def test_wilson_against_published_values(n: int, d: int, low: float, high: float) -> None:
    frame = pl.DataFrame({"n": [n], "d": [d]}).select(
        *(e.alias(str(i)) for i, e in enumerate(wilson(pl.col("n"), pl.col("d"))))
    )
    assert frame.row(0) == pytest.approx((low, high), abs=1e-4)


def test_byar_against_exact_poisson() -> None:
    frame = pl.DataFrame({"n": [100], "d": [100]}).select(
        *(e.alias(str(i)) for i, e in enumerate(byar(pl.col("n"), pl.col("d"))))
    )
    assert frame.row(0) == pytest.approx((0.8136, 1.2163), abs=1e-3)


def test_a_shown_proportion_is_whole() -> None:
    row = observed("low_birth_weight_rate", cell("low_birth_weight", 20), cell("live_births", 200))
    assert row["value"] == pytest.approx(10.0) and row["status"] == "observed"
    assert all(row[name] is not None for name in FILLED)


@pytest.mark.parametrize("hidden", ["low_birth_weight", "live_births"])
def test_one_hidden_count_hides_the_whole_observation(hidden: str) -> None:
    cells = [
        cell(c, None, "suppressed") if c == hidden else cell(c, n)
        for c, n in (("low_birth_weight", 20), ("live_births", 200))
    ]
    row = observed("low_birth_weight_rate", *cells)
    assert row["status"] == "suppressed" and all(row[name] is None for name in FILLED)


def test_a_rate_may_exceed_a_hundred_percent() -> None:
    row = observed("checkup_3y_rate_official", cell("checkup_3y_seen", 150), cell("checkup_3y_target", 100))
    assert row["value"] == pytest.approx(150.0)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((126.95, 176.02), abs=0.01)


@pytest.mark.parametrize(("n", "is_shown"), [(99, False), (100, True)])
def test_a_mean_needs_a_hundred_below_prefecture_level(n: int, is_shown: bool) -> None:
    key = {k: v for k, v in cell("", 0).items() if k in CELL}
    sums = pl.DataFrame([{"sum_id": "antenatal_visits", **key, "n": n, "total": 13 * n + 3, "squares": 170 * n}])
    row = observed("antenatal_visits_per_pregnancy", cell("deliveries_notified_early", n), sums=sums)
    assert (row["value"] == 13.0 and row["denominator"] == n) if is_shown else (row["value"] is None)
    assert row["numerator"] is None
    assert row["status"] == ("observed" if is_shown else "suppressed")


def test_a_rate_below_a_hundred_percent_has_the_interval_of_a_proportion() -> None:
    row = observed("checkup_3y_rate_official", cell("checkup_3y_seen", 90), cell("checkup_3y_target", 100))
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((82.56, 94.48), abs=0.01)


def test_the_least_certain_status_wins() -> None:
    row = observed(
        "low_birth_weight_rate", cell("low_birth_weight", 20, "provisional"), cell("live_births", 200, "revised")
    )
    assert row["status"] == "provisional"


def test_a_ratio_of_two_releases_is_not_shown() -> None:
    row = observed(
        "low_birth_weight_rate", cell("low_birth_weight", 20, "provisional", vintage=1), cell("live_births", 200)
    )
    assert row["status"] == "suppressed" and all(row[name] is None for name in FILLED)


def test_a_ratio_of_nobody_does_not_exist() -> None:
    row = observed("low_birth_weight_rate", cell("low_birth_weight", 0), cell("live_births", 0))
    assert row["status"] == "not_applicable" and all(row[name] is None for name in FILLED)
