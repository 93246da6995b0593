/*---
title = "Dated money of Zuora invoices"
owner = "finance"

[decisions]
applied = "What a payment settles on each invoice, on the payment's effective day; under invoice settlement when it was applied"
refund = "A refund counts once it is processed"
---*/
with payment as (
    select
        id,
        created_at,
        effective_date
    from landed.payment
    where status in ('Processed', 'Posted')
),

invoice_payment as (
    select
        id,
        amount,
        invoice_id,
        payment_id
    from landed.invoice_payment
),

payment_part as (
    select
        id,
        amount,
        created_at,
        invoice_id,
        payment_id
    from landed.payment_part
    where invoice_id is not null
),

refund_invoice_payment as (
    select
        id,
        amount,
        refund_id,
        refund_date,
        invoice_payment_id
    from landed.refund_invoice_payment
    where status = 'Processed'
),

credit_balance_adjustment as (
    select
        id,
        adjustment_date,
        amount,
        invoice_id
    from landed.credit_balance_adjustment
    where status = 'Processed'
        and kind = 'Decrease'
        and invoice_id is not null
        and adjustment_date is not null
        and amount > 0
),

credit_memo as (
    select
        id,
        invoice_id,
        status
    from landed.credit_memo
),

credit_memo_part as (
    select
        id,
        amount,
        created_at,
        credit_memo_id,
        invoice_id
    from landed.credit_memo_part
    where invoice_id is not null
)

select
    invoice_payment.id as event_id,
    invoice_payment.payment_id,
    invoice_payment.invoice_id,
    'applied' as kind,
    cast(round(invoice_payment.amount, 4) as decimal(18,4)) as amount,
    coalesce(cast(payment.effective_date as timestamp), payment.created_at) as occurred_at,
    invoice_payment.id as source_id
from invoice_payment
inner join payment
    on invoice_payment.payment_id = payment.id
where invoice_payment.amount > 0
union all
select
    payment_part.id as event_id,
    payment_part.payment_id,
    payment_part.invoice_id,
    'applied' as kind,
    cast(round(payment_part.amount, 4) as decimal(18,4)) as amount,
    payment_part.created_at as occurred_at,
    payment_part.id as source_id
from payment_part
inner join payment
    on payment_part.payment_id = payment.id
where payment_part.amount > 0
union all
select
    credit_memo_part.id as event_id,
    credit_memo_part.id as payment_id,
    credit_memo_part.invoice_id,
    'applied' as kind,
    cast(round(credit_memo_part.amount, 4) as decimal(18,4)) as amount,
    credit_memo_part.created_at as occurred_at,
    credit_memo_part.credit_memo_id as source_id
from credit_memo_part
inner join credit_memo
    on credit_memo_part.credit_memo_id = credit_memo.id
where credit_memo.status = 'Posted'
    and credit_memo_part.amount > 0
    and (credit_memo.invoice_id is distinct from credit_memo_part.invoice_id)
union all
select
    refund_invoice_payment.id as event_id,
    invoice_payment.payment_id,
    invoice_payment.invoice_id,
    'refund' as kind,
    cast(round(refund_invoice_payment.amount, 4) as decimal(18,4)) as amount,
    cast(refund_invoice_payment.refund_date as timestamp) as occurred_at,
    refund_invoice_payment.refund_id as source_id
from refund_invoice_payment
inner join invoice_payment
    on refund_invoice_payment.invoice_payment_id = invoice_payment.id
where refund_invoice_payment.amount > 0
    and refund_invoice_payment.refund_date is not null
union all
select
    id as event_id,
    id as payment_id,
    invoice_id,
    'applied' as kind,
    cast(round(amount, 4) as decimal(18,4)) as amount,
    cast(adjustment_date as timestamp) as occurred_at,
    id as source_id
from credit_balance_adjustment
