-- One row per child and programme: the last answer wins (domain 1.1, no. 12). No answer ('9') stays apart from missing.
WITH ranked AS (
    SELECT c.*, p.resident_id, p.person_id, p.is_registered,
           row_number() OVER (PARTITION BY c.municipality_code, p.resident_id, c.programme_code
                              ORDER BY CASE WHEN c.is_authority THEN 0 ELSE 1 END, c.answered_month DESC, c.trust,
                                       c.row_key) AS place
    FROM landing.current_child_questionnaire c
    JOIN core.resident p ON p.municipality_code = c.municipality_code AND p.resident_key = c.resident_key
)
SELECT resident_id, person_id, municipality_code, programme_code,
       answered_month, fiscal_year, calendar_year, coalesce(sex_code, 'unknown') AS sex_code, respondent_code,
       guidance_code, smoking_pregnancy_code, smoking_mother_code, smoking_father_code, family_doctor_code,
       community_code, father_childcare_code, relaxed_code, difficulty_code, difficulty_cope_code, entry_channel_code
FROM ranked
WHERE place = 1 AND is_authority AND is_registered
