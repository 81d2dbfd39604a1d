-- What a published file says of the cells that it hides: cells, sums, nested pairs, and how wide each must stay open.
-- Reads the tables of published.duckdb only, into temporary tables.

CREATE TEMP TABLE said AS
SELECT (SELECT release_id FROM release) AS release_id,
       (SELECT status FROM release) <> 'provisional' AS is_settled,
       (SELECT CAST(value AS DOUBLE) FROM policy WHERE key = 'interval_floor') AS interval_floor,
       (SELECT value = 'true' FROM policy WHERE key = 'complement_off_for_publicly_known') AS some_are_public,
       (SELECT string_split(value, ' ') FROM policy WHERE key = 'publicly_known_counts') AS public_counts;

-- An area is of the strictest tier of all years that the file has a population of.
CREATE TEMP TABLE people AS
SELECT area_code, min(population) AS population FROM area_population GROUP BY area_code;

-- The tiers of the policy: from how many inhabitants on, and the smallest number that is shown (NULL: nothing).
CREATE TEMP TABLE tier AS
SELECT CAST(split_part(value, ': ', 1) AS BIGINT) AS population, TRY_CAST(split_part(value, ': ', 2) AS BIGINT) AS k
FROM policy
WHERE starts_with(key, 'tier_');

CREATE TEMP TABLE place AS
SELECT area_code, parent_code,
       coalesce(
           (SELECT arg_max_null(k, tier.population) FROM tier WHERE tier.population <= people.population),
           (SELECT max(k) FROM tier)
       ) AS k
FROM area JOIN people USING (area_code)
WHERE area_code IN (SELECT area_code FROM count_cell);

-- One row per cell. A value that an earlier release gave is no value of this one; who was not there adds nothing.
CREATE TEMP TABLE cell AS
SELECT row_number() OVER (ORDER BY count_id, period, period_kind, area_code, breakdown_id, category_code) - 1 AS cell,
       count_id, period, period_kind, area_code, breakdown_id, category_code,
       status = 'provisional' AND is_settled AS is_held,
       CASE WHEN status IN ('not_collected', 'not_applicable') THEN 0
            WHEN status IN ('observed', 'partial', 'revised') OR status = 'provisional' AND NOT is_settled THEN value
       END AS known,
       status IN ('not_collected', 'not_applicable')
         OR some_are_public AND breakdown_id = 'all' AND list_contains(public_counts, count_id) AS is_public,
       CASE WHEN k IS NULL OR subject IS NULL THEN NULL
            WHEN subject IN ('person', 'pregnancy', 'event') THEN greatest(interval_floor, k / 2) ELSE 0
       END AS width
FROM count_cell LEFT JOIN count_definition USING (count_id) LEFT JOIN place USING (area_code) CROSS JOIN said;

-- Every area with each that holds it, and how many lowest areas lie in it.
CREATE TEMP TABLE above AS
WITH RECURSIVE up AS (
    SELECT area_code, parent_code AS holder, 1 AS steps FROM place WHERE parent_code IN (SELECT area_code FROM place)
    UNION ALL
    SELECT up.area_code, place.parent_code, steps + 1 FROM up JOIN place ON place.area_code = up.holder
    WHERE place.parent_code IN (SELECT area_code FROM place)
)
SELECT * FROM up;

CREATE TEMP TABLE size AS
SELECT area_code, greatest(count(lowest), 1) AS n
FROM place LEFT JOIN (
    SELECT area_code AS lowest, holder FROM above WHERE area_code NOT IN (SELECT holder FROM above)
) ON holder = area_code
GROUP BY area_code;

-- An area is the sum of the nearest areas below it that have the same cell, when these are all of it.
CREATE TEMP TABLE nearest AS
SELECT part.cell AS part, arg_min(whole.cell, steps) AS whole
FROM cell AS part JOIN above ON above.area_code = part.area_code JOIN cell AS whole ON whole.area_code = above.holder
 AND whole.count_id = part.count_id AND whole.period = part.period AND whole.period_kind = part.period_kind
 AND whole.breakdown_id = part.breakdown_id AND whole.category_code = part.category_code
GROUP BY part.cell;

CREATE TEMP TABLE total AS
SELECT 'area' AS kind, whole, CAST(whole AS VARCHAR) AS line, part
FROM nearest
WHERE whole IN (
    SELECT nearest.whole FROM nearest JOIN cell AS p ON p.cell = part JOIN cell AS w ON w.cell = nearest.whole
    JOIN size AS of_part ON of_part.area_code = p.area_code JOIN size AS of_whole ON of_whole.area_code = w.area_code
    GROUP BY nearest.whole HAVING sum(of_part.n) = any_value(of_whole.n)
)
UNION ALL -- a total is the sum of the categories of each breakdown
SELECT 'category', whole.cell, part.breakdown_id, part.cell
FROM cell AS part JOIN cell AS whole USING (count_id, period, period_kind, area_code)
WHERE whole.breakdown_id = 'all' AND part.breakdown_id <> 'all'
UNION ALL -- pooled years are the sum of their single years, where all of them are there
SELECT 'years', whole.cell, '', part.cell
FROM cell AS part JOIN cell AS whole USING (count_id, area_code, breakdown_id, category_code)
WHERE starts_with(whole.period_kind, 'pooled') AND NOT starts_with(part.period_kind, 'pooled')
  AND part.period BETWEEN whole.period[1:4] AND whole.period[-4:]
QUALIFY count(*) OVER (PARTITION BY whole.cell) = CAST(whole.period[-4:] AS INTEGER) - CAST(whole.period[1:4] AS INTEGER) + 1;

-- A count lies within another by its definition, or because a proportion divides it by the other.
CREATE TEMP TABLE pair AS
SELECT DISTINCT i.cell AS inside, o.cell AS outside
FROM (SELECT count_id AS a, within_count_id AS b FROM count_definition WHERE within_count_id IS NOT NULL
      UNION SELECT numerator_id, denominator_id FROM indicator WHERE kind = 'proportion' AND denominator_id IS NOT NULL)
JOIN cell AS i ON i.count_id = a
JOIN cell AS o ON o.count_id = b AND o.period = i.period AND o.period_kind = i.period_kind
 AND o.area_code = i.area_code AND o.breakdown_id = i.breakdown_id AND o.category_code = i.category_code;
