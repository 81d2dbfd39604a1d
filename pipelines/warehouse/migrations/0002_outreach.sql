-- What came of the towns' lists of outreach: counts, once per rule and quarter; nothing in here belongs to a person.
CREATE TABLE landing.outreach (
    submitter VARCHAR NOT NULL,
    sequence BIGINT NOT NULL,
    rule VARCHAR NOT NULL,
    listed_quarter DATE NOT NULL,
    listed INTEGER NOT NULL,
    reached INTEGER NOT NULL,
    is_held BOOLEAN NOT NULL
);
COMMENT ON TABLE landing.outreach IS '支援の名簿の件数(規則・四半期別) / lines on the lists of outreach, by rule and quarter';
COMMENT ON COLUMN landing.outreach.listed IS '名簿に載った件数 / lines listed';
COMMENT ON COLUMN landing.outreach.reached IS 'うち支援が届いた件数 / of those, reached';

-- The counts that hold today: the last word of a town that keeps its own register, for a year that the registry gives it
-- and that is neither held nor quarantined.
CREATE VIEW landing.current_outreach AS
WITH ranked AS (
    SELECT o.*, CAST(year(o.listed_quarter) - CASE WHEN month(o.listed_quarter) < 4 THEN 1 ELSE 0 END AS INTEGER) AS fiscal_year,
           row_number() OVER (PARTITION BY o.submitter, o.rule, o.listed_quarter ORDER BY o.sequence DESC) AS place
    FROM landing.outreach o WHERE NOT o.is_held
)
SELECT r.submitter AS municipality_code, r.fiscal_year, r.rule, r.listed_quarter, r.listed, r.reached
FROM ranked r
JOIN state.registry g ON g.record = 'residency_spell' AND g.is_authority AND g.submitter = r.submitter
    AND g.municipality_code = r.submitter AND r.fiscal_year BETWEEN g.from_fy AND g.to_fy
LEFT JOIN state.quarantine q ON q.submitter = r.submitter AND q.municipality_code = r.submitter
    AND q.fiscal_year = r.fiscal_year
WHERE r.place = 1 AND q.submitter IS NULL;
