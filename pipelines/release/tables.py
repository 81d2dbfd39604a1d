"""The descriptive tables of a release: what every number in it means. Declarations and public facts only."""

from collections.abc import Iterable, Mapping

import polars as pl

from pipelines.declaration import Breakdown, Count, Indicator, OneOf, Record
from pipelines.reference import code_lists, units
from pipelines.release.areas import BOUNDARY_YEAR, area_table, population_table
from pipelines.release.plan import TOTAL

BIRTHS_BANDS = ((0, "0-9"), (10, "10-49"), (50, "50-99"), (100, "100-299"), (300, "300-999"), (1000, "1000-"))


def count_definitions(counts: Mapping[str, Count]) -> pl.DataFrame:
    return _frame(
        {
            "count_id": c.id, "label_ja": c.label_ja, "label_en": c.label_en, "subject": c.subject,
            "counting": c.counting, "basis": c.basis, "sensitivity": c.sensitivity.value,
            "population_sql": c.population, "condition_sql": c.condition, "within_count_id": c.within,
        }
        for c in counts.values()
    )  # fmt: skip


def indicator_rows(indicators: Mapping[str, Indicator], basis_of: Mapping[str, str]) -> pl.DataFrame:
    return _frame(
        {
            "indicator_id": i.id, "kind": i.kind, "label_ja": i.label_ja, "label_en": i.label_en,
            "definition_ja": i.definition_ja, "definition_en": i.definition_en, "numerator_id": i.numerator,
            "denominator_id": i.denominator, "scale": float(i.scale), "unit": i.unit, "decimals": i.decimals,
            "direction": i.direction, "basis": basis_of[i.id],
            "official_source": i.official_source, "caution_ja": i.caution_ja, "caution_en": i.caution_en,
        }
        for i in indicators.values()
    )  # fmt: skip


def target_rows(indicators: Mapping[str, Indicator]) -> pl.DataFrame:
    return _frame(
        {"indicator_id": i.id, "target_year": t.year, "value": t.value, "plan": t.plan, "source": t.source}
        for i in indicators.values()
        for t in i.targets
    )


def breakdown_rows(indicators: Mapping[str, Indicator]) -> pl.DataFrame:
    used: dict[str, Breakdown] = {TOTAL.id: TOTAL}
    used |= {b.id: b for i in indicators.values() for b in i.breakdowns}
    return _frame(
        {"breakdown_id": b.id, "category_code": c.code, "label_ja": c.label_ja, "label_en": c.label_en, "sort": n}
        for b in used.values()
        for n, c in enumerate(b.categories)
    )


def record_rows(records: Mapping[str, Record]) -> pl.DataFrame:
    return _frame(
        {"record": r.name, "version": r.version, "label_ja": r.label_ja, "label_en": r.label_en, "grain": r.grain}
        for r in records.values()
    )


def field_rows(records: Mapping[str, Record]) -> pl.DataFrame:
    return _frame(
        {
            "record": r.name, "field": name, "since_version": f.since, "label_ja": f.label_ja, "label_en": f.label_en,
            "type": f.type.__name__, "unit": f.unit, "role": f.role.value,
            "rule_ja": f.rule.says_ja if f.rule else "", "rule_en": f.rule.says_en if f.rule else "",
            "code_list": f.rule.code_list if isinstance(f.rule, OneOf) else "",
            "source_item": f.source_item or r.group,
        }
        for r in records.values()
        for name, f in r.fields.items()
    )  # fmt: skip


def public_facts(recorded: pl.DataFrame | None = None) -> dict[str, pl.DataFrame]:
    """Areas, population, groups and codes: facts that were public before the release."""
    births = units().select(area_code="code6", births="births_2024")
    return {
        "area": area_table(),
        "area_population": population_table(recorded),
        "area_group": _births_bands(births),
        "area_attribute": births.select(
            "area_code", year=pl.lit(2024, pl.Int32), attribute_id=pl.lit("births_registered"),
            value=pl.col("births").cast(pl.Float64), source=pl.lit("総務省 住民基本台帳(2025-01-01)"),
        ),
        "official_series": births.select(
            "area_code", series_id=pl.lit("births_registered"), label_ja=pl.lit("出生数(住民基本台帳)"),
            label_en=pl.lit("births (resident register)"), basis=pl.lit("calendar_year"),
            year=pl.lit(BOUNDARY_YEAR - 1, pl.Int32), value=pl.col("births").cast(pl.Float64), unit=pl.lit("人"),
            source=pl.lit("総務省 住民基本台帳に基づく人口動態(2024年)"),
        ),
        "code": code_lists().select("code_list", "issuer", "version", "code", "label_ja", "label_en"),
    }  # fmt: skip


def _births_bands(births: pl.DataFrame) -> pl.DataFrame:
    reached = [pl.when(pl.col("births") >= low).then(pl.lit(label)) for low, label in reversed(BIRTHS_BANDS)]
    band = pl.coalesce(reached)
    return births.select("area_code", scheme=pl.lit("births_band"), group_code=band).with_columns(
        group_label=pl.concat_str(pl.lit("出生 "), "group_code", pl.lit("人"))
    )


def _frame(rows: Iterable[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), infer_schema_length=None)
