"""A real cohort at real size meets the published figures; one that does not is named."""

from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from pipelines.reference import calibration_targets
from synthetic.calibration import as_html, measures, report, write
from synthetic.cohort import SMALLEST_JUDGED_COHORT, Summary, make_cohort
from synthetic.joint import RISKS
from synthetic.parameters import parameters
from tests.synthetic.conftest import COUNTED


@pytest.fixture(scope="module")
def okinawa(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    return make_cohort(tmp_path_factory.mktemp("okinawa"), prefectures=("47",), records=COUNTED)


@pytest.mark.parametrize("measure", [m.name for m in measures()])
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
    assert row["tolerance"] == pytest.approx(1.167, abs=0.001)
    assert "範囲外 / outside" in as_html(table, 1, 10_000)


def test_a_cohort_with_another_parameter_is_outside(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(parameters()["birth_weight"], "shift_g", -150.0)
    out = tmp_path_factory.mktemp("light")
    made = make_cohort(out, prefectures=("31",), births=3000, jobs=1, faults="none", records=COUNTED)
    assert "lbw" in made.outside
    assert "範囲外" in (out / "calibration.html").read_text("utf-8")


def test_the_newest_row_of_a_key_is_the_measure(okinawa: Summary) -> None:
    epds = okinawa.calibration.row(by_predicate=pl.col("measure") == "epds", named=True)
    lbw = okinawa.calibration.row(by_predicate=pl.col("measure") == "lbw", named=True)
    assert (epds["year"], epds["target"], lbw["year"], lbw["target"]) == (2022, 9.9, 2022, 9.4)


def test_every_target_is_judged_or_named_as_not_covered(okinawa: Summary) -> None:
    told = okinawa.calibration.filter(pl.col("key").is_not_null())
    wholes = {m.of for m in measures()} - {""}
    assert set(told["key"]) | wholes == set(calibration_targets()["key"])
    not_covered = told.filter(pl.col("measure").str.starts_with("not covered"))
    assert not_covered["is_within"].is_null().all() and not_covered["basis"].is_not_null().all()
    assert {"alcohol_pregnancy", "tfr"} <= set(not_covered["key"])


def test_what_no_source_gives_is_not_judged(okinawa: Summary) -> None:
    odds = okinawa.calibration.filter(pl.col("measure").str.starts_with("odds_"))
    assert len(odds) == len(RISKS)
    assert odds["target"].is_null().all() and odds["is_within"].is_null().all()
    assert odds["source"].str.contains("no cited value").all()
    assert (odds["low"] < odds["value"]).all() and (odds["value"] < odds["high"]).all()


def test_joint_figures_are_judged(okinawa: Summary) -> None:
    table = okinawa.calibration
    for start, count in (("weight_", 21), ("growth_", 18), ("sibling_correlation", 1)):
        rows = table.filter(pl.col("measure").str.starts_with(start))
        assert len(rows) == count and rows["is_within"].all(), rows
    assert 0.4 < table.filter(pl.col("measure") == "sibling_correlation")["value"].item() < 0.5


def test_a_joint_figure_outside_is_named() -> None:
    tally = Counter({
        ("siblings", "n"): 4, ("siblings", "a"): 12_000, ("siblings", "b"): 12_000,
        ("siblings", "aa"): 36_100_000, ("siblings", "bb"): 36_100_000, ("siblings", "ab"): 36_100_000,
        ("growth_height_cm_3y", "n"): 10_000, ("growth_height_cm_3y", "sum"): 10_000 * 20_100,
        ("growth_height_cm_3y", "squares"): 10_000 * (20_100**2 + 1000**2),
        ("odds_light_smokes_exposed", "part"): 20, ("odds_light_smokes_exposed", "whole"): 100,
        ("odds_light_smokes_others", "part"): 10, ("odds_light_smokes_others", "whole"): 100,
    })  # fmt: skip
    rows = {row["measure"]: row for row in report(tally, [], (2022, 2024), is_whole=False).iter_rows(named=True)}
    assert rows["sibling_correlation"]["value"] == pytest.approx(1.0)
    assert (rows["growth_height_cm_3y_mean"]["value"], rows["growth_height_cm_3y_mean"]["is_within"]) == (0.1, False)
    assert (rows["growth_height_cm_3y_sd"]["value"], rows["growth_height_cm_3y_sd"]["is_within"]) == (1.0, True)
    assert rows["odds_light_smokes"]["value"] == pytest.approx(20.5 * 90.5 / (80.5 * 10.5), abs=0.001)


def test_the_table_beside_the_page_says_pass_or_fail(tmp_path: Path) -> None:
    tally = Counter({("lbw", "part"): 1200, ("lbw", "whole"): 10_000, ("early", "part"): 935, ("early", "whole"): 1000})
    write(report(tally, [], (2022, 2024), is_whole=False), tmp_path, 1, 10_000)
    results = dict(pl.read_csv(tmp_path / "calibration.csv").select("measure", "result").iter_rows())
    assert (results["lbw"], results["early"], results["not covered: tfr"]) == ("fail", "pass", "not judged")
    assert "範囲外 / outside" in (tmp_path / "calibration.html").read_text("utf-8")
