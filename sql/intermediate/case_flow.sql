/*---
title = "Why the gap of a case fell since the last earlier run"
owner = "finance"
grain = ["finding_id", "component", "period_start_date", "step"]

[columns]
finding_id = { type = "text", doc = "The case" }
component = { type = "text", doc = "Component of the obligation" }
period_start_date = { type = "date", doc = "First day of the service period, or the subject's date" }
step = { type = "text", doc = "Step of the waterfall" }
recovered_amount = { type = "decimal(18,4)", doc = "Billed by new invoice lines on the obligation, or paid on the invoice" }
reclassified_amount = { type = "decimal(18,4)", doc = "Found under another code in the same step of the same obligation, or on the same invoice" }
next_finding_id = { type = "text", doc = "The case that found it" }

[checks]
not_null = ["finding_id", "component", "period_start_date", "step", "recovered_amount", "reclassified_amount"]

[decisions]
recovered = "Money is recovered only by invoice lines first seen after the case, on the same obligation, and never more than the gap lost; several steps share the lines in order of step, then finding_id. A receivable is recovered by payments dated after the case opened"
rest = "Of what recovery leaves, another code that gained in the same place goes on with it; the remainder was not found again"
---*/
with case_row as (
    select
        finding_id,
        component,
        period_start_date,
        step,
        contract_line_id,
        fallen_amount
    from case_row
),

case_before as (
    select
        finding_id,
        recovered_amount as recovered_before
    from case_before
),

case_successor as (
    select
        finding_id,
        component,
        period_start_date,
        step,
        next_finding_id,
        grown_amount
    from case_successor
),

new_money as (
    select
        finding_id,
        component,
        period_start_date,
        sum(amount) as amount
    from case_line
    where is_new
        and kind in ('invoice line', 'payment')
    group by
        finding_id,
        component,
        period_start_date
),

-- What is asked of the new lines before it is this step's turn.
queued as (
    select
        case_row.*,
        coalesce(new_money.amount, 0) as new_amount,
        case when case_row.component = '' then coalesce(case_before.recovered_before, 0) else 0 end as recovered_before,
        coalesce(sum(case_row.fallen_amount) over (
            partition by case_row.contract_line_id, case_row.component, case_row.period_start_date,
                case when case_row.component = '' then case_row.finding_id else '' end
            order by case_row.step, case_row.finding_id
            rows between unbounded preceding and 1 preceding
        ), 0) as asked_before
    from case_row
    left join new_money
        on case_row.finding_id = new_money.finding_id
        and case_row.component = new_money.component
        and case_row.period_start_date = new_money.period_start_date
    left join case_before
        on case_row.finding_id = case_before.finding_id
    where case_row.fallen_amount > 0
),

recovered as (
    select
        queued.*,
        least(fallen_amount, greatest(new_amount - asked_before - recovered_before, 0)) as recovered_amount
    from queued
),

liability as (
    select
        case_row.*,
        cast(0 as decimal(18,4)) as recovered_amount
    from case_row
    where fallen_amount < 0
),

fallen as (
    select
        finding_id,
        component,
        period_start_date,
        step,
        fallen_amount,
        recovered_amount
    from recovered
    union all
    select
        finding_id,
        component,
        period_start_date,
        step,
        fallen_amount,
        recovered_amount
    from liability
),

succession as (
    select
        finding_id,
        component,
        period_start_date,
        step,
        sum(grown_amount) as grown_amount,
        min(next_finding_id) as next_finding_id
    from case_successor
    group by
        finding_id,
        component,
        period_start_date,
        step
)

select
    fallen.finding_id,
    fallen.component,
    fallen.period_start_date,
    fallen.step,
    cast(fallen.recovered_amount as decimal(18,4)) as recovered_amount,
    cast(case
        when succession.finding_id is null then 0
        when fallen.fallen_amount > 0 then least(fallen.fallen_amount - fallen.recovered_amount, succession.grown_amount)
        else greatest(fallen.fallen_amount, succession.grown_amount)
    end as decimal(18,4)) as reclassified_amount,
    case
        when succession.finding_id is not null and fallen.fallen_amount <> fallen.recovered_amount then succession.next_finding_id
    end as next_finding_id
from fallen
left join succession
    on fallen.finding_id = succession.finding_id
    and fallen.component = succession.component
    and fallen.period_start_date = succession.period_start_date
    and fallen.step = succession.step
