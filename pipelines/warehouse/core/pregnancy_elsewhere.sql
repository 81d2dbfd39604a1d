-- Pregnancies of the register under the numbers of other feeds: a feed's number is that of the pregnancy whose delivery,
-- by resident and month, the feed tells of under it. A number without a delivery names none.
SELECT c.municipality_code, c.pregnancy_key, min(n.pregnancy_id) AS pregnancy_id
FROM landing.current_delivery c
JOIN core.resident p ON p.municipality_code = c.municipality_code AND p.resident_key = c.resident_key
JOIN core.pregnancy n ON n.municipality_code = c.municipality_code AND n.resident_id = p.resident_id
    AND n.delivery_index = year(c.delivery_month) * 12 + month(c.delivery_month)
WHERE NOT c.is_register
GROUP BY c.municipality_code, c.pregnancy_key
