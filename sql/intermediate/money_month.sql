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
written_off_unapproved = { type = "decimal(18,4)", doc = "Of it, without approver or reason" }

[checks]
not_null = ["currency", "month_date"]

[decisions]
month = "Of the period's billable date; unmatched lines: of issue; money that reaches no line: of its own date; earned: of service"
all_before_tax = "Every amount is before tax"
---*/
with billed_line as (
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

line_place as (
    select
        invoice_line_id,
        invoice_id,
        owed_id,
        cell_no,
        account_id,
        currency,
        month_date,
        role,
        amount
    from line_place
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
        amount,
        note_amount
    from credit_allocation
),

credit_note_share as (
    select
        credit_note_id,
        invoice_line_id,
        amount
    from credit_note_share
),

true_up_line as (
    select invoice_line_id
    from true_up_line
    where state = 'posted'
        and commitment_id is not null
        and not is_credit
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
        invoice_id,
        invoice_line_id,
        account_id,
        currency,
        month_date,
        is_unapproved,
        amount
    from collected_share
),

earned_month as (
    select
        account_id,
        currency,
        month_date,
        earned_amount
    from earned_month
),

-- A line that was reversed before its rebill and the credit that reversed it cancel out.
allocated_line as (
    select *
    from line_place
    where role in ('billed', 'duplicate', 'credit')
),

placed_line_id as (
    select distinct
        invoice_line_id
    from line_place
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
    left join placed_line_id
        on billed_line.invoice_line_id = placed_line_id.invoice_line_id
    where placed_line_id.invoice_line_id is null
),

place_month as (
    select distinct
        owed_id,
        cell_no,
        account_id,
        currency,
        month_date
    from line_place
),

-- Notes follow the line they give back, to its contract's periods or to its true-up.
allocated_note as (
    select
        credit_allocation.credit_note_id,
        place_month.account_id,
        place_month.currency,
        place_month.month_date,
        credit_note.invoice_id,
        credit_allocation.amount,
        credit_allocation.note_amount
    from credit_allocation
    inner join credit_note
        on credit_allocation.credit_note_id = credit_note.credit_note_id
    inner join place_month
        on credit_allocation.contract_line_id = place_month.owed_id
        and credit_allocation.cell_no = place_month.cell_no
    union all
    select
        credit_note_share.credit_note_id,
        line_place.account_id,
        line_place.currency,
        line_place.month_date,
        credit_note.invoice_id,
        credit_note_share.amount,
        credit_note_share.amount as note_amount
    from credit_note_share
    inner join true_up_line
        on credit_note_share.invoice_line_id = true_up_line.invoice_line_id
    inner join credit_note
        on credit_note_share.credit_note_id = credit_note.credit_note_id
    inner join line_place
        on credit_note_share.invoice_line_id = line_place.invoice_line_id
),

note_total as (
    select
        credit_note_id,
        sum(note_amount) as amount
    from allocated_note
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

every_amount as (
    select account_id, currency, month_date, cast(null as varchar) as invoice_id, 'earned' as measure, earned_amount as amount
    from earned_month
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
    select account_id, currency, month_date, case when invoice_line_id is not null then invoice_id end as invoice_id, case when is_unapproved then 'unapproved' else kind end as measure, amount
    from collected_share
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
    cast(sum(case when measure in ('written_off', 'unapproved') then amount else 0 end) as decimal(18, 4)) as written_off,
    cast(sum(case when measure = 'unapproved' then amount else 0 end) as decimal(18, 4)) as written_off_unapproved
from every_amount
group by account_id, currency, month_date, invoice_id
