/*---
title = "Payments of Stripe invoices, tried and made"
owner = "finance"

[decisions]
invoices = "Charges that no invoice asked for are no payment of one: they are left out"
attempt = "Charges of an invoice by their time; a charge still pending is no attempt yet"
final = "The last charge of an invoice for which Stripe plans no other"
off_stripe = "What was paid outside of Stripe, and what a customer's balance took over, are payments of their own"
marked_paid = "An invoice marked as paid of which no payment is known was paid outside of Stripe, when it was marked"
---*/
with charge as (
    select
        id,
        created_at,
        customer_id,
        invoice_id,
        payment_intent_id,
        status,
        currency,
        amount,
        failure_code
    from landed.charge
),

invoice_payment as (
    select
        id,
        invoice_id,
        currency,
        amount_paid,
        paid_at,
        payment_intent_id,
        charge_id,
        payment_record_id
    from landed.invoice_payment
),

invoice_payment_paid as (
    select
        invoice_payment_id,
        coalesce(paid_at, happened_at) as paid_at,
        amount_paid
    from landed.invoice_payment_paid
),

invoice as (
    select
        id,
        customer_id,
        currency,
        next_attempt_at,
        finalized_at,
        paid_at,
        voided_at,
        amount_paid,
        starting_balance,
        ending_balance
    from landed.invoice
),

moment as (
    select
        invoice_id,
        max(finalized_at) as finalized_at,
        max(paid_at) as paid_at,
        max(voided_at) as voided_at,
        max(starting_balance) as starting_balance,
        max(ending_balance) as ending_balance
    from landed.invoice_event
    group by invoice_id
),

last_event as (
    select
        invoice_id,
        next_attempt_at,
        amount_paid
    from landed.invoice_event
    qualify row_number() over (partition by invoice_id order by happened_at desc, id desc) = 1
),

invoice_of_charge as (
    select
        charge_id,
        min(invoice_id) as invoice_id
    from invoice_payment
    where charge_id is not null
    group by charge_id
),

invoice_of_intent as (
    select
        payment_intent_id,
        min(invoice_id) as invoice_id
    from invoice_payment
    where payment_intent_id is not null
    group by payment_intent_id
),

-- A charge knows its payment intent, and that the invoice; charges of older versions know the invoice themselves.
placed as (
    select
        charge.id,
        charge.created_at,
        charge.customer_id,
        coalesce(invoice_of_charge.invoice_id, invoice_of_intent.invoice_id, charge.invoice_id) as invoice_id,
        charge.payment_intent_id,
        charge.status,
        charge.currency,
        charge.amount,
        charge.failure_code
    from charge
    left join invoice_of_charge
        on charge.id = invoice_of_charge.charge_id
    left join invoice_of_intent
        on charge.payment_intent_id = invoice_of_intent.payment_intent_id
    where charge.status in ('succeeded', 'failed')
),

attempted as (
    select
        placed.*,
        row_number() over (partition by invoice_id order by created_at, id) as attempt,
        row_number() over (partition by invoice_id order by created_at desc, id desc) = 1 as is_last
    from placed
    where invoice_id is not null
),

charged_intent as (
    select distinct payment_intent_id
    from attempted
    where status = 'succeeded'
        and payment_intent_id is not null
),

-- Paid without a charge of ours.
recorded as (
    select
        coalesce(invoice_payment.payment_record_id, invoice_payment.payment_intent_id, invoice_payment.id) as payment_id,
        invoice_payment.invoice_id,
        invoice_payment.currency,
        coalesce(invoice_payment.paid_at, invoice_payment_paid.paid_at) as paid_at,
        coalesce(invoice_payment_paid.amount_paid, invoice_payment.amount_paid) as amount
    from invoice_payment
    left join invoice_payment_paid
        on invoice_payment.id = invoice_payment_paid.invoice_payment_id
    left join charged_intent
        on invoice_payment.payment_intent_id = charged_intent.payment_intent_id
    where invoice_payment.charge_id is null
        and charged_intent.payment_intent_id is null
),

known_paid as (
    select invoice_id
    from recorded
    where paid_at is not null
        and amount > 0
    union
    select invoice_id
    from attempted
    where status = 'succeeded'
),

marked as (
    select
        concat(invoice.id, '/paid') as payment_id,
        invoice.id as invoice_id,
        invoice.customer_id,
        invoice.currency,
        coalesce(invoice.paid_at, moment.paid_at) as paid_at,
        coalesce(last_event.amount_paid, invoice.amount_paid) as amount
    from invoice
    left join moment
        on invoice.id = moment.invoice_id
    left join last_event
        on invoice.id = last_event.invoice_id
    left join known_paid
        on invoice.id = known_paid.invoice_id
    where known_paid.invoice_id is null
),

-- What the customer's credit balance paid when the invoice became final.
balanced as (
    select
        concat(invoice.id, '/balance') as payment_id,
        invoice.id as invoice_id,
        invoice.customer_id,
        invoice.currency,
        coalesce(invoice.finalized_at, moment.finalized_at) as paid_at,
        coalesce(moment.ending_balance, invoice.ending_balance) - coalesce(moment.starting_balance, invoice.starting_balance) as amount
    from invoice
    left join moment
        on invoice.id = moment.invoice_id
    where invoice.voided_at is null
        and moment.voided_at is null
)

select
    attempted.id as payment_id,
    coalesce(attempted.customer_id, invoice.customer_id) as account_id,
    attempted.invoice_id,
    attempted.created_at as attempted_at,
    cast(attempted.amount as decimal(18,4)) as amount,
    upper(attempted.currency) as currency,
    attempted.status,
    attempted.failure_code,
    cast(attempted.attempt as bigint) as attempt,
    attempted.is_last
        and (
            attempted.status = 'succeeded'
            or case when last_event.invoice_id is null then invoice.next_attempt_at else last_event.next_attempt_at end is null
        ) as is_final_attempt,
    attempted.id as source_id
from attempted
left join invoice
    on attempted.invoice_id = invoice.id
left join last_event
    on attempted.invoice_id = last_event.invoice_id
where coalesce(attempted.customer_id, invoice.customer_id) is not null
union all
select
    recorded.payment_id,
    invoice.customer_id as account_id,
    recorded.invoice_id,
    recorded.paid_at as attempted_at,
    cast(recorded.amount as decimal(18,4)) as amount,
    upper(recorded.currency) as currency,
    'succeeded' as status,
    cast(null as varchar) as failure_code,
    cast(null as bigint) as attempt,
    cast(null as boolean) as is_final_attempt,
    recorded.payment_id as source_id
from recorded
inner join invoice
    on recorded.invoice_id = invoice.id
where recorded.paid_at is not null
    and recorded.amount > 0
union all
select
    balanced.payment_id,
    balanced.customer_id as account_id,
    balanced.invoice_id,
    balanced.paid_at as attempted_at,
    cast(balanced.amount as decimal(18,4)) as amount,
    upper(balanced.currency) as currency,
    'succeeded' as status,
    cast(null as varchar) as failure_code,
    cast(null as bigint) as attempt,
    cast(null as boolean) as is_final_attempt,
    balanced.invoice_id as source_id
from balanced
where balanced.paid_at is not null
    and balanced.amount > 0
union all
select
    marked.payment_id,
    marked.customer_id as account_id,
    marked.invoice_id,
    marked.paid_at as attempted_at,
    cast(marked.amount as decimal(18,4)) as amount,
    upper(marked.currency) as currency,
    'succeeded' as status,
    cast(null as varchar) as failure_code,
    cast(null as bigint) as attempt,
    cast(null as boolean) as is_final_attempt,
    marked.invoice_id as source_id
from marked
where marked.paid_at is not null
    and marked.amount > 0
    and marked.customer_id is not null
