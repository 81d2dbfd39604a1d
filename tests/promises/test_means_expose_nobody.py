"""Promise 7, privacy hole 13: neither two releases nor two means of one release give the added person's value.

Mean of 10, then of 11, with both n: the added value to the rounding times n. Here one mother with the most visits that
are counted is added in every town, and both data sets are released.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.indicators import INDICATORS, SUMS
from pipelines.release.areas import registered_tree
from pipelines.release.observations import Z95
from pipelines.release.policy import load_policy
from pipelines.release.symbols import SHOWN
from tests.release.made_source import made_core, new_ledger, released, rows_of, source

MEANS = {i.id: i for i in INDICATORS.values() if i.kind == "mean"}
STEPS = 20  # 200 g of a birth weight rounded to 10 g; of visits rounded to 0.1 it is two visits
CELL = ["indicator_id", "period", "period_kind", "area_code", "breakdown_id", "category_code"]
TOTTORI = "312011"
ADDED = """INSERT INTO core.delivery SELECT * REPLACE (25 AS antenatal_visits, TRUE AS is_notified_early,
    39 AS gestation_weeks_class, '30-34' AS mother_age_class, '1' AS plurality_class) FROM core.delivery
    WHERE fiscal_year = 2024 QUALIFY row_number() OVER (PARTITION BY municipality_code) = 1"""
POLICY = load_policy("standard")
SMALLEST_K = min(tier.k for tier in POLICY.tiers if tier.k)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """`1.duckdb` and `2.duckdb` of the data before and after, under one ledger, and after alone under a new one."""
    one, other = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("other")
    new_ledger(one)
    new_ledger(other)
    with made_core() as core:
        released(core, one)
        core.execute(ADDED)
        released(core, one, status="revised", batch=2)
        released(core, other, batch=2)
    yield one, other


def shown_means(path: Path) -> pl.DataFrame:
    rows = rows_of(path, ("observation",))["observation"]
    return rows.filter(pl.col("indicator_id").is_in(list(MEANS)), pl.col("status").is_in(SHOWN))


def both(first: Path, second: Path) -> pl.DataFrame:
    """Cells whose mean is shown in both releases; the later one's columns end in `_2`."""
    return shown_means(first).join(shown_means(second), on=CELL, suffix="_2")


def test_under_one_ledger_two_means_differ_by_nobody_or_by_k(folders: tuple[Path, Path]) -> None:
    """A town's mean with the added mother is not shown where the one without her was; elsewhere nothing changed."""
    one, _ = folders
    pairs = both(one / "1.duckdb", one / "2.duckdb")
    added = pairs["denominator_2"] - pairs["denominator"]
    assert pairs.height > 50
    assert added.filter((added != 0) & (added < SMALLEST_K)).is_empty()
    same = pairs.filter(added == 0)
    assert same["value"].equals(same["value_2"].rename("value"))
    before, after = (
        shown_means(one / f"{n}.duckdb").filter(area_code=TOTTORI, period="2024", category_code="all") for n in (1, 2)
    )
    assert (before.height, after.height) == (1, 0)


def test_even_without_the_ledger_rounding_leaves_the_added_value_open(folders: tuple[Path, Path]) -> None:
    """Two installations: whoever has both files, the limits of the intervals too, knows her value to `STEPS` or worse."""
    one, other = folders
    pairs = both(one / "1.duckdb", other / "2.duckdb").filter(pl.col("denominator_2") == pl.col("denominator") + 1)
    large = pairs.filter(pl.col("denominator") >= POLICY.mean_shown_from)
    assert large.height >= 5
    for row in large.iter_rows(named=True):
        step = 10.0 ** -MEANS[row["indicator_id"]].decimals
        found = values_that_fit(row, step)
        assert 25 in found
        assert max(found) - min(found) >= STEPS * step


def values_that_fit(row: dict[str, Any], step: float) -> list[int]:
    """Whole values of the added member that agree with n, mean and limits of both releases."""
    total = SUMS[MEANS[row["indicator_id"]].numerator]
    n, after = int(row["denominator"]), int(row["denominator_2"])
    sums = _whole_within(n, row["value"], step)
    fits = []
    for added in range(int(total.low), int(total.high) + 1):
        agreeing = (s for s in sums if s + added in _whole_within(after, row["value_2"], step))
        if any(_squares_agree(row, n, s, added, step) for s in agreeing):
            fits.append(added)
    return fits


def _whole_within(n: int, mean: float, step: float) -> range:
    low, high = n * (mean - step / 2), n * (mean + step / 2)
    return range(int(low), int(high) + 2)


def _squares_agree(row: dict[str, Any], n: int, total: int, added: int, step: float) -> bool:
    """Whether the widths of both intervals leave room for one sum of squares."""
    low, high = _squares(n, total, row["ci_high"] - row["ci_low"], step)
    low_2, high_2 = _squares(n + 1, total + added, row["ci_high_2"] - row["ci_low_2"], step)
    return low + added**2 <= high_2 and low_2 <= high + added**2


def _squares(n: int, total: int, width: float, step: float) -> tuple[float, float]:
    """Smallest and largest sum of squares of n members whose interval has this width, each limit rounded."""
    deviations = (max((width + e) / (2 * Z95), 0.0) ** 2 * n * (n - 1) for e in (-step, step))
    low, high = (d + total**2 / n for d in deviations)
    return low, high


def test_the_attacker_finds_the_value_of_two_unrounded_means() -> None:
    """The attack works where rounding does not stop it: exact means of 100 and 101 members."""
    name, n, total, squares = next(iter(MEANS)), 100, 1200, 15_000
    row: dict[str, Any] = {"indicator_id": name, "denominator": n, "denominator_2": n + 1}
    for end, m, s, q in (("", n, total, squares), ("_2", n + 1, total + 25, squares + 625)):
        half = Z95 * ((q - s * s / m) / (m - 1) / m) ** 0.5
        row |= {f"value{end}": s / m, f"ci_low{end}": s / m - half, f"ci_high{end}": s / m + half}
    assert values_that_fit(row, 1e-6) == [25]


def test_sums_are_never_published(folders: tuple[Path, Path]) -> None:
    path = folders[0] / "1.duckdb"
    cells, means = rows_of(path, ("count_cell",))["count_cell"], shown_means(path)
    assert not set(SUMS) & set(cells["count_id"])
    assert means["numerator"].null_count() == means.height > 50
    for indicator in MEANS.values():
        own = means.filter(indicator_id=indicator.id)
        for column in ("value", "ci_low", "ci_high"):
            assert own[column].equals(own[column].round(indicator.decimals))


@pytest.mark.parametrize("number", [1, 2])
def test_two_shown_means_of_nested_populations_differ_by_k_members(folders: tuple[Path, Path], number: int) -> None:
    """A category in all, an area in the areas above it, a year in the pooled years: and in any mixture of these."""
    with made_core() as core:
        tree = registered_tree(source(core).municipalities)
    means = shown_means(folders[0] / f"{number}.duckdb").select(*CELL, "denominator")
    pairs = means.join(_above(tree), on="area_code").join(means, left_on=["indicator_id", "above"],
                                                          right_on=["indicator_id", "area_code"], suffix="_outer")  # fmt: skip
    in_all = (pl.col("breakdown_id") == pl.col("breakdown_id_outer")) & (
        pl.col("category_code") == pl.col("category_code_outer")
    )
    pairs = pairs.filter(
        in_all | (pl.col("breakdown_id_outer") == "all"),
        (pl.col("period") == pl.col("period_outer"))
        | (pl.col("period_kind_outer").str.starts_with("pooled") & ~pl.col("period_kind").str.starts_with("pooled")),
    )
    rest = pairs["denominator_outer"] - pairs["denominator"]
    assert pairs.filter(rest > 0).height > 300
    assert rest.min() == 0
    assert pairs.filter((rest > 0) & (rest < SMALLEST_K)).is_empty()


def _above(tree: pl.DataFrame) -> pl.DataFrame:
    """area_code, above: every area with itself and every area that holds it."""
    parent = dict(tree.select("area_code", "parent_code").iter_rows())
    found = []
    for area in parent:
        holder: str | None = area
        while holder:
            found.append((area, holder))
            holder = parent.get(holder)
    return pl.DataFrame(found, schema=["area_code", "above"], orient="row")
