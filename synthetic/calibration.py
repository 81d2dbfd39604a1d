"""Does the cohort look like Japan? Each published figure against the cohort, with its tolerance.

Counted on the facts, as the indicators define them; the newest sourced row per key of the targets is the measure.
Tolerance: 0.3 points or three standard errors, whichever is more; births per municipality: 1 % or three roots.
"""

from collections import Counter
from dataclasses import dataclass
from html import escape
from math import sqrt

import polars as pl

from pipelines.reference import calibration_targets, municipalities
from synthetic.places import places
from synthetic.population.facts import Facts

SMALLEST_JUDGED_COHORT = 20_000  # births
POINTS, ERRORS = 0.3, 3.0
PROGRAMME = {"3_4m": ("31", "3_5m"), "1y6m": ("34", "1y6m"), "3y": ("36", "3y")}


@dataclass(frozen=True)
class Measure:
    """A figure of the cohort: `part` of `whole` in percent, or boys per 100 girls."""

    name: str
    key: str
    stratum: str
    label_ja: str
    label_en: str
    is_ratio: bool = False
    is_complement: bool = False


MEASURES = (
    Measure("lbw", "lbw_share", "all", "低出生体重児(2,500 g未満)", "birth weight under 2,500 g"),
    Measure("vlbw", "vlbw_share_lt1500", "all", "極低出生体重児(1,500 g未満)", "birth weight under 1,500 g"),
    Measure("preterm_single", "preterm_share", "singleton", "早産(単胎)", "preterm, single"),
    Measure("preterm_multiple", "preterm_share", "multiple", "早産(多胎)", "preterm, multiple"),
    Measure("boys", "sex_ratio_m_per_100f", "", "出生性比(女児100に対する男児)", "boys per 100 girls", is_ratio=True),
    Measure("age35", "mother_age_35plus", "", "母35歳以上の出生", "births to mothers of 35 and over"),
    Measure("twins", "twin_deliveries_share", "of deliveries", "双子の分娩", "twin deliveries"),
    Measure("early", "notification_le11w", "FY", "妊娠11週以内の届出", "notified by week 11"),
    Measure("smoking", "smoke_pregnancy", "FY", "妊娠中の喫煙", "smoking in pregnancy"),
    Measure("epds", "epds9plus_1m", "FY", "EPDS 9点以上", "EPDS 9 or more"),
    *(
        Measure(f"relaxed_{age}", f"relaxed_time_{age}", "FY", f"ゆったり過ごせる({age})", f"relaxed time ({age})")
        for age in PROGRAMME
    ),
    *(
        Measure(f"attendance_{age}", f"checkup_nonattend_{key}", "FY", f"健診受診率({age})", f"checkup attendance ({age})",
                is_complement=True)
        for age, (_, key) in PROGRAMME.items()
    ),
)  # fmt: skip

Tally = Counter[tuple[str, str]]  # (measure, part or whole) -> count; (births, municipality and year) too


def tally_of(facts: Facts) -> Tally:
    """Counts of one stretch of the submitters' residents."""
    return Counter(_births(facts) + _pregnancies(facts) + _checkups(facts))


def _shares(name: str, table: pl.DataFrame, whole: pl.Expr, part: pl.Expr) -> Tally:
    of, all_of = table.select(((whole) & (part)).sum().alias("p"), whole.sum().alias("w")).row(0)
    return Counter({(name, "part"): of or 0, (name, "whole"): all_of or 0})


def _births(facts: Facts) -> Tally:
    d, c = facts.scene.deliveries, facts.scene.children
    window = facts.scene.window
    table = pl.DataFrame({
        "weight": c.weight_g, "sex": c.sex, "weeks": d.weeks[c.of], "plurality": d.children[c.of], "age": d.age[c.of],
        "year": d.of.fiscal_year[c.of], "here": (d.home == d.of.submitter)[c.of], "still": c.is_stillborn,
        "submitter": d.of.submitter[c.of],
    }).filter(pl.col("here") & ~pl.col("still") & pl.col("year").is_between(window.first, window.last))  # fmt: skip
    every, single = pl.col("weight") > 0, pl.col("plurality") == 1
    tally: Tally = Counter()
    for name, whole, part in (
        ("lbw", every, pl.col("weight") < 2500), ("vlbw", every, pl.col("weight") < 1500),
        ("preterm_single", single, pl.col("weeks") < 37), ("preterm_multiple", ~single, pl.col("weeks") < 37),
        ("boys", every, pl.col("sex") == 1), ("age35", every, pl.col("age") >= 35),
    ):  # fmt: skip
        tally += _shares(name, table, whole, part)
    for submitter, year, births in table.group_by("submitter", "year").len().iter_rows():
        tally["births", f"{places().codes[submitter]}/{year}"] = births
    return tally


def _pregnancies(facts: Facts) -> Tally:
    events, window = facts.events, facts.scene.window
    delivered = events["delivery"]
    filed = events["pregnancy_notification"].filter(pl.col("event") >= window.start)
    new = pl.col("notification_reason_code") == 1
    items = [pl.col(f"epds_item_{i}") for i in range(1, 11)]
    submitter = facts.people["submitter"][events["postpartum_visit"]["who"]]
    asked = (
        events["postpartum_visit"].select(submitter, "pregnancy", "visit_kind_code", total=pl.sum_horizontal(
            pl.when(pl.all_horizontal(i.is_not_null() for i in items)).then(i) for i in items),
            complete=pl.all_horizontal(i.is_not_null() for i in items))
        .filter("complete").sort("submitter", "pregnancy", "visit_kind_code")
        .group_by("submitter", "pregnancy", maintain_order=True).last()
    )  # fmt: skip
    return (
        _shares("twins", delivered, pl.col("number_of_children") > 0, pl.col("number_of_children") == 2)
        + _shares("early", filed, new, pl.col("notification_stage_code") == 1)
        + _shares("epds", asked, pl.col("total") >= 0, pl.col("total") >= 9)
    )


def _checkups(facts: Facts) -> Tally:
    listed, seen = facts.events["child_checkup_target"], facts.events["child_checkup"]
    asked = facts.events["child_questionnaire"]
    smoking = pl.col("smoking_pregnancy_code")
    tally = _shares("smoking", asked, smoking.is_in([1, 2]).fill_null(False), smoking == 2)
    for age, (code, _) in PROGRAMME.items():
        here = pl.col("programme_code") == int(code)
        relaxed = pl.col("relaxed_code")
        tally += _shares(f"relaxed_{age}", asked, here & relaxed.is_in([1, 2, 3]), relaxed == 1)
        targets = listed.filter(here & pl.col("removed_reason_code").is_null()).height
        tally += Counter(
            {(f"attendance_{age}", "part"): seen.filter(here).height, (f"attendance_{age}", "whole"): targets}
        )
    return tally


def _target(measure: Measure) -> tuple[float, int, str]:
    """Value, year and source of the newest row of the measure's key."""
    rows = calibration_targets().filter(
        pl.col("key") == measure.key, pl.col("stratum").fill_null("") == measure.stratum
    )
    value, year, source = rows.sort("year").select("value", "year", "source").row(-1)
    return (100 - value if measure.is_complement else value), year, source


def _row(measure: Measure, tally: Tally) -> dict[str, object]:
    part, whole = tally[measure.name, "part"], max(tally[measure.name, "whole"], 1)
    target, year, source = _target(measure)
    if measure.is_ratio:
        rest = max(whole - part, 1)
        value = 100 * part / rest
        error = value * sqrt(1 / max(part, 1) + 1 / rest)
    else:
        value, share = 100 * part / whole, target / 100
        error = 100 * sqrt(share * (1 - share) / whole)
    tolerance = max(POINTS, ERRORS * error)
    return {
        "measure": measure.name, "label_ja": measure.label_ja, "label_en": measure.label_en, "target": target,
        "year": year, "source": source, "n": whole, "value": round(value, 3), "tolerance": round(tolerance, 3),
        "is_within": abs(value - target) <= tolerance,
    }  # fmt: skip


def report(tally: Tally, codes: list[str], fiscal_years: tuple[int, int], *, is_whole: bool) -> pl.DataFrame:
    """A row per measure; `is_whole`: the births of each municipality are all there, so they are compared too.

    Columns: measure, label_ja, label_en, target, year, source, n, value, tolerance, is_within.
    """
    rows = [_row(measure, tally) for measure in MEASURES]
    expected = dict(municipalities().select("code6", "births_2024").iter_rows())
    for code in codes if is_whole else ():
        for year in range(fiscal_years[0], fiscal_years[1] + 1):
            n, value = expected[code], tally["births", f"{code}/{year}"]
            tolerance = max(0.01 * n, 3 * sqrt(n))
            rows.append({
                "measure": f"births {code} FY{year}", "label_ja": f"{code} の出生数({year}年度)",
                "label_en": f"births of {code}, FY{year}", "target": float(n), "year": 2024,
                "source": "municipalities_2025.csv births_2024", "n": value, "value": float(value),
                "tolerance": round(tolerance, 3), "is_within": abs(value - n) <= tolerance,
            })  # fmt: skip
    return pl.DataFrame(rows)


def births_in(tally: Tally) -> int:
    return sum(count for (name, _), count in tally.items() if name == "births")


def as_html(table: pl.DataFrame, seed: int, births: int) -> str:
    """The report as a plain page, Japanese first."""
    lines = "\n".join(
        f"<tr class='{'ok' if r['is_within'] else 'out'}'><td>{escape(r['label_ja'])}<br><small>{escape(r['label_en'])}</small>"
        f"</td><td>{r['target']:.2f}</td><td>{r['value']:.2f}</td><td>±{r['tolerance']:.2f}</td><td>{r['n']:,}</td>"
        f"<td>{'範囲内 / within' if r['is_within'] else '範囲外 / outside'}</td>"
        f"<td>{r['year']}</td><td>{escape(r['source'] or '')}</td></tr>"
        for r in table.iter_rows(named=True)
    )
    judged = "" if births >= SMALLEST_JUDGED_COHORT else (
        f"<p>出生{SMALLEST_JUDGED_COHORT:,}人未満のため参考です。 / For information: fewer than {SMALLEST_JUDGED_COHORT:,} births.</p>"
    )  # fmt: skip
    return f"""<!doctype html>
<html lang="ja"><meta charset="utf-8"><title>合成コホートの較正 / Calibration</title>
<style>body{{font-family:sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}}table{{border-collapse:collapse;width:100%}}
td,th{{border-bottom:1px solid #ccc;padding:.3rem .5rem;text-align:left;vertical-align:top}}.out{{background:#fde8e8}}
small{{color:#555}}</style>
<h1>合成コホートの較正 <small>Calibration of the synthetic cohort</small></h1>
<p>合成データ(乱数の種 {seed}、出生 {births:,}人)を公表値と比べたものです。実在の人のデータは使っていません。<br>
Synthetic data (seed {seed}, {births:,} births) against published figures; no real person stands behind it.</p>
{judged}<table><tr><th>指標<br>measure</th><th>公表値<br>published</th><th>コホート<br>cohort</th><th>許容差<br>tolerance</th>
<th>n</th><th>判定<br>result</th><th>年<br>year</th><th>出典<br>source</th></tr>
{lines}
</table></html>
"""
