/*---
title = "Zuora invoices"
owner = "finance"

[decisions]
status = "Posted is open, or paid where nothing is left; Canceled is void since it was changed last, for Zuora keeps no other day"
reversed = "A reversed invoice stays posted: the credit memo that reversed it takes its money back"
subscription = "An invoice is of an account and may bill several subscriptions: its lines name them"
---*/
with invoice as (
    select
        id,
        updated_at,
        number,
        status,
        created_at,
        invoice_date,
        due_date,
        posted_at,
        amount,
        tax_amount,
        balance,
        payment_amount,
        account_id,
        currency
    from landed.invoice
),

account as (
    select
        id,
        currency
    from landed.account
)

select
    invoice.id as invoice_id,
    invoice.account_id,
    invoice.number,
    case
        when invoice.status in ('Canceled', 'Cancelled') then 'void'
        when invoice.status in ('Posted', 'Reversed') then case when invoice.balance = 0 then 'paid' else 'open' end
        else 'draft'
    end as status,
    invoice.created_at,
    case when invoice.status in ('Posted', 'Reversed') then invoice.invoice_date end as issued_date,
    case when invoice.status in ('Posted', 'Reversed') then coalesce(invoice.posted_at, invoice.created_at) end as finalized_at,
    invoice.due_date,
    coalesce(invoice.currency, account.currency) as currency,
    cast(round(invoice.amount - coalesce(invoice.tax_amount, 0), 4) as decimal(18,4)) as subtotal,
    cast(round(invoice.tax_amount, 4) as decimal(18,4)) as tax,
    cast(round(invoice.amount, 4) as decimal(18,4)) as total,
    cast(round(invoice.payment_amount, 4) as decimal(18,4)) as amount_paid,
    cast(round(invoice.balance, 4) as decimal(18,4)) as amount_due,
    case when invoice.status in ('Canceled', 'Cancelled') then invoice.updated_at end as voided_at,
    invoice.id as source_id
from invoice
left join account
    on invoice.account_id = account.id
where coalesce(invoice.currency, account.currency) is not null
