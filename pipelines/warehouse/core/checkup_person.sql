-- One row per child, programme and fiscal year: on that year's list (対象人員), seen in that year (受診実人員), or both.
WITH told AS (
    SELECT municipality_code, resident_id, person_id, programme_code, target_fiscal_year AS fiscal_year,
           CASE WHEN is_removed THEN 0 ELSE 1 END AS target, 0 AS seen, sex_code
    FROM core.checkup_target
    UNION ALL
    SELECT municipality_code, resident_id, person_id, programme_code, fiscal_year, 0,
           CASE WHEN evidence_code IN ('1', '2') THEN 1 ELSE 0 END, sex_code
    FROM core.checkup
)
SELECT municipality_code, resident_id, person_id,
       programme_code, fiscal_year, max(target) = 1 AS is_target, max(seen) = 1 AS is_seen, min(sex_code) AS sex_code
FROM told
GROUP BY municipality_code, resident_id, person_id, programme_code, fiscal_year
