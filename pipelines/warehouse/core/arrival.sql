-- How many rows of each record count, for coverage; classes of it are published, never the numbers (privacy, hole 12).
WITH told AS (
    SELECT municipality_code, fiscal_year, 'residency_spell' AS record FROM landing.current_residency_spell WHERE is_authority
    UNION ALL
    SELECT municipality_code, fiscal_year, 'pregnancy_notification' FROM landing.current_pregnancy_notification WHERE is_authority
    UNION ALL
    SELECT municipality_code, fiscal_year, 'antenatal_visit' FROM core.antenatal_visit
    UNION ALL
    SELECT municipality_code, fiscal_year, 'delivery' FROM core.delivery
    UNION ALL
    SELECT municipality_code, fiscal_year, 'birth' FROM core.birth
    UNION ALL
    SELECT municipality_code, fiscal_year, 'postpartum_visit' FROM core.postpartum_visit
    UNION ALL
    SELECT municipality_code, target_fiscal_year, 'child_checkup_target' FROM core.checkup_target
    UNION ALL
    SELECT municipality_code, fiscal_year, 'child_checkup' FROM core.checkup
    UNION ALL
    SELECT municipality_code, fiscal_year, 'child_questionnaire' FROM core.questionnaire
    UNION ALL
    SELECT municipality_code, fiscal_year, 'claim' FROM core.claim
    UNION ALL
    SELECT municipality_code, fiscal_year, 'outreach' FROM landing.current_outreach  -- lists that were made, with or without a line
)
SELECT municipality_code, fiscal_year, record, count(*) AS rows
FROM told
WHERE fiscal_year IS NOT NULL
GROUP BY municipality_code, fiscal_year, record
