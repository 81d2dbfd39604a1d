"""PMH (Public Medical Hub): whom a municipality registers (対象者, 受診券), what people answer (問診票), what facilities
find (健診結果). JSON in the house style of its published APIs; the 母子保健 API itself is 要確認.

`modificationSeg` 1 registers or updates, 2 deletes; `myNumber` is thrown away by the parser unread; `basicFiveInfo`
serves inside tokens only.
"""

from pipelines.feeds.feed import Feed

PMH = Feed(
    name="pmh", label_ja="PMH(Public Medical Hub)", label_en="PMH (Public Medical Hub)",
    source_system_code="3", format="json", encodings=("utf-8-sig", "utf-8"), version="1",
    trust=1, is_register=False, record_names=(
        "child_checkup_target", "checkup_ticket", "pregnancy_questionnaire", "child_questionnaire",
        "antenatal_visit", "postpartum_visit", "child_checkup",
    ),
    dropped=("myNumber",), local_namespace="pmh",
)  # fmt: skip
