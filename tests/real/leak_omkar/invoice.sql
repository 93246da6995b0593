select
    invoice.invoice_id,
    subscription.customer_id as account_id,
    invoice.sub_id as contract_id,
    invoice.invoice_id as number,
    'open' as status,
    invoice.invoice_date as issued_date,
    invoice.due_date,
    'USD' as currency,
    invoice.amount as subtotal,
    cast(0 as decimal(18, 4)) as tax,
    invoice.amount as total
from landed.invoices as invoice
inner join landed.subscriptions as subscription
    on invoice.sub_id = subscription.sub_id
