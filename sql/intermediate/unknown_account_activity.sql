/*---
title = "What is billed, used and written under ids that are no account"
owner = "data"
grain = ["account_id", "source", "kind", "currency"]

[columns]
account_id = { type = "text", doc = "The id that no account has" }
source = { type = "text", doc = "Source of the rows; rolled for usage that comes from events" }
kind = { type = "text", doc = "invoice, usage, ticket or contract" }
currency = { type = "text", doc = "Currency of the invoices; empty for everything else" }
amount = { type = "decimal(18,4)", doc = "Invoiced before tax, in posted invoices" }
quantity = { type = "integer", doc = "Invoices, events, tickets or contracts" }
days = { type = "integer", doc = "Days with use" }
last_date = { type = "date", doc = "Latest day of any of it" }

[checks]
not_null = ["account_id", "source", "kind", "currency"]

[decisions]
posted = "Invoices count as everywhere: by the day they were issued, drafts and void ones left out"
events = "A day's use that does not say how many events it is counts as days only"
---*/
with account as (
    select account_id
    from account
),

invoice as (
    select
        invoice_id,
        source
    from invoice
),

invoice_item as (
    select
        invoice_id,
        account_id,
        currency,
        issued_date,
        amount
    from invoice_item
    where state = 'posted'
),

usage_daily as (
    select
        account_id,
        usage_date,
        events,
        source
    from usage_daily
    where usage_date <= cast($as_of as date)
),

ticket as (
    select
        account_id,
        created_at,
        source
    from ticket
    where created_at < cast($as_of_end as timestamp)
),

contract as (
    select
        account_id,
        contract_id,
        effective_date,
        source
    from contract
    where effective_date <= cast($as_of as date)
),

-- By account and day first: products and metrics of a day are one day of use.
used_day as (
    select
        account_id,
        source,
        usage_date,
        sum(events) as events
    from usage_daily
    group by
        account_id,
        source,
        usage_date
),

billed_invoice as (
    select
        invoice_item.invoice_id,
        invoice_item.account_id,
        coalesce(invoice.source, '') as source,
        coalesce(invoice_item.currency, '') as currency,
        max(invoice_item.issued_date) as issued_date,
        sum(invoice_item.amount) as amount
    from invoice_item
    left join invoice
        on invoice_item.invoice_id = invoice.invoice_id
    group by
        invoice_item.invoice_id,
        invoice_item.account_id,
        coalesce(invoice.source, ''),
        coalesce(invoice_item.currency, '')
),

signed_contract as (
    select
        account_id,
        coalesce(source, '') as source,
        contract_id,
        max(effective_date) as effective_date
    from contract
    group by
        account_id,
        coalesce(source, ''),
        contract_id
),

activity as (
    select
        account_id,
        source,
        'invoice' as kind,
        currency,
        cast(sum(amount) as decimal(18,4)) as amount,
        count(*) as quantity,
        cast(null as bigint) as days,
        max(issued_date) as last_date
    from billed_invoice
    group by
        account_id,
        source,
        currency
    union all
    select
        account_id,
        coalesce(source, '') as source,
        'usage' as kind,
        '' as currency,
        cast(null as decimal(18,4)) as amount,
        cast(sum(events) as bigint) as quantity,
        count(*) as days,
        max(usage_date) as last_date
    from used_day
    group by
        account_id,
        coalesce(source, '')
    union all
    select
        account_id,
        coalesce(source, '') as source,
        'ticket' as kind,
        '' as currency,
        cast(null as decimal(18,4)) as amount,
        count(*) as quantity,
        cast(null as bigint) as days,
        max(cast(created_at as date)) as last_date
    from ticket
    group by
        account_id,
        coalesce(source, '')
    union all
    select
        account_id,
        source,
        'contract' as kind,
        '' as currency,
        cast(null as decimal(18,4)) as amount,
        count(*) as quantity,
        cast(null as bigint) as days,
        max(effective_date) as last_date
    from signed_contract
    group by
        account_id,
        source
)

select
    activity.account_id,
    activity.source,
    activity.kind,
    activity.currency,
    activity.amount,
    cast(activity.quantity as bigint) as quantity,
    cast(activity.days as bigint) as days,
    activity.last_date
from activity
left join account
    on activity.account_id = account.account_id
where account.account_id is null
    and activity.account_id is not null
