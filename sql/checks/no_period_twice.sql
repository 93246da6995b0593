/*---
title = "No service day of a line, and no period of a commitment, is owed twice"
owner = "finance"
severity = "block"

[columns]
contract_line_id = { type = "text", doc = "The contract line, or the commitment of a true-up" }
component = { type = "text", doc = "The component" }
period_start_date = { type = "date", doc = "First day of the period that begins too early" }
earlier_end_date = { type = "date", doc = "First day after an earlier period of the same line and component" }
---*/
with obligation as (
    select
        contract_line_id,
        component,
        period_start_date,
        period_end_date
    from obligation
),

ordered as (
    select
        contract_line_id,
        component,
        period_start_date,
        max(period_end_date) over (
            partition by contract_line_id, component
            order by period_start_date, period_end_date
            rows between unbounded preceding and 1 preceding
        ) as earlier_end_date
    from obligation
)

select
    contract_line_id,
    component,
    period_start_date,
    earlier_end_date
from ordered
where earlier_end_date > period_start_date
