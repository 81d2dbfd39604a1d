"""A release made of small made-up numbers for prefectures 17, 31 and 47, in the real schema and with the real indicators."""

import json
from dataclasses import dataclass
from datetime import date
from math import sqrt
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from pipelines.indicators import COUNTS, INDICATORS

ROOT = Path(__file__).parents[2]
REGISTERED = ("17", "31", "47")
YEARS = ("2022", "2023", "2024")
POOLED = "2022-2024"
NATION = "000000"
SHARE = {"live_birth_count": 1.0, "early_notification_rate": 0.95, "antenatal_visits_per_pregnancy": 12.1}
SHARE |= {"pregnancy_smoking_rate": 0.021, "low_birth_weight_rate": 0.092, "very_low_birth_weight_rate": 0.0075}
SHARE |= {"preterm_birth_rate": 0.056, "epds_high_rate": 0.098, "postpartum_checkup_1m_rate": 0.88}
SHARE |= {"relaxed_mother_rate": 0.86}
SYMBOLS = (
    ("observed", "", "公表値", "published"), ("partial", "†", "一部の市区町村の報告", "partly reported"),
    ("provisional", "速", "速報値", "provisional"), ("revised", "訂", "改訂値", "revised"),
    ("suppressed", "x", "秘匿(人数が少ない等)", "suppressed"), ("not_yet", "…", "観察期間未了", "not yet"),
    ("not_collected", "…", "収集していない", "not collected"), ("not_applicable", "・", "該当しない", "not applicable"),
    ("withheld_quality", "…", "品質により非表示", "withheld for quality"),
)  # fmt: skip


@dataclass(frozen=True)
class Cell:
    indicator_id: str
    period: str
    area_code: str
    breakdown_id: str = "all"
    category_code: str = "all"
    n: float = 0
    d: float = 0


def _areas() -> pl.DataFrame:
    rows = pl.read_csv(ROOT / "pipelines/reference/municipalities_2025.csv", infer_schema=False).filter(
        pl.col("type") != "designated_ward"
    )
    names = json.loads((ROOT / "dashboards/static/map_names.json").read_text(encoding="utf-8"))
    english = dict(zip(names["code6"], names["en"], strict=True))
    medical = rows.select("prefecture", pl.col("code6").str.slice(0, 2).alias("p"), "secondary_medical_area").unique(
        maintain_order=True
    )
    medical = medical.with_columns(
        area_code=pl.col("p") + "M" + (pl.int_range(pl.len()).over("p") + 1).cast(pl.String).str.zfill(2)
    )
    code_of = {(r["p"], r["secondary_medical_area"]): r["area_code"] for r in medical.iter_rows(named=True)}
    out: list[tuple[str | None, ...]] = [(NATION, None, "nation", "全国", "Japan", None, None)]
    for code, (ja, en) in names["prefectures"].items():
        out.append((_check_digit(code + "000"), code + "000", "prefecture", ja, en, NATION, None))
    pref = {str(r[1])[:2]: r[0] for r in out if r[2] == "prefecture"}
    for r in medical.iter_rows(named=True):
        out.append(
            (r["area_code"], None, "medical_area", f"{r['secondary_medical_area']}医療圏", None, pref[r["p"]], None)
        )
    for r in rows.iter_rows(named=True):
        p = r["code6"][:2]
        out.append(
            (
                r["code6"],
                r["code5"],
                "municipality",
                r["name"],
                english[r["code6"]],
                pref[p],
                code_of[p, r["secondary_medical_area"]],
            )
        )
    names_ = ["area_code", "area_code5", "level", "name_ja", "name_en", "parent_code", "medical_area_code"]
    return pl.DataFrame(out, schema=dict.fromkeys(names_, pl.String), orient="row")


def _check_digit(code5: str) -> str:
    total = sum(int(d) * w for d, w in zip(code5, (6, 5, 4, 3, 2), strict=True))
    return code5 + str((11 - total % 11) % 10)


def _wilson(n: float, d: float) -> tuple[float, float]:
    p, z = n / d, 1.96
    centre, half = (
        (p + z * z / 2 / d) / (1 + z * z / d),
        z * sqrt(p * (1 - p) / d + z * z / 4 / d / d) / (1 + z * z / d),
    )
    return centre - half, centre + half


def _observation(cell: Cell, level: str, population: int) -> dict[str, object]:
    indicator = INDICATORS[cell.indicator_id]
    low_level = indicator.lowest_level_pooled if "-" in cell.period else indicator.lowest_level
    order = ("nation", "prefecture", "medical_area", "municipality")
    n, d = round(cell.n), round(cell.d)
    status = "observed"
    if order.index(level) > order.index(low_level):
        status = "not_applicable"
    elif cell.period == "2024" and indicator.id == "relaxed_mother_rate":
        status = "not_yet"
    elif level in ("municipality", "medical_area") and (population < 2000 or min(n, abs(d - n) or d, d) < 10):
        status = "suppressed"
    row: dict[str, object] = {
        "indicator_id": cell.indicator_id, "period": cell.period, "area_code": cell.area_code,
        "period_kind": "pooled_3y" if "-" in cell.period else COUNTS[indicator.denominator or indicator.numerator].basis,
        "breakdown_id": cell.breakdown_id, "category_code": cell.category_code, "numerator": None, "denominator": None,
        "value": None, "ci_low": None, "ci_high": None, "n_areas_reporting": None,
        "n_areas_expected": 79 if level == "nation" else 1, "coverage_births": None, "status": status,
    }  # fmt: skip
    if status == "observed":
        row |= _filled(indicator.kind, indicator.scale, n, d, cell.n / max(cell.d, 1)) | {
            "n_areas_reporting": row["n_areas_expected"]
        }
    return row


def _filled(kind: str, scale: float, n: int, d: int, ratio: float) -> dict[str, object]:
    if kind == "count":
        return {"value": float(n)}
    if kind == "mean":
        half = 1.96 * 2.1 / sqrt(d)
        return {
            "denominator": d,
            "value": round(ratio, 1),
            "ci_low": round(ratio - half, 1),
            "ci_high": round(ratio + half, 1),
        }
    low, high = _wilson(min(n, d), d)
    return {"numerator": n, "denominator": d, "value": n / d * scale, "ci_low": low * scale, "ci_high": high * scale}


def _cells(areas: pl.DataFrame, births: dict[str, int]) -> list[tuple[Cell, str]]:
    draw = np.random.default_rng(1)
    towns = [
        r for r in areas.iter_rows(named=True) if r["level"] == "municipality" and r["area_code"][:2] in REGISTERED
    ]
    sums: dict[tuple[str, ...], list[float]] = {}
    level_of = dict(zip(areas["area_code"], areas["level"], strict=True))
    for town in towns:
        for indicator in INDICATORS.values():
            share = SHARE.get(indicator.id, 0.96)
            for year in YEARS:
                d = max(round(births[town["area_code"]] * (1 + 0.03 * (2024 - int(year)))), 1)
                own = (
                    share
                    if indicator.kind == "mean"
                    else min(share * draw.uniform(0.85, 1.15), 0.985)
                    if share < 0.9
                    else 1 - (1 - share) * draw.uniform(0.4, 1.6)
                )
                n = (
                    d
                    if indicator.kind == "count"
                    else d * (own + draw.normal(0, 0.5))
                    if indicator.kind == "mean"
                    else draw.binomial(d, min(own, 1))
                )
                for area in (town["area_code"], town["medical_area_code"], town["parent_code"], NATION):
                    for period in (year, POOLED):
                        _add(sums, (indicator.id, period, area, "all", "all"), n, d)
                        for b in (
                            indicator.breakdowns
                            if level_of[area] in ("nation", "prefecture") and period != POOLED
                            else ()
                        ):
                            k = len(b.categories)
                            for i, c in enumerate(b.categories):
                                part = (
                                    (0.5, 0.3, 0.15, 0.05, 0.03, 0.02, 0.01, 0.01)[i]
                                    if k > 3
                                    else (0.515, 0.483, 0.002)[i]
                                )
                                _add(
                                    sums,
                                    (indicator.id, period, area, b.id, c.code),
                                    n * part * (1.05 if i else 1),
                                    d * part,
                                )
    return [(Cell(key[0], key[1], key[2], key[3], key[4], n, d), level_of[key[2]]) for key, (n, d) in sums.items()]


def _add(sums: dict[tuple[str, ...], list[float]], key: tuple[str, ...], n: float, d: float) -> None:
    pair = sums.setdefault(key, [0, 0])
    pair[0] += n
    pair[1] += d


def observations(areas: pl.DataFrame, births: dict[str, int], population: dict[str, int]) -> pl.DataFrame:
    rows = [_observation(cell, level, population.get(cell.area_code, 10**6)) for cell, level in _cells(areas, births)]
    collected = pl.DataFrame(rows, infer_schema_length=None)
    others = areas.filter((pl.col("level") == "municipality") & ~pl.col("area_code").str.slice(0, 2).is_in(REGISTERED))
    kinds = collected.select("indicator_id", "period", "period_kind").unique(maintain_order=True)
    absent = (
        others.select("area_code")
        .join(kinds, how="cross")
        .with_columns(breakdown_id=pl.lit("all"), category_code=pl.lit("all"), status=pl.lit("not_collected"))
    )
    return pl.concat([collected, absent], how="diagonal")


def make_release(path: Path, release_id: str = "2025-final-01", is_synthetic: bool = True) -> Path:
    """Writes a published.duckdb: hidden, not-yet and not-collected cells included."""
    areas = _areas()
    towns = pl.read_csv(ROOT / "pipelines/reference/municipalities_2025.csv", infer_schema=False)
    births = {r["code6"]: int(r["births_2024"] or 0) for r in towns.iter_rows(named=True)}
    population = {r["code6"]: int(r["population_20250101"] or 0) for r in towns.iter_rows(named=True)}
    with duckdb.connect(str(path)) as db:
        db.execute((ROOT / "pipelines/release/published.sql").read_text(encoding="utf-8"))
        db.execute(
            "INSERT INTO release VALUES (?, 1, 'final', ?, '2022-2024', 'standard', '0.1.0', NULL, ?, 1)",
            [release_id, date(2025, 11, 1), is_synthetic],
        )
        _meaning(db)
        _insert(db, "area", areas)
        _insert(db, "observation", observations(areas, births, population))
    return path


def _insert(db: duckdb.DuckDBPyConnection, table: str, frame: pl.DataFrame) -> None:
    db.register("frame_in", frame)
    db.execute(f"INSERT INTO {table} BY NAME SELECT * FROM frame_in")
    db.unregister("frame_in")


def _meaning(db: duckdb.DuckDBPyConnection) -> None:
    db.executemany("INSERT INTO symbol VALUES (?, ?, ?, ?)", SYMBOLS)
    for i in INDICATORS.values():
        basis = COUNTS[i.denominator or i.numerator].basis
        db.execute(
            "INSERT INTO indicator VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            [i.id, i.kind, i.label_ja, i.label_en, i.definition_ja, i.definition_en, i.numerator, i.denominator, i.scale,
             i.unit, i.decimals, i.direction, basis, i.official_source, i.caution_ja, i.caution_en],
        )  # fmt: skip
        for t in i.targets:
            db.execute("INSERT INTO indicator_target VALUES (?,?,?,?,?)", [i.id, t.year, t.value, t.plan, t.source])
    for c in COUNTS.values():
        db.execute(
            "INSERT INTO count_definition VALUES (?,?,?,?,?,?,?,?,?,?)",
            [
                c.id,
                c.label_ja,
                c.label_en,
                c.subject,
                c.counting,
                c.basis,
                c.sensitivity.value,
                c.population,
                c.condition,
                c.within,
            ],
        )
    for b in {b.id: b for i in INDICATORS.values() for b in i.breakdowns}.values():
        for sort, category in enumerate(b.categories):
            db.execute(
                "INSERT INTO breakdown VALUES (?,?,?,?,?)",
                [b.id, category.code, category.label_ja, category.label_en, sort],
            )
    db.execute("INSERT INTO breakdown VALUES ('all', 'all', '総数', 'total', 0)")
    db.execute(
        "INSERT INTO policy VALUES ('standard', 'k_25000', '10', '人口25,000人以上の地域の最小人数', 'smallest number shown in areas of 25,000 or more', 'がん登録等 公表基準')"
    )
    db.execute("INSERT INTO record_definition VALUES ('birth', 1, '出生', 'Birth', 'one live birth')")
    db.execute(
        "INSERT INTO field_definition VALUES ('birth', 'birth_weight_class_g', 1, '出生体重(100g階級)', 'birth weight (100 g classes)', 'int', 'g', 'quasi', '300 以上 4000 以下であること', 'must be from 300 to 4000', NULL, '出生体重')"
    )
