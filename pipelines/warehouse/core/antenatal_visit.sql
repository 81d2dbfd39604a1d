-- One row per visit: the visit number names it within its pregnancy, whatever feed it came through (a month that the
-- edge took away for the sake of the birth day does not make it another visit). The authority's most trusted feed gives
-- the values, the others add evidence. Whose it is, core.pregnancy says. Most visits came once; only the others are ranked.
WITH twice AS (SELECT DISTINCT pregnancy_id, visit_no FROM core.antenatal_elsewhere),
told AS (
    SELECT n.pregnancy_id, c.municipality_code, c.visit_no, c.visit_month, c.evidence_code,
           c.gestation_class, c.blood_pressure_systolic_mmhg_class, c.blood_pressure_diastolic_mmhg_class,
           c.urine_protein_code, c.urine_sugar_code, c.hypertensive_disorder_code, c.gestational_diabetes_code,
           c.judgement_code, c.ticket_kind_code, c.entry_channel_code, c.service_municipality_code,
           c.is_authority, c.trust, c.row_key
    FROM landing.current_antenatal_visit c
    JOIN core.pregnancy n ON n.municipality_code = c.municipality_code AND n.pregnancy_id = c.pregnancy_key
    JOIN twice t ON t.pregnancy_id = n.pregnancy_id AND t.visit_no = c.visit_no
    UNION ALL
    SELECT e.pregnancy_id, e.municipality_code, e.visit_no, e.visit_month, e.evidence_code,
           e.gestation_class, e.blood_pressure_systolic_mmhg_class, e.blood_pressure_diastolic_mmhg_class,
           e.urine_protein_code, e.urine_sugar_code, e.hypertensive_disorder_code, e.gestational_diabetes_code,
           e.judgement_code, e.ticket_kind_code, e.entry_channel_code, e.service_municipality_code,
           e.is_authority, e.trust, e.row_key
    FROM core.antenatal_elsewhere e
),
ranked AS (
    SELECT told.*,
           row_number() OVER (PARTITION BY municipality_code, pregnancy_id, visit_no
                              ORDER BY CASE WHEN is_authority THEN 0 ELSE 1 END, trust, row_key) AS place,
           min(evidence_code) OVER (PARTITION BY municipality_code, pregnancy_id, visit_no) AS best_evidence_code,
           min(visit_month) OVER (PARTITION BY municipality_code, pregnancy_id, visit_no) AS known_month
    FROM told
),
visits AS (
    SELECT pregnancy_id, municipality_code, visit_no,
           coalesce(visit_month, known_month) AS visit_month, best_evidence_code AS evidence_code,
           gestation_class, blood_pressure_systolic_mmhg_class, blood_pressure_diastolic_mmhg_class,
           urine_protein_code, urine_sugar_code, hypertensive_disorder_code, gestational_diabetes_code,
           judgement_code, ticket_kind_code, entry_channel_code, service_municipality_code
    FROM ranked WHERE place = 1 AND is_authority
    UNION ALL
    SELECT n.pregnancy_id, c.municipality_code, c.visit_no, c.visit_month, c.evidence_code,
           c.gestation_class, c.blood_pressure_systolic_mmhg_class, c.blood_pressure_diastolic_mmhg_class,
           c.urine_protein_code, c.urine_sugar_code, c.hypertensive_disorder_code, c.gestational_diabetes_code,
           c.judgement_code, c.ticket_kind_code, c.entry_channel_code, c.service_municipality_code
    FROM landing.current_antenatal_visit c
    JOIN core.pregnancy n ON n.municipality_code = c.municipality_code AND n.pregnancy_id = c.pregnancy_key
    LEFT JOIN twice t ON t.pregnancy_id = n.pregnancy_id AND t.visit_no = c.visit_no
    WHERE c.is_authority AND t.visit_no IS NULL
)
SELECT pregnancy_id, municipality_code, visit_no, visit_month,
       CAST(year(visit_month) - CASE WHEN month(visit_month) < 4 THEN 1 ELSE 0 END AS INTEGER) AS fiscal_year,
       CAST(year(visit_month) AS INTEGER) AS calendar_year, coalesce(evidence_code, 'unknown') AS evidence_code,
       coalesce(gestation_class, 'unknown') AS gestation_class, blood_pressure_systolic_mmhg_class,
       blood_pressure_diastolic_mmhg_class, urine_protein_code, urine_sugar_code, hypertensive_disorder_code,
       gestational_diabetes_code, judgement_code, ticket_kind_code, entry_channel_code, service_municipality_code
FROM visits
