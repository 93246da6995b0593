/*---
title = "Findings add up to the obligations they stand on"
owner = "finance"
severity = "block"

[columns]
contract_line_id = { type = "text", doc = "The contract line, or the commitment of a true-up" }
component = { type = "text", doc = "The component" }
period_start_date = { type = "date", doc = "First day of the service period" }
finding_amount = { type = "decimal(18,4)", doc = "Leak less liability by the findings" }
obligation_amount = { type = "decimal(18,4)", doc = "Underbilled less overbilled by the obligation" }
---*/
with obligation as (
    select
        contract_line_id,
        component,
        period_start_date,
        underbilled_amount,
        overbilled_amount,
        waived_amount,
        absorbed_amount,
        corrected_amount
    from obligation
    where verdict = 'verified'
),

contract_drift_period as (
    select
        case when component = 'true_up' and contract_line_id = '' then subject_id else contract_line_id end as contract_line_id,
        component,
        period_start_date,
        leak_amount,
        waived_amount,
        absorbed_amount,
        corrected_amount
    from contract_drift_period
    where component in ('charge', 'usage', 'one_off', 'true_up')
),

found as (
    select
        contract_line_id,
        component,
        period_start_date,
        sum(leak_amount) as leak_amount,
        sum(waived_amount) as waived_amount,
        sum(absorbed_amount) as absorbed_amount,
        sum(corrected_amount) as corrected_amount
    from contract_drift_period
    group by
        contract_line_id,
        component,
        period_start_date
)

select
    coalesce(obligation.contract_line_id, found.contract_line_id) as contract_line_id,
    coalesce(obligation.component, found.component) as component,
    coalesce(obligation.period_start_date, found.period_start_date) as period_start_date,
    cast(found.leak_amount as decimal(18,4)) as finding_amount,
    cast(obligation.underbilled_amount - obligation.overbilled_amount as decimal(18,4)) as obligation_amount
from obligation
full outer join found
    on obligation.contract_line_id = found.contract_line_id
    and obligation.component = found.component
    and obligation.period_start_date = found.period_start_date
where obligation.contract_line_id is null
    or obligation.underbilled_amount - obligation.overbilled_amount <> coalesce(found.leak_amount, 0)
    or obligation.waived_amount <> coalesce(found.waived_amount, 0)
    or obligation.absorbed_amount <> coalesce(found.absorbed_amount, 0)
    or obligation.corrected_amount <> - coalesce(found.corrected_amount, 0)
