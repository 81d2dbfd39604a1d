"""乳幼児健診情報システム (健やか親子21): workbooks of any name, with a line per child (個票) and sheets of sums (集計値).

The real workbook's sheets could not be had (要確認): headings are those of `pipelines/reference/feeds/excel.csv`, found
wherever they stand on a sheet. What a sheet's title says of all of its lines stands in `excel_sheets.csv`, how sums
are told in `excel_aggregate.csv`. Macros are never run, links never followed, hidden sheets never taken. The number of
a line is the workbook's own: whoever fills it in may not have the register's.
"""

from pipelines.feeds.feed import Feed

EXCEL = Feed(
    name="excel", label_ja="乳幼児健診情報システム(Excel)", label_en="checkup workbook (Excel)",
    source_system_code="7", format="workbook", encodings=(), version="1",
    trust=5, is_register=False, record_names=("child_checkup", "child_questionnaire"),
    local_namespace="excel", suffixes=(".xlsm", ".xlsx"),
)  # fmt: skip
