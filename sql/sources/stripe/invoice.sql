/*---
title = "Stripe invoices"
owner = "finance"

[decisions]
moments = "When an invoice became final, paid, void or uncollectible never changes once it is said: the list and all events are read together"
amounts = "Those of the invoice's last event, else as listed"
status = "From those moments, so that no order of events matters; an invoice given up and paid later is paid"
subtotal = "The total without tax: after discounts"
due = "What is charged automatically is due when it is issued"
---*/
with invoice as (
    select
        id,
        created_at,
        customer_id,
        subscription_id,
        number,
        status,
        currency,
        collection_method,
        effective_at,
        finalized_at,
        paid_at,
        voided_at,
        uncollectible_at,
        due_at,
        total,
        total_excluding_tax,
        tax,
        amount_paid,
        amount_remaining,
        replaces_id
    from landed.invoice
    where customer_id is not null
),

invoice_event as (
    select
        id,
        happened_at,
        invoice_id,
        number,
        effective_at,
        finalized_at,
        paid_at,
        voided_at,
        uncollectible_at,
        due_at,
        total,
        total_excluding_tax,
        amount_paid,
        amount_remaining
    from landed.invoice_event
),

moment as (
    select
        invoice_id,
        max(number) as number,
        max(effective_at) as effective_at,
        max(finalized_at) as finalized_at,
        max(paid_at) as paid_at,
        max(voided_at) as voided_at,
        max(uncollectible_at) as uncollectible_at,
        max(due_at) as due_at
    from invoice_event
    group by invoice_id
),

last_event as (
    select
        invoice_id,
        total,
        total_excluding_tax,
        amount_paid,
        amount_remaining
    from invoice_event
    qualify row_number() over (partition by invoice_id order by happened_at desc, id desc) = 1
),

known as (
    select
        invoice.id,
        invoice.created_at,
        invoice.customer_id,
        invoice.subscription_id,
        coalesce(invoice.number, moment.number) as number,
        invoice.status as listed_status,
        upper(invoice.currency) as currency,
        invoice.collection_method,
        coalesce(invoice.effective_at, moment.effective_at) as effective_at,
        coalesce(invoice.finalized_at, moment.finalized_at) as finalized_at,
        coalesce(invoice.paid_at, moment.paid_at) as paid_at,
        coalesce(invoice.voided_at, moment.voided_at) as voided_at,
        coalesce(invoice.uncollectible_at, moment.uncollectible_at) as uncollectible_at,
        coalesce(invoice.due_at, moment.due_at) as due_at,
        coalesce(last_event.total, invoice.total) as total,
        coalesce(last_event.total_excluding_tax, invoice.total_excluding_tax, invoice.total - invoice.tax) as total_excluding_tax,
        coalesce(last_event.amount_paid, invoice.amount_paid) as amount_paid,
        coalesce(last_event.amount_remaining, invoice.amount_remaining) as amount_remaining,
        invoice.replaces_id
    from invoice
    left join moment
        on invoice.id = moment.invoice_id
    left join last_event
        on invoice.id = last_event.invoice_id
),

dated as (
    select
        known.*,
        case
            when voided_at is not null or listed_status = 'void' then 'void'
            when paid_at is not null or listed_status = 'paid' then 'paid'
            when uncollectible_at is not null or listed_status = 'uncollectible' then 'uncollectible'
            when finalized_at is not null or listed_status = 'open' then 'open'
            else 'draft'
        end as status,
        case when finalized_at is not null then cast(coalesce(effective_at, finalized_at) as date) end as issued_date
    from known
)

select
    id as invoice_id,
    customer_id as account_id,
    subscription_id as contract_id,
    number,
    status,
    created_at,
    issued_date,
    finalized_at,
    coalesce(
        cast(due_at as date),
        case when collection_method = 'charge_automatically' then issued_date end
    ) as due_date,
    currency,
    cast(total_excluding_tax as decimal(18,4)) as subtotal,
    cast(total - total_excluding_tax as decimal(18,4)) as tax,
    cast(total as decimal(18,4)) as total,
    cast(amount_paid as decimal(18,4)) as amount_paid,
    cast(amount_remaining as decimal(18,4)) as amount_due,
    voided_at,
    replaces_id as replaces_invoice_id,
    id as source_id
from dated
