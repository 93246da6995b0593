/*---
title = "Each invoice's standing from dated facts: what is open, since when, and when it was settled"
owner = "cs"
grain = ["invoice_id"]

[columns]
invoice_id = { type = "text", doc = "The invoice" }
account_id = { type = "text", doc = "The account billed" }
due_date = { type = "date", doc = "Day payment is due" }
total = { type = "decimal(18,4)", doc = "Sum with tax" }
open_amount = { type = "decimal(18,4)", doc = "Not yet paid, credited or written off by as_of" }
currency = { type = "text", doc = "Currency of the invoice" }
is_open = { type = "boolean", doc = "More than the policy's share of the total is open" }
settled_date = { type = "date", doc = "Day of the last payment of an invoice that is not open; null where none is known" }
is_last_attempt_failed = { type = "boolean", doc = "Open, and the newest attempt to collect failed" }

[checks]
not_null = ["invoice_id", "account_id", "due_date", "total", "open_amount", "is_open", "is_last_attempt_failed"]

[decisions]
balance = "what is open is Finance's balance of the invoice; an invoice whose total nobody knows says nothing"
small_rest = "an invoice paid but for a small rest is Finance's matter, not a sign of the relationship"
---*/
with invoice_balance as (
    select
        invoice_id,
        account_id,
        due_date,
        total_amount,
        open_amount,
        currency,
        last_paid_date,
    from invoice_balance
    where total_amount is not null
),

payment as (
    select
        payment_id,
        invoice_id,
        attempted_at,
        lower(status) as status,
        attempt,
    from payment
    where attempted_at < cast($as_of_end as timestamp)
        and invoice_id is not null
),

newest_attempt as (
    select
        invoice_id,
        status,
    from payment
    qualify row_number() over (partition by invoice_id order by attempted_at desc, attempt desc nulls last, payment_id desc) = 1
),

opened as (
    select
        invoice_balance.invoice_id,
        invoice_balance.account_id,
        invoice_balance.due_date,
        invoice_balance.total_amount as total,
        invoice_balance.open_amount,
        invoice_balance.currency,
        invoice_balance.last_paid_date,
        newest_attempt.status as newest_status,
        invoice_balance.total_amount > 0
            and cast(invoice_balance.open_amount as double) * 100
                > cast(invoice_balance.total_amount as double) * cast(cast($health_open_share_pct as decimal(9,4)) as double)
            as is_open,
    from invoice_balance
    left join newest_attempt
        on newest_attempt.invoice_id = invoice_balance.invoice_id
)

select
    invoice_id,
    account_id,
    due_date,
    total,
    open_amount,
    currency,
    is_open,
    case when not is_open then last_paid_date end as settled_date,
    is_open and coalesce(newest_status = 'failed', false) as is_last_attempt_failed,
from opened
