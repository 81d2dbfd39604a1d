-- One row per child and programme of the town's own target list: its last entry, whether the child was seen for it
-- through any feed, and the day before which the legal window is open (known.programme_window).
WITH ranked AS (
    SELECT t.*, row_number() OVER (PARTITION BY t.local_number, t.programme_code
                                   ORDER BY t.target_fiscal_year DESC, t.scheduled_date DESC) AS place
    FROM told.child_checkup_target t WHERE t.is_register
),
mothers AS (
    SELECT local_number, min(mother_local) AS mother_local
    FROM told.birth WHERE is_register GROUP BY local_number
)
SELECT t.local_number, coalesce(m.mother_local, t.local_number) AS household, t.programme_code, t.scheduled_date,
       t.removed_reason_code IS NULL AS is_target,
       EXISTS (SELECT 1 FROM told.child_checkup c
               WHERE c.local_number = t.local_number AND c.programme_code = t.programme_code
                 AND coalesce(c.evidence_code, '1') IN ('1', '2')) AS is_seen,
       t.birth_date + to_months(w.below_months) AS window_end,
       t.local_number IN (SELECT local_number FROM known.deceased)
           OR coalesce(m.mother_local IN (SELECT local_number FROM known.deceased), FALSE) AS is_deceased,
       FALSE AS is_lost, r.left_date
FROM ranked t
JOIN known.programme_window w ON w.programme_code = t.programme_code
LEFT JOIN mothers m ON m.local_number = t.local_number
LEFT JOIN own.resident r ON r.local_number = t.local_number
WHERE t.place = 1
