/*---
title = "Nothing nets: underbilled, waived and absorbed less overbilled and corrected is expected minus billed"
owner = "finance"
severity = "block"

[columns]
obligation_id = { type = "text", doc = "The obligation that does not add up; empty where a contract's absorbed amounts do not" }
contract_id = { type = "text", doc = "Its contract" }
currency = { type = "text", doc = "Currency" }
parts_amount = { type = "decimal(18,4)", doc = "underbilled + waived + absorbed - overbilled - corrected, or the sum of absorbed" }
gap_amount = { type = "decimal(18,4)", doc = "Expected less billed, or zero" }

[decisions]
absorbed = "What a true-up absorbs it takes from the lines of its contract, so a contract's absorbed amounts add up to nothing"
parts = "No part is negative: an overbilling is not hidden in underbilled, nor the other way round; absorbed alone has both signs"
---*/
with obligation as (
    select
        obligation_id,
        contract_id,
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
    obligation_id,
    contract_id,
    currency,
    cast(underbilled_amount + waived_amount + absorbed_amount - overbilled_amount - corrected_amount as decimal(18,4)) as parts_amount,
    cast(expected_amount - billed_amount as decimal(18,4)) as gap_amount
from obligation
where underbilled_amount + waived_amount + absorbed_amount - overbilled_amount - corrected_amount <> expected_amount - billed_amount
    or underbilled_amount < 0
    or overbilled_amount < 0
    or waived_amount < 0
    or corrected_amount < 0
union all
select
    '' as obligation_id,
    contract_id,
    currency,
    cast(sum(absorbed_amount) as decimal(18,4)) as parts_amount,
    cast(0 as decimal(18,4)) as gap_amount
from obligation
group by
    contract_id,
    currency
having sum(absorbed_amount) <> 0
