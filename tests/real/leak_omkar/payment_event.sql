select
    payment_id as event_id,
    payment_id,
    invoice_id,
    'applied' as kind,
    amount_paid as amount,
    cast(payment_date as timestamp) as occurred_at
from landed.payments
