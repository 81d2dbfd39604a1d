-- One row per person of the register with their last move in, and what is known of visits, vaccinations and requests:
-- the rules ask for an age, so that only children are met; a referral may be a mother's (own.referral).
WITH mothers AS (
    SELECT local_number, min(mother_local) AS mother_local
    FROM told.birth WHERE is_register GROUP BY local_number
),
persons AS (
    SELECT local_number, min(birth_date) AS birth_date, max(moved_in_date) AS moved_in_date
    FROM (
        SELECT local_number, birth_date, CASE WHEN in_reason_code = '2' THEN resident_from_date END AS moved_in_date
        FROM told.residency_spell WHERE is_register
        UNION ALL SELECT local_number, birth_date, NULL FROM told.birth WHERE is_register
    )
    GROUP BY local_number
),
doses AS (
    SELECT local_number, bool_or(vaccine_code = 'measles_rubella') AS has_measles_rubella,
           bool_or(vaccine_code IN ('dpt_ipv', 'dpt_ipv_hib')) AS has_dpt_ipv, min(vaccinated_date) AS first_dose_date
    FROM told.vaccination WHERE coalesce(act_code, '1') = '1' GROUP BY local_number
),
seen AS (
    SELECT local_number, min(visit_date) AS first_checkup_date FROM told.child_checkup GROUP BY local_number
),
visited AS (
    SELECT local_number, bool_or(coalesce(is_all_infant_visit, FALSE) OR visit_target_code IN ('3', '4', '5')) AS is_visited
    FROM told.home_visit WHERE coalesce(met_child_code, '2') = '2' GROUP BY local_number
),
asked AS (
    SELECT local_number,
           bool_or(request_reason_code = '2' AND replied_date IS NULL) AS waits_for_satogaeri,
           max(CASE WHEN request_reason_code = '1' THEN requested_date END) AS requested_date,
           max(CASE WHEN request_reason_code = '1' THEN replied_date END) AS replied_date
    FROM told.information_request GROUP BY local_number
)
SELECT p.local_number, coalesce(m.mother_local, p.local_number) AS household, p.birth_date, p.moved_in_date,
       coalesce(v.is_visited, FALSE) AS is_visited, coalesce(a.waits_for_satogaeri, FALSE) AS waits_for_satogaeri,
       coalesce(d.has_measles_rubella, FALSE) AS has_measles_rubella, coalesce(d.has_dpt_ipv, FALSE) AS has_dpt_ipv,
       coalesce(least(d.first_dose_date, s.first_checkup_date) < p.moved_in_date, FALSE) AS has_history,
       CASE WHEN a.requested_date >= p.moved_in_date THEN a.requested_date END AS requested_date,
       CASE WHEN a.replied_date >= p.moved_in_date THEN a.replied_date END AS replied_date,
       p.local_number IN (SELECT local_number FROM known.deceased)
           OR coalesce(m.mother_local IN (SELECT local_number FROM known.deceased), FALSE)
           OR p.local_number IN (SELECT mother_local FROM told.birth
                                 WHERE is_register AND mother_local IS NOT NULL
                                   AND local_number IN (SELECT local_number FROM known.deceased)) AS is_deceased,
       p.local_number IN (SELECT local_number FROM known.lost) AS is_lost, r.left_date
FROM persons p
LEFT JOIN mothers m ON m.local_number = p.local_number
LEFT JOIN doses d ON d.local_number = p.local_number
LEFT JOIN seen s ON s.local_number = p.local_number
LEFT JOIN visited v ON v.local_number = p.local_number
LEFT JOIN asked a ON a.local_number = p.local_number
LEFT JOIN own.resident r ON r.local_number = p.local_number
