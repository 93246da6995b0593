/*---
title = "Accounts in other systems, as Salesforce knows them"
owner = "data"

[decisions]
explicit = "only ids that somebody wrote into a field of the account, which the job names; several are separated by semicolons"
merged = "an account that was merged into another goes on under the other's id, over as many merges as there were"
---*/
with recursive account as (
    select
        id,
        stripe_id,
        chargebee_id,
        zuora_id,
        zendesk_id,
        intercom_id,
        hubspot_id,
        product_id
    from landed.account
),

merged_account as (
    select
        id,
        master_id
    from landed.merged_account
    where master_id is not null
),

written as (
    select id, 'stripe' as system, stripe_id as external_ids from account where stripe_id is not null
    union all
    select id, 'chargebee' as system, chargebee_id as external_ids from account where chargebee_id is not null
    union all
    select id, 'zuora' as system, zuora_id as external_ids from account where zuora_id is not null
    union all
    select id, 'zendesk' as system, zendesk_id as external_ids from account where zendesk_id is not null
    union all
    select id, 'intercom' as system, intercom_id as external_ids from account where intercom_id is not null
    union all
    select id, 'hubspot' as system, hubspot_id as external_ids from account where hubspot_id is not null
    union all
    select id, 'segment' as system, product_id as external_ids from account where product_id is not null
    union all
    select id, 'amplitude' as system, product_id as external_ids from account where product_id is not null
    union all
    select id, 'posthog' as system, product_id as external_ids from account where product_id is not null
    union all
    select id, 'mixpanel' as system, product_id as external_ids from account where product_id is not null
),

separated as (
    select
        id,
        system,
        unnest(string_to_array(external_ids, ';')) as external_id
    from written
),

-- A winner can lose later. Ten merges in a row end the walk, so that a circle ends too.
walked as (
    select
        id as first_id,
        master_id,
        1 as merges
    from merged_account
    union all
    select
        walked.first_id,
        merged_account.master_id,
        walked.merges + 1 as merges
    from walked
    inner join merged_account
        on merged_account.id = walked.master_id
    where walked.merges < 10
),

succeeded as (
    select
        walked.first_id,
        walked.master_id
    from walked
    inner join account
        on account.id = walked.master_id
    qualify row_number() over (partition by walked.first_id order by walked.merges desc, walked.master_id) = 1
)

select distinct
    id as account_id,
    system,
    trim(external_id) as external_id,
    'explicit' as method,
    cast(1 as decimal(9,4)) as confidence,
    id as source_id
from separated
where trim(external_id) <> ''
union all
select
    master_id as account_id,
    'salesforce' as system,
    first_id as external_id,
    'explicit' as method,
    cast(1 as decimal(9,4)) as confidence,
    first_id as source_id
from succeeded
