/*---
title = "Posted invoices that are due and open, one code each"
owner = "finance"
grain = ["invoice_id"]

[columns]
invoice_id = { type = "text", doc = "The invoice" }
account_id = { type = "text", doc = "The account billed" }
contract_id = { type = "text", doc = "Canonical contract the invoice names; empty where none" }
check_code = { type = "text", doc = "R4, R3, R2 or R1" }
class = { type = "text", doc = "exposure; leak once long past due and not in dispute" }
currency = { type = "text", doc = "Invoice currency" }
issued_date = { type = "date", doc = "Day of issue" }
due_date = { type = "date", doc = "Day payment was due" }
days_past_due = { type = "integer", doc = "Days from due date to as_of" }
total_amount = { type = "decimal(18,4)", doc = "Invoice total, tax included" }
paid_amount = { type = "decimal(18,4)", doc = "Payments applied less refunds and lost disputes" }
open_amount = { type = "decimal(18,4)", doc = "Still open, tax included" }
open_net_amount = { type = "decimal(18,4)", doc = "Still open before tax" }

[checks]
not_null = ["invoice_id", "account_id", "check_code", "class", "currency", "open_net_amount"]

[decisions]
order = "R4 lost dispute, else R3 last attempt failed and none succeeded since, else R2 part paid, else R1"
broken_tax = "A tax outside the total is taken as no tax or all of it, so that dirty invoices never turn into negative receivables"
written_off = "Written-off money has left the receivables"
no_payment_source = "Where neither a payment nor a payment event is known at all nothing can be called unpaid"
---*/
with invoice_balance as (
    select
        invoice_id,
        account_id,
        contract_id,
        currency,
        minor_digits,
        issued_date,
        due_date,
        total_amount,
        tax_amount,
        paid_amount,
        open_amount,
        has_lost_dispute,
        is_in_dispute,
        has_failed
    from invoice_balance
),

payment as (
    select invoice_id
    from payment
),

payment_event as (
    select invoice_id
    from payment_event
),

known_payment as (
    select count(*) as payments
    from payment
),

known_event as (
    select count(*) as events
    from payment_event
),

-- The whole part by rounding, the rest exactly, so that halves survive large amounts.
halved as (
    select
        invoice_balance.*,
        cast(round(cast(open_amount as double) * cast(tax_amount as double) / cast(nullif(total_amount, 0) as double)) as decimal(38,0)) as whole_tax
    from invoice_balance
),

taxed as (
    select
        halved.*,
        cast(case
            when total_amount <= 0 or tax_amount <= 0 then 0
            when tax_amount >= total_amount then open_amount
            else whole_tax + cast(cast(
                cast(open_amount as decimal(38,4)) * cast(tax_amount as decimal(18,4)) - whole_tax * cast(total_amount as decimal(18,4))
                as double) / cast(total_amount as double) as decimal(38,10))
        end as decimal(38,10)) as open_tax
    from halved
    cross join known_payment
    cross join known_event
    where known_payment.payments + known_event.events > 0
        and open_amount > 0
        and due_date + cast(cast($receivable_grace_days as bigint) as int) <= cast($as_of as date)
)

select
    invoice_id,
    account_id,
    contract_id,
    case
        when has_lost_dispute then 'R4'
        when has_failed then 'R3'
        when paid_amount > 0 then 'R2'
        else 'R1'
    end as check_code,
    case
        when cast($as_of as date) - due_date > cast($collection_leak_days as bigint) and not is_in_dispute then 'leak'
        else 'exposure'
    end as class,
    currency,
    issued_date,
    due_date,
    cast(cast($as_of as date) - due_date as bigint) as days_past_due,
    cast(total_amount as decimal(18,4)) as total_amount,
    cast(paid_amount as decimal(18,4)) as paid_amount,
    cast(open_amount as decimal(18,4)) as open_amount,
    cast(greatest(open_amount - case minor_digits
        when 0 then cast(round(open_tax, 0) as decimal(18,4))
        when 3 then cast(round(open_tax, 3) as decimal(18,4))
        else cast(round(open_tax, 2) as decimal(18,4))
    end, cast(0 as decimal(18,4))) as decimal(18,4)) as open_net_amount
from taxed
