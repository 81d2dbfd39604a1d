-- One row per pregnancy of the register, notified or delivered. A birth record is a delivery too; visits count whatever
-- feed they came through, by result (1) or by cost (2); a visit that says nothing of its evidence is one.
WITH numbers AS (
    SELECT local_number, pregnancy_no FROM told.pregnancy_notification WHERE is_register
    UNION
    SELECT local_number, pregnancy_no FROM told.delivery WHERE is_register
),
notified AS (
    SELECT local_number, pregnancy_no, min(notified_date) AS notified_date, max(due_date) AS due_date
    FROM told.pregnancy_notification WHERE is_register GROUP BY local_number, pregnancy_no
),
delivered AS (
    SELECT local_number, pregnancy_no, max(delivery_date) AS delivery_date, max(gestation_weeks) AS gestation_weeks,
           bool_or(substr(service_municipality_code, 1, 2) <> substr(residence_municipality_code, 1, 2)) AS is_outside
    FROM told.delivery WHERE is_register GROUP BY local_number, pregnancy_no
),
born AS (
    SELECT mother_local AS local_number, pregnancy_no, max(birth_date) AS birth_date,
           bool_or(local_number IN (SELECT local_number FROM known.deceased)) AS is_deceased
    FROM told.birth WHERE is_register AND mother_local IS NOT NULL GROUP BY mother_local, pregnancy_no
),
seen AS (
    SELECT local_number, max(visit_date) AS last_visit_date
    FROM told.antenatal_visit WHERE coalesce(evidence_code, '1') IN ('1', '2') GROUP BY local_number
),
spoken AS (
    SELECT local_number, max(day) AS last_contact_date
    FROM (SELECT local_number, consulted_date AS day FROM told.consultation WHERE target_code = '1'
          UNION ALL SELECT local_number, visit_date FROM told.home_visit WHERE visit_target_code = '1')
    GROUP BY local_number
)
SELECT p.local_number, p.local_number AS household, p.pregnancy_no, n.notified_date, n.due_date,
       coalesce(d.delivery_date, b.birth_date) AS delivery_date,
       least(greatest(d.gestation_weeks, 22), 42) AS gestation_weeks_class,
       coalesce(d.is_outside, FALSE) AS is_delivered_outside, v.last_visit_date, c.last_contact_date,
       EXISTS (SELECT 1 FROM told.postpartum_visit t
               WHERE t.local_number = p.local_number AND t.visit_kind_code IN ('1', '2')
                 AND coalesce(t.evidence_code, '1') IN ('1', '2')
                 AND t.visit_date >= coalesce(d.delivery_date, b.birth_date)) AS is_seen_postpartum,
       coalesce(b.is_deceased, FALSE) OR p.local_number IN (SELECT local_number FROM known.deceased) AS is_deceased,
       EXISTS (SELECT 1 FROM known.lost k
               WHERE k.local_number = p.local_number AND k.pregnancy_no = p.pregnancy_no) AS is_lost,
       r.left_date
FROM numbers p
LEFT JOIN notified n ON n.local_number = p.local_number AND n.pregnancy_no = p.pregnancy_no
LEFT JOIN delivered d ON d.local_number = p.local_number AND d.pregnancy_no = p.pregnancy_no
LEFT JOIN born b ON b.local_number = p.local_number AND b.pregnancy_no = p.pregnancy_no
LEFT JOIN seen v ON v.local_number = p.local_number
LEFT JOIN spoken c ON c.local_number = p.local_number
LEFT JOIN own.resident r ON r.local_number = p.local_number
