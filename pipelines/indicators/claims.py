"""What is counted of claims: lines, each one voucher or one reimbursement; no visit and no person."""

from pipelines.declaration import Breakdown, Category, Count, Indicator, Sensitivity

AFTER_THE_REVIEW = 3  # months: a claim is reviewed and paid in the two months after it, and then sent (要確認)

CONTRACT = Breakdown(
    "contract", "契約の種類", "kind of contract", "contract_kind_code",
    (
        Category("1", "集合契約(県内)", "collective, in the prefecture"),
        Category("2", "集合契約(県外・里帰り)", "collective, elsewhere"),
        Category("3", "個別契約", "single contract"),
        Category("4", "契約なし", "none"),
        Category("9", "不明", "unknown"),
    ),
    lowest_level="prefecture",
)  # fmt: skip

COUNTS = (
    Count(
        "claims_submitted", "請求された明細", "claim lines",
        grain="claim", subject="event", counting="event", basis="fiscal_year",
        sensitivity=Sensitivity.S0, mature_after_months=AFTER_THE_REVIEW, population="TRUE",
    ),
    Count(
        "claims_returned", "返戻された明細", "claim lines returned",
        grain="claim", subject="event", counting="event", basis="fiscal_year",
        sensitivity=Sensitivity.S0, mature_after_months=AFTER_THE_REVIEW, population="TRUE",
        condition="returned_code = '1'", within="claims_submitted",
    ),
)  # fmt: skip

SUMS = ()

INDICATORS = (
    Indicator(
        "claim_return_rate", "proportion", "返戻率", "Claims returned",
        "費用請求の明細(受診券1枚または償還払い1件で1件。返戻の有無が不明のものを含む)のうち、返戻されたものの割合(請求月の年度別)。",
        "Share of claim lines (one voucher or one reimbursement each; unknown whether returned included) that were returned, by "
        "fiscal year of the claim.",
        numerator="claims_returned", denominator="claims_submitted", unit="%", direction="lower",
        official_source="公的統計なし(支払基金・国保連の業務統計。要確認)",
        caution_ja="件数であり人数ではない。査定(減額)は含まない。請求月が生まれた月に近いものは月を落とすため数えない。",
        caution_en="Lines, not people; reductions are not in it. A claim so near to a birth that its month is dropped is not "
        "counted.",
        breakdowns=(CONTRACT,), lowest_level="prefecture", lowest_level_pooled="prefecture",
    ),
)  # fmt: skip
