/*---
title = "Cases are the sum of their periods"
owner = "finance"
severity = "block"

[columns]
finding_id = { type = "text", doc = "The case" }
case_amount = { type = "decimal(18,4)", doc = "leak_amount of contract_drift" }
period_amount = { type = "decimal(18,4)", doc = "Sum of leak_amount of contract_drift_period" }
---*/
with contract_drift as (
    select
        finding_id,
        gap_amount,
        leak_amount
    from contract_drift
),

contract_drift_period as (
    select
        finding_id,
        gap_amount,
        leak_amount
    from contract_drift_period
),

summed as (
    select
        finding_id,
        sum(gap_amount) as gap_amount,
        sum(leak_amount) as leak_amount
    from contract_drift_period
    group by finding_id
)

select
    coalesce(contract_drift.finding_id, summed.finding_id) as finding_id,
    cast(contract_drift.leak_amount as decimal(18,4)) as case_amount,
    cast(summed.leak_amount as decimal(18,4)) as period_amount
from contract_drift
full outer join summed
    on contract_drift.finding_id = summed.finding_id
where contract_drift.finding_id is null
    or summed.finding_id is null
    or contract_drift.leak_amount <> summed.leak_amount
    or contract_drift.gap_amount <> summed.gap_amount
