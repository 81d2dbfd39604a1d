"""Who reported: municipalities in an area with records of a kind, and the births they stand for (domain 1.1, no. 8).

Everything here is a public fact or a class; counts of what arrived are told for the nation only (privacy, hole 12).
"""

import polars as pl

from pipelines.declaration import Policy
from pipelines.reference import NATION, units
from pipelines.release.plan import periods

RECORD_OF_GRAIN = {
    "notification": "pregnancy_notification",
    "delivery": "delivery",
    "birth": "birth",
    "checkup_person": "child_checkup_target",
    "questionnaire": "child_questionnaire",
    "claim": "claim",
    "outreach": "outreach",  # no record: counts of lists that were made, so that nothing tells whether somebody was on one
}
SMALLEST_EXPECTED = 100
CLASSES = ((0.95, "95-"), (0.80, "80-94"), (0.50, "50-79"), (0.0, "-49"))


def reporting(
    arrival: pl.DataFrame, areas: pl.DataFrame, basis: str, record: str, years: tuple[int, ...], policy: Policy
) -> pl.DataFrame:
    """period, period_kind, area_code, n_areas_reporting, n_areas_expected, coverage_births for one kind of record.

    arrival: municipality_code, fiscal_year, record, rows. A pooled period counts a municipality that reported every
    year of it. coverage_births: share of the registered area's births of 2024 (住基), 0 to 1.
    """
    seen = arrival.filter(pl.col("record") == record, pl.col("rows") > 0)
    blocks = []
    for is_pooled in (False, True):
        for period, kind, of in periods(basis, years, policy, is_pooled=is_pooled):
            every = seen.filter(pl.col("fiscal_year").is_in(of)).group_by("municipality_code").agg(pl.len().alias("n"))
            codes = every.filter(pl.col("n") == len(of))["municipality_code"]
            blocks.append(_by_area(areas, codes).with_columns(period=pl.lit(period), period_kind=pl.lit(kind)))
    return pl.concat(blocks)


def _by_area(areas: pl.DataFrame, reporting_codes: pl.Series) -> pl.DataFrame:
    births = units().select(area_code="code6", births="births_2024")
    own = areas.filter(pl.col("level") == "municipality").join(births, on="area_code")
    is_in = pl.col("area_code").is_in(reporting_codes.implode())
    rows = own.select(
        "area_code", "births", reports=is_in.cast(pl.Int32), reported_births=pl.when(is_in).then("births").otherwise(0)
    )
    parent = dict(areas.select("area_code", "parent_code").iter_rows())
    found = []
    while not rows.is_empty():
        summed = rows.group_by("area_code").agg(
            pl.col("births").sum(), pl.col("reported_births").sum(), pl.col("reports").sum(),
            (pl.len() if "units" not in rows.columns else pl.col("units").sum()).alias("units"),
        )  # fmt: skip
        found.append(summed)
        rows = summed.filter(pl.col("area_code") != NATION).with_columns(pl.col("area_code").replace_strict(parent))
    return pl.concat(found).select(
        "area_code",
        n_areas_reporting=pl.col("reports").cast(pl.Int32), n_areas_expected=pl.col("units").cast(pl.Int32),
        coverage_births=pl.when(pl.col("births") > 0).then(pl.col("reported_births") / pl.col("births")),
    )  # fmt: skip


def completeness_class(rows: pl.Expr, expected: pl.Expr) -> pl.Expr:
    """Class of arrived against officially expected rows; null below 100 expected (privacy, hole 12)."""
    share = rows / expected
    found = pl.when(expected < SMALLEST_EXPECTED).then(pl.lit(None, pl.String)).when(rows == 0).then(pl.lit("none"))
    for low, name in CLASSES:
        found = found.when(share >= low).then(pl.lit(name))
    return found.otherwise(pl.lit(None, pl.String))
