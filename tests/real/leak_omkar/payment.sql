select
    payment.payment_id,
    subscription.customer_id as account_id,
    payment.invoice_id,
    cast(payment.payment_date as timestamp) as attempted_at,
    payment.amount_paid as amount,
    'USD' as currency,
    'succeeded' as status
from landed.payments as payment
inner join landed.invoices as invoice
    on payment.invoice_id = invoice.invoice_id
inner join landed.subscriptions as subscription
    on invoice.sub_id = subscription.sub_id
