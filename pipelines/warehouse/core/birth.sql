-- One row per child born alive (a loss never leaves its source); the mother is found by the local pregnancy number.
-- A birth that another feed tells of counts only where its child is linked to a child of the register, and where it is
-- no self-report (evidence 3).
WITH ranked AS (
    SELECT c.*, p.resident_id, p.person_id,
           row_number() OVER (PARTITION BY c.municipality_code, p.resident_id ORDER BY c.trust, c.row_key) AS place
    FROM landing.current_birth c
    JOIN core.resident p ON p.municipality_code = c.municipality_code AND p.resident_key = c.resident_key
    WHERE c.is_authority AND (c.is_register OR (p.is_registered AND c.evidence_code IN ('1', '2')))
)
SELECT b.resident_id AS entity_id, b.municipality_code, b.birth_month, b.fiscal_year, b.calendar_year,
       CASE WHEN b.sex_code IN ('1', '2') THEN b.sex_code ELSE 'unknown' END AS sex_code,
       b.birth_weight_g_class, coalesce(b.gestation_weeks_class, d.gestation_weeks_class) AS gestation_weeks_class,
       CASE WHEN b.plurality_class = 1 THEN '1' WHEN b.plurality_class >= 2 THEN '2-' ELSE 'unknown' END AS plurality_class,
       coalesce(d.mother_age_class, 'unknown') AS mother_age_class,
       coalesce(d.birth_order_class, 'unknown') AS birth_order_class,
       coalesce(b.resident_type_code, 'unknown') AS resident_type_class, b.child_order,
       b.resident_id, b.person_id, d.resident_id AS mother_resident_id
FROM ranked b
LEFT JOIN core.pregnancy_elsewhere e ON e.municipality_code = b.municipality_code AND e.pregnancy_key = b.pregnancy_key
LEFT JOIN core.delivery d ON d.municipality_code = b.municipality_code
    AND d.entity_id = coalesce(e.pregnancy_id, b.pregnancy_key)
WHERE b.place = 1
