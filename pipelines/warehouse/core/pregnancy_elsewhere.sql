-- Pregnancies of the register under the numbers of other feeds: a feed's number is that of the pregnancy whose delivery,
-- by resident and month, the feed tells of under it. An agent tells of no delivery and of no month: its number is that of
-- the resident's only pregnancy, where the agent too tells of no other. Every other number names none.
WITH told AS (
    SELECT c.municipality_code, c.pregnancy_key, min(n.pregnancy_id) AS pregnancy_id
    FROM landing.current_delivery c
    JOIN core.resident p ON p.municipality_code = c.municipality_code AND p.resident_key = c.resident_key
    JOIN core.pregnancy n ON n.municipality_code = c.municipality_code AND n.resident_id = p.resident_id
        AND n.delivery_index = year(c.delivery_month) * 12 + month(c.delivery_month)
    WHERE NOT c.is_register
    GROUP BY c.municipality_code, c.pregnancy_key
),
by_agents AS (
    SELECT submitter, municipality_code, resident_key, pregnancy_key
    FROM landing.current_antenatal_visit WHERE submitter <> municipality_code AND NOT is_register
    UNION
    SELECT submitter, municipality_code, resident_key, pregnancy_key
    FROM landing.current_postpartum_visit WHERE submitter <> municipality_code AND NOT is_register
),
numbered AS (
    SELECT a.submitter, a.municipality_code, p.resident_id, min(a.pregnancy_key) AS pregnancy_key
    FROM by_agents a
    JOIN core.resident p ON p.municipality_code = a.municipality_code AND p.resident_key = a.resident_key
    GROUP BY a.submitter, a.municipality_code, p.resident_id
    HAVING min(a.pregnancy_key) = max(a.pregnancy_key)
),
only_ones AS (
    SELECT municipality_code, resident_id, min(pregnancy_id) AS pregnancy_id
    FROM core.pregnancy
    GROUP BY municipality_code, resident_id
    HAVING count(*) = 1
)
SELECT municipality_code, pregnancy_key, pregnancy_id FROM told
UNION ALL
SELECT a.municipality_code, a.pregnancy_key, o.pregnancy_id
FROM numbered a
JOIN only_ones o ON o.municipality_code = a.municipality_code AND o.resident_id = a.resident_id
LEFT JOIN told t ON t.municipality_code = a.municipality_code AND t.pregnancy_key = a.pregnancy_key
WHERE t.pregnancy_key IS NULL
