/*---
title = "Organisations of Zendesk, and the requesters that belong to none"
owner = "data"

[decisions]
explicit = "An organisation's external_id is the CRM account's id where a company fills it at all"
person = "A requester of no organisation stands for the domain of the address, and one without address for itself"
---*/
with organization as (
    select
        id,
        name,
        external_id,
        domain_names,
    from landed.organization
    where deleted_at is null
),

customer as (
    select
        id,
        name,
        email_domain,
    from landed.user
    where
        organization_id is null
        and role = 'end-user'
),

-- One row a domain, however many people wrote from it.
loose_domain as (
    select distinct email_domain
    from customer
    where email_domain is not null
)

select
    'zendesk' as system,
    id as external_id,
    external_id as account_id,
    name,
    domain_names as domain,
    id as source_id,
from organization
union all
select
    'zendesk' as system,
    email_domain as external_id,
    cast(null as varchar) as account_id,
    cast(null as varchar) as name,
    email_domain as domain,
    cast(null as varchar) as source_id,
from loose_domain
union all
select
    'zendesk' as system,
    'user:' || id as external_id,
    cast(null as varchar) as account_id,
    name,
    cast(null as varchar) as domain,
    id as source_id,
from customer
where email_domain is null
