"""A release of a few areas in the published schema: every kind of indicator, every status, made from true values.

The true values of hidden cells are given to `made`, as they are known in the warehouse, and suppressed there before
anything is written; a test may make them unmistakable and look for them.
"""

from collections.abc import Mapping
from datetime import date
from importlib.resources import files
from pathlib import Path

import duckdb
import polars as pl

from pipelines.indicators import COUNTS, INDICATORS
from pipelines.release.symbols import SHOWN, symbols

RELEASE_ID = "2024-final-0123456789"
CREATED = date(2025, 4, 1)
NATION, PREFECTURE, CITY, TOWN, VILLAGE, ISLAND = "000000", "170003", "172014", "172022", "173011", "173029"
FORMULA = '=HYPERLINK("x")'
AREAS = (
    (NATION, "00000", "nation", "登録された都道府県の合計", "Sum of the registered prefectures", None),
    (PREFECTURE, "17000", "prefecture", "石川県", "Ishikawa", NATION),
    (CITY, "17201", "municipality", "金沢市", "Kanazawa", PREFECTURE),
    (TOWN, "17202", "municipality", FORMULA, "+formula", PREFECTURE),
    (VILLAGE, "17301", "municipality", "甲村", "Ko", PREFECTURE),
    (ISLAND, "17302", "municipality", "乙島", "Otsu", PREFECTURE),
)
STATUS = {
    NATION: "observed", PREFECTURE: "revised", CITY: "partial", TOWN: "suppressed", VILLAGE: "withheld_quality",
    ISLAND: "not_collected",
}  # fmt: skip
HIDDEN = tuple(area for area, status in STATUS.items() if status not in SHOWN)
BIRTHS = {NATION: 9000, PREFECTURE: 7000, CITY: 3456, TOWN: 31, VILLAGE: 12, ISLAND: 5}
NUMBERS = {"live_births": 1.0, "low_birth_weight": 0.0937, "preterm_births": 0.0}
CHOSEN = ("live_birth_count", "low_birth_weight_rate", "preterm_birth_rate")
MEAN = "antenatal_visits_per_pregnancy"
TIMES = (("2024", "fiscal_year"), ("2022-2024", "pooled_3y"))
CATEGORIES = (("all", "all", "総数", "total"), ("sex", "1", "男", "boys"), ("sex", "2", "女", "girls"),
              ("age5", "-19", "19歳以下", "19 and under"))  # fmt: skip


def made(path: Path, hidden: Mapping[str, int] | None = None, leaking: bool = False) -> Path:
    """A release at `path`; `hidden` gives other births to hidden areas, `leaking` writes them too (as no release may)."""
    births = {**BIRTHS, **(hidden or {})}
    cells = _count_cells(births).with_columns(_nulled("value", leaking))
    seen = _observations(births).with_columns(
        _nulled(name, leaking) for name in ("numerator", "denominator", "value", "ci_low", "ci_high")
    )
    write(path, {"count_cell": cells, "observation": seen, **_words()})
    return path


def write(path: Path, tables: Mapping[str, pl.DataFrame]) -> None:
    """A new file with the published schema and these rows."""
    with duckdb.connect(str(path)) as connection:
        connection.execute(files("pipelines.release").joinpath("published.sql").read_text("utf-8"))
        for name, frame in tables.items():
            connection.register("incoming", frame.to_arrow())
            connection.execute(f"INSERT INTO {name} BY NAME SELECT * FROM incoming")
            connection.unregister("incoming")


def _nulled(name: str, leaking: bool) -> pl.Expr:
    kept = pl.col("status").is_in(SHOWN) | leaking
    return pl.when(kept).then(name).alias(name)


def _keys() -> list[tuple[str, str, str, str, str]]:
    return [(p, kind, area, b, c) for p, kind in TIMES for area in STATUS for b, c, _, _ in CATEGORIES]


def _count_cells(births: Mapping[str, int]) -> pl.DataFrame:
    rows = [
        (count_id, *key, round(births[key[2]] * share), STATUS[key[2]]) for count_id, share in NUMBERS.items() for key in _keys()
    ]  # fmt: skip
    names = ["count_id", "period", "period_kind", "area_code", "breakdown_id", "category_code", "value", "status"]
    return pl.DataFrame(rows, schema=names, orient="row")


def _observations(births: Mapping[str, int]) -> pl.DataFrame:
    rows = []
    for name in (*CHOSEN, MEAN):
        indicator = INDICATORS[name]
        for key in _keys():
            whole = births[key[2]]
            part = None if indicator.kind == "mean" else round(whole * NUMBERS[indicator.numerator])
            value = 12.3456789 if part is None else part * indicator.scale / (whole if indicator.denominator else 1)
            below = whole if indicator.denominator else None
            low, high = (None, None) if indicator.kind == "count" else (value * 0.9111111, value * 1.1111111)
            rows.append((name, *key, part, below, value, low, high, 6, 6, 0.98765432, STATUS[key[2]]))
    names = ["indicator_id", "period", "period_kind", "area_code", "breakdown_id", "category_code", "numerator",
             "denominator", "value", "ci_low", "ci_high", "n_areas_reporting", "n_areas_expected", "coverage_births",
             "status"]  # fmt: skip
    return pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)


def _words() -> dict[str, pl.DataFrame]:
    about = {
        "release_id": RELEASE_ID, "schema_version": 1, "status": "final", "created_on": CREATED,
        "fiscal_years": "2022-2024", "policy_id": "standard", "software_version": "0.1.0", "last_batch_id": "k",
        "is_synthetic": True, "seed": 1,
    }  # fmt: skip
    area = pl.DataFrame(
        AREAS, schema=["area_code", "area_code5", "level", "name_ja", "name_en", "parent_code"], orient="row"
    )
    return {
        "release": pl.DataFrame([about]),
        "area": area,
        "symbol": symbols(),
        "breakdown": pl.DataFrame(
            [(*c, n) for n, c in enumerate(CATEGORIES)],
            schema=["breakdown_id", "category_code", "label_ja", "label_en", "sort"], orient="row",
        ),
        "count_definition": _count_definitions(),
        "indicator": _indicators(),
        "policy": pl.DataFrame(
            [("standard", "zero_shown_from", "50", "0 と 100 % を表示する分母", "denominator from which 0 is shown", "要領")],
            schema=["policy_id", "key", "value", "meaning_ja", "meaning_en", "guideline"], orient="row",
        ),
        "indicator_target": pl.DataFrame(
            [("low_birth_weight_rate", 2032, 9.0, "健やか親子21", "厚生労働省")],
            schema=["indicator_id", "target_year", "value", "plan", "source"], orient="row",
        ),
        "record_definition": pl.DataFrame(
            [("birth", 1, "出生時の記録", "birth", "出生児1人")],
            schema=["record", "version", "label_ja", "label_en", "grain"], orient="row",
        ),
        "field_definition": pl.DataFrame(
            [("birth", "birth_weight_g", 1, "出生体重", "birth weight", "int", "g", "quasi", "200 以上 7000 以下であること",
              "must be from 200 to 7000", "", "019044-1"),
             ("birth", "sex_code", 1, "性別 <i>男・女</i>", "sex", "str", "", "plain", "", "", "C0001", "019044-2")],
            schema=["record", "field", "since_version", "label_ja", "label_en", "type", "unit", "role", "rule_ja",
                    "rule_en", "code_list", "source_item"], orient="row",
        ),
        "code": pl.DataFrame(
            [("C0001", "デジタル庁", "2.0", "1", "男", "male"), ("C0001", "デジタル庁", "2.0", "2", "女", "female")],
            schema=["code_list", "issuer", "version", "code", "label_ja", "label_en"], orient="row",
        ),
    }  # fmt: skip


def _count_definitions() -> pl.DataFrame:
    return pl.DataFrame(
        [
            (c.id, c.label_ja, c.label_en, c.subject, c.counting, c.basis, c.sensitivity.value, c.population, c.condition,
             c.within)
            for c in COUNTS.values()
        ],
        schema=["count_id", "label_ja", "label_en", "subject", "counting", "basis", "sensitivity", "population_sql",
                "condition_sql", "within_count_id"], orient="row",
    )  # fmt: skip


def _indicators() -> pl.DataFrame:
    chosen = [INDICATORS[name] for name in (*CHOSEN, MEAN)]
    return pl.DataFrame(
        [
            (i.id, i.kind, i.label_ja, i.label_en, i.definition_ja, i.definition_en, i.numerator, i.denominator,
             float(i.scale), i.unit, i.decimals, i.direction, "fiscal_year", i.official_source, i.caution_ja, i.caution_en)
            for i in chosen
        ],
        schema=["indicator_id", "kind", "label_ja", "label_en", "definition_ja", "definition_en", "numerator_id",
                "denominator_id", "scale", "unit", "decimals", "direction", "basis", "official_source", "caution_ja",
                "caution_en"], orient="row",
    )  # fmt: skip
