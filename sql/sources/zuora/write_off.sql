/*---
title = "Zuora invoices given up"
owner = "finance"

[decisions]
how = "Zuora writes an invoice off by a credit memo or an adjustment with that reason; with its tax, as the invoice was owed"
---*/
with credit_memo as (
    select
        id,
        memo_date,
        amount,
        reason_code,
        invoice_id
    from landed.credit_memo
    where status = 'Posted'
),

invoice_adjustment as (
    select
        id,
        adjustment_date,
        amount,
        reason_code,
        invoice_id
    from landed.invoice_adjustment
    where status = 'Processed'
        and kind = 'Credit'
),

given_up as (
    select
        id,
        memo_date as written_off_date,
        amount,
        reason_code,
        invoice_id
    from credit_memo
    union all
    select
        id,
        adjustment_date as written_off_date,
        amount,
        reason_code,
        invoice_id
    from invoice_adjustment
)

select
    id as write_off_id,
    invoice_id,
    cast(round(amount, 4) as decimal(18,4)) as amount,
    written_off_date,
    reason_code as reason,
    id as source_id
from given_up
where replace(lower(coalesce(reason_code, '')), '-', ' ') like 'write off%'
    and invoice_id is not null
    and written_off_date is not null
    and amount is not null
