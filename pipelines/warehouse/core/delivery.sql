-- One row per pregnancy delivered, with what belongs to it: notification, visits before, checkup and EPDS after.
-- A delivery that another feed tells of is one of the register's pregnancies (by resident and month), or none.
WITH told AS (
    SELECT c.*, p.resident_id, p.person_id,
           CASE WHEN c.is_register THEN c.pregnancy_key ELSE e.pregnancy_id END AS entity_id
    FROM landing.current_delivery c
    JOIN core.resident p ON p.municipality_code = c.municipality_code AND p.resident_key = c.resident_key
    LEFT JOIN core.pregnancy_elsewhere e ON e.municipality_code = c.municipality_code AND e.pregnancy_key = c.pregnancy_key
    WHERE c.is_authority AND (c.is_register OR e.pregnancy_id IS NOT NULL)
),
ranked AS (
    SELECT told.*, row_number() OVER (PARTITION BY municipality_code, entity_id ORDER BY trust, row_key) AS place
    FROM told
),
antenatal AS (
    SELECT municipality_code, pregnancy_id, count(*) AS visits
    FROM core.antenatal_visit WHERE evidence_code IN ('1', '2') GROUP BY municipality_code, pregnancy_id
),
postpartum AS (
    SELECT municipality_code, pregnancy_id,
           max(CASE WHEN visit_kind_code = '2' AND evidence_code IN ('1', '2') THEN 1 ELSE 0 END) AS seen_1m
    FROM core.postpartum_visit GROUP BY municipality_code, pregnancy_id
),
epds AS (  -- per woman: the 1-month result, else the 2-week one; the later of two
    SELECT municipality_code, pregnancy_id, epds_total,
           row_number() OVER (PARTITION BY municipality_code, pregnancy_id
                              ORDER BY visit_kind_code DESC, visit_month DESC, epds_total DESC) AS place
    FROM core.postpartum_visit WHERE visit_kind_code IN ('1', '2') AND epds_total IS NOT NULL
)
SELECT d.entity_id, d.municipality_code, d.delivery_month, d.fiscal_year, d.calendar_year, d.gestation_weeks_class,
       coalesce(d.mother_age_class, 'unknown') AS mother_age_class,
       CASE WHEN d.parity_class = 0 THEN '1' WHEN d.parity_class = 1 THEN '2' WHEN d.parity_class >= 2 THEN '3-'
            ELSE coalesce(n.birth_order_class, 'unknown') END AS birth_order_class,
       CASE WHEN d.number_of_children_class = 1 THEN '1' WHEN d.number_of_children_class >= 2 THEN '2-'
            ELSE 'unknown' END AS plurality_class,
       CASE WHEN d.service_municipality_code IS NULL OR s.city_code IS NULL THEN 'unknown'
            WHEN s.city_code = coalesce(h.city_code, d.municipality_code) THEN 'municipality'
            WHEN substr(s.city_code, 1, 2) = substr(d.municipality_code, 1, 2) THEN 'prefecture'
            ELSE 'outside' END AS place_class,
       coalesce(n.notification_reason_code = '1' AND n.notification_stage_code = '1', FALSE) AS is_notified_early,
       coalesce(a.visits, 0) AS antenatal_visits, coalesce(t.seen_1m, 0) = 1 AS is_seen_postpartum_1m, e.epds_total,
       d.method_code, d.course_code, d.resident_id, d.person_id
FROM ranked d
LEFT JOIN core.notification n ON n.municipality_code = d.municipality_code AND n.entity_id = d.entity_id
LEFT JOIN antenatal a ON a.municipality_code = d.municipality_code AND a.pregnancy_id = d.entity_id
LEFT JOIN postpartum t ON t.municipality_code = d.municipality_code AND t.pregnancy_id = d.entity_id
LEFT JOIN epds e ON e.municipality_code = d.municipality_code AND e.pregnancy_id = d.entity_id AND e.place = 1
LEFT JOIN state.municipality s ON s.code = d.service_municipality_code
LEFT JOIN state.municipality h ON h.code = d.municipality_code
WHERE d.place = 1
