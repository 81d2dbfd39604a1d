-- One row per visit: pregnancy, kind of checkup (list 221) and month. A row whose pregnancy number is not the
-- register's belongs to the delivery of up to three months before (1-month checkup by 8 weeks, and late ones); where the
-- edge took the month away, to the pregnancy of the same number elsewhere. An agent's rows have no month: they tell of the
-- first visit of their kind.
WITH rows_of AS (
    SELECT c.*, p.resident_id, p.person_id,
           coalesce(own.pregnancy_id, CASE WHEN c.visit_month IS NULL THEN d.pregnancy_id END) AS own_id,
           year(c.visit_month) * 12 + month(c.visit_month) AS visit_index
    FROM landing.current_postpartum_visit c
    JOIN core.resident p ON p.municipality_code = c.municipality_code AND p.resident_key = c.resident_key
    LEFT JOIN core.pregnancy own ON own.municipality_code = c.municipality_code AND own.pregnancy_id = c.pregnancy_key
    LEFT JOIN core.pregnancy_elsewhere d ON d.municipality_code = c.municipality_code AND d.pregnancy_key = c.pregnancy_key
),
near AS (
    SELECT r.row_key, r.submitter, n.pregnancy_id,
           row_number() OVER (PARTITION BY r.submitter, r.row_key ORDER BY n.delivery_index DESC, n.pregnancy_id) AS place
    FROM rows_of r
    JOIN core.pregnancy n ON n.municipality_code = r.municipality_code AND n.resident_id = r.resident_id
        AND r.visit_index BETWEEN n.delivery_index AND n.delivery_index + 3
    WHERE r.own_id IS NULL
),
placed AS (
    SELECT r.*, coalesce(r.own_id, n.pregnancy_id) AS pregnancy_id
    FROM rows_of r
    LEFT JOIN near n ON n.submitter = r.submitter AND n.row_key = r.row_key AND n.place = 1
    WHERE r.own_id IS NOT NULL OR n.pregnancy_id IS NOT NULL
),
undated AS (
    SELECT DISTINCT municipality_code, pregnancy_id, visit_kind_code
    FROM placed WHERE visit_month IS NULL AND submitter <> municipality_code
),
firsts AS (
    SELECT u.municipality_code, u.pregnancy_id, u.visit_kind_code, min(p.visit_month) AS first_month
    FROM undated u
    JOIN placed p ON p.municipality_code = u.municipality_code AND p.pregnancy_id = u.pregnancy_id
        AND p.visit_kind_code = u.visit_kind_code
    GROUP BY u.municipality_code, u.pregnancy_id, u.visit_kind_code
),
dated AS (
    SELECT p.*, CASE WHEN p.submitter = p.municipality_code THEN p.visit_month
                     ELSE coalesce(p.visit_month, f.first_month) END AS known_month
    FROM placed p
    LEFT JOIN firsts f ON f.municipality_code = p.municipality_code AND f.pregnancy_id = p.pregnancy_id
        AND f.visit_kind_code = p.visit_kind_code
),
ranked AS (
    SELECT dated.*,
           row_number() OVER (PARTITION BY municipality_code, pregnancy_id, visit_kind_code, known_month
                              ORDER BY CASE WHEN is_authority THEN 0 ELSE 1 END, trust,
                                       CASE WHEN epds_total IS NULL THEN 1 ELSE 0 END, row_key) AS place,
           min(evidence_code) OVER (PARTITION BY municipality_code, pregnancy_id, visit_kind_code, known_month)
               AS best_evidence_code
    FROM dated
)
SELECT pregnancy_id, resident_id, person_id, municipality_code, visit_kind_code, known_month AS visit_month,
       CAST(year(known_month) - CASE WHEN month(known_month) < 4 THEN 1 ELSE 0 END AS INTEGER) AS fiscal_year,
       CAST(year(known_month) AS INTEGER) AS calendar_year,
       coalesce(best_evidence_code, 'unknown') AS evidence_code, epds_total, coalesce(epds_status, 'none') AS epds_status,
       judgement_code, entry_channel_code, service_municipality_code
FROM ranked
WHERE place = 1 AND is_authority
