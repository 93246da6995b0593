/*---
title = "Dated money of Chargebee invoices"
owner = "finance"

[decisions]
applied = "What a successful payment settles on each invoice, when it was applied"
refund = "A refund belongs to the invoice of the credit note it pays out, else to the only invoice of the payment it gives back"
reversal = "A reversed payment is a dispute that was lost: the money is gone when Chargebee hears of it"
---*/
with transaction_made as (
    select
        id,
        version,
        kind,
        made_at,
        amount,
        refunded_id
    from landed.transaction
    where status = 'success'
        and made_at is not null
        and amount is not null
),

transaction_invoice as (
    select
        transaction_id,
        version,
        invoice_id,
        applied_at,
        amount
    from landed.transaction_invoice
),

transaction_credit_note as (
    select
        transaction_id,
        version,
        credit_note_id,
        invoice_id,
        amount
    from landed.transaction_credit_note
),

invoice as (
    select
        id,
        version
    from landed.invoice
),

invoice_credit as (
    select
        invoice_id,
        version,
        credit_note_id,
        applied_at,
        amount
    from landed.invoice_credit
),

applied as (
    select
        transaction_made.id as payment_id,
        transaction_invoice.invoice_id,
        transaction_invoice.amount,
        coalesce(transaction_invoice.applied_at, transaction_made.made_at) as applied_at
    from transaction_made
    inner join transaction_invoice
        on transaction_made.id = transaction_invoice.transaction_id
        and transaction_made.version = transaction_invoice.version
    where transaction_made.kind = 'payment'
        and transaction_invoice.amount > 0
),

-- A payment that was taken back may have lost its own links: those of any version say where it went.
paid_invoice as (
    select
        transaction_id,
        min(invoice_id) as invoice_id
    from transaction_invoice
    group by transaction_id
    having min(invoice_id) = max(invoice_id)
),

noted_refund as (
    select
        transaction_made.id,
        transaction_credit_note.credit_note_id,
        transaction_made.refunded_id,
        coalesce(transaction_credit_note.invoice_id, paid_invoice.invoice_id) as invoice_id,
        transaction_credit_note.amount,
        transaction_made.made_at
    from transaction_made
    inner join transaction_credit_note
        on transaction_made.id = transaction_credit_note.transaction_id
        and transaction_made.version = transaction_credit_note.version
    left join paid_invoice
        on transaction_made.refunded_id = paid_invoice.transaction_id
    where transaction_made.kind = 'refund'
),

noted as (
    select distinct id
    from noted_refund
)

select
    concat(payment_id, '/', invoice_id) as event_id,
    payment_id,
    invoice_id,
    'applied' as kind,
    cast(amount as decimal(18,4)) as amount,
    applied_at as occurred_at,
    payment_id as source_id
from applied
union all
select
    concat(invoice_credit.credit_note_id, '/', invoice.id, '/', cast(cast(extract(epoch from invoice_credit.applied_at) as bigint) as varchar)) as event_id,
    concat(invoice_credit.credit_note_id, '/', invoice.id, '/', cast(cast(extract(epoch from invoice_credit.applied_at) as bigint) as varchar)) as payment_id,
    invoice.id as invoice_id,
    'applied' as kind,
    cast(invoice_credit.amount as decimal(18,4)) as amount,
    invoice_credit.applied_at as occurred_at,
    invoice_credit.credit_note_id as source_id
from invoice_credit
inner join invoice
    on invoice_credit.invoice_id = invoice.id
    and invoice_credit.version = invoice.version
where invoice_credit.amount > 0
union all
select
    concat(id, '/', credit_note_id) as event_id,
    coalesce(refunded_id, id) as payment_id,
    invoice_id,
    'refund' as kind,
    cast(amount as decimal(18,4)) as amount,
    made_at as occurred_at,
    id as source_id
from noted_refund
where invoice_id is not null
    and amount > 0
union all
select
    transaction_made.id as event_id,
    transaction_made.refunded_id as payment_id,
    paid_invoice.invoice_id,
    case transaction_made.kind when 'refund' then 'refund' else 'dispute_lost' end as kind,
    cast(transaction_made.amount as decimal(18,4)) as amount,
    transaction_made.made_at as occurred_at,
    transaction_made.id as source_id
from transaction_made
inner join paid_invoice
    on transaction_made.refunded_id = paid_invoice.transaction_id
left join noted
    on transaction_made.id = noted.id
where transaction_made.kind in ('refund', 'payment_reversal')
    and noted.id is null
