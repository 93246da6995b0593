/*---
title = "Payments in Zuora, tried and made"
owner = "finance"

[decisions]
status = "Processed or Posted succeeded, Error failed; drafts, payments under way and cancelled ones are neither"
invoice = "The invoice where there is one; a payment over several says so in its dated events only, a failed one knows none"
balance = "An account's credit balance that an invoice was settled with is a payment of its own"
credit = "Credit of a memo for another invoice, or for none, that an invoice was settled with is a payment of its own"
---*/
with payment as (
    select
        id,
        status,
        created_at,
        effective_date,
        amount,
        response_code,
        account_id,
        currency
    from landed.payment
    where status in ('Processed', 'Posted', 'Error')
),

payment_share as (
    select
        invoice_id,
        payment_id
    from landed.invoice_payment
    union all
    select
        invoice_id,
        payment_id
    from landed.payment_part
    where invoice_id is not null
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
        invoice_id,
        account_id,
        currency
    from landed.credit_memo_part
    where invoice_id is not null
),

credit_balance_adjustment as (
    select
        id,
        adjustment_date,
        amount,
        account_id,
        currency,
        invoice_id
    from landed.credit_balance_adjustment
    where status = 'Processed'
        and kind = 'Decrease'
        and invoice_id is not null
        and adjustment_date is not null
        and amount > 0
),

only_invoice as (
    select
        payment_id,
        min(invoice_id) as invoice_id
    from payment_share
    group by payment_id
    having min(invoice_id) = max(invoice_id)
)

select
    payment.id as payment_id,
    payment.account_id,
    only_invoice.invoice_id,
    coalesce(cast(payment.effective_date as timestamp), payment.created_at) as attempted_at,
    cast(round(payment.amount, 4) as decimal(18,4)) as amount,
    payment.currency,
    case when payment.status = 'Error' then 'failed' else 'succeeded' end as status,
    case when payment.status = 'Error' then payment.response_code end as failure_code,
    payment.id as source_id
from payment
left join only_invoice
    on payment.id = only_invoice.payment_id
where payment.account_id is not null
    and payment.currency is not null
    and payment.amount is not null
union all
select
    credit_memo_part.id as payment_id,
    credit_memo_part.account_id,
    credit_memo_part.invoice_id,
    credit_memo_part.created_at as attempted_at,
    cast(round(credit_memo_part.amount, 4) as decimal(18,4)) as amount,
    credit_memo_part.currency,
    'succeeded' as status,
    cast(null as varchar) as failure_code,
    credit_memo_part.credit_memo_id as source_id
from credit_memo_part
inner join credit_memo
    on credit_memo_part.credit_memo_id = credit_memo.id
where credit_memo.status = 'Posted'
    and credit_memo.invoice_id is distinct from credit_memo_part.invoice_id
union all
select
    id as payment_id,
    account_id,
    invoice_id,
    cast(adjustment_date as timestamp) as attempted_at,
    cast(round(amount, 4) as decimal(18,4)) as amount,
    currency,
    'succeeded' as status,
    cast(null as varchar) as failure_code,
    id as source_id
from credit_balance_adjustment
where account_id is not null
    and currency is not null
