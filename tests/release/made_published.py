"""Small published files of made-up counts: what an attacker holds, and what a certificate is made of."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from pipelines.declaration import Count, Indicator, Policy
from pipelines.release.policy import policy_rows
from tests.release import made_tables as t
from tests.release.small_release import write


def published(
    path: Path,
    table: pl.DataFrame,
    areas: pl.DataFrame,
    counts: Mapping[str, Count],
    indicators: Mapping[str, Indicator] | None = None,
    policy: Policy = t.STANDARD,
    status: Mapping[str, str] | None = None,
    release_id: str = "r",
    more: Mapping[str, pl.DataFrame] | None = None,
) -> Path:
    """A published file of `table` as `made_tables.seen` has it: a null (or is_shown false) is suppressed. more: further
    tables."""
    release = t.seen(table, areas, counts, indicators, policy, status)
    write(
        path,
        {
            "release": pl.DataFrame({"release_id": [release_id], "status": ["final"], "policy_id": [policy.id]}),
            "area": areas.select("area_code", "level", "parent_code"),
            "area_population": areas.select("area_code", "population", year=pl.lit(2025)),
            "policy": policy_rows(policy, counts),
            "count_definition": pl.DataFrame([_definition(c) for c in counts.values()], infer_schema_length=None),
            "indicator": pl.DataFrame(
                [_indicator(i) for i in release.indicators.values()],
                schema=dict.fromkeys(("indicator_id", "kind", "numerator_id", "denominator_id"), pl.String),
            ),
            "count_cell": release.cells,
            **(more or {}),
        },
    )
    return path


def _definition(count: Count) -> dict[str, str | None]:
    return {
        "count_id": count.id, "label_ja": count.label_ja, "label_en": count.label_en, "subject": count.subject,
        "counting": count.counting, "basis": count.basis, "sensitivity": count.sensitivity.value,
        "population_sql": count.population, "condition_sql": count.condition, "within_count_id": count.within,
    }  # fmt: skip


def _indicator(i: Indicator) -> dict[str, str | None]:
    return {"indicator_id": i.id, "kind": i.kind, "numerator_id": i.numerator, "denominator_id": i.denominator}
