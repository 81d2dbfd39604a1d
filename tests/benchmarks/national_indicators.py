"""Indicators that a national release will have beside the declared ones, as the official programmes publish them.

Shares are those of the country in about 2022 to 2024 where they are published (健やか親子21(第2次) final evaluation;
こども家庭庁, 母子保健事業の実施状況等; 地域保健・健康増進事業報告), else of the same size. They only set how many cells are small.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from pipelines.declaration import Breakdown, Count, Indicator, Sensitivity
from pipelines.indicators import COUNTS, INDICATORS
from pipelines.indicators.breakdowns import AGE5, PARITY, PROGRAMME, SEX
from tests.release.made_cells import DECLARED, Draw
from tests.release.made_tables import count, proportion

S0, S1, S2 = Sensitivity.S0, Sensitivity.S1, Sensitivity.S2
RARE = 0.02  # a share from which on single years are published by municipality


@dataclass(frozen=True)
class Undeclared:
    """An indicator that is not declared yet. base: of the births, where the denominator is a count of its own, else the
    id of the count that it is a share of."""

    id: str
    base: float | str
    share: float
    sensitivity: Sensitivity
    breakdowns: tuple[Breakdown, ...] = ()

    @property
    def denominator(self) -> str:
        return self.base if isinstance(self.base, str) else f"{self.id}_asked"

    @property
    def counts(self) -> Iterable[tuple[Count, Draw]]:
        if not isinstance(self.base, str):
            yield count(self.denominator, self.sensitivity), Draw(self.base)
        yield count(self.id, self.sensitivity, within=self.denominator), Draw(self.share, self.denominator)

    @property
    def indicator(self) -> Indicator:
        lowest = "municipality" if self.share >= RARE else "medical_area"
        return replace(
            proportion(self.id, self.denominator)["i"], id=f"{self.id}_rate", breakdowns=self.breakdowns,
            lowest_level=lowest, lowest_level_pooled="municipality",
        )  # fmt: skip


ASKED_THRICE, ASKED_ONCE = 2.7, 0.92  # answers per birth
UNDECLARED = (
    # asked at all three checkups
    Undeclared("mother_smokes", ASKED_THRICE, 0.053, S1, (PROGRAMME,)),
    Undeclared("father_smokes", ASKED_THRICE, 0.308, S1, (PROGRAMME,)),
    Undeclared("father_active", ASKED_THRICE, 0.68, S1, (PROGRAMME,)),
    Undeclared("wants_to_stay", ASKED_THRICE, 0.945, S0, (PROGRAMME,)),
    Undeclared("development_known", ASKED_THRICE, 0.9, S0, (PROGRAMME,)),
    Undeclared("no_harsh_parenting", ASKED_THRICE, 0.837, S2, (PROGRAMME,)),
    Undeclared("difficulty_felt", ASKED_THRICE, 0.25, S2, (PROGRAMME,)),
    Undeclared("difficulty_coped", "difficulty_felt", 0.801, S2, (PROGRAMME,)),
    # asked at one
    Undeclared("satisfied_with_care", ASKED_ONCE, 0.846, S0),
    Undeclared("drank_in_pregnancy", ASKED_ONCE, 0.009, S1),
    Undeclared("considered_at_work", 0.6, 0.907, S0),
    Undeclared("mark_used", ASKED_ONCE, 0.788, S0),
    Undeclared("shaking_known", ASKED_ONCE, 0.975, S0),
    Undeclared("doctor_3to5m", ASKED_ONCE, 0.792, S0),
    Undeclared("doctor_3y", 1.0, 0.895, S0),
    Undeclared("dentist_3y", 1.0, 0.522, S0),
    Undeclared("teeth_brushed_18m", 0.98, 0.73, S0),
    # dental examinations
    Undeclared("caries_3y", 1.02, 0.102, S1, (SEX,)),
    Undeclared("occlusion_3y", "caries_3y_asked", 0.152, S1, (SEX,)),
    Undeclared("soft_tissue_3y", "caries_3y_asked", 0.033, S1, (SEX,)),
    Undeclared("caries_18m", 1.0, 0.009, S1, (SEX,)),
    # checkups
    Undeclared("referred_3to5m", "checkup_3to5m_seen", 0.045, S1, (SEX,)),
    Undeclared("referred_18m", "checkup_18m_seen", 0.019, S1, (SEX,)),
    Undeclared("referred_3y", "checkup_3y_seen", 0.042, S1, (SEX,)),
    Undeclared("referral_completed_3to5m", "referred_3to5m", 0.85, S1),
    Undeclared("referral_completed_18m", "referred_18m", 0.85, S1),
    Undeclared("referral_completed_3y", "referred_3y", 0.85, S1),
    Undeclared("obese_3y", "checkup_3y_seen", 0.04, S1, (SEX,)),
    Undeclared("short_3y", "checkup_3y_seen", 0.023, S1, (SEX,)),
    Undeclared("thin_18m", "checkup_18m_seen", 0.03, S1, (SEX,)),
    # births
    Undeclared("heavy_at_birth", "live_births", 0.008, S1, (SEX,)),
    Undeclared("hearing_screened", "live_births", 0.94, S0),
    Undeclared("hearing_referred", "hearing_screened", 0.01, S2),
    Undeclared("newborn_visited", "live_births", 0.95, S0, (PARITY,)),
    Undeclared("breast_fed_1m", "live_births", 0.313, S1, (PARITY,)),
    # pregnancies
    Undeclared("notified_after_28w", "new_notifications", 0.005, S1),
    Undeclared("counselled_at_notification", "new_notifications", 0.97, S0),
    Undeclared("dental_checkup_in_pregnancy", "new_notifications", 0.35, S0),
    # deliveries
    Undeclared("caesarean", "deliveries_22w", 0.22, S1, (AGE5, PARITY)),
    Undeclared("hypertensive", "deliveries_22w", 0.033, S1, (AGE5,)),
    Undeclared("gestational_diabetes", "deliveries_22w", 0.05, S1, (AGE5,)),
    Undeclared("epidural", "deliveries_22w", 0.1, S1, (PARITY,)),
    Undeclared("stayed_with_parents", "deliveries_22w", 0.3, S0, (PARITY,)),
    Undeclared("postpartum_care_used", "deliveries_22w", 0.158, S1, (PARITY,)),
    # vaccinations by birth cohort
    Undeclared("vaccinated_measles_1", 1.05, 0.95, S0, (SEX,)),
    Undeclared("vaccinated_five_in_one", 1.05, 0.96, S0, (SEX,)),
    Undeclared("vaccinated_bcg", 1.05, 0.965, S0, (SEX,)),
    Undeclared("vaccinated_rota", 1.05, 0.93, S0, (SEX,)),
)


def national(n_undeclared: int | None = None) -> tuple[dict[str, Count], dict[str, Indicator], dict[str, Draw]]:
    """Counts, indicators and draws: those declared, and the first `n_undeclared` of the others (all where None)."""
    some = UNDECLARED[:n_undeclared]
    more = {c.id: (c, draw) for each in some for c, draw in each.counts}
    counts = {**COUNTS, **{i: c for i, (c, _) in more.items()}}
    indicators = {**INDICATORS, **{each.indicator.id: each.indicator for each in some}}
    return counts, _down_to_wards(indicators), {**DECLARED, **{i: draw for i, (_, draw) in more.items()}}


def _down_to_wards(indicators: Mapping[str, Indicator]) -> dict[str, Indicator]:
    """What is published of municipalities is published of the wards of designated cities as well."""

    def lower(level: str) -> str:
        return "ward" if level == "municipality" else level

    return {
        i: replace(
            each, lowest_level=lower(each.lowest_level), lowest_level_pooled=lower(each.lowest_level_pooled),
            breakdowns=tuple(replace(b, lowest_level=lower(b.lowest_level)) for b in each.breakdowns),
        )
        for i, each in indicators.items()
    }  # fmt: skip
