-- Everybody on the register: the day on which the last spell ended, null while one is open; and whether they died.
-- `known.deceased` also holds deaths told by rows that the check refused.
SELECT s.local_number, CASE WHEN count(*) = count(s.resident_to_date) THEN max(s.resident_to_date) END AS left_date
FROM told.residency_spell s
GROUP BY s.local_number
