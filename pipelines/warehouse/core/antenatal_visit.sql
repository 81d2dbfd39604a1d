-- One row per visit: the visit number names it within its pregnancy, whatever feed it came through (a month that the
-- edge took away for the sake of the birth day does not make it another visit).
-- A row whose pregnancy number is not the register's finds its pregnancy by resident and month.
WITH rows_of AS (
    SELECT c.*, p.resident_id, p.person_id, own.pregnancy_id AS own_id,
           year(c.visit_month) * 12 + month(c.visit_month) AS visit_index
    FROM landing.current_antenatal_visit c
    JOIN core.resident p ON p.municipality_code = c.municipality_code AND p.resident_key = c.resident_key
    LEFT JOIN core.pregnancy own ON own.municipality_code = c.municipality_code AND own.pregnancy_key = c.pregnancy_key
),
near AS (
    SELECT r.row_key, r.submitter, n.pregnancy_id,
           row_number() OVER (PARTITION BY r.submitter, r.row_key ORDER BY n.to_index, n.pregnancy_id) AS place
    FROM rows_of r
    JOIN core.pregnancy n ON n.municipality_code = r.municipality_code AND n.resident_id = r.resident_id
        AND r.visit_index BETWEEN n.from_index AND n.to_index
    WHERE r.own_id IS NULL
),
placed AS (
    SELECT r.*, coalesce(r.own_id, n.pregnancy_id) AS pregnancy_id
    FROM rows_of r
    LEFT JOIN near n ON n.submitter = r.submitter AND n.row_key = r.row_key AND n.place = 1
    WHERE r.own_id IS NOT NULL OR n.pregnancy_id IS NOT NULL
),
ranked AS (
    SELECT placed.*,
           row_number() OVER (PARTITION BY municipality_code, pregnancy_id, visit_no
                              ORDER BY CASE WHEN is_authority THEN 0 ELSE 1 END, trust, row_key) AS place,
           min(evidence_code) OVER (PARTITION BY municipality_code, pregnancy_id, visit_no) AS best_evidence_code,
           min(visit_month) OVER (PARTITION BY municipality_code, pregnancy_id, visit_no) AS known_month
    FROM placed
)
SELECT pregnancy_id, resident_id, person_id, municipality_code, visit_no,
       coalesce(visit_month, known_month) AS visit_month,
       CAST(year(coalesce(visit_month, known_month))
            - CASE WHEN month(coalesce(visit_month, known_month)) < 4 THEN 1 ELSE 0 END AS INTEGER) AS fiscal_year,
       CAST(year(coalesce(visit_month, known_month)) AS INTEGER) AS calendar_year,
       coalesce(best_evidence_code, 'unknown') AS evidence_code, coalesce(gestation_class, 'unknown') AS gestation_class,
       blood_pressure_systolic_mmhg_class, blood_pressure_diastolic_mmhg_class, urine_protein_code, urine_sugar_code,
       hypertensive_disorder_code, gestational_diabetes_code, judgement_code, ticket_kind_code, entry_channel_code,
       service_municipality_code
FROM ranked
WHERE place = 1 AND is_authority
