"""Does the cohort look like Japan? Each published figure against the cohort, with its tolerance.

`targets.toml` names what is judged and how closely; value, year and source are the newest row of the calibration
targets. Births per municipality: 1 % or three roots. Joint checks: `joint`. What no measure covers is named.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files
from math import sqrt
from pathlib import Path

import polars as pl

from pipelines.reference import calibration_targets, municipalities
from synthetic import counts, joint
from synthetic.population.facts import Facts

SMALLEST_JUDGED_COHORT = 20_000  # births
Tally = counts.Tally
COLUMNS = {
    "measure": pl.String, "key": pl.String, "stratum": pl.String, "basis": pl.String, "label_ja": pl.String,
    "label_en": pl.String, "target": pl.Float64, "year": pl.Int64, "source": pl.String, "n": pl.Int64, "value": pl.Float64,
    "low": pl.Float64, "high": pl.Float64, "tolerance": pl.Float64, "is_within": pl.Boolean,
}  # fmt: skip
NOT_COVERED = "このモデルでは扱わない / not covered by the model"
OTHER_SOURCE = {  # keys of an older source for a figure that is judged by a newer one
    "preterm": "preterm_share", "lbw": "lbw_share", "caries_free_3y": "caries_3y_prevalence",
    "stillbirth_rate": "stillbirths_12w", "perinatal_deaths": "stillbirths_22w, neonatal_deaths",
    "early_neonatal_deaths": "neonatal_deaths",
}  # fmt: skip


@dataclass(frozen=True)
class Measure:
    """A figure of the cohort: `part` of `whole` in percent; a `ratio` is to the rest, a `mean` the part per whole.

    key, stratum: of the calibration targets. of: the count that `key` is a share of. tolerance: in the unit of the
    figure.
    """

    name: str
    key: str
    label_ja: str
    label_en: str
    basis: str
    tolerance: float
    stratum: str = ""
    kind: str = "share"
    of: str = ""


@cache
def _targets() -> tuple[tuple[Measure, ...], float]:
    told = tomllib.loads(files("synthetic").joinpath("targets.toml").read_text("utf-8"))
    errors = told.pop("errors")
    return tuple(Measure(name=name, **fields) for name, fields in told.items()), errors


def measures() -> tuple[Measure, ...]:
    """What `targets.toml` names, in its order."""
    return _targets()[0]


def tally_of(facts: Facts) -> Tally:
    """Counts of one stretch of the submitters' residents."""
    births, epds = counts.births_of(facts), counts.epds_of(facts)
    tally = counts.births(births) + counts.deliveries(births) + counts.visits(facts, epds) + counts.checkups(facts)
    return tally + counts.not_sent(facts, births) + joint.tally_of(facts, births, epds)


def _published(key: str, stratum: str) -> tuple[float, int, str]:
    """Value, year and source of the newest row."""
    rows = calibration_targets().filter(pl.col("key") == key, pl.col("stratum").fill_null("") == stratum)
    value, year, source = rows.sort("year").select("value", "year", "source").row(-1)
    return value, year, source or ""


def _target(measure: Measure) -> tuple[float, int, str]:
    value, year, source = _published(measure.key, measure.stratum)
    if measure.of:
        whole = calibration_targets().filter(pl.col("key") == measure.of, pl.col("year") == year)["value"][0]
        return 100 * value / whole, year, source
    return (100 - value if measure.kind == "complement" else value), year, source


def _row(measure: Measure, tally: Tally, errors: float) -> dict[str, object]:
    part, whole = tally[measure.name, "part"], max(tally[measure.name, "whole"], 1)
    target, year, source = _target(measure)
    if measure.kind == "ratio":
        rest = max(whole - part, 1)
        value = 100 * part / rest
        error = value * sqrt(1 / max(part, 1) + 1 / rest)
    elif measure.kind == "mean":
        value = part / whole
        error = sqrt(max(tally[measure.name, "squares"] / whole - value * value, 0) / whole)
    else:
        value, share = 100 * part / whole, target / 100
        error = 100 * sqrt(share * (1 - share) / whole)
    tolerance, is_there = max(measure.tolerance, errors * error), tally[measure.name, "whole"] > 0
    return {
        "measure": measure.name, "key": measure.key, "stratum": measure.stratum, "basis": measure.basis,
        "label_ja": measure.label_ja, "label_en": measure.label_en, "target": round(target, 4), "year": year,
        "source": source, "n": whole, "value": round(value, 3), "tolerance": round(tolerance, 3),
        "is_within": abs(value - target) <= tolerance if is_there else None,
    }  # fmt: skip


def report(tally: Tally, codes: list[str], fiscal_years: tuple[int, int], *, is_whole: bool) -> pl.DataFrame:
    """A row per figure; `is_whole`: the births of each municipality are all there, so they are compared too.

    Columns: `COLUMNS`. is_within is null for what is told without being judged: no cited value, not covered, or nobody
    in these years.
    low, high: 95 % interval of an odds ratio.
    """
    every, errors = _targets()
    rows = [_row(measure, tally, errors) for measure in every]
    rows += joint.figures(tally, errors)
    if is_whole:
        rows += _births_of_municipalities(tally, codes, fiscal_years)
    rows += _not_covered()
    return pl.DataFrame(rows, schema=COLUMNS)


def _births_of_municipalities(
    tally: Tally, codes: list[str], fiscal_years: tuple[int, int]
) -> Iterator[dict[str, object]]:
    expected = dict(municipalities().select("code6", "births_2024").iter_rows())
    for code in codes:
        for year in range(fiscal_years[0], fiscal_years[1] + 1):
            n, value = expected[code], tally["births", f"{code}/{year}"]
            tolerance = max(0.01 * n, 3 * sqrt(n))
            yield {
                "measure": f"births {code} FY{year}", "label_ja": f"{code} の出生数({year}年度)",
                "label_en": f"births of {code}, FY{year}", "basis": "live births", "target": float(n), "year": 2024,
                "source": "municipalities_2025.csv births_2024", "n": value, "value": float(value),
                "tolerance": round(tolerance, 3), "is_within": abs(value - n) <= tolerance,
            }  # fmt: skip


def _not_covered() -> Iterator[dict[str, object]]:
    """Every key of the calibration targets that no measure judges."""
    judged = {m.key for m in measures()} | {m.of for m in measures()}
    newest = calibration_targets().sort("year").unique("key", keep="last", maintain_order=True)
    for key, value, year, source in newest.select("key", "value", "year", "source").iter_rows():
        if key not in judged:
            instead = OTHER_SOURCE.get(key)
            yield {
                "measure": f"not covered: {key}", "key": key, "label_ja": key, "label_en": key, "target": value, "year": year,
                "source": source or "", "basis": f"{instead} で判定 / judged by {instead}" if instead else NOT_COVERED,
            }  # fmt: skip


def births_in(tally: Tally) -> int:
    return sum(count for (name, _), count in tally.items() if name == "births")


def write(table: pl.DataFrame, folder: Path, seed: int, births: int) -> None:
    """calibration.html to read and calibration.csv to count on."""
    (folder / "calibration.html").write_text(as_html(table, seed, births), "utf-8", newline="\n")
    result = pl.col("is_within").replace_strict(
        {True: "pass", False: "fail"}, default="not judged", return_dtype=pl.String
    )
    rounded = pl.selectors.float().round(4)  # the last digits of a logarithm differ between processors
    table.with_columns(rounded, result=result).drop("is_within").write_csv(folder / "calibration.csv")


def _line(row: dict[str, object]) -> str:
    """A row of the page; what is not judged is grey."""
    css, result = {True: ("ok", "範囲内 / within"), False: ("out", "範囲外 / outside")}.get(
        row["is_within"], ("none", "判定しない / not judged")  # type: ignore[call-overload]
    )  # fmt: skip
    value = "" if row["value"] is None else f"{row['value']:.2f}"
    if row["low"] is not None:
        value += f" ({row['low']:.2f}–{row['high']:.2f})"
    target = "" if row["target"] is None else f"{row['target']:,.2f}"
    tolerance = "" if row["tolerance"] is None else f"±{row['tolerance']:.2f}"
    n = "" if row["n"] is None else f"{row['n']:,}"
    return (
        f"<tr class='{css}'><td>{escape(str(row['label_ja']))}<br><small>{escape(str(row['label_en']))}</small></td>"
        f"<td>{target}</td><td>{value}</td><td>{tolerance}</td><td>{n}</td><td>{result}</td>"
        f"<td>{row['year'] or ''}</td><td>{escape(str(row['source'] or ''))}<br><small>{escape(str(row['basis'] or ''))}"
        "</small></td></tr>"
    )


def as_html(table: pl.DataFrame, seed: int, births: int) -> str:
    """The report as a plain page, Japanese first."""
    lines = "\n".join(_line(row) for row in table.iter_rows(named=True))
    judged = "" if births >= SMALLEST_JUDGED_COHORT else (
        f"<p>出生{SMALLEST_JUDGED_COHORT:,}人未満のため参考です。 / For information: fewer than {SMALLEST_JUDGED_COHORT:,} births.</p>"
    )  # fmt: skip
    return f"""<!doctype html>
<html lang="ja"><meta charset="utf-8"><title>合成コホートの較正 / Calibration</title>
<style>body{{font-family:sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}}table{{border-collapse:collapse;width:100%}}
td,th{{border-bottom:1px solid #ccc;padding:.3rem .5rem;text-align:left;vertical-align:top}}.out{{background:#fde8e8}}.none{{color:#666}}
small{{color:#555}}</style>
<h1>合成コホートの較正 <small>Calibration of the synthetic cohort</small></h1>
<p>合成データ(乱数の種 {seed}、出生 {births:,}人)を公表値と比べたものです。実在の人のデータは使っていません。<br>
Synthetic data (seed {seed}, {births:,} births) against published figures; no real person stands behind it.</p>
{judged}<table><tr><th>指標<br>measure</th><th>公表値<br>published</th><th>コホート<br>cohort</th><th>許容差<br>tolerance</th>
<th>n</th><th>判定<br>result</th><th>年<br>year</th><th>出典、分母<br>source, basis</th></tr>
{lines}
</table></html>
"""
