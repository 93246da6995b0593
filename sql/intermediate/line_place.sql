/*---
title = "Posted invoice lines by what they bill and the month that is due in"
owner = "finance"
grain = ["invoice_line_id", "owed_id", "cell_no"]

[columns]
invoice_line_id = { type = "text", doc = "The invoice line" }
invoice_id = { type = "text", doc = "The invoice" }
owed_id = { type = "text", doc = "The contract line, or the commitment of a true-up" }
cell_no = { type = "integer", doc = "Number of the period" }
account_id = { type = "text", doc = "The contract's account" }
currency = { type = "text", doc = "Contract currency" }
minor_digits = { type = "integer", doc = "Decimals of it" }
month_date = { type = "date", doc = "First day of the month of the period's billable date" }
role = { type = "text", doc = "billed, duplicate, reversed, credit or reversal" }
amount = { type = "decimal(18,4)", doc = "The period's share of the line, in contract currency" }

[checks]
not_null = ["invoice_line_id", "owed_id", "cell_no", "month_date", "role", "amount"]

[decisions]
month = "Of the contractual invoice date; where none is due, of the period's first day"
---*/
with line_allocation as (
    select
        invoice_line_id,
        invoice_id,
        contract_line_id,
        cell_no,
        role,
        amount
    from line_allocation
),

line_grid as (
    select
        contract_line_id,
        account_id,
        currency,
        minor_digits
    from line_grid
),

waterfall as (
    select
        contract_line_id,
        cell_no,
        cast(date_trunc('month', coalesce(billable_date, period_start_date)) as date) as month_date
    from waterfall
),

true_up_allocation as (
    select
        invoice_line_id,
        invoice_id,
        commitment_id,
        period_no,
        role,
        amount
    from true_up_allocation
    where role <> 'held'
),

commitment_span as (
    select
        commitment_id,
        period_no,
        period_start_date,
        period_end_date
    from commitment_span
),

commitment_grid as (
    select
        commitment_id,
        account_id,
        currency,
        minor_digits
    from commitment_grid
)

select
    line_allocation.invoice_line_id,
    line_allocation.invoice_id,
    line_allocation.contract_line_id as owed_id,
    line_allocation.cell_no,
    line_grid.account_id,
    line_grid.currency,
    line_grid.minor_digits,
    waterfall.month_date,
    line_allocation.role,
    line_allocation.amount
from line_allocation
inner join line_grid
    on line_allocation.contract_line_id = line_grid.contract_line_id
inner join waterfall
    on line_allocation.contract_line_id = waterfall.contract_line_id
    and line_allocation.cell_no = waterfall.cell_no
union all
select
    true_up_allocation.invoice_line_id,
    true_up_allocation.invoice_id,
    true_up_allocation.commitment_id as owed_id,
    true_up_allocation.period_no as cell_no,
    commitment_grid.account_id,
    commitment_grid.currency,
    commitment_grid.minor_digits,
    cast(date_trunc('month', case
        when commitment_span.period_end_date < date '9999-01-01' then commitment_span.period_end_date
        else commitment_span.period_start_date
    end) as date) as month_date,
    true_up_allocation.role,
    true_up_allocation.amount
from true_up_allocation
inner join commitment_span
    on true_up_allocation.commitment_id = commitment_span.commitment_id
    and true_up_allocation.period_no = commitment_span.period_no
inner join commitment_grid
    on true_up_allocation.commitment_id = commitment_grid.commitment_id
