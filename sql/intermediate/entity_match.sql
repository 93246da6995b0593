/*---
title = "Rows of each entity and how many find what they belong to"
owner = "data"
grain = ["source", "entity"]

[columns]
source = { type = "text", doc = "Name of the source in the job" }
entity = { type = "text", doc = "The entity" }
entity_rows = { type = "integer", doc = "Rows of the source in the entity" }
matched_rows = { type = "integer", doc = "Rows whose account, contract or invoice is known; null where the entity belongs to nothing" }

[checks]
not_null = ["source", "entity", "entity_rows"]

[decisions]
match = "Contract lines and discounts are matched to contracts, invoice lines and payment events to invoices, all others to accounts; customers of other systems through account_xref, test ones left out"
---*/
with account_key as (
    select
        account_id
    from account
),

contract_key as (
    select distinct
        contract_id
    from contract
),

invoice_key as (
    select
        invoice_id
    from invoice
),

account_xref as (
    select
        account_id,
        system,
        external_id,
        external_source
    from account_xref
    where not is_ambiguous
),

external_match as (
    select
        external_account.source,
        account_xref.account_id
    from external_account
    left join account_xref
        on external_account.source = account_xref.external_source
        and external_account.system = account_xref.system
        and external_account.external_id = account_xref.external_id
    where not coalesce(external_account.is_test, false)
),

-- One row a source, entity and key, so that big entities meet the keys once per key.
key_count as (
    select
        source,
        'account' as entity,
        'account' as parent,
        account_id as parent_id,
        count(*) as entity_rows
    from account
    group by source, account_id
    union all
    select
        source,
        'external_account' as entity,
        'account' as parent,
        account_id as parent_id,
        count(*) as entity_rows
    from external_match
    group by source, account_id
    union all
    select
        source,
        'contact' as entity,
        'account' as parent,
        account_id as parent_id,
        count(*) as entity_rows
    from contact
    group by source, account_id
    union all
    select
        source,
        'opportunity' as entity,
        'account' as parent,
        account_id as parent_id,
        count(*) as entity_rows
    from opportunity
    group by source, account_id
    union all
    select
        source,
        'survey_response' as entity,
        'account' as parent,
        account_id as parent_id,
        count(*) as entity_rows
    from survey_response
    group by source, account_id
    union all
    select
        source,
        'csm_assessment' as entity,
        'account' as parent,
        account_id as parent_id,
        count(*) as entity_rows
    from csm_assessment
    group by source, account_id
    union all
    select
        source,
        'milestone' as entity,
        'account' as parent,
        account_id as parent_id,
        count(*) as entity_rows
    from milestone
    group by source, account_id
    union all
    select
        source,
        'account_event' as entity,
        'account' as parent,
        account_id as parent_id,
        count(*) as entity_rows
    from account_event
    group by source, account_id
    union all
    select
        source,
        'outcome' as entity,
        'account' as parent,
        account_id as parent_id,
        count(*) as entity_rows
    from outcome
    group by source, account_id
    union all
    select
        source,
        'ticket' as entity,
        'account' as parent,
        account_id as parent_id,
        count(*) as entity_rows
    from ticket
    group by source, account_id
    union all
    select
        source,
        'contract' as entity,
        'account' as parent,
        account_id as parent_id,
        count(*) as entity_rows
    from contract
    group by source, account_id
    union all
    select
        source,
        'invoice' as entity,
        'account' as parent,
        account_id as parent_id,
        count(*) as entity_rows
    from invoice
    group by source, account_id
    union all
    select
        source,
        'payment' as entity,
        'account' as parent,
        account_id as parent_id,
        count(*) as entity_rows
    from payment
    group by source, account_id
    union all
    select
        source,
        'credit_note' as entity,
        'account' as parent,
        account_id as parent_id,
        count(*) as entity_rows
    from credit_note
    group by source, account_id
    union all
    select
        source,
        'usage_daily' as entity,
        'account' as parent,
        account_id as parent_id,
        count(*) as entity_rows
    from usage_daily
    group by source, account_id
    union all
    select
        source,
        'seat_snapshot' as entity,
        'account' as parent,
        account_id as parent_id,
        count(*) as entity_rows
    from seat_snapshot
    group by source, account_id
    union all
    select
        source,
        'contract_line' as entity,
        'contract' as parent,
        contract_id as parent_id,
        count(*) as entity_rows
    from contract_line
    group by source, contract_id
    union all
    select
        source,
        'discount' as entity,
        'contract' as parent,
        contract_id as parent_id,
        count(*) as entity_rows
    from discount
    group by source, contract_id
    union all
    select
        source,
        'invoice_line' as entity,
        'invoice' as parent,
        invoice_id as parent_id,
        count(*) as entity_rows
    from invoice_line
    group by source, invoice_id
    union all
    select
        source,
        'payment_event' as entity,
        'invoice' as parent,
        invoice_id as parent_id,
        count(*) as entity_rows
    from payment_event
    group by source, invoice_id
    union all
    select
        source,
        'engagement' as entity,
        'account' as parent,
        account_id as parent_id,
        count(*) as entity_rows
    from engagement
    group by source, account_id
),

matched as (
    select
        key_count.source,
        key_count.entity,
        key_count.entity_rows,
        case
            when key_count.parent = 'account' then account_key.account_id is not null
            when key_count.parent = 'contract' then contract_key.contract_id is not null
            else invoice_key.invoice_id is not null
        end as is_matched
    from key_count
    left join account_key
        on key_count.parent = 'account'
        and key_count.parent_id = account_key.account_id
    left join contract_key
        on key_count.parent = 'contract'
        and key_count.parent_id = contract_key.contract_id
    left join invoice_key
        on key_count.parent = 'invoice'
        and key_count.parent_id = invoice_key.invoice_id
)

select
    source,
    entity,
    cast(sum(entity_rows) as bigint) as entity_rows,
    cast(sum(case when entity = 'account' then null when is_matched then entity_rows else 0 end) as bigint) as matched_rows
from matched
group by source, entity
