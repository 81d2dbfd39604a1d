"""A real cohort at real size meets the published figures; one that does not is named."""

from collections import Counter

import polars as pl
import pytest

from synthetic.calibration import MEASURES, as_html, report
from synthetic.cohort import SMALLEST_JUDGED_COHORT, Summary, make_cohort
from synthetic.parameters import parameters


@pytest.fixture(scope="module")
def okinawa(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    return make_cohort(tmp_path_factory.mktemp("okinawa"), prefectures=("47",))


@pytest.mark.parametrize("measure", [m.name for m in MEASURES])
def test_the_cohort_meets_the_published_figure(okinawa: Summary, measure: str) -> None:
    row = okinawa.calibration.row(by_predicate=pl.col("measure") == measure, named=True)
    assert row["is_within"], row
    assert row["n"] > 500


def test_births_of_every_municipality_and_year_are_those_of_the_table(okinawa: Summary) -> None:
    births = okinawa.calibration.filter(pl.col("measure").str.starts_with("births"))
    assert len(births) == 41 * 3
    assert births["is_within"].all(), births.filter(~pl.col("is_within"))
    assert okinawa.births >= SMALLEST_JUDGED_COHORT and okinawa.is_calibrated and not okinawa.outside


def test_births_differ_from_year_to_year(okinawa: Summary) -> None:
    births = okinawa.calibration.filter(pl.col("measure").str.starts_with("births"))["value"].to_list()
    assert sum(a == b == c for a, b, c in zip(births[::3], births[1::3], births[2::3], strict=True)) < 8


def test_structure_is_plausible(okinawa: Summary) -> None:
    pregnancies = pl.read_parquet(okinawa.out / "truth/pregnancies.parquet").filter(
        pl.col("fiscal_year").is_between(2022, 2024)
    )
    parity = pregnancies["parity"].value_counts(normalize=True).sort("parity")["proportion"].to_list()
    assert parity[0] == pytest.approx(0.463, abs=0.03) and parity[1] == pytest.approx(0.368, abs=0.03)
    children = pl.read_parquet(okinawa.out / "truth/children.parquet").filter(~pl.col("is_stillborn")).join(
        pregnancies.select("pregnancy_id", "gestation_weeks", "number_of_children"), on="pregnancy_id")  # fmt: skip
    single = children.filter(pl.col("number_of_children") == 1)
    by_week = single.group_by("gestation_weeks").agg(pl.col("birth_weight_g").mean(), pl.len()).sort("gestation_weeks")
    means = by_week.filter(pl.col("len") > 200)["birth_weight_g"].to_list()
    assert means == sorted(means)
    by_sex = dict(children.group_by("sex_code").agg(pl.col("birth_weight_g").mean()).iter_rows())
    assert by_sex[1] == pytest.approx(3040, abs=15) and by_sex[2] == pytest.approx(2960, abs=15)
    light = children.group_by("number_of_children").agg((pl.col("birth_weight_g") < 2500).mean())
    shares = dict(light.iter_rows())
    assert 0.07 < shares[1] < 0.09 and 0.6 < shares[2] < 0.75


def test_a_figure_outside_its_tolerance_is_named() -> None:
    tally = Counter({("lbw", "part"): 1200, ("lbw", "whole"): 10_000})
    table = report(tally, [], (2022, 2024), is_whole=False)
    row = table.row(by_predicate=pl.col("measure") == "lbw", named=True)
    assert (row["value"], row["target"], row["is_within"]) == (12.0, 9.4, False)
    assert row["tolerance"] == pytest.approx(0.875, abs=0.001)
    assert "範囲外 / outside" in as_html(table, 1, 10_000)


def test_a_cohort_with_another_parameter_is_outside(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(parameters()["birth_weight"], "shift_g", -150.0)
    out = tmp_path_factory.mktemp("light")
    made = make_cohort(out, prefectures=("31",), births=3000, jobs=1, faults="none")
    assert "lbw" in made.outside
    assert "範囲外" in (out / "calibration.html").read_text("utf-8")


def test_the_newest_row_of_a_key_is_the_measure(okinawa: Summary) -> None:
    epds = okinawa.calibration.row(by_predicate=pl.col("measure") == "epds", named=True)
    lbw = okinawa.calibration.row(by_predicate=pl.col("measure") == "lbw", named=True)
    assert (epds["year"], epds["target"], lbw["year"], lbw["target"]) == (2022, 9.9, 2022, 9.4)
