/*---
title = "Dated money of Stripe invoices"
owner = "finance"

[decisions]
refund = "A refund counts once it succeeded, on the day it was made"
inquiry = "A warning is an inquiry of the bank, not a dispute: no money moved"
decided = "A dispute is decided when its closing event says; one closed before events reach back, on the day we first saw it so"
marked_paid = "An invoice marked as paid of which no payment is known was paid outside of Stripe, when it was marked"
invoices = "Money of charges that no invoice asked for is left out, as in payment"
---*/
with charge as (
    select
        id,
        created_at,
        invoice_id,
        payment_intent_id,
        status
    from landed.charge
),

invoice_payment as (
    select
        id,
        invoice_id,
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
        amount_paid
    from landed.invoice_event
    qualify row_number() over (partition by invoice_id order by happened_at desc, id desc) = 1
),

refund as (
    select
        id,
        created_at,
        charge_id,
        payment_intent_id,
        status,
        amount
    from landed.refund
),

dispute as (
    select
        id,
        created_at,
        charge_id,
        payment_intent_id,
        status,
        amount,
        _seen_from as seen_date
    from landed.dispute
    where status not like 'warning%'
        and status <> 'prevented'
),

dispute_closed as (
    select
        dispute_id,
        happened_at
    from landed.dispute_closed
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

placed_charge as (
    select
        charge.id,
        charge.created_at,
        charge.payment_intent_id,
        charge.status,
        coalesce(invoice_of_charge.invoice_id, invoice_of_intent.invoice_id, charge.invoice_id) as invoice_id
    from charge
    left join invoice_of_charge
        on charge.id = invoice_of_charge.charge_id
    left join invoice_of_intent
        on charge.payment_intent_id = invoice_of_intent.payment_intent_id
),

-- The charge by which an intent was paid.
paid_charge as (
    select
        id,
        payment_intent_id
    from placed_charge
    where status = 'succeeded'
        and payment_intent_id is not null
    qualify row_number() over (partition by payment_intent_id order by created_at desc, id desc) = 1
),

applied as (
    select
        invoice_payment.id as event_id,
        coalesce(
            invoice_payment.charge_id,
            paid_charge.id,
            invoice_payment.payment_record_id,
            invoice_payment.payment_intent_id,
            invoice_payment.id
        ) as payment_id,
        invoice_payment.invoice_id,
        'applied' as kind,
        coalesce(invoice_payment_paid.amount_paid, invoice_payment.amount_paid) as amount,
        coalesce(invoice_payment.paid_at, invoice_payment_paid.paid_at) as occurred_at
    from invoice_payment
    left join invoice_payment_paid
        on invoice_payment.id = invoice_payment_paid.invoice_payment_id
    left join paid_charge
        on invoice_payment.payment_intent_id = paid_charge.payment_intent_id
    union all
    select
        concat(invoice.id, '/balance') as event_id,
        concat(invoice.id, '/balance') as payment_id,
        invoice.id as invoice_id,
        'applied' as kind,
        coalesce(moment.ending_balance, invoice.ending_balance) - coalesce(moment.starting_balance, invoice.starting_balance) as amount,
        coalesce(invoice.finalized_at, moment.finalized_at) as occurred_at
    from invoice
    left join moment
        on invoice.id = moment.invoice_id
    where invoice.voided_at is null
        and moment.voided_at is null
),

known_paid as (
    select invoice_id
    from applied
    where occurred_at is not null
        and amount > 0
        and event_id <> concat(invoice_id, '/balance')
    union
    select invoice_id
    from placed_charge
    where status = 'succeeded'
        and invoice_id is not null
),

marked as (
    select
        concat(invoice.id, '/paid') as event_id,
        invoice.id as invoice_id,
        coalesce(last_event.amount_paid, invoice.amount_paid) as amount,
        coalesce(invoice.paid_at, moment.paid_at) as occurred_at
    from invoice
    left join moment
        on invoice.id = moment.invoice_id
    left join last_event
        on invoice.id = last_event.invoice_id
    left join known_paid
        on invoice.id = known_paid.invoice_id
    where known_paid.invoice_id is null
),

taken_back as (
    select
        id as event_id,
        charge_id,
        payment_intent_id,
        'refund' as kind,
        amount,
        created_at as occurred_at
    from refund
    where coalesce(status, 'succeeded') = 'succeeded'
    union all
    select
        id as event_id,
        charge_id,
        payment_intent_id,
        'dispute' as kind,
        amount,
        created_at as occurred_at
    from dispute
    union all
    select
        concat(dispute.id, '/', dispute.status) as event_id,
        dispute.charge_id,
        dispute.payment_intent_id,
        case dispute.status when 'lost' then 'dispute_lost' else 'dispute_won' end as kind,
        dispute.amount,
        coalesce(dispute_closed.happened_at, cast(dispute.seen_date as timestamp)) as occurred_at
    from dispute
    left join dispute_closed
        on dispute.id = dispute_closed.dispute_id
    where dispute.status in ('won', 'lost')
)

select
    event_id,
    payment_id,
    invoice_id,
    kind,
    cast(amount as decimal(18,4)) as amount,
    occurred_at,
    event_id as source_id
from applied
where occurred_at is not null
    and amount > 0
union all
select
    event_id,
    event_id as payment_id,
    invoice_id,
    'applied' as kind,
    cast(amount as decimal(18,4)) as amount,
    occurred_at,
    event_id as source_id
from marked
where occurred_at is not null
    and amount > 0
union all
select
    taken_back.event_id,
    placed_charge.id as payment_id,
    placed_charge.invoice_id,
    taken_back.kind,
    cast(taken_back.amount as decimal(18,4)) as amount,
    taken_back.occurred_at,
    taken_back.event_id as source_id
from taken_back
left join paid_charge
    on taken_back.payment_intent_id = paid_charge.payment_intent_id
inner join placed_charge
    on coalesce(taken_back.charge_id, paid_charge.id) = placed_charge.id
where placed_charge.invoice_id is not null
