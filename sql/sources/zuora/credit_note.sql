/*---
title = "Credits in Zuora: memos, and adjustments of invoices where there are no memos"
owner = "finance"

[decisions]
posted = "Only posted memos and processed adjustments credit anything"
write_off = "What was credited as a write-off is in write_off"
tax = "A memo's amount less its tax; an adjustment has no tax of its own"
---*/
with credit_memo as (
    select
        id,
        memo_date,
        amount,
        tax_amount,
        reason_code,
        cancelled_at,
        status,
        account_id,
        currency,
        invoice_id
    from landed.credit_memo
),

invoice_adjustment as (
    select
        id,
        adjustment_date,
        amount,
        reason_code,
        cancelled_at,
        status,
        account_id,
        currency,
        invoice_id
    from landed.invoice_adjustment
    where kind = 'Credit'
),

credited as (
    select
        id,
        account_id,
        invoice_id,
        memo_date as issued_date,
        amount - coalesce(tax_amount, 0) as amount,
        currency,
        reason_code,
        cancelled_at
    from credit_memo
    where status in ('Posted', 'Canceled', 'Cancelled')
        and memo_date is not null
    union all
    select
        id,
        account_id,
        invoice_id,
        adjustment_date as issued_date,
        amount,
        currency,
        reason_code,
        cancelled_at
    from invoice_adjustment
    where status in ('Processed', 'Canceled', 'Cancelled')
        and adjustment_date is not null
)

select
    id as credit_note_id,
    account_id,
    invoice_id,
    issued_date,
    cast(round(amount, 4) as decimal(18,4)) as amount,
    currency,
    reason_code,
    cancelled_at as voided_at,
    id as source_id
from credited
where replace(lower(coalesce(reason_code, '')), '-', ' ') not like 'write off%'
    and amount is not null
    and currency is not null
