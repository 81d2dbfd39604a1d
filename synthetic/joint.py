"""Joint checks: do weight and weeks, siblings, growth and risks go together as they should?

Counted in whole numbers in each stretch, none below 0 (a Counter drops those); the figures are made of the sums.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np
import polars as pl

from synthetic.counts import PROGRAMMES, Tally, counted
from synthetic.parameters import parameters
from synthetic.population.children import expected_weight
from synthetic.population.facts import Facts
from synthetic.population.growth import deviation_at_age

CENTILES = {10: -1.281552, 50: 0.0, 90: 1.281552}  # of a standard normal distribution
WEEKS = range(35, 42)
WEIGHT_POINTS = 2.0
SIBLINGS = (0.45, 0.05)  # target and tolerance; synthetic.md: 0.4-0.5
GROWTH_TOLERANCE = 0.05
MEASURES = {
    "height_cm": ("身長", "height", "growth_2000_mean_sd.csv", 2000),
    "weight_kg": ("体重", "weight", "growth_2000_mean_sd.csv", 2000),
    "head_circumference_cm": ("頭囲", "head circumference", "head_circumference_percentiles.csv (要確認)", 2010),
}
AGES = {"3_4m": "3〜4か月", "1y6m": "1歳6か月", "3y": "3歳"}
MILLI, RAISED = 1000, 20  # thousandths of an SD; by so many SD above the mean
NOT_CITED = "引用できる値なし / no cited value"


@dataclass(frozen=True)
class Risk:
    """Who has `exposure` has `outcome` more often: columns of `_risks`, true or false."""

    exposure: str
    outcome: str
    label_ja: str
    label_en: str

    @property
    def name(self) -> str:
        return f"odds_{self.outcome}_{self.exposure}"


RISKS = (
    Risk("first", "hypertensive", "妊娠高血圧症候群: 初産", "hypertensive disorder: first birth"),
    Risk("multiple", "hypertensive", "妊娠高血圧症候群: 多胎", "hypertensive disorder: multiple"),
    Risk("obese", "hypertensive", "妊娠高血圧症候群: BMI 25以上", "hypertensive disorder: BMI of 25 and over"),
    Risk("hypertensive_before", "hypertensive", "妊娠高血圧症候群: 前回あり", "hypertensive disorder: in the pregnancy before"),
    Risk("obese", "diabetes", "妊娠糖尿病: BMI 25以上", "gestational diabetes: BMI of 25 and over"),
    Risk("age35", "diabetes", "妊娠糖尿病: 35歳以上", "gestational diabetes: age of 35 and over"),
    Risk("hypertensive", "preterm", "早産: 妊娠高血圧症候群", "preterm: hypertensive disorder"),
    Risk("smokes", "preterm", "早産: 喫煙", "preterm: smoking"),
    Risk("preterm_before", "preterm", "早産: 前回早産", "preterm: preterm before"),
    Risk("smokes", "light", "低出生体重: 喫煙", "birth weight under 2,500 g: smoking"),
    Risk("thin", "light", "低出生体重: BMI 18.5未満", "birth weight under 2,500 g: BMI under 18.5"),
    Risk("first", "epds_high", "EPDS 9点以上: 初産", "EPDS of 9 or more: first birth"),
    Risk("nicu", "epds_high", "EPDS 9点以上: NICU入院", "EPDS of 9 or more: intensive care"),
)  # fmt: skip


def tally_of(facts: Facts, births: pl.DataFrame, epds: pl.DataFrame) -> Tally:
    """births, epds: as `counts.births_of` and `counts.epds_of` give them."""
    term = births.filter(~pl.col("still"), pl.col("plurality") == 1)
    return _weights(term) + _siblings(term) + _growth(facts) + _odds(_risks(facts, births, epds))


def _weights(single: pl.DataFrame) -> Tally:
    """Children below the centiles that the table of the model gives for week and sex."""
    spread = parameters()["birth_weight"]["spread"]
    columns = (single[name].to_numpy() for name in ("weeks", "sex", "plurality"))
    table = single.select("weeks", ratio=(pl.col("weight") / pl.Series(expected_weight(*columns)) - 1) / spread)
    return counted(table, {
        f"weight_{week}w_p{centile}": (pl.col("weeks") == week, pl.col("ratio") < deviation)
        for week in WEEKS for centile, deviation in CENTILES.items()
    })  # fmt: skip


def _siblings(single: pl.DataFrame) -> Tally:
    """Sums over the first two children of a mother, in grams."""
    pairs = (
        single.filter(pl.col("weeks") >= 37)
        .sort("mother", "pregnancy")
        .group_by("mother", maintain_order=True)
        .agg(a=pl.col("weight").get(0), b=pl.col("weight").get(1, null_on_oob=True))
        .drop_nulls()
    )
    a, b = pairs["a"], pairs["b"]
    sums = {"n": len(pairs), "a": a.sum(), "b": b.sum(), "aa": (a * a).sum(), "bb": (b * b).sum(), "ab": (a * b).sum()}
    return Counter({("siblings", name): int(value) for name, value in sums.items()})


def _growth(facts: Facts) -> Tally:
    """Number, sum and sum of squares of the raised deviations of children born at term, in thousandths of an SD."""
    c, d = facts.scene.children, facts.scene.deliveries
    seen = facts.events["child_checkup"]
    child = seen["who"].to_numpy() - len(facts.scene.mothers)
    at_term = d.weeks[c.of[child]] >= 37
    child, seen = child[at_term], seen.filter(pl.Series(at_term))
    months = ((seen["event"].to_numpy() - c.born[child]) / 30.4375).astype(np.int64)
    tally: Tally = Counter()
    for measure in MEASURES:
        deviation = deviation_at_age(measure, c.sex[child], months, seen[measure].to_numpy())
        raised = np.round((deviation + RAISED) * MILLI).astype(np.int64)
        for age, programme in PROGRAMMES.items():
            y = raised[seen["programme_code"].to_numpy() == programme]
            sums = {"n": len(y), "sum": int(y.sum()), "squares": int((y * y).sum())}
            tally += Counter({(f"growth_{measure}_{age}", name): value for name, value in sums.items()})
    return tally


def _risks(facts: Facts, births: pl.DataFrame, epds: pl.DataFrame) -> pl.DataFrame:
    """One row per delivery, true or false; `_before` is null for a mother's first in view."""
    d = facts.scene.deliveries
    deliveries = births.filter(pl.col("order") == 1)
    known = deliveries["previous"] >= 0
    previous = deliveries["previous"].to_numpy()
    pregnancy = pl.Series(d.of.id)[deliveries["pregnancy"]]
    high = epds.select("submitter", pregnancy_id="pregnancy", epds_high=pl.col("total") >= 9)
    table = deliveries.select(
        "hypertensive", "diabetes", "smokes", "nicu", "submitter",
        first=pl.col("births_before") == 0, multiple=pl.col("plurality") > 1, obese=pl.col("bmi") >= 25,
        thin=pl.col("bmi") < 18.5, age35=pl.col("age") >= 35, preterm=pl.col("weeks") < 37, light=pl.col("weight") < 2500,
        hypertensive_before=pl.when(known).then(pl.Series(d.is_hypertensive[previous])),
        preterm_before=pl.when(known).then(pl.Series(d.weeks[previous] < 37)),
        pregnancy_id=pregnancy,
    )  # fmt: skip
    return table.join(high, on=["submitter", "pregnancy_id"], how="left", maintain_order="left")


def _odds(table: pl.DataFrame) -> Tally:
    """The four cells of each risk's table."""
    shares = {}
    for risk in RISKS:
        exposed, outcome = pl.col(risk.exposure), pl.col(risk.outcome)
        shares[f"{risk.name}_exposed"] = exposed.fill_null(False) & outcome.is_not_null(), outcome.fill_null(False)
        shares[f"{risk.name}_others"] = (~exposed).fill_null(False) & outcome.is_not_null(), outcome.fill_null(False)
    return counted(table, shares)


def figures(tally: Tally, errors: float) -> Iterator[dict[str, object]]:
    """Rows of the report; a figure without a cited value is told and not judged."""
    yield from _weight_figures(tally, errors)
    yield _sibling_figure(tally, errors)
    yield from _growth_figures(tally, errors)
    yield from (_odds_figure(risk, tally) for risk in RISKS)


def _figure(name: str, ja: str, en: str, target: float | None, value: float, tolerance: float | None, n: int,
            **more: object) -> dict[str, object]:  # fmt: skip
    is_within = None if target is None or tolerance is None else abs(value - target) <= tolerance
    return {
        "measure": name, "label_ja": ja, "label_en": en, "target": target, "n": n, "value": round(value, 3),
        "tolerance": None if tolerance is None else round(tolerance, 3), "is_within": is_within, **more,
    }  # fmt: skip


def _weight_figures(tally: Tally, errors: float) -> Iterator[dict[str, object]]:
    for week in WEEKS:
        for centile in CENTILES:
            name = f"weight_{week}w_p{centile}"
            part, n = tally[name, "part"], max(tally[name, "whole"], 1)
            error = 100 * sqrt(centile / 100 * (1 - centile / 100) / n)
            yield _figure(
                name, f"出生体重 {week}週の{centile}パーセンタイル未満", f"birth weight under centile {centile} of week {week}",
                float(centile), 100 * part / n, max(WEIGHT_POINTS, errors * error), n,
                basis="single live births", source="parameters.toml birth_weight.mean_g (要確認)",
            )  # fmt: skip


def _sibling_figure(tally: Tally, errors: float) -> dict[str, object]:
    n, a, b, aa, bb, ab = (tally["siblings", name] for name in ("n", "a", "b", "aa", "bb", "ab"))
    scatter = sqrt(max((n * aa - a * a) * (n * bb - b * b), 1))
    value, (target, tolerance) = (n * ab - a * b) / scatter, SIBLINGS
    error = (1 - target * target) / sqrt(max(n, 1))
    return _figure(
        "sibling_correlation", "きょうだいの出生体重の相関(正期の単胎)", "correlation of siblings' birth weight (single, at term)",
        target, value, max(tolerance, errors * error), n, basis="first two single live births at term of a mother",
        source="0.4-0.5 (要確認)",
    )  # fmt: skip


def _growth_figures(tally: Tally, errors: float) -> Iterator[dict[str, object]]:
    for measure, (ja, en, source, year) in MEASURES.items():
        for age, age_ja in AGES.items():
            name = f"growth_{measure}_{age}"
            n = max(tally[name, "n"], 1)
            raised = tally[name, "sum"] / n / MILLI
            mean, sd = raised - RAISED, sqrt(max(tally[name, "squares"] / n / MILLI**2 - raised * raised, 0))
            basis = {"basis": "children born at term", "source": source, "year": year}
            yield _figure(f"{name}_mean", f"{ja}のz得点の平均({age_ja})", f"mean z of {en} ({age})", 0.0, mean,
                          max(GROWTH_TOLERANCE, errors / sqrt(n)), n, **basis)  # fmt: skip
            yield _figure(f"{name}_sd", f"{ja}のz得点の標準偏差({age_ja})", f"SD of z of {en} ({age})", 1.0, sd,
                          max(GROWTH_TOLERANCE, errors / sqrt(2 * n)), n, **basis)  # fmt: skip


def _odds_figure(risk: Risk, tally: Tally) -> dict[str, object]:
    """Crude odds ratio with its 95 % interval (Woolf 1955, half a case added to each cell: Haldane 1956)."""
    cells = []
    for group in ("exposed", "others"):
        part, whole = tally[f"{risk.name}_{group}", "part"], tally[f"{risk.name}_{group}", "whole"]
        cells += [part + 0.5, whole - part + 0.5]
    a, b, c, d = cells
    ratio, error = log(a * d / (b * c)), sqrt(1 / a + 1 / b + 1 / c + 1 / d)
    return _figure(
        risk.name, f"オッズ比 {risk.label_ja}", f"odds ratio, {risk.label_en}", None, exp(ratio), None,
        int(a + b + c + d) - 2, low=round(exp(ratio - 1.96 * error), 3), high=round(exp(ratio + 1.96 * error), 3),
        basis="deliveries", source=NOT_CITED,
    )  # fmt: skip
