/*---
title = "Where the money of a case that shrank is found today"
owner = "finance"
grain = ["finding_id", "component", "period_start_date", "step", "next_finding_id"]

[columns]
finding_id = { type = "text", doc = "The case that shrank" }
component = { type = "text", doc = "Component of the obligation" }
period_start_date = { type = "date", doc = "First day of the service period, or the subject's date" }
step = { type = "text", doc = "Step of the waterfall" }
next_finding_id = { type = "text", doc = "The case that gained in the same place" }
is_new = { type = "boolean", doc = "That case was not known before" }
grown_amount = { type = "decimal(18,4)", doc = "What it gained there, signed like its gap" }

[checks]
not_null = ["finding_id", "component", "period_start_date", "step", "next_finding_id", "is_new", "grown_amount"]

[decisions]
same_place = "The same step of the same obligation with the same sign; for receivables and write-offs the same invoice. Another step is another cause, not another name for this one"
---*/
with case_row as (
    select
        finding_id,
        component,
        period_start_date,
        step,
        check_code,
        contract_line_id,
        subject_id,
        grown_amount,
        fallen_amount
    from case_row
),

case_before as (
    select finding_id
    from case_before
),

fallen as (
    select *
    from case_row
    where fallen_amount <> 0
),

grown as (
    select *
    from case_row
    where grown_amount <> 0
),

paired as (
    select
        fallen.finding_id,
        fallen.component,
        fallen.period_start_date,
        fallen.step,
        grown.finding_id as next_finding_id,
        grown.grown_amount
    from fallen
    inner join grown
        on fallen.contract_line_id = grown.contract_line_id
        and fallen.component = grown.component
        and fallen.period_start_date = grown.period_start_date
        and fallen.step = grown.step
    where fallen.component <> ''
        and fallen.finding_id <> grown.finding_id
        and (fallen.fallen_amount > 0) = (grown.grown_amount > 0)
    union all
    select
        fallen.finding_id,
        fallen.component,
        fallen.period_start_date,
        fallen.step,
        grown.finding_id as next_finding_id,
        sum(grown.grown_amount) as grown_amount
    from fallen
    inner join grown
        on fallen.subject_id = grown.subject_id
    where fallen.component = ''
        and grown.component = ''
        and fallen.check_code in ('R1', 'R2', 'R3', 'R4', 'A2')
        and grown.check_code in ('R1', 'R2', 'R3', 'R4', 'A2')
        and fallen.finding_id <> grown.finding_id
    group by
        fallen.finding_id,
        fallen.component,
        fallen.period_start_date,
        fallen.step,
        grown.finding_id
)

select
    paired.finding_id,
    paired.component,
    paired.period_start_date,
    paired.step,
    paired.next_finding_id,
    case_before.finding_id is null as is_new,
    cast(paired.grown_amount as decimal(18,4)) as grown_amount
from paired
left join case_before
    on paired.next_finding_id = case_before.finding_id
