"""電子版母子健康手帳: what its users entered themselves, as an app exports it and as apps hand it on to each other (JSON).

The export format of the guideline could not be had (要確認): keys are those of `pipelines/reference/feeds/handbook.csv`;
every value is text, truth values apart, so that nothing changes on its way from app to app. Whatever the app says, a
row is a self-report: it is trusted after every other feed, and it bears out no visit and no birth.
"""

from pipelines.feeds.feed import Feed

HANDBOOK = Feed(
    name="handbook", label_ja="電子版母子健康手帳", label_en="electronic maternal and child health handbook",
    source_system_code="5", format="json", encodings=("utf-8-sig", "utf-8"), version="1",
    trust=9, is_register=False, record_names=("antenatal_visit", "birth", "child_checkup"),
    local_namespace="handbook", evidence_code="3", is_self_entered=True,
)  # fmt: skip
