/*---
title = "Whom Gong's calls were with"
owner = "data"

[decisions]
crm = "an account that the CRM put on a call is that account of the CRM: its id here is its id there"
domain = "where the CRM put none, the one domain that the customer's people share stands for them"
---*/
with call_object as (
    select
        call_id,
        object_id,
        name,
        website,
        _landed
    from landed.call_object
    where lower(object_type) = 'account'
),

call_party as (
    select
        call_id,
        email_domain
    from landed.call_party
    where
        lower(affiliation) = 'external'
        and email_domain is not null
),

known as (
    select
        object_id,
        name,
        website
    from call_object
    qualify row_number() over (partition by object_id order by _landed desc) = 1
),

unknown as (
    select
        call_party.call_id,
        min(call_party.email_domain) as email_domain
    from call_party
    left join call_object
        on call_object.call_id = call_party.call_id
    where call_object.call_id is null
    group by call_party.call_id
    having min(call_party.email_domain) = max(call_party.email_domain)
)

select
    'gong' as system,
    object_id as external_id,
    object_id as account_id,
    name,
    website as domain,
    object_id as source_id
from known
union all
select distinct
    'gong' as system,
    email_domain as external_id,
    cast(null as varchar) as account_id,
    cast(null as varchar) as name,
    email_domain as domain,
    email_domain as source_id
from unknown
