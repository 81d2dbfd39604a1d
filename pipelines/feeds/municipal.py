"""健康管理システム標準仕様書 groups 019044-019067 and the resident register: CSV, UTF-8 (BOM or not) or CP932.

The official layout could not be had (要確認): headings are those of `pipelines/reference/feeds/municipal.csv`.
"""

from pipelines.feeds.feed import Feed
from pipelines.records import RECORDS

MUNICIPAL = Feed(
    name="municipal", label_ja="自治体 標準準拠システム", label_en="municipal standard system",
    source_system_code="1", format="csv", encodings=("utf-8-sig", "utf-8", "cp932"), version="1",
    trust=2, is_register=True, record_names=tuple(RECORDS),
)  # fmt: skip
