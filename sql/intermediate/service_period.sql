/*---
title = "Service periods of contract lines up to as_of"
owner = "finance"
grain = ["contract_line_id", "cell_no"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
contract_line_id = { type = "text", doc = "Canonical contract line" }
cell_no = { type = "integer", doc = "Number of the cell in the line's grid, counted from the anchor; 0 where the line has one period" }
cell_start_date = { type = "date", doc = "Boundary that begins the cell" }
cell_end_date = { type = "date", doc = "Boundary that ends it" }
period_start_date = { type = "date", doc = "First day of the service period: the cell within the line's life" }
period_end_date = { type = "date", doc = "First day after the service period" }
billable_date = { type = "date", doc = "Contractual invoice date; null where a one-off waits for acceptance" }
check_date = { type = "date", doc = "First day on which a missing invoice counts: billable date plus grace" }

[checks]
not_null = ["contract_line_id", "cell_no", "cell_start_date", "cell_end_date", "period_start_date", "period_end_date"]

[decisions]
billable = "In advance on the period's first day, in arrears and for usage on the first day after it"
horizon = "Every period that began by as_of; whether it is due is for the obligation to say"
---*/
with line_grid as (
    select
        contract_line_id,
        component,
        months,
        is_single_period,
        anchor_month_no,
        anchor_day,
        life_start_date,
        life_end_date,
        bill_timing,
        issue_grace_days,
        accepted_date,
        due_basis
    from line_grid
),

calendar_month as (
    select
        month_no,
        first_date,
        day_count
    from calendar_month
),

begun as (
    select
        line_grid.*,
        cast(date_part('year', life_start_date) as bigint) * 12 + cast(date_part('month', life_start_date) as bigint) - 1 as first_month_no,
        cast(date_part('year', least(life_end_date - 1, cast($as_of as date))) as bigint) * 12
            + cast(date_part('month', least(life_end_date - 1, cast($as_of as date))) as bigint) - 1 as last_month_no
    from line_grid
    where not is_single_period
        and life_start_date < life_end_date
        and life_start_date <= cast($as_of as date)
),

-- One cell early at the front, where the first day lies before that month's boundary; cells outside the life fall away below.
numbered as (
    select
        begun.*,
        unnest(generate_series(
            cast(floor(cast(first_month_no - anchor_month_no as double) / months) as bigint) - 1,
            cast(floor(cast(last_month_no - anchor_month_no as double) / months) as bigint)
        )) as cell_no
    from begun
),

bounded as (
    select
        numbered.*,
        cast(cell_start.first_date + cast(least(numbered.anchor_day, cell_start.day_count) - 1 as int) as date) as cell_start_date,
        cast(cell_end.first_date + cast(least(numbered.anchor_day, cell_end.day_count) - 1 as int) as date) as cell_end_date
    from numbered
    inner join calendar_month as cell_start
        on numbered.anchor_month_no + numbered.cell_no * numbered.months = cell_start.month_no
    inner join calendar_month as cell_end
        on numbered.anchor_month_no + (numbered.cell_no + 1) * numbered.months = cell_end.month_no
    where cast(cell_end.first_date + cast(least(numbered.anchor_day, cell_end.day_count) - 1 as int) as date) > numbered.life_start_date
        and cast(cell_start.first_date + cast(least(numbered.anchor_day, cell_start.day_count) - 1 as int) as date) < numbered.life_end_date
        and cast(cell_start.first_date + cast(least(numbered.anchor_day, cell_start.day_count) - 1 as int) as date) <= cast($as_of as date)
),

every_period as (
    select
        contract_line_id,
        cast(cell_no as bigint) as cell_no,
        cell_start_date,
        cell_end_date,
        greatest(cell_start_date, life_start_date) as period_start_date,
        least(cell_end_date, life_end_date) as period_end_date,
        component,
        bill_timing,
        issue_grace_days,
        accepted_date,
        due_basis
    from bounded
    where greatest(cell_start_date, life_start_date) <= cast($as_of as date)
    union all
    select
        contract_line_id,
        cast(0 as bigint) as cell_no,
        life_start_date as cell_start_date,
        life_end_date as cell_end_date,
        life_start_date as period_start_date,
        life_end_date as period_end_date,
        component,
        bill_timing,
        issue_grace_days,
        accepted_date,
        due_basis
    from line_grid
    where is_single_period
        and life_start_date <= cast($as_of as date)
),

due as (
    select
        every_period.*,
        case
            when component = 'one_off' and due_basis = 'acceptance' then accepted_date
            when component = 'one_off' then period_start_date
            when component = 'usage' or bill_timing = 'arrears' then period_end_date
            else period_start_date
        end as billable_date
    from every_period
)

select
    contract_line_id,
    cell_no,
    cell_start_date,
    cell_end_date,
    period_start_date,
    period_end_date,
    billable_date,
    cast(case
        when billable_date >= date '9999-01-01' then date '9999-12-31'
        else billable_date + cast(issue_grace_days as int)
    end as date) as check_date
from due
