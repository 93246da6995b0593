/*---
title = "Overbillings that credits gave back"
owner = "finance"
grain = ["finding_id", "component", "period_start_date", "step"]

[columns]
finding_id = { type = "text", doc = "The case" }
component = { type = "text", doc = "charge, usage, one_off or true_up" }
period_start_date = { type = "date", doc = "First day of the service period" }
step = { type = "text", doc = "Step of the waterfall" }
corrected_amount = { type = "decimal(18,4)", doc = "Part of the gap that credits gave back; signed like it" }

[checks]
not_null = ["finding_id", "component", "period_start_date", "step", "corrected_amount"]

[decisions]
credits = "Credit lines and notes of an obligation are used up by its negative steps in order O1, E0, S1 to S4; what is left over is not netted against anything"
---*/
with finding_row as (
    select
        finding_id,
        owed_id,
        component,
        cell_no,
        step,
        place,
        period_start_date,
        gap_amount
    from finding_row
    where gap_amount < 0
        and step <> ''
),

waterfall as (
    select
        contract_line_id,
        cell_no,
        component,
        credited_amount
    from waterfall
    where credited_amount > 0
),

commitment_period as (
    select
        commitment_id,
        period_no,
        credited_amount
    from commitment_period
    where credited_amount > 0
),

credited as (
    select
        contract_line_id as owed_id,
        cell_no,
        component,
        credited_amount
    from waterfall
    union all
    select
        commitment_id as owed_id,
        period_no as cell_no,
        'true_up' as component,
        credited_amount
    from commitment_period
),

used as (
    select
        finding_row.*,
        credited.credited_amount,
        coalesce(sum(- finding_row.gap_amount) over (
            partition by finding_row.owed_id, finding_row.component, finding_row.cell_no
            order by finding_row.place
            rows between unbounded preceding and 1 preceding
        ), 0) as used_before
    from finding_row
    inner join credited
        on finding_row.owed_id = credited.owed_id
        and finding_row.component = credited.component
        and finding_row.cell_no = credited.cell_no
)

select
    finding_id,
    component,
    period_start_date,
    step,
    cast(- least(- gap_amount, greatest(credited_amount - used_before, 0)) as decimal(18,4)) as corrected_amount
from used
