/*---
title = "The waterfall's steps add up to expected minus billed"
owner = "finance"
severity = "block"

[columns]
contract_line_id = { type = "text", doc = "The contract line, or the commitment of a true-up" }
component = { type = "text", doc = "The component" }
period_start_date = { type = "date", doc = "First day of the service period" }
gap_amount = { type = "decimal(18,4)", doc = "Expected less billed" }
explained_amount = { type = "decimal(18,4)", doc = "What the findings explain" }
---*/
with obligation as (
    select
        contract_line_id,
        component,
        period_start_date,
        expected_amount,
        billed_amount
    from obligation
    where verdict = 'verified'
),

contract_drift_period as (
    select
        case when component = 'true_up' and contract_line_id = '' then subject_id else contract_line_id end as contract_line_id,
        component,
        period_start_date,
        step,
        gap_amount
    from contract_drift_period
    where component in ('charge', 'usage', 'one_off', 'true_up')
),

explained as (
    select
        contract_line_id,
        component,
        period_start_date,
        sum(gap_amount) as gap_amount
    from contract_drift_period
    group by
        contract_line_id,
        component,
        period_start_date
)

-- A finding on a period that is no verified obligation counts like one that explains too much.
select
    coalesce(obligation.contract_line_id, explained.contract_line_id) as contract_line_id,
    coalesce(obligation.component, explained.component) as component,
    coalesce(obligation.period_start_date, explained.period_start_date) as period_start_date,
    cast(obligation.expected_amount - obligation.billed_amount as decimal(18,4)) as gap_amount,
    cast(coalesce(explained.gap_amount, 0) as decimal(18,4)) as explained_amount
from obligation
full outer join explained
    on obligation.contract_line_id = explained.contract_line_id
    and obligation.component = explained.component
    and obligation.period_start_date = explained.period_start_date
where obligation.contract_line_id is null
    or obligation.expected_amount - obligation.billed_amount <> coalesce(explained.gap_amount, 0)
