/*---
title = "Nothing nets: underbilled, waived and absorbed less overbilled and corrected is expected minus billed"
owner = "finance"
severity = "block"

[columns]
currency = { type = "text", doc = "Currency" }
parts_amount = { type = "decimal(18,4)", doc = "underbilled + waived + absorbed - overbilled - corrected" }
gap_amount = { type = "decimal(18,4)", doc = "Expected less billed" }
---*/
with obligation as (
    select
        currency,
        expected_amount,
        billed_amount,
        underbilled_amount,
        overbilled_amount,
        waived_amount,
        absorbed_amount,
        corrected_amount
    from obligation
    where verdict = 'verified'
)

select
    currency,
    cast(sum(underbilled_amount + waived_amount + coalesce(absorbed_amount, 0) - overbilled_amount - corrected_amount) as decimal(18,4)) as parts_amount,
    cast(sum(expected_amount - billed_amount) as decimal(18,4)) as gap_amount
from obligation
group by currency
having sum(underbilled_amount + waived_amount + coalesce(absorbed_amount, 0) - overbilled_amount - corrected_amount)
    <> sum(expected_amount - billed_amount)
