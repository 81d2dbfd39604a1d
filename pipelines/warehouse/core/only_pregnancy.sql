-- Residents of whom the register knows one pregnancy: what an agent tells of without a month can be of no other.
SELECT municipality_code, resident_id, min(pregnancy_id) AS pregnancy_id
FROM core.pregnancy
GROUP BY municipality_code, resident_id
HAVING count(*) = 1
