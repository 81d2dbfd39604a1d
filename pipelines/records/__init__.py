"""What a record is: one file per stage of life. A new record is one entry there, listed here."""

from pipelines.declaration import Record
from pipelines.records import child, delivery, pregnancy, residency

RECORDS: dict[str, Record] = {
    record.name: record
    for record in (
        residency.RESIDENCY_SPELL,
        pregnancy.NOTIFICATION,
        pregnancy.ANTENATAL_VISIT,
        delivery.DELIVERY,
        delivery.BIRTH,
        delivery.POSTPARTUM_VISIT,
        child.CHECKUP_TARGET,
        child.CHECKUP,
        child.QUESTIONNAIRE,
    )
}
