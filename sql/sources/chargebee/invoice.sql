/*---
title = "Chargebee invoices"
owner = "finance"

[decisions]
status = "pending is a draft; posted, payment_due and not_paid are open: Chargebee gives up trying, not the money"
written_off = "An invoice with money written off is uncollectible unless voided"
subtotal = "The total without tax: Chargebee's own subtotal is before discounts"
due_at_once = "Without a due date an invoice is due when it is issued only where the terms say so, so none is made up"
---*/
with invoice as (
    select
        id,
        customer_id,
        subscription_id,
        status,
        currency_code,
        issued_at,
        due_at,
        generated_at,
        voided_at,
        tax,
        total,
        amount_paid,
        amount_due,
        write_off_amount
    from landed.invoice
    where customer_id is not null
        and currency_code is not null
)

select
    id as invoice_id,
    customer_id as account_id,
    subscription_id as contract_id,
    id as number,
    case
        when status = 'voided' then 'void'
        when status = 'pending' then 'draft'
        when write_off_amount > 0 then 'uncollectible'
        when status = 'paid' then 'paid'
        else 'open'
    end as status,
    coalesce(generated_at, issued_at) as created_at,
    case when status <> 'pending' then cast(issued_at as date) end as issued_date,
    case when status <> 'pending' then coalesce(generated_at, issued_at) end as finalized_at,
    cast(due_at as date) as due_date,
    upper(currency_code) as currency,
    cast(total - coalesce(tax, 0) as decimal(18,4)) as subtotal,
    cast(tax as decimal(18,4)) as tax,
    cast(total as decimal(18,4)) as total,
    cast(amount_paid as decimal(18,4)) as amount_paid,
    cast(amount_due as decimal(18,4)) as amount_due,
    voided_at,
    id as source_id
from invoice
