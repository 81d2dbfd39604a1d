-- One row per claim line: one voucher, or one reimbursement, by the month of the claim. A line stands for itself whoever it
-- is about, and for no visit: the visits that vouchers bear out are in the visits' own tables (evidence of cost).
SELECT municipality_code, fiscal_year, calendar_year, claimed_month, coalesce(programme_code, 'unknown') AS programme_code,
       coalesce(contract_kind_code, '9') AS contract_kind_code, coalesce(payment_method_code, '9') AS payment_method_code,
       coalesce(returned_code, 'unknown') AS returned_code, coalesce(is_paid, FALSE) AS is_paid, months_to_payment,
       unit_price_yen_class, public_payment_yen_class, self_payment_yen_class
FROM landing.current_claim
WHERE is_authority
