"""What a record is: one file per stage of life. A new record is one entry there, listed here."""

from pipelines.declaration import Record
from pipelines.records import (
    administration,
    child,
    delivery,
    dental,
    followup,
    handbook,
    municipality,
    newborn,
    postpartum,
    pregnancy,
    residency,
    support,
    vaccination,
)

RECORDS: dict[str, Record] = {
    record.name: record
    for record in (
        residency.RESIDENCY_SPELL,
        pregnancy.NOTIFICATION,
        handbook.PREGNANCY_QUESTIONNAIRE,
        handbook.HANDBOOK_ISSUE,
        handbook.EHANDBOOK_REGISTRATION,
        pregnancy.ANTENATAL_VISIT,
        dental.MATERNAL_DENTAL,
        delivery.DELIVERY,
        delivery.BIRTH,
        newborn.NEWBORN_SCREENING,
        delivery.POSTPARTUM_VISIT,
        postpartum.POSTPARTUM_CARE,
        support.HOME_VISIT,
        support.CONSULTATION,
        support.SUPPORT_PLAN,
        child.CHECKUP_TARGET,
        child.CHECKUP,
        child.QUESTIONNAIRE,
        dental.CHILD_DENTAL,
        followup.DETAILED_EXAM,
        followup.NONATTENDER_FOLLOWUP,
        vaccination.VACCINATION,
        vaccination.VACCINATION_REQUEST,
        vaccination.RUBELLA_TEST,
        vaccination.INFECTION,
        administration.CHECKUP_TICKET,
        administration.CLAIM,
        administration.INFORMATION_REQUEST,
        administration.OWN_MEASURE,
        municipality.MUNICIPAL_PROGRAMME,
    )
}
