"""What is counted at the checkups of children."""

from pipelines.declaration import Count, Indicator, Sensitivity, Target
from pipelines.indicators.breakdowns import PROGRAMME, SEX

PROGRAMMES = (
    ("3to5m", "31", "3～5か月児健診", "3-5 month checkup", 98.0),
    ("18m", "34", "1歳6か月児健診", "18-month checkup", 97.0),
    ("3y", "36", "3歳児健診", "3-year checkup", 95.0),
)


# The three programmes that ask it: the breakdown must hold every member.
ASKED = "programme_code IN ('31', '34', '36') AND relaxed_code IN ('1', '2', '3')"


def _counts(age: str, code: str, name_ja: str, name_en: str) -> tuple[Count, Count]:
    """Target list and attendance of one programme; attendance is not within the list (carry-overs, moves)."""
    words = dict(
        grain="checkup_person", subject="person", counting="person_in_submitter_fy", basis="fiscal_year",
        sensitivity=Sensitivity.S0, known_publicly=True, is_sensitive=True,
    )  # fmt: skip
    target, seen = f"programme_code = '{code}' AND is_target", f"programme_code = '{code}' AND is_seen"
    return (
        Count(f"checkup_{age}_target", f"{name_ja} 対象人員", f"{name_en}: listed", population=target, **words),  # type: ignore[arg-type]
        Count(f"checkup_{age}_seen", f"{name_ja} 受診実人員", f"{name_en}: seen", population=seen, **words),  # type: ignore[arg-type]
    )


def _indicator(age: str, name_ja: str, name_en: str, target: float) -> Indicator:
    return Indicator(
        f"checkup_{age}_rate_official", "rate", f"{name_ja}受診率", name_en,
        f"{name_ja}の受診実人員 ÷ 対象人員(いずれも年度、市区町村の対象者名簿による)。",
        "Persons seen in the fiscal year divided by persons on the municipality's own target list of that year.",
        numerator=f"checkup_{age}_seen", denominator=f"checkup_{age}_target", unit="%", direction="higher",
        official_source="地域保健・健康増進事業報告; 健やか親子21(第2次) A8(未受診率として公表)",
        caution_ja="繰越や転出入により100 %を超えることがある。転入・転出の扱いは市区町村により異なる(要確認)。",
        caution_en="May exceed 100 % (carry-overs, moves); how moves enter the list differs by municipality (to be confirmed).",
        breakdowns=(SEX,),
        targets=(Target(2024, target, "健やか親子21(第2次)", "A8: 未受診率の目標値を換算"),),
    )  # fmt: skip


COUNTS = (
    *(count for age, code, ja, en, _ in PROGRAMMES for count in _counts(age, code, ja, en)),
    Count(
        "relaxed_answered", "ゆったりした時間の回答", "answers on relaxed time with the child",
        grain="questionnaire", subject="person", counting="child", basis="fiscal_year",
        sensitivity=Sensitivity.S1, population=ASKED,
    ),
    Count(
        "relaxed_yes", "ゆったりした時間がある", "has relaxed time with the child",
        grain="questionnaire", subject="person", counting="child", basis="fiscal_year",
        sensitivity=Sensitivity.S1, population=ASKED, condition="relaxed_code = '1'",
        within="relaxed_answered",
    ),
)  # fmt: skip

SUMS = ()

INDICATORS = (
    *(_indicator(age, ja, en, target) for age, _, ja, en, target in PROGRAMMES),
    Indicator(
        "relaxed_mother_rate", "proportion", "ゆったり過ごせる時間がある母", "Relaxed time with the child",
        "乳幼児健診の問診で「ゆったりとした気分でお子さんと過ごせる時間がありますか」に「はい」と答えたものの割合"
        "(何ともいえないは分母に含み、無回答を除く)。",
        "Share of 'yes' to having relaxed time with the child ('cannot say' stays in the denominator, no answer is out).",
        numerator="relaxed_yes", denominator="relaxed_answered", unit="%", direction="higher",
        official_source="健やか親子21(第2次) ①-1",
        caution_ja="問診票1枚が1件。年齢(健診の種類)により水準が異なる。",
        caution_en="One questionnaire is one answer; levels differ by age.",
        breakdowns=(PROGRAMME,),
    ),
)  # fmt: skip
