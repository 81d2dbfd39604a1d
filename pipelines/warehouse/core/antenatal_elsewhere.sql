-- Antenatal rows whose pregnancy number is not the register's (PMH, an agent): they find their pregnancy by resident and
-- month; of several that fit, the one that ends first. A row that fits none is no visit of a pregnancy known here.
-- Where the edge took the month away, their number names the pregnancy (core.pregnancy_elsewhere), or none.
WITH told AS (
    SELECT c.submitter, c.row_key, c.municipality_code, c.visit_no, c.visit_month, c.evidence_code, c.gestation_class,
           c.blood_pressure_systolic_mmhg_class, c.blood_pressure_diastolic_mmhg_class, c.urine_protein_code,
           c.urine_sugar_code, c.hypertensive_disorder_code, c.gestational_diabetes_code, c.judgement_code,
           c.ticket_kind_code, c.entry_channel_code, c.service_municipality_code, c.is_authority, c.trust,
           p.resident_id AS own_resident_id, d.pregnancy_id AS named_id, year(c.visit_month) * 12 + month(c.visit_month) AS visit_index
    FROM landing.current_antenatal_visit c
    JOIN core.resident p ON p.municipality_code = c.municipality_code AND p.resident_key = c.resident_key
    LEFT JOIN core.pregnancy_elsewhere d ON d.municipality_code = c.municipality_code AND d.pregnancy_key = c.pregnancy_key
    WHERE NOT (c.is_register AND c.is_authority)
      AND NOT EXISTS (SELECT 1 FROM core.pregnancy n WHERE n.pregnancy_id = c.pregnancy_key)
),
fits AS (
    SELECT c.*, n.pregnancy_id, n.to_index
    FROM told c
    JOIN core.pregnancy n ON n.municipality_code = c.municipality_code AND n.resident_id = c.own_resident_id
        AND c.visit_index BETWEEN n.from_index AND n.to_index
    UNION ALL
    SELECT c.*, n.pregnancy_id, n.to_index
    FROM told c
    JOIN core.pregnancy n ON n.municipality_code = c.municipality_code AND n.pregnancy_id = c.named_id
    WHERE c.visit_index IS NULL
),
placed AS (
    SELECT fits.*, row_number() OVER (PARTITION BY submitter, row_key ORDER BY to_index, pregnancy_id) AS nearest
    FROM fits
)
SELECT * FROM placed WHERE nearest = 1
