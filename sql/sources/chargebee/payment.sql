/*---
title = "Chargebee payments, tried and made"
owner = "finance"

[decisions]
status = "success succeeded; failure, late_failure and timeout failed; what is under way or was voided is neither"
invoice = "The invoice where there is one; a payment over several says so in its dated events only"
final = "The last attempt of an invoice that Chargebee no longer chases"
credit = "Credit of another note that an invoice was paid with is a payment of its own"
---*/
with transaction_made as (
    select
        id,
        version,
        customer_id,
        currency_code,
        made_at,
        amount,
        error_code,
        case when status = 'success' then 'succeeded' else 'failed' end as status
    from landed.transaction
    where kind = 'payment'
        and status in ('success', 'failure', 'late_failure', 'timeout')
        and customer_id is not null
        and made_at is not null
        and amount is not null
        and currency_code is not null
),

transaction_invoice as (
    select
        transaction_id,
        version,
        invoice_id
    from landed.transaction_invoice
),

invoice as (
    select
        id,
        version,
        customer_id,
        currency_code,
        dunning_status
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
    where amount > 0
),

only_invoice as (
    select
        transaction_made.id,
        min(transaction_invoice.invoice_id) as invoice_id
    from transaction_made
    inner join transaction_invoice
        on transaction_made.id = transaction_invoice.transaction_id
        and transaction_made.version = transaction_invoice.version
    group by transaction_made.id
    having count(*) = 1
),

attempted as (
    select
        transaction_made.*,
        only_invoice.invoice_id,
        row_number() over (partition by only_invoice.invoice_id order by transaction_made.made_at, transaction_made.id) as attempt,
        row_number() over (
            partition by only_invoice.invoice_id
            order by transaction_made.made_at desc, transaction_made.id desc
        ) = 1 as is_last
    from transaction_made
    left join only_invoice
        on transaction_made.id = only_invoice.id
)

select
    attempted.id as payment_id,
    attempted.customer_id as account_id,
    attempted.invoice_id,
    attempted.made_at as attempted_at,
    cast(attempted.amount as decimal(18,4)) as amount,
    upper(attempted.currency_code) as currency,
    attempted.status,
    attempted.error_code as failure_code,
    case when attempted.invoice_id is not null then cast(attempted.attempt as bigint) end as attempt,
    case
        when attempted.invoice_id is not null then attempted.is_last
            and (attempted.status = 'succeeded' or invoice.dunning_status is distinct from 'in_progress')
    end as is_final_attempt,
    attempted.id as source_id
from attempted
left join invoice
    on attempted.invoice_id = invoice.id
union all
select
    concat(invoice_credit.credit_note_id, '/', invoice.id, '/', cast(cast(extract(epoch from invoice_credit.applied_at) as bigint) as varchar)) as payment_id,
    invoice.customer_id as account_id,
    invoice.id as invoice_id,
    invoice_credit.applied_at as attempted_at,
    cast(invoice_credit.amount as decimal(18,4)) as amount,
    upper(invoice.currency_code) as currency,
    'succeeded' as status,
    cast(null as varchar) as failure_code,
    cast(null as bigint) as attempt,
    cast(null as boolean) as is_final_attempt,
    invoice_credit.credit_note_id as source_id
from invoice_credit
inner join invoice
    on invoice_credit.invoice_id = invoice.id
    and invoice_credit.version = invoice.version
