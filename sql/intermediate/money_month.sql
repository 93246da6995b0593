/*---
title = "Money earned, invoiced, credited and collected, by invoice, account, currency and month"
owner = "finance"
grain = ["account_id", "currency", "month_date", "invoice_id"]

[columns]
account_id = { type = "text", doc = "The account" }
currency = { type = "text", doc = "Contract currency, else the invoice's" }
month_date = { type = "date", doc = "First day of the month" }
invoice_id = { type = "text", doc = "The invoice; null for what no invoice carries" }
earned = { type = "decimal(18,4)", doc = "Service delivered" }
invoiced = { type = "decimal(18,4)", doc = "Posted lines without credits" }
unmatched = { type = "decimal(18,4)", doc = "Of it, lines that belong to no contract line" }
credited = { type = "decimal(18,4)", doc = "Credit lines and credit notes" }
collected = { type = "decimal(18,4)", doc = "Payments less refunds and lost disputes" }
written_off = { type = "decimal(18,4)", doc = "Written off" }

[checks]
not_null = ["currency", "month_date"]

[decisions]
month = "Of the period's billable date; unmatched lines: of issue; money that reaches no line: of its own date; earned: of service"
all_before_tax = "Every amount is before tax"
---*/
with line_grid as (
    select
        contract_line_id,
        account_id,
        currency
    from line_grid
),

waterfall as (
    select
        contract_line_id,
        cell_no,
        cast(date_trunc('month', coalesce(billable_date, period_start_date)) as date) as month_date
    from waterfall
),

billed_line as (
    select
        invoice_line_id,
        invoice_id,
        account_id,
        currency,
        issued_date,
        is_credit,
        amount
    from billed_line
    where state = 'posted'
),

line_allocation as (
    select
        invoice_line_id,
        invoice_id,
        contract_line_id,
        cell_no,
        role,
        amount
    from line_allocation
),

credit_note as (
    select
        credit_note_id,
        account_id,
        invoice_id,
        issued_date,
        amount,
        currency
    from credit_note
    where issued_date <= cast($as_of as date)
        and (voided_at is null or voided_at >= cast($as_of_end as timestamp))
),

credit_allocation as (
    select
        credit_note_id,
        contract_line_id,
        cell_no,
        amount
    from credit_allocation
),

reversal_note as (
    select
        subject_id as credit_note_id
    from line_role
    where not is_line
),

collected_share as (
    select
        kind,
        invoice_line_id,
        contract_line_id,
        cell_no,
        account_id,
        currency,
        event_date,
        amount
    from collected_share
),

earned_month as (
    select
        contract_line_id,
        month_date,
        earned_amount
    from earned_month
),

-- Posted lines that reached a period. A line that was reversed before its rebill and the credit that reversed it cancel out.
allocated_line as (
    select
        line_grid.account_id,
        line_grid.currency,
        waterfall.month_date,
        line_allocation.invoice_id,
        line_allocation.role,
        line_allocation.amount
    from line_allocation
    inner join line_grid
        on line_allocation.contract_line_id = line_grid.contract_line_id
    inner join waterfall
        on line_allocation.contract_line_id = waterfall.contract_line_id
        and line_allocation.cell_no = waterfall.cell_no
    where line_allocation.role in ('billed', 'duplicate', 'credit')
),

allocated_line_id as (
    select distinct
        invoice_line_id
    from line_allocation
),

-- Every cent of a line that belongs to no contract line is kept, in the month of issue.
unmatched_line as (
    select
        billed_line.account_id,
        billed_line.currency,
        cast(date_trunc('month', billed_line.issued_date) as date) as month_date,
        billed_line.invoice_id,
        billed_line.is_credit,
        billed_line.amount
    from billed_line
    left join allocated_line_id
        on billed_line.invoice_line_id = allocated_line_id.invoice_line_id
    where allocated_line_id.invoice_line_id is null
),

allocated_note as (
    select
        line_grid.account_id,
        line_grid.currency,
        waterfall.month_date,
        credit_note.invoice_id,
        credit_allocation.amount
    from credit_allocation
    inner join credit_note
        on credit_allocation.credit_note_id = credit_note.credit_note_id
    inner join line_grid
        on credit_allocation.contract_line_id = line_grid.contract_line_id
    inner join waterfall
        on credit_allocation.contract_line_id = waterfall.contract_line_id
        and credit_allocation.cell_no = waterfall.cell_no
),

note_total as (
    select
        credit_note_id,
        sum(amount) as amount
    from credit_allocation
    group by credit_note_id
),

unallocated_note as (
    select
        credit_note.account_id,
        credit_note.currency,
        cast(date_trunc('month', credit_note.issued_date) as date) as month_date,
        credit_note.invoice_id,
        cast(credit_note.amount - coalesce(note_total.amount, 0) as decimal(18, 4)) as amount
    from credit_note
    left join note_total
        on credit_note.credit_note_id = note_total.credit_note_id
    left join reversal_note
        on credit_note.credit_note_id = reversal_note.credit_note_id
    where reversal_note.credit_note_id is null
        and credit_note.amount <> coalesce(note_total.amount, 0)
),

-- Money follows the line it pays: to the period's month, else to the line's month of issue, else it stays on its own day.
placed_money as (
    select
        coalesce(line_grid.account_id, collected_share.account_id) as account_id,
        coalesce(line_grid.currency, collected_share.currency) as currency,
        coalesce(
            waterfall.month_date,
            cast(date_trunc('month', billed_line.issued_date) as date),
            cast(date_trunc('month', collected_share.event_date) as date)
        ) as month_date,
        billed_line.invoice_id,
        collected_share.kind,
        collected_share.amount
    from collected_share
    left join billed_line
        on collected_share.invoice_line_id = billed_line.invoice_line_id
    left join line_grid
        on collected_share.contract_line_id = line_grid.contract_line_id
    left join waterfall
        on collected_share.contract_line_id = waterfall.contract_line_id
        and collected_share.cell_no = waterfall.cell_no
),

every_amount as (
    select line_grid.account_id, line_grid.currency, earned_month.month_date, cast(null as varchar) as invoice_id, 'earned' as measure, earned_month.earned_amount as amount
    from earned_month
    inner join line_grid
        on earned_month.contract_line_id = line_grid.contract_line_id
    union all
    select account_id, currency, month_date, invoice_id, case when role = 'credit' then 'credited' else 'invoiced' end as measure, cast(case when role = 'credit' then -amount else amount end as decimal(18, 4)) as amount
    from allocated_line
    union all
    select account_id, currency, month_date, invoice_id, case when is_credit then 'credited' else 'unmatched' end as measure, cast(case when is_credit then -amount else amount end as decimal(18, 4)) as amount
    from unmatched_line
    union all
    select account_id, currency, month_date, invoice_id, 'credited' as measure, amount
    from allocated_note
    union all
    select account_id, currency, month_date, invoice_id, 'credited' as measure, amount
    from unallocated_note
    union all
    select account_id, currency, month_date, invoice_id, kind as measure, amount
    from placed_money
)

select
    account_id,
    currency,
    month_date,
    invoice_id,
    cast(sum(case when measure = 'earned' then amount else 0 end) as decimal(18, 4)) as earned,
    cast(sum(case when measure in ('invoiced', 'unmatched') then amount else 0 end) as decimal(18, 4)) as invoiced,
    cast(sum(case when measure = 'unmatched' then amount else 0 end) as decimal(18, 4)) as unmatched,
    cast(sum(case when measure = 'credited' then amount else 0 end) as decimal(18, 4)) as credited,
    cast(sum(case when measure = 'collected' then amount else 0 end) as decimal(18, 4)) as collected,
    cast(sum(case when measure = 'written_off' then amount else 0 end) as decimal(18, 4)) as written_off
from every_amount
group by account_id, currency, month_date, invoice_id
