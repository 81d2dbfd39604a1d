"""自治体間の情報照会: what municipalities ask each other about who moved in (転入) or stays with her parents (里帰り). CSV.

As the office that asks or is asked writes it, from the 情報提供ネットワークシステム (中間サーバー), PMH, letters and calls; the
law of 2024 asks for no former residence any more and adds postpartum care. One request is told by two offices: the one
that asks tells of its own resident, the row of the one that is asked stays there. The official layout could not be had
(要確認): headings are those of `pipelines/reference/feeds/requests.csv`.
"""

from pipelines.feeds.feed import Feed

REQUESTS = Feed(
    name="requests", label_ja="自治体間の情報照会", label_en="requests between municipalities",
    source_system_code="1", format="csv", encodings=("utf-8-sig", "utf-8", "cp932"), version="1",
    trust=4, is_register=False, record_names=("information_request",), local_namespace="requests",
)  # fmt: skip
