/*---
title = "Posted invoices with what is paid and open, from dated facts"
owner = "finance"
grain = ["invoice_id"]

[columns]
invoice_id = { type = "text", doc = "The invoice" }
account_id = { type = "text", doc = "The account billed" }
contract_id = { type = "text", doc = "Canonical contract the invoice names; empty where none" }
currency = { type = "text", doc = "Invoice currency" }
minor_digits = { type = "integer", doc = "Decimals of the currency" }
issued_date = { type = "date", doc = "Day of issue" }
due_date = { type = "date", doc = "Day payment is due; issue and payment terms where the invoice does not say" }
total_amount = { type = "decimal(18,4)", doc = "Invoice total, tax included" }
tax_amount = { type = "decimal(18,4)", doc = "Tax in it" }
paid_amount = { type = "decimal(18,4)", doc = "Payments applied less refunds and lost disputes" }
credited_amount = { type = "decimal(18,4)", doc = "Credit notes, tax included" }
written_off_amount = { type = "decimal(18,4)", doc = "Written off" }
open_amount = { type = "decimal(18,4)", doc = "Still open, tax included; negative where too much was paid" }
last_paid_date = { type = "date", doc = "Day of the last payment" }
has_lost_dispute = { type = "boolean", doc = "A dispute was lost" }
is_in_dispute = { type = "boolean", doc = "A dispute is neither lost nor won" }
has_failed = { type = "boolean", doc = "The last attempt to collect failed and no money came since" }

[checks]
not_null = ["invoice_id", "account_id", "currency", "issued_date", "due_date"]

[decisions]
dated = "Open amounts come from dated facts up to as_of, never from status or the biller's amount due; a draft is no invoice"
issued = "Without a day of issue an invoice counts from the day it became final, else from its creation"
credit_notes = "A credit note is before tax and lowers the total with its tax"
---*/
with canonical_id as (
    select
        external_id,
        canonical_id
    from canonical_id
    where kind = 'contract'
),

currency_minor_unit as (
    select
        currency,
        minor_digits
    from currency_minor_unit
),

contract_version as (
    select
        contract_id,
        payment_terms_days
    from contract_version
    where is_current
),

invoice as (
    select
        invoice_id,
        account_id,
        contract_id,
        status,
        created_at,
        issued_date,
        finalized_at,
        due_date,
        currency,
        subtotal,
        tax,
        total,
        voided_at,
        disputed_at
    from invoice
),

invoice_line as (
    select
        invoice_id,
        amount,
        tax_amount,
        is_tax_inclusive
    from invoice_line
),

payment as (
    select
        invoice_id,
        attempted_at,
        lower(status) as status
    from payment
    where attempted_at < cast($as_of_end as timestamp)
),

payment_event as (
    select
        invoice_id,
        kind,
        occurred_at
    from payment_event
    where occurred_at < cast($as_of_end as timestamp)
),

invoice_payment as (
    select
        invoice_id,
        kind,
        moved_at,
        amount
    from invoice_payment
),

credit_note as (
    select
        invoice_id,
        amount
    from credit_note
    where issued_date <= cast($as_of as date)
        and (voided_at is null or voided_at >= cast($as_of_end as timestamp))
),

write_off as (
    select
        invoice_id,
        amount
    from write_off
    where written_off_date <= cast($as_of as date)
),

posted as (
    select
        invoice.invoice_id,
        invoice.account_id,
        coalesce(canonical_id.canonical_id, invoice.contract_id, '') as contract_id,
        invoice.currency,
        coalesce(invoice.issued_date, cast(invoice.finalized_at as date), cast(invoice.created_at as date)) as issued_date,
        invoice.due_date,
        invoice.disputed_at,
        invoice.subtotal,
        invoice.tax,
        invoice.total,
        coalesce(currency_minor_unit.minor_digits, 2) as minor_digits
    from invoice
    left join canonical_id
        on invoice.contract_id = canonical_id.external_id
    left join currency_minor_unit
        on invoice.currency = currency_minor_unit.currency
    where coalesce(invoice.issued_date, cast(invoice.finalized_at as date), cast(invoice.created_at as date)) <= cast($as_of as date)
        and lower(invoice.status) <> 'draft'
        and (invoice.voided_at is null or invoice.voided_at >= cast($as_of_end as timestamp))
        and (lower(invoice.status) <> 'void' or invoice.voided_at is not null)
),

line_total as (
    select
        invoice_id,
        sum(case when coalesce(is_tax_inclusive, false) then amount - coalesce(tax_amount, 0) else amount end) as net_amount,
        sum(coalesce(tax_amount, 0)) as tax_amount
    from invoice_line
    group by invoice_id
),

totalled as (
    select
        posted.*,
        coalesce(posted.total, posted.subtotal + coalesce(posted.tax, 0), line_total.net_amount + line_total.tax_amount) as total_amount,
        coalesce(posted.tax, posted.total - posted.subtotal, line_total.tax_amount, 0) as tax_amount,
        coalesce(posted.due_date, cast(posted.issued_date + cast(coalesce(
            contract_version.payment_terms_days,
            cast($payment_terms_days as bigint)
        ) as int) as date)) as settle_date
    from posted
    left join line_total
        on posted.invoice_id = line_total.invoice_id
    left join contract_version
        on posted.contract_id = contract_version.contract_id
),

moved as (
    select
        invoice_id,
        sum(amount) as paid_amount,
        max(case when kind in ('applied', 'payment') then moved_at end) as last_paid_at,
        max(case when kind = 'applied' then moved_at end) as last_applied_at
    from invoice_payment
    group by invoice_id
),

dispute as (
    select
        invoice_id,
        bool_or(kind = 'dispute_lost') as has_lost_dispute,
        max(case when kind = 'dispute' then occurred_at end) as last_dispute_at,
        max(case when kind in ('dispute_lost', 'dispute_won') then occurred_at end) as last_decision_at
    from payment_event
    group by invoice_id
),

attempt as (
    select
        invoice_id,
        max(case when status = 'failed' then attempted_at end) as last_failed_at,
        max(case when status = 'succeeded' then attempted_at end) as last_succeeded_at
    from payment
    group by invoice_id
),

credited as (
    select
        invoice_id,
        sum(amount) as amount
    from credit_note
    group by invoice_id
),

written_off as (
    select
        invoice_id,
        sum(amount) as amount
    from write_off
    group by invoice_id
),

-- The whole part by rounding, the rest exactly, so that halves survive large amounts.
halved as (
    select
        totalled.*,
        credited.amount as credited_net_amount,
        totalled.total_amount - totalled.tax_amount as net_amount,
        cast(round(
            cast(credited.amount as double) * cast(totalled.total_amount as double)
            / cast(nullif(totalled.total_amount - totalled.tax_amount, 0) as double)
        ) as decimal(38,0)) as whole_credit
    from totalled
    left join credited
        on totalled.invoice_id = credited.invoice_id
),

settled as (
    select
        halved.*,
        coalesce(moved.paid_amount, 0) as paid_amount,
        coalesce(written_off.amount, 0) as written_off_amount,
        cast(case
            when halved.credited_net_amount is null then 0
            when halved.net_amount = 0 then halved.credited_net_amount
            else halved.whole_credit + cast(cast(
                cast(halved.credited_net_amount as decimal(38,4)) * cast(halved.total_amount as decimal(18,4))
                    - halved.whole_credit * cast(halved.net_amount as decimal(18,4))
                as double) / cast(halved.net_amount as double) as decimal(38,10))
        end as decimal(38,10)) as credited_exact,
        cast(moved.last_paid_at as date) as last_paid_date,
        coalesce(dispute.has_lost_dispute, false) as has_lost_dispute,
        case
            when halved.disputed_at < cast($as_of_end as timestamp)
                then greatest(halved.disputed_at, coalesce(dispute.last_dispute_at, halved.disputed_at))
            else dispute.last_dispute_at
        end as last_dispute_at,
        dispute.last_decision_at,
        attempt.last_failed_at is not null
            and (attempt.last_succeeded_at is null or attempt.last_succeeded_at < attempt.last_failed_at)
            and (moved.last_applied_at is null or moved.last_applied_at < attempt.last_failed_at) as has_failed
    from halved
    left join moved
        on halved.invoice_id = moved.invoice_id
    left join dispute
        on halved.invoice_id = dispute.invoice_id
    left join attempt
        on halved.invoice_id = attempt.invoice_id
    left join written_off
        on halved.invoice_id = written_off.invoice_id
),

credited_whole as (
    select
        settled.*,
        case minor_digits
            when 0 then cast(round(credited_exact, 0) as decimal(18,4))
            when 3 then cast(round(credited_exact, 3) as decimal(18,4))
            else cast(round(credited_exact, 2) as decimal(18,4))
        end as credited_amount
    from settled
)

select
    invoice_id,
    account_id,
    contract_id,
    currency,
    cast(minor_digits as bigint) as minor_digits,
    issued_date,
    settle_date as due_date,
    cast(total_amount as decimal(18,4)) as total_amount,
    cast(tax_amount as decimal(18,4)) as tax_amount,
    cast(paid_amount as decimal(18,4)) as paid_amount,
    cast(credited_amount as decimal(18,4)) as credited_amount,
    cast(written_off_amount as decimal(18,4)) as written_off_amount,
    cast(total_amount - paid_amount - written_off_amount - credited_amount as decimal(18,4)) as open_amount,
    last_paid_date,
    has_lost_dispute,
    last_dispute_at is not null and (last_decision_at is null or last_decision_at < last_dispute_at) as is_in_dispute,
    has_failed
from credited_whole
