-- One row per complete EPDS after a delivery of the register, through whatever feed: its total and last item, and the
-- first contact of a nurse with mother or child on its day or later (visit, consultation, postpartum care, referral).
WITH mothers AS (
    SELECT local_number, min(mother_local) AS mother_local
    FROM told.birth WHERE is_register AND mother_local IS NOT NULL GROUP BY local_number
),
contacts AS (
    SELECT coalesce(m.mother_local, c.local_number) AS local_number, c.day
    FROM (
        SELECT local_number, visit_date AS day FROM told.home_visit
        UNION ALL SELECT local_number, consulted_date FROM told.consultation
        UNION ALL SELECT local_number, used_date FROM told.postpartum_care
        UNION ALL SELECT local_number, referred_date FROM told.detailed_exam
    ) c
    LEFT JOIN mothers m ON m.local_number = c.local_number
),
screens AS (
    SELECT local_number, visit_date,
           CAST(epds_item_1 AS INTEGER) + CAST(epds_item_2 AS INTEGER) + CAST(epds_item_3 AS INTEGER)
               + CAST(epds_item_4 AS INTEGER) + CAST(epds_item_5 AS INTEGER) + CAST(epds_item_6 AS INTEGER)
               + CAST(epds_item_7 AS INTEGER) + CAST(epds_item_8 AS INTEGER) + CAST(epds_item_9 AS INTEGER)
               + CAST(epds_item_10 AS INTEGER) AS epds_total,
           CAST(epds_item_10 AS INTEGER) AS epds_item_10
    FROM told.postpartum_visit
)
SELECT p.local_number, p.household, p.pregnancy_no, p.delivery_date, p.gestation_weeks_class, s.visit_date, s.epds_total,
       s.epds_item_10,
       (SELECT min(c.day) FROM contacts c WHERE c.local_number = s.local_number AND c.day >= s.visit_date) AS contact_date,
       p.is_deceased, p.is_lost, p.left_date
FROM screens s
JOIN own.pregnancy p ON p.local_number = s.local_number AND p.delivery_date <= s.visit_date
