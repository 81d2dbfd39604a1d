"""費用請求: what a review-and-payment body (国保連, 支払基金, 機構) tells as agent of many municipalities. CSV.

`claim`: one line is one voucher, of a collective or a single contract, or one reimbursement (償還払い), from the service to
the payment. `antenatal_visit`, `postpartum_visit`, `child_checkup`: the visits that the vouchers bear out, as evidence of
cost alone (mchdb-L5, 2) - that somebody was seen, and no finding. Neither the layout of the collective contract nor that
of the bodies could be had (要確認): headings are those of `pipelines/reference/feeds/claims.csv`.

A voucher knows nobody by the town's own number: person, pregnancy and line go by the numbers that stand on the vouchers.
"""

from pipelines.feeds.feed import Feed

CLAIMS = Feed(
    name="claims", label_ja="費用請求(国保連・支払基金・機構)", label_en="claims (review and payment bodies)",
    source_system_code="6", format="csv", encodings=("utf-8-sig", "utf-8", "cp932"), version="1",
    trust=6, is_register=False, record_names=("claim", "antenatal_visit", "postpartum_visit", "child_checkup"),
    local_namespace="claims", evidence_code="2", is_of_agent=True,
)  # fmt: skip
