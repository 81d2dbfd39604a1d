-- Who has a support plan that is not closed, and when somebody last refused to be contacted (code lists 019-142, mchdb-L27).
SELECT local_number, bool_or(has_plan) AS has_open_plan, max(refused_date) AS refused_date
FROM (
    SELECT local_number, closed_date IS NULL AS has_plan, NULL::DATE AS refused_date FROM told.support_plan
    UNION ALL
    SELECT local_number, FALSE, coalesce(contacted_date, found_date)
    FROM told.nonattender_followup WHERE method_code = '5' OR outcome_code = '4'
)
GROUP BY local_number
