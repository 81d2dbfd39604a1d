-- Who lives where, from when to when; the authority's word alone.
SELECT p.resident_id, p.person_id, c.municipality_code,
       c.resident_from_month AS from_month, c.resident_to_month AS to_month,
       coalesce(c.is_left, FALSE) AS is_left, coalesce(c.in_reason_code, 'unknown') AS in_reason_code
FROM landing.current_residency_spell c
JOIN core.resident p ON p.municipality_code = c.municipality_code AND p.resident_key = c.resident_key
WHERE c.is_authority
