-- Pregnancies that the register knows, with the months between which a visit belongs to them:
-- from ten months before the delivery; while there is none, around the notification, else around the visits known.
-- A delivery that another feed tells of ends the resident's pregnancy of that time, where the register tells of none.
WITH told AS (
    SELECT municipality_code, resident_key, pregnancy_key, delivery_month AS delivered, NULL AS notified, NULL AS visited
    FROM landing.current_delivery WHERE is_authority AND is_register
    UNION ALL
    SELECT municipality_code, resident_key, pregnancy_key, NULL, notified_month, NULL
    FROM landing.current_pregnancy_notification WHERE is_authority AND is_register
    UNION ALL
    SELECT municipality_code, resident_key, pregnancy_key, NULL, NULL, visit_month
    FROM landing.current_antenatal_visit WHERE is_authority AND is_register
    UNION ALL
    SELECT municipality_code, resident_key, pregnancy_key, NULL, NULL, NULL
    FROM landing.current_postpartum_visit WHERE is_authority AND is_register
),
months AS (
    SELECT municipality_code, pregnancy_key, min(resident_key) AS resident_key, max(delivered) AS delivery_month,
           max(year(delivered) * 12 + month(delivered)) AS delivery_index,
           min(year(notified) * 12 + month(notified)) AS notified_index,
           min(year(visited) * 12 + month(visited)) AS first_visit_index,
           max(year(visited) * 12 + month(visited)) AS last_visit_index
    FROM told GROUP BY municipality_code, pregnancy_key
),
known AS (
    SELECT m.*, p.resident_id, p.person_id,
           coalesce(m.delivery_index - 10, m.notified_index - 1, m.last_visit_index - 9) AS from_index,
           coalesce(m.delivery_index, m.notified_index + 9, m.first_visit_index + 9) AS to_index
    FROM months m
    JOIN core.resident p ON p.municipality_code = m.municipality_code AND p.resident_key = m.resident_key
),
elsewhere AS (
    SELECT p.municipality_code, p.resident_id, c.delivery_month,
           year(c.delivery_month) * 12 + month(c.delivery_month) AS delivery_index
    FROM landing.current_delivery c
    JOIN core.resident p ON p.municipality_code = c.municipality_code AND p.resident_key = c.resident_key
    WHERE c.is_authority AND NOT c.is_register
),
ended AS (
    SELECT k.municipality_code, k.pregnancy_key, max(e.delivery_month) AS delivery_month,
           max(e.delivery_index) AS delivery_index
    FROM known k
    JOIN elsewhere e ON e.municipality_code = k.municipality_code AND e.resident_id = k.resident_id
        AND e.delivery_index BETWEEN k.from_index AND k.to_index
    LEFT JOIN known own ON own.municipality_code = e.municipality_code AND own.resident_id = e.resident_id
        AND own.delivery_index = e.delivery_index
    WHERE k.delivery_index IS NULL AND own.pregnancy_key IS NULL
    GROUP BY k.municipality_code, k.pregnancy_key
)
SELECT k.pregnancy_key AS pregnancy_id, k.municipality_code, k.resident_id, k.person_id,
       coalesce(k.delivery_month, e.delivery_month) AS delivery_month,
       coalesce(k.delivery_index, e.delivery_index) AS delivery_index,
       coalesce(e.delivery_index - 10, k.from_index) AS from_index, coalesce(e.delivery_index, k.to_index) AS to_index
FROM known k
LEFT JOIN ended e ON e.municipality_code = k.municipality_code AND e.pregnancy_key = k.pregnancy_key
