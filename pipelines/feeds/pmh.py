"""PMH (Public Medical Hub): JSON in the house style of its published APIs; the 母子保健 API itself is 要確認.

`modificationSeg` 1 registers or updates, 2 deletes; `myNumber` is thrown away by the parser unread; `basicFiveInfo`
serves inside tokens only.
"""

from pipelines.feeds.feed import Feed

PMH = Feed(
    name="pmh", label_ja="PMH(Public Medical Hub)", label_en="PMH (Public Medical Hub)",
    source_system_code="3", format="json", encodings=("utf-8-sig", "utf-8"), version="1",
    trust=1, is_register=False, record_names=("antenatal_visit", "child_checkup", "child_questionnaire"),
    dropped=("myNumber",), local_namespace="pmh",
)  # fmt: skip
