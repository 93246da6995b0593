/*---
title = "Stripe invoices given up"
owner = "finance"

[decisions]
amount = "What was left to pay; nothing where it was paid or voided after all"
approval = "Stripe knows no approval: who and why are in the invoice's metadata, or unknown"
---*/
with invoice as (
    select
        id,
        status,
        paid_at,
        voided_at,
        uncollectible_at,
        amount_remaining,
        write_off_approved_by,
        write_off_reason
    from landed.invoice
),

moment as (
    select
        invoice_id,
        max(paid_at) as paid_at,
        max(voided_at) as voided_at,
        max(uncollectible_at) as uncollectible_at
    from landed.invoice_event
    group by invoice_id
),

last_event as (
    select
        invoice_id,
        amount_remaining
    from landed.invoice_event
    qualify row_number() over (partition by invoice_id order by happened_at desc, id desc) = 1
)

select
    invoice.id as write_off_id,
    invoice.id as invoice_id,
    cast(coalesce(last_event.amount_remaining, invoice.amount_remaining) as decimal(18,4)) as amount,
    cast(coalesce(invoice.uncollectible_at, moment.uncollectible_at) as date) as written_off_date,
    invoice.write_off_approved_by as approved_by,
    invoice.write_off_reason as reason,
    invoice.id as source_id
from invoice
left join moment
    on invoice.id = moment.invoice_id
left join last_event
    on invoice.id = last_event.invoice_id
where coalesce(invoice.uncollectible_at, moment.uncollectible_at) is not null
    and coalesce(invoice.paid_at, moment.paid_at, invoice.voided_at, moment.voided_at) is null
    and coalesce(last_event.amount_remaining, invoice.amount_remaining) > 0
