/*---
title = "Contracts in billing systems, as Salesforce knows them"
owner = "finance"

[decisions]
explicit = "only ids of subscriptions that somebody wrote into a field of the contract, which the job names; several are separated by semicolons"
---*/
with contract as (
    select
        id,
        stripe_id,
        chargebee_id,
        zuora_id
    from landed.contract
),

written as (
    select id, 'stripe' as system, stripe_id as external_ids from contract where stripe_id is not null
    union all
    select id, 'chargebee' as system, chargebee_id as external_ids from contract where chargebee_id is not null
    union all
    select id, 'zuora' as system, zuora_id as external_ids from contract where zuora_id is not null
),

separated as (
    select
        id,
        system,
        unnest(string_to_array(external_ids, ';')) as external_id
    from written
),

trimmed as (
    select
        id,
        system,
        trim(external_id) as external_id
    from separated
)

-- One subscription that two contracts claim stands for neither.
select
    'contract' as kind,
    system,
    external_id,
    min(id) as canonical_id,
    'explicit' as method,
    cast(1 as decimal(9,4)) as confidence,
    min(id) as source_id
from trimmed
where external_id <> ''
group by
    system,
    external_id
having min(id) = max(id)
