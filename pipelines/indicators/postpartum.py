"""What is counted after delivery, by fiscal year of delivery."""

from pipelines.declaration import Count, Indicator, Sensitivity
from pipelines.indicators.breakdowns import AGE5, PARITY, PLACE

AFTER_THE_WINDOW = 5  # months: 1-month checkup by 8 weeks, plus 3 months for late records (domain 1.1, no. 7)

COUNTS = (
    Count(
        "deliveries_22w", "妊娠22週以後の分娩をした女性", "women delivered at 22 weeks or later",
        grain="delivery", subject="person", counting="pregnancy", basis="delivery_cohort_fy",
        sensitivity=Sensitivity.S0, mature_after_months=AFTER_THE_WINDOW, population="gestation_weeks_class >= 22",
    ),
    Count(
        "postpartum_1m_seen", "1か月の産婦健診を受けた女性", "women seen at the 1-month postpartum checkup",
        grain="delivery", subject="person", counting="pregnancy", basis="delivery_cohort_fy",
        sensitivity=Sensitivity.S0, mature_after_months=AFTER_THE_WINDOW, is_sensitive=True,
        population="gestation_weeks_class >= 22", condition="is_seen_postpartum_1m", within="deliveries_22w",
    ),
    Count(
        "epds_complete", "EPDSに全て回答した女性", "women with a complete EPDS",
        grain="delivery", subject="person", counting="pregnancy", basis="delivery_cohort_fy",
        sensitivity=Sensitivity.S2, mature_after_months=AFTER_THE_WINDOW, is_sensitive=True,
        population="gestation_weeks_class >= 22 AND epds_total IS NOT NULL", within="deliveries_22w",
    ),
    Count(
        "epds_high", "EPDS 9点以上の女性", "women with EPDS 9 or more",
        grain="delivery", subject="person", counting="pregnancy", basis="delivery_cohort_fy",
        sensitivity=Sensitivity.S2, mature_after_months=AFTER_THE_WINDOW, is_sensitive=True,
        population="gestation_weeks_class >= 22 AND epds_total IS NOT NULL", condition="epds_total >= 9",
        within="epds_complete",
    ),
)  # fmt: skip

SUMS = ()

INDICATORS = (
    Indicator(
        "epds_high_rate", "proportion", "EPDS9点以上割合", "EPDS 9 or more",
        "産後1か月までにEPDSの10項目全てに答えた女性のうち、9点以上の割合(1か月の結果、なければ2週間の結果。1人1件)。",
        "Share of women with all 10 EPDS items by 1 month whose total is 9 or more (1-month result, else 2-week; one per "
        "woman), by fiscal year of delivery.",
        numerator="epds_high", denominator="epds_complete", unit="%", direction="lower",
        official_source="成育医療等基本方針 評価指標(要確認); 健やか親子21(第2次) 参考",
        caution_ja="スクリーニング陽性であり診断ではない。市区町村は人口25,000人以上で年次をまとめた値のみ。",
        caution_en="A screen, not a diagnosis. Municipalities: pooled years and 25,000 inhabitants or more only.",
        breakdowns=(AGE5, PARITY), lowest_level="prefecture", lowest_level_pooled="municipality",
    ),
    Indicator(
        "postpartum_checkup_1m_rate", "proportion", "産婦健診(1か月)受診率", "1-month postpartum checkup",
        "妊娠22週以後に分娩した女性のうち、産婦健診(1か月)の受診記録がある女性の割合(分娩の年度別)。",
        "Share of women delivered at 22 weeks or later with a 1-month postpartum checkup, by fiscal year of delivery.",
        numerator="postpartum_1m_seen", denominator="deliveries_22w", unit="%", direction="higher",
        official_source="産婦健康診査事業; 地域保健・健康増進事業報告(産婦 受診実人員)",
        caution_ja="分娩時の住所地による。1か月以内に転出した女性も分母に残る。",
        caution_en="By residence at delivery; women who moved within the month stay in the denominator.",
        breakdowns=(AGE5, PLACE),
    ),
)  # fmt: skip
