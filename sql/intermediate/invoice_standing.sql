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
dated_facts = "drafts aside, nothing is read from status, amount_paid or amount_due: only from days on or before as_of"
open = "total less payments applied, plus refunds and lost disputes, less unvoided credit notes and write-offs; a succeeded payment without a dated event counts on its attempt"
small_rest = "an invoice paid but for a small rest is Finance's matter, not a sign of the relationship"
due = "due_date, else issued_date and the policy's payment terms"
---*/
with invoice as (
    select
        invoice_id,
        account_id,
        status,
        issued_date,
        due_date,
        total,
        currency,
        voided_at,
    from invoice
    where issued_date <= cast($as_of as date)
),

payment as (
    select
        payment_id,
        invoice_id,
        attempted_at,
        amount,
        status,
        attempt,
    from payment
    where attempted_at < cast($as_of_end as timestamp)
),

payment_event as (
    select
        payment_id,
        invoice_id,
        kind,
        amount,
        occurred_at,
    from payment_event
    where occurred_at < cast($as_of_end as timestamp)
),

credit_note as (
    select
        invoice_id,
        amount,
        issued_date,
        voided_at,
    from credit_note
    where issued_date <= cast($as_of as date)
),

write_off as (
    select
        invoice_id,
        amount,
        written_off_date,
    from write_off
    where written_off_date <= cast($as_of as date)
),

posted as (
    select
        invoice_id,
        account_id,
        coalesce(due_date, issued_date + cast(cast($payment_terms_days as bigint) as integer)) as due_date,
        total,
        currency,
    from invoice
    where
        status <> 'draft'
        and total is not null
        and (voided_at is null or voided_at >= cast($as_of_end as timestamp))
),

dated_payment as (
    select distinct payment_id
    from payment_event
),

-- Everything that makes an open amount smaller, signed; a refund makes it larger again.
settlement as (
    select
        invoice_id,
        case
            when kind = 'applied' then amount
            when kind in ('refund', 'dispute_lost') then -amount
            else cast(0 as decimal(18,4))
        end as amount,
        case when kind = 'applied' then cast(occurred_at as date) end as paid_date,
    from payment_event
    union all
    select
        payment.invoice_id,
        payment.amount,
        cast(payment.attempted_at as date) as paid_date,
    from payment
    left join dated_payment
        on dated_payment.payment_id = payment.payment_id
    where
        payment.status = 'succeeded'
        and dated_payment.payment_id is null
    union all
    select
        invoice_id,
        amount,
        cast(null as date) as paid_date,
    from credit_note
    where voided_at is null or voided_at >= cast($as_of_end as timestamp)
    union all
    select
        invoice_id,
        amount,
        cast(null as date) as paid_date,
    from write_off
),

settled as (
    select
        invoice_id,
        sum(amount) as amount,
        max(paid_date) as paid_date,
    from settlement
    where invoice_id is not null
    group by invoice_id
),

newest_attempt as (
    select
        invoice_id,
        status,
    from payment
    where invoice_id is not null
    qualify row_number() over (partition by invoice_id order by attempted_at desc, attempt desc nulls last, payment_id desc) = 1
),

standing as (
    select
        posted.invoice_id,
        posted.account_id,
        posted.due_date,
        posted.total,
        cast(posted.total - coalesce(settled.amount, cast(0 as decimal(18,4))) as decimal(18,4)) as open_amount,
        posted.currency,
        settled.paid_date,
        newest_attempt.status as newest_status,
    from posted
    left join settled
        on settled.invoice_id = posted.invoice_id
    left join newest_attempt
        on newest_attempt.invoice_id = posted.invoice_id
),

opened as (
    select
        invoice_id,
        account_id,
        due_date,
        total,
        open_amount,
        currency,
        paid_date,
        newest_status,
        total > 0
            and cast(open_amount as double) * 100 > cast(total as double) * cast(cast($health_open_share_pct as decimal(9,4)) as double)
            as is_open,
    from standing
)

select
    invoice_id,
    account_id,
    due_date,
    total,
    open_amount,
    currency,
    is_open,
    case when not is_open then paid_date end as settled_date,
    is_open and coalesce(newest_status = 'failed', false) as is_last_attempt_failed,
from opened
