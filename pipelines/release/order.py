"""What is to be released, settled before anything is counted: years, policy, areas, and the counts that are ripe."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version

import polars as pl

from pipelines.declaration import Count, Indicator, Policy, Sum
from pipelines.indicators import COUNTS, INDICATORS, SUMS
from pipelines.release.areas import registered_tree
from pipelines.release.assemble import SCHEMA_VERSION, Order, Source
from pipelines.release.errors import ReleaseError, UnsafeError
from pipelines.release.policy import load_policy
from pipelines.release.vintage import levels_for


@dataclass(frozen=True)
class Ordered:
    """An order with the counts whose cohorts are complete, and the indicators that these allow."""

    order: Order
    counts: dict[str, Count]
    sums: dict[str, Sum]
    indicators: dict[str, Indicator]


def ordered(
    source: Source, status: str, policy_id: str, years: tuple[int, int] | None, created_on: date,
    recorded: pl.DataFrame | None = None,
) -> Ordered:  # fmt: skip
    """Settles an order; `recorded`: `Ledger.populations`, which the tiers follow too. Raises ReleaseError (64) for years
    that are not closed, or an unknown status or policy; (3) where a version change has split people."""
    span = _years(source, status, years)
    _refuse_split(source, load_policy(policy_id))
    counts = {i: c for i, c in COUNTS.items() if _is_mature(c, span[-1], created_on)}
    order = Order(
        _release_id(source, status, policy_id, span, counts), status, load_policy(policy_id), span, levels_for(status),
        registered_tree(source.municipalities, recorded), created_on, recorded,
    )  # fmt: skip
    sums = {i: s for i, s in SUMS.items() if s.over in counts}
    return Ordered(order, counts, sums, _measurable(INDICATORS, SUMS, counts))


def _years(source: Source, status: str, asked: tuple[int, int] | None) -> tuple[int, ...]:
    """The fiscal years of the release; a final or revised one takes closed years only."""
    years = tuple(range(asked[0], asked[1] + 1)) if asked else source.closed_years
    open_years = [y for y in years if y not in source.closed_years]
    if not years or (status != "provisional" and open_years):
        raise ReleaseError(
            f"公表(確定・改訂)には閉じた年度が必要です。`mchdb period close` で閉じてください: {open_years or 'なし'}",
            f"A final or revised release requires closed fiscal years; close them first: {open_years or 'none is closed'}",
            64,
        )
    return years


def _refuse_split(source: Source, policy: Policy) -> None:
    """Nobody is born into a closed cohort: whoever is new after a version change is there twice (privacy, hole 20), or came
    late, by a year that was opened again. Where fewer are left behind than are new, the others came late."""
    split_at_most = pl.min_horizontal(pl.col("now") - pl.col("before"), "left_behind")
    is_split = 100 * split_at_most > policy.new_persons_percent * pl.col("now")
    years = ", ".join(str(year) for year in source.cohorts.filter(is_split)["fiscal_year"])
    if years:
        raise UnsafeError(
            f"鍵または正規化の版を変えた後、閉じた出生年度 {years} の人が {policy.new_persons_percent} % を超えて増え、"
            f"使用中の版で見つけられない人も {policy.new_persons_percent} % を超えるため、同じ人が二人に分かれた疑いがあります"
            "(開け直した年度に遅れて届いた人とは区別できません)。引き継ぎが足りない提出元に、手元の全件をもう一度、橋渡しの期間中は "
            "--bridge-from を付けて、閉じた後は使用中の版だけで送ってもらってから公表してください。",
            f"After a change of the key or canonicalization version more than {policy.new_persons_percent} % of the closed birth "
            f"cohorts {years} are new, and more than {policy.new_persons_percent} % are not found under the version in use: "
            "people seem to be split in two (they cannot be told from people who came late to a year opened again). Before "
            "you release, have the submitters that were short send all they hold once more, with --bridge-from while the "
            "bridge is open, in the version in use alone after it was closed.",
        )


def _release_id(
    source: Source, status: str, policy_id: str, years: tuple[int, ...], counts: Mapping[str, Count]
) -> str:
    """The same batches, mature counts, policy, version and key give the same release (design, promise 10)."""
    said = f"{source.watermark}|{status}|{policy_id}|{years}|{sorted(counts)}|{version('mchdb')}|{SCHEMA_VERSION}"
    return f"{years[-1]}-{status}-{hmac.new(source.secret, said.encode(), hashlib.sha256).hexdigest()[:10]}"


def _is_mature(count: Count, year: int, today: date) -> bool:
    """A fiscal year ends in March; its cohort is complete `mature_after_months` later."""
    return today.year * 12 + today.month > (year + 1) * 12 + 3 + count.mature_after_months


def _measurable(
    indicators: Mapping[str, Indicator], sums: Mapping[str, Sum], counts: Mapping[str, Count]
) -> dict[str, Indicator]:
    def needs(indicator: Indicator) -> set[str]:
        return {sums[i].over if i in sums else i for i in (indicator.numerator, indicator.denominator) if i}

    return {i: ind for i, ind in indicators.items() if needs(ind) <= set(counts)}
