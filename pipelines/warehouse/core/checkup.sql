-- One row per visit (child, programme, month): the authority's most trusted feed gives the values, others add evidence.
-- A visit from a feed that is no register counts only where its child is linked to a child of the register.
WITH ranked AS (
    SELECT c.*, p.resident_id, p.person_id, p.is_registered,
           row_number() OVER (PARTITION BY c.municipality_code, p.resident_id, c.programme_code, c.visit_month
                              ORDER BY CASE WHEN c.is_authority THEN 0 ELSE 1 END, c.trust, c.row_key) AS place,
           min(c.evidence_code) OVER (PARTITION BY c.municipality_code, p.resident_id, c.programme_code, c.visit_month)
               AS best_evidence_code
    FROM landing.current_child_checkup c
    JOIN core.resident p ON p.municipality_code = c.municipality_code AND p.resident_key = c.resident_key
)
SELECT resident_id, person_id, municipality_code, programme_code, visit_month, fiscal_year, calendar_year,
       coalesce(best_evidence_code, 'unknown') AS evidence_code, coalesce(sex_code, 'unknown') AS sex_code,
       age_months, coalesce(window_class, 'unknown') AS window_class, mode_code, nutrition_code, judgement_code,
       height_class, weight_class, ticket_kind_code, entry_channel_code, service_municipality_code
FROM ranked
WHERE place = 1 AND is_authority AND is_registered
