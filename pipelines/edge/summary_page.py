"""The page of a town's own indicators: each with its years, its meaning and its source."""

from collections.abc import Mapping
from html import escape

import polars as pl

from pipelines.declaration import TOTAL, Indicator
from pipelines.edge.own_figures import MARK_EN, MARK_JA
from pipelines.edge.page import both, page_of, paragraph, table
from pipelines.reference import municipalities

YEARS_SHOWN = 5
NOT_YET = "※"
HOW_TO_READ = (
    ("この町の提出データだけから数えた、秘匿前の数です。小さい数は個人が分かるおそれがあります。庁外に出さないでください。",
     "Counted from this town's own feeds, before suppression. Small numbers may tell of a person: keep them in the town hall."),
    (f"{NOT_YET} は、年度または観察期間がまだ終わっていない値です。最初の年度は、途中からの記録だけのことがあります。",
     f"{NOT_YET}: the year, or the time its cohort takes to mature, is not over. The first year may begin late."),
    ("中央の集計とは、登録簿の年度、同じ市区町村の別の提出者、以前の提出で送った行の分だけ異なることがあります。内訳は summary.csv にあります。",
     "The centre's figures may differ by the registry's years, other submitters of the town, and rows of earlier "
     "deliveries. Breakdowns stand in summary.csv."),
)  # fmt: skip


def page(
    submitter: str, figures: pl.DataFrame, indicators: Mapping[str, Indicator], told: list[tuple[str, str]]
) -> str:
    """HTML. figures: as `own_figures.with_completeness`. told: what a reader must know (ja, en)."""
    notes = [paragraph(ja, en) for ja, en in (*HOW_TO_READ, *told)]
    totals = figures.filter(pl.col("breakdown_id") == TOTAL.id)
    parts = [_indicator(i, totals.filter(pl.col("indicator_id") == i.id)) for i in indicators.values()]
    title_ja, title_en = f"{_place(submitter)} 母子保健の指標", "the town's own indicators"
    return page_of(title_ja, title_en, [*notes, *parts], mark=f"{MARK_JA} / {MARK_EN}")


def _place(submitter: str) -> str:
    named = municipalities().filter(pl.col("code6") == submitter)["name"].to_list()
    return f"{named[0]} ({submitter})" if named else submitter


def _indicator(indicator: Indicator, years: pl.DataFrame) -> str:
    unit = f"({indicator.unit})"
    heads = (("年度", "fiscal year"), ("分子", "numerator"), ("分母", "denominator"), (f"値{unit}", "value"))
    rows = [_year(indicator, **r) for r in years.sort("fiscal_year").tail(YEARS_SHOWN).iter_rows(named=True)]
    counted = table(heads, rows) if rows else paragraph("該当する記録がありません。", "No record to count.")
    meaning = paragraph(f"定義: {indicator.definition_ja}", indicator.definition_en)
    caution = paragraph(f"注意: {indicator.caution_ja}", indicator.caution_en) if indicator.caution_ja else ""
    source = (
        f"<p class=note>出典・公式統計 <span class=en lang=en>source</span>: {escape(indicator.official_source)}</p>"
    )
    return f"<h2>{both(indicator.label_ja, indicator.label_en)}</h2>{counted}{meaning}{caution}{source}"


def _year(indicator: Indicator, **row: object) -> tuple[object, ...]:
    value = "・" if row["value"] is None else f"{row['value']:,.{indicator.decimals}f}"
    mark = "" if row["is_complete"] else f" {NOT_YET}"
    blank = {name: "-" if row[name] is None else row[name] for name in ("numerator", "denominator")}
    return f"{row['fiscal_year']}年度{mark}", blank["numerator"], blank["denominator"], value
