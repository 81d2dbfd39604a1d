-- One row per child, programme and year of the municipality's own list (対象者名簿); PMH's is evidence, not the list.
WITH ranked AS (
    SELECT c.*, p.resident_id, p.person_id,
           row_number() OVER (PARTITION BY c.municipality_code, p.resident_id, c.programme_code, c.target_fiscal_year
                              ORDER BY c.trust, c.row_key) AS place
    FROM landing.current_child_checkup_target c
    JOIN core.resident p ON p.municipality_code = c.municipality_code AND p.resident_key = c.resident_key
    WHERE c.is_authority AND c.is_register
)
SELECT resident_id, person_id, municipality_code, programme_code, target_fiscal_year, scheduled_month,
       coalesce(target_reason_code, 'unknown') AS target_reason_code, coalesce(is_removed, FALSE) AS is_removed,
       coalesce(sex_code, 'unknown') AS sex_code
FROM ranked
WHERE place = 1
