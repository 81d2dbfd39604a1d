"""What is counted in pregnancy."""

from pipelines.declaration import Count, Indicator, Sensitivity, Sum, Target
from pipelines.indicators.breakdowns import AGE5, NATIONALITY, PARITY, PLURALITY

COUNTS = (
    Count(
        "new_notifications", "新規の妊娠届出", "new pregnancy notifications",
        grain="notification", subject="pregnancy", counting="pregnancy", basis="fiscal_year",
        sensitivity=Sensitivity.S0, known_publicly=True,
        population="notification_reason_code = '1'",
    ),
    Count(
        "early_notifications", "満11週以内の届出", "notifications by week 11",
        grain="notification", subject="pregnancy", counting="pregnancy", basis="fiscal_year",
        sensitivity=Sensitivity.S0, known_publicly=True,
        population="notification_reason_code = '1'", condition="notification_stage_code = '1'",
        within="new_notifications",
    ),
    Count(
        "deliveries_notified_early", "満11週以内に届け出た分娩", "deliveries notified by week 11",
        grain="delivery", subject="pregnancy", counting="pregnancy", basis="delivery_cohort_fy",
        sensitivity=Sensitivity.S0, mature_after_months=0,
        population="gestation_weeks_class >= 22 AND is_notified_early", within="deliveries_22w",
    ),
    Count(
        "smoking_answered", "妊娠中の喫煙の回答", "answers on smoking in pregnancy",
        grain="questionnaire", subject="person", counting="child", basis="fiscal_year",
        sensitivity=Sensitivity.S1,
        population="programme_code = '31' AND smoking_pregnancy_code IN ('1', '2')",
    ),
    Count(
        "smoking_yes", "妊娠中に喫煙あり", "smoked in pregnancy",
        grain="questionnaire", subject="person", counting="child", basis="fiscal_year",
        sensitivity=Sensitivity.S1,
        population="programme_code = '31' AND smoking_pregnancy_code IN ('1', '2')",
        condition="smoking_pregnancy_code = '2'", within="smoking_answered",
    ),
)  # fmt: skip

SUMS = (
    Sum("antenatal_visits", over="deliveries_notified_early", expression="antenatal_visits", low=0, high=25),
)  # fmt: skip

INDICATORS = (
    Indicator(
        "early_notification_rate", "proportion", "妊娠11週以下届出率", "Notified by week 11",
        "新規の妊娠届出(不詳・分娩後を含む)のうち、満11週以内に届け出たものの割合。転入による届出は含まない。",
        "Share of new pregnancy notifications (unknown and after delivery included) filed by 11 weeks and 6 days; "
        "re-filings after a move are left out.",
        numerator="early_notifications", denominator="new_notifications", unit="%", direction="higher",
        official_source="地域保健・健康増進事業報告",
        caution_ja="届出の年度による。住民全体(外国人を含む)。", caution_en="By fiscal year of filing; all residents.",
        breakdowns=(AGE5, NATIONALITY),
    ),
    Indicator(
        "antenatal_visits_per_pregnancy", "mean", "妊婦健診 平均受診回数", "Antenatal visits per pregnancy",
        "満11週以内に届け出て妊娠22週以後に分娩した女性1人当たりの妊婦健診受診回数(妊娠全期間、分娩の年度別)。",
        "Antenatal visits over the whole pregnancy per woman who notified by week 11 and delivered at 22 weeks or "
        "later, by fiscal year of delivery.",
        numerator="antenatal_visits", denominator="deliveries_notified_early", unit="回", scale=1, decimals=1,
        official_source="公式統計なし(公費負担は14回程度)",
        caution_ja="妊娠中に転入した女性は含まない。延人員/実人員(年度)とは異なる。",
        caution_en="Women who moved in during pregnancy are left out; not the official visits per person and year.",
        breakdowns=(AGE5, PARITY, PLURALITY),
    ),
    Indicator(
        "pregnancy_smoking_rate", "proportion", "妊娠中の喫煙率", "Smoking in pregnancy",
        "3～4か月児健診の問診で、妊娠中の喫煙に「あり」と答えたものの割合(無回答を除く)。",
        "Share of answers 'yes' to smoking in pregnancy in the 3-4 month questionnaire (no answer left out).",
        numerator="smoking_yes", denominator="smoking_answered", unit="%", direction="lower",
        official_source="健やか親子21(第2次) A5",
        caution_ja="問診票1枚が1件(多胎・きょうだいは母が重複)。", caution_en="One questionnaire is one answer.",
        targets=(Target(2024, 0.0, "健やか親子21(第2次)", "reference: indicators 1.1 A5"),),
    ),
)  # fmt: skip
