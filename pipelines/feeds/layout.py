"""データ標準レイアウト: extracts for the 中間サーバー (副本), one CSV per record, whose headings are item numbers.

Neither the official layout nor its 特定個人情報番号 could be had (要確認): `pipelines/reference/feeds/layout.csv` holds
this project's own numbers, D + group of the standard + a serial. Its versions follow what became known of the real
ones: vaccinations from 2017.11, checkups of pregnancy and of children from 2020.6, what follows a birth from 2024.6.
People stand under the number of the 中間サーバー side (団体内統合宛名番号), not under the register's.
"""

from pipelines.feeds.feed import Feed

LAYOUT = Feed(
    name="layout", label_ja="データ標準レイアウト(中間サーバー 副本)", label_en="standard data layout (copies for information linkage)",
    source_system_code="8", format="csv", encodings=("utf-8-sig", "utf-8", "cp932"), version="2024.6",
    trust=4, is_register=False, record_names=(
        "vaccination", "antenatal_visit", "delivery", "birth", "child_checkup", "postpartum_visit", "postpartum_care",
    ),
    local_namespace="layout", earlier=("2020.6", "2017.11"), item_form=r"D019\d{3}-\d{4}",
)  # fmt: skip
