/*---
title = "Money collected, taken back or written off, before tax"
owner = "finance"
grain = ["event_id", "kind"]

[columns]
event_id = { type = "text", doc = "The payment event, payment or write-off" }
kind = { type = "text", doc = "collected or written_off" }
invoice_id = { type = "text", doc = "The invoice; null where the payment names none" }
account_id = { type = "text", doc = "The account billed, else the one that paid" }
currency = { type = "text", doc = "The invoice's currency, else the payment's" }
event_date = { type = "date", doc = "Day it happened" }
amount = { type = "decimal(18,4)", doc = "Amount before tax; negative for refunds and lost disputes" }
is_unapproved = { type = "boolean", doc = "A write-off without approver or reason" }
minor_digits = { type = "integer", doc = "Digits of the currency's minor unit" }

[checks]
not_null = ["event_id", "kind", "event_date", "amount"]

[decisions]
ex_tax = "amount less round(amount x tax / total) of its invoice; an invoice without tax or total takes nothing off"
unknown = "Money on an invoice and a payment that are both unknown has no account and no currency: it is left out"
undated = "A succeeded payment without a dated event counts as applied on its attempt"
---*/
with invoice as (
    select
        invoice_id,
        account_id,
        currency,
        tax,
        total
    from invoice
),

payment as (
    select
        payment_id,
        account_id,
        invoice_id,
        attempted_at,
        amount,
        currency,
        status
    from payment
),

payment_event as (
    select
        event_id,
        payment_id,
        invoice_id,
        kind,
        amount,
        occurred_at
    from payment_event
),

write_off as (
    select
        write_off_id,
        invoice_id,
        amount,
        written_off_date,
        approved_by is null or reason is null as is_unapproved
    from write_off
),

currency_minor_unit as (
    select
        currency,
        minor_digits
    from currency_minor_unit
),

payment_with_event as (
    select distinct
        payment_id
    from payment_event
),

-- Dated facts only: what was applied, given back, or lost in a dispute by the end of as_of.
dated as (
    select
        payment_event.event_id,
        'collected' as kind,
        payment_event.invoice_id,
        payment.account_id as payer_id,
        payment.currency as payment_currency,
        cast(payment_event.occurred_at as date) as event_date,
        cast(case when payment_event.kind = 'applied' then payment_event.amount else -payment_event.amount end as decimal(18, 4)) as amount,
        false as is_unapproved
    from payment_event
    left join payment
        on payment_event.payment_id = payment.payment_id
    where payment_event.occurred_at < cast($as_of_end as timestamp)
        and payment_event.kind in ('applied', 'refund', 'dispute_lost')
    union all
    select
        payment.payment_id as event_id,
        'collected' as kind,
        payment.invoice_id,
        payment.account_id as payer_id,
        payment.currency as payment_currency,
        cast(payment.attempted_at as date) as event_date,
        payment.amount,
        false as is_unapproved
    from payment
    left join payment_with_event
        on payment.payment_id = payment_with_event.payment_id
    where payment.attempted_at < cast($as_of_end as timestamp)
        and payment.status = 'succeeded'
        and payment_with_event.payment_id is null
    union all
    select
        write_off_id as event_id,
        'written_off' as kind,
        invoice_id,
        cast(null as varchar) as payer_id,
        cast(null as varchar) as payment_currency,
        written_off_date as event_date,
        amount,
        is_unapproved
    from write_off
    where written_off_date <= cast($as_of as date)
),

-- The whole part by rounding, the rest exactly, so that halves survive large amounts.
halved as (
    select
        dated.event_id,
        dated.kind,
        dated.invoice_id,
        coalesce(invoice.account_id, dated.payer_id) as account_id,
        coalesce(invoice.currency, dated.payment_currency) as currency,
        dated.event_date,
        dated.amount,
        dated.is_unapproved,
        invoice.tax as invoice_tax,
        nullif(invoice.total, 0) as invoice_total,
        cast(round(
            cast(dated.amount as double) * cast(invoice.tax as double) / cast(nullif(invoice.total, 0) as double)
        ) as decimal(38, 0)) as whole_tax
    from dated
    left join invoice
        on dated.invoice_id = invoice.invoice_id
    where coalesce(invoice.currency, dated.payment_currency) is not null
),

placed as (
    select
        halved.*,
        coalesce(whole_tax + cast(cast(
            cast(amount as decimal(38, 4)) * cast(invoice_tax as decimal(18, 4)) - whole_tax * cast(invoice_total as decimal(18, 4))
            as double) / cast(invoice_total as double) as decimal(38, 10)), cast(0 as decimal(38, 10))) as tax_amount
    from halved
),

digits as (
    select
        placed.*,
        coalesce(currency_minor_unit.minor_digits, 2) as minor_digits
    from placed
    left join currency_minor_unit
        on placed.currency = currency_minor_unit.currency
)

select
    event_id,
    kind,
    invoice_id,
    account_id,
    currency,
    event_date,
    cast(
        amount - case
            when minor_digits = 0 then cast(round(tax_amount, 0) as decimal(18, 4))
            when minor_digits = 3 then cast(round(tax_amount, 3) as decimal(18, 4))
            else cast(round(tax_amount, 2) as decimal(18, 4))
        end as decimal(18, 4)
    ) as amount,
    is_unapproved,
    cast(minor_digits as bigint) as minor_digits
from digits
