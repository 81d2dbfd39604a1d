"""What is counted at birth."""

from pipelines.declaration import Count, Indicator, Sensitivity
from pipelines.indicators.breakdowns import AGE5, NATIONALITY, PARITY, PLURALITY, SEX

COUNTS = (
    Count(
        "live_births", "出生数", "live births",
        grain="birth", subject="person", counting="child", basis="fiscal_year",
        sensitivity=Sensitivity.S0, known_publicly=True, population="TRUE",
    ),
    Count(
        "low_birth_weight", "低出生体重児", "birth weight under 2,500 g",
        grain="birth", subject="person", counting="child", basis="fiscal_year",
        sensitivity=Sensitivity.S1, population="TRUE", condition="birth_weight_g_class < 2500",
        within="live_births",
    ),
    Count(
        "very_low_birth_weight", "極低出生体重児", "birth weight under 1,500 g",
        grain="birth", subject="person", counting="child", basis="fiscal_year",
        sensitivity=Sensitivity.S1, population="TRUE", condition="birth_weight_g_class < 1500",
        within="low_birth_weight", also_within=("preterm_births",),
    ),
    Count(
        "preterm_births", "早産", "births at 22 to 36 weeks",
        grain="birth", subject="person", counting="child", basis="fiscal_year",
        sensitivity=Sensitivity.S1, population="TRUE", condition="gestation_weeks_class BETWEEN 22 AND 36",
        within="live_births",
    ),
)  # fmt: skip

SUMS = ()

INDICATORS = (
    Indicator(
        "live_birth_count", "count", "出生数(住民)", "Live births (all residents)",
        "住所地の市区町村に出生時の記録がある出生児の数(外国人住民を含む)。",
        "Children with a birth record at their municipality of residence (foreign residents included).",
        numerator="live_births", denominator=None, unit="人", scale=1, decimals=0,
        official_source="住民基本台帳(人口動態統計とは基準が異なる)",
        caution_ja="人口動態統計(日本人のみ)とは基準が異なる。", caution_en="Not the vital statistics (nationals only).",
        breakdowns=(SEX, NATIONALITY),
    ),
    Indicator(
        "low_birth_weight_rate", "proportion", "低出生体重児割合", "Low birth weight",
        "出生(体重不詳を含む)のうち、出生時の体重が2,500 g未満のものの割合。",
        "Share of live births (weight unknown included) under 2,500 g.",
        numerator="low_birth_weight", denominator="live_births", unit="%", direction="lower",
        official_source="人口動態統計; 健やか親子21(第2次) A2",
        caution_ja="住民全体(人口動態統計は日本人のみ)。", caution_en="All residents (vital statistics: nationals only).",
        breakdowns=(SEX, AGE5, PARITY, PLURALITY),
    ),
    Indicator(
        "very_low_birth_weight_rate", "proportion", "極低出生体重児割合", "Very low birth weight",
        "出生(体重不詳を含む)のうち、出生時の体重が1,500 g未満のものの割合。",
        "Share of live births (weight unknown included) under 1,500 g.",
        numerator="very_low_birth_weight", denominator="live_births", unit="%", decimals=2, direction="lower",
        official_source="人口動態統計; 健やか親子21(第2次) A2",
        caution_ja="単年は都道府県まで、医療圏は年次をまとめて表示する。",
        caution_en="Single years for prefectures; medical areas pooled only.",
        breakdowns=(PLURALITY,), lowest_level="prefecture", lowest_level_pooled="medical_area",
    ),
    Indicator(
        "preterm_birth_rate", "proportion", "早産率", "Preterm birth",
        "出生(週数不詳を含む)のうち、妊娠22週以上37週未満のものの割合。",
        "Share of live births (weeks unknown included) at 22 to 36 completed weeks.",
        numerator="preterm_births", denominator="live_births", unit="%", direction="lower",
        official_source="人口動態統計",
        caution_ja="公式は週数不詳を分母から除く。出生数との差から少数の不詳が分かるため、ここでは分母に含める。",
        caution_en="Official figures leave unknown weeks out; here they stay in, because the difference from the births "
        "would tell how few they are.",
        breakdowns=(AGE5, PLURALITY),
    ),
)  # fmt: skip
