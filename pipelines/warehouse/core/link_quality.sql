-- Nation only: children and mothers who moved in, and how many of them are linked to an earlier resident elsewhere.
WITH first_months AS (
    SELECT person_id, municipality_code, min(year(from_month) * 12 + month(from_month)) AS from_index
    FROM core.residency GROUP BY person_id, municipality_code
),
movers AS (
    SELECT r.resident_id, r.person_id, r.municipality_code,
           CAST(year(r.from_month) - CASE WHEN month(r.from_month) < 4 THEN 1 ELSE 0 END AS INTEGER) AS fiscal_year,
           max(CASE WHEN f.person_id IS NULL THEN 0 ELSE 1 END) AS linked
    FROM core.residency r
    LEFT JOIN first_months f ON f.person_id = r.person_id AND f.municipality_code <> r.municipality_code
        AND f.from_index <= year(r.from_month) * 12 + month(r.from_month)
    WHERE r.in_reason_code = '2'
    GROUP BY r.resident_id, r.person_id, r.municipality_code, r.from_month
)
SELECT fiscal_year, count(*) AS movers_in, sum(linked) AS movers_linked
FROM movers
GROUP BY fiscal_year
