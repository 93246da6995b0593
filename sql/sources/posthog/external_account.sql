/*---
title = "Groups of PostHog, and the e-mail domains of persons without a group"
owner = "data"

[decisions]
explicit = "The property that the setting group_account names; the key itself is the product's own"
domain = "The property that group_domain names, else the one domain that all persons of the group with an address share"
---*/
with known_group as (
    select
        key,
        name,
        domain,
        account_id,
    from landed.customer_group
),

event as (
    select
        group_key,
        email_domain,
    from landed.event
    where email_domain is not null
),

shared_domain as (
    select
        group_key,
        min(email_domain) as email_domain,
    from event
    where group_key is not null
    group by group_key
    having min(email_domain) = max(email_domain)
),

loose_domain as (
    select distinct email_domain
    from event
    where group_key is null
)

select
    'posthog' as system,
    known_group.key as external_id,
    known_group.account_id,
    known_group.name,
    coalesce(known_group.domain, shared_domain.email_domain) as domain,
    known_group.key as source_id,
from known_group
left join shared_domain
    on shared_domain.group_key = known_group.key
union all
select
    'posthog' as system,
    email_domain as external_id,
    cast(null as varchar) as account_id,
    cast(null as varchar) as name,
    email_domain as domain,
    cast(null as varchar) as source_id,
from loose_domain
