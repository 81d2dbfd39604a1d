"""Electronic health records: HL7 FHIR R4 bundles (`.json`) and NDJSON, in files of any name.

No Japanese profile of pregnancy, birth and child checkups exists (要確認): which resource gives a row of which record
stands in `ehr_events.csv`, which code is which field in `ehr_items.csv` and `ehr.csv`, all in
`pipelines/reference/feeds/`. JP Core 1.2 codes, PHR document types 43 and 44, LOINC, SNOMED CT, JLAC10; codes of the
project (`urn:mchdb:`) where none was found. A visit number may be worked out from a pregnancy's visits, so the
municipality's own word goes first.
"""

from pipelines.feeds.feed import Feed

EHR = Feed(
    name="ehr", label_ja="電子カルテ(HL7 FHIR R4)", label_en="electronic health record (HL7 FHIR R4)",
    source_system_code="4", format="fhir", encodings=("utf-8-sig", "utf-8"), version="1",
    trust=3, is_register=False,
    record_names=("antenatal_visit", "delivery", "birth", "postpartum_visit", "child_checkup"),
    local_namespace="ehr", suffixes=(".json", ".ndjson"), evidence_code="1",
)  # fmt: skip
