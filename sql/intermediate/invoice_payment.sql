/*---
title = "Money received on invoices and given back, by the moment it moved"
owner = "finance"
grain = ["event_id", "kind"]

[columns]
event_id = { type = "text", doc = "The payment event, or the payment where it has none" }
kind = { type = "text", doc = "applied, refund, dispute_lost, or payment where no event is known" }
invoice_id = { type = "text", doc = "The invoice" }
moved_at = { type = "timestamp", doc = "When it moved" }
amount = { type = "decimal(18,4)", doc = "Tax included; negative where money went back" }

[checks]
not_null = ["event_id", "kind", "invoice_id", "moved_at", "amount"]

[decisions]
plain_payments = "A succeeded payment without any dated event counts as applied when it was made"
---*/
with payment as (
    select
        payment_id,
        invoice_id,
        attempted_at,
        amount,
        status
    from payment
    where attempted_at < cast($as_of_end as timestamp)
),

payment_event as (
    select
        event_id,
        payment_id,
        invoice_id,
        kind,
        amount,
        occurred_at
    from payment_event
    where occurred_at < cast($as_of_end as timestamp)
),

event_payment as (
    select distinct payment_id
    from payment_event
)

select
    event_id,
    kind,
    invoice_id,
    occurred_at as moved_at,
    cast(case when kind = 'applied' then amount else - amount end as decimal(18,4)) as amount
from payment_event
where kind in ('applied', 'refund', 'dispute_lost')
union all
select
    payment.payment_id as event_id,
    'payment' as kind,
    payment.invoice_id,
    payment.attempted_at as moved_at,
    payment.amount
from payment
left join event_payment
    on payment.payment_id = event_payment.payment_id
where lower(payment.status) = 'succeeded'
    and payment.invoice_id is not null
    and event_payment.payment_id is null
