-- One row per child and programme sent to a detailed examination: by the judgement of a checkup, by a request without
-- an examination, or by a second hearing test not passed (programme `hearing`); is_examined where one is on record.
WITH sent AS (
    SELECT local_number, programme_code, max(visit_date) AS referred_date
    FROM told.child_checkup WHERE judgement_code IN ('4', '5') GROUP BY local_number, programme_code
    UNION ALL
    SELECT local_number, programme_code, max(referred_date)
    FROM told.detailed_exam WHERE examined_date IS NULL AND result_code IS NULL GROUP BY local_number, programme_code
    UNION ALL
    SELECT local_number, 'hearing', max(birth_date)
    FROM told.newborn_screening WHERE test_stage_code = '2' AND hearing_result_code = '2' GROUP BY local_number
)
SELECT s.local_number, c.household, s.programme_code, max(s.referred_date) AS referred_date,
       EXISTS (SELECT 1 FROM told.detailed_exam e
               WHERE e.local_number = s.local_number AND (e.examined_date IS NOT NULL OR e.result_code IS NOT NULL)
                 AND (e.programme_code = s.programme_code OR s.programme_code = 'hearing' AND e.domain_code = '4'))
           OR s.programme_code = 'hearing' AND EXISTS (
               SELECT 1 FROM told.newborn_screening n
               WHERE n.local_number = s.local_number AND n.test_stage_code = '3') AS is_examined,
       c.birth_date, c.is_deceased, c.is_lost, c.left_date
FROM sent s
JOIN own.child c ON c.local_number = s.local_number
GROUP BY ALL
