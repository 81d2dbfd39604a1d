-- One row per notification of the register (the names of core.notification, with its day).
SELECT n.local_number, n.local_number AS household, n.pregnancy_no, n.notification_reason_code, n.notification_stage_code,
       n.notified_date, n.due_date, p.last_contact_date, p.is_deceased, p.is_lost, p.left_date
FROM told.pregnancy_notification n
JOIN own.pregnancy p ON p.local_number = n.local_number AND p.pregnancy_no = n.pregnancy_no
WHERE n.is_register
