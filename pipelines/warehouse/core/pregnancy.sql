-- Pregnancies that the register knows, with the months between which a visit belongs to them:
-- from ten months before the delivery; while there is none, around the notification, else around the visits known.
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
)
SELECT m.pregnancy_key AS pregnancy_id, m.municipality_code, p.resident_id, p.person_id,
       m.delivery_month, m.delivery_index,
       coalesce(m.delivery_index - 10, m.notified_index - 1, m.last_visit_index - 9) AS from_index,
       coalesce(m.delivery_index, m.notified_index + 9, m.first_visit_index + 9) AS to_index
FROM months m
JOIN core.resident p ON p.municipality_code = m.municipality_code AND p.resident_key = m.resident_key
