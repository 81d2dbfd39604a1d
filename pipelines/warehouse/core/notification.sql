-- One row per pregnancy and municipality: a new filing, or a filing again after a move (reason 2).
WITH ranked AS (
    SELECT c.*, p.resident_id, p.person_id,
           row_number() OVER (PARTITION BY c.municipality_code, c.pregnancy_key ORDER BY c.trust, c.row_key) AS place
    FROM landing.current_pregnancy_notification c
    JOIN core.resident p ON p.municipality_code = c.municipality_code AND p.resident_key = c.resident_key
    WHERE c.is_authority
)
SELECT pregnancy_key AS entity_id, municipality_code, fiscal_year, calendar_year,
       coalesce(notification_reason_code, 'unknown') AS notification_reason_code,
       coalesce(notification_stage_code, 'unknown') AS notification_stage_code, notified_month,
       coalesce(mother_age_class, 'unknown') AS mother_age_class,
       coalesce(resident_type_code, 'unknown') AS resident_type_class,
       CASE WHEN parity_class = 0 THEN '1' WHEN parity_class = 1 THEN '2' WHEN parity_class >= 2 THEN '3-'
            ELSE 'unknown' END AS birth_order_class,
       resident_id, person_id
FROM ranked
WHERE place = 1
