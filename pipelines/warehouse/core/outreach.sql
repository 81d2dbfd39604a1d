-- One row per line that a town counted on its lists of outreach, made of the counts: nobody is in it.
SELECT municipality_code, fiscal_year, rule AS rule_id, nth <= reached AS is_reached
FROM (
    SELECT municipality_code, fiscal_year, rule, reached, unnest(generate_series(1, listed)) AS nth
    FROM landing.current_outreach
)
