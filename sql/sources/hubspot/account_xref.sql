/*---
title = "Companies in other systems, as HubSpot knows them"
owner = "data"

[decisions]
explicit = "only ids that somebody, or an integration, wrote into a property, which the job names; several are separated by semicolons"
salesforce = "a company that carries a Salesforce id is that account: the Salesforce id is canonical, the company's is tied to it"
merged = "a company keeps the ids of those that were merged into it"
---*/
with company as (
    select
        id,
        merged_ids,
        salesforce_id,
        stripe_id,
        chargebee_id,
        zuora_id,
        zendesk_id,
        intercom_id,
        product_id
    from landed.company
),

written as (
    select id, 'stripe' as system, stripe_id as external_ids from company where stripe_id is not null
    union all
    select id, 'chargebee' as system, chargebee_id as external_ids from company where chargebee_id is not null
    union all
    select id, 'zuora' as system, zuora_id as external_ids from company where zuora_id is not null
    union all
    select id, 'zendesk' as system, zendesk_id as external_ids from company where zendesk_id is not null
    union all
    select id, 'intercom' as system, intercom_id as external_ids from company where intercom_id is not null
    union all
    select id, 'segment' as system, product_id as external_ids from company where product_id is not null
    union all
    select id, 'amplitude' as system, product_id as external_ids from company where product_id is not null
    union all
    select id, 'posthog' as system, product_id as external_ids from company where product_id is not null
    union all
    select id, 'mixpanel' as system, product_id as external_ids from company where product_id is not null
    union all
    select id, 'hubspot' as system, merged_ids as external_ids from company where merged_ids is not null
),

separated as (
    select
        id,
        system,
        unnest(string_to_array(external_ids, ';')) as external_id
    from written
)

select distinct
    coalesce(company.salesforce_id, separated.id) as account_id,
    separated.system,
    trim(separated.external_id) as external_id,
    'explicit' as method,
    cast(1 as decimal(9,4)) as confidence,
    separated.id as source_id
from separated
inner join company
    on company.id = separated.id
where trim(separated.external_id) <> ''
union all
select
    salesforce_id as account_id,
    'hubspot' as system,
    id as external_id,
    'explicit' as method,
    cast(1 as decimal(9,4)) as confidence,
    id as source_id
from company
where salesforce_id is not null
