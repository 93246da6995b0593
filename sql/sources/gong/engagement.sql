/*---
title = "Calls and meetings, from Gong"
owner = "cs"

[decisions]
internal = "a call of our own people alone is no engagement"
kind = "a conference is a meeting; what was dialled is a call"
account = "the account that the CRM names, the first of several; else the domain of the customer's people, where they share one"
deal = "the only deal that the CRM names; of several the call is about none in particular"
contact = "the first of the customer's people whom the CRM knows"
person = "who hosted, by the CRM's id of that user where Gong knows it, else by Gong's"
---*/
with call as (
    select
        id,
        title,
        started,
        lower(direction) as direction,
        primary_user_id
    from landed.call
    where
        started is not null
        and coalesce(lower(scope), '') <> 'internal'
),

call_object as (
    select
        call_id,
        lower(object_type) as object_type,
        object_id,
        position
    from landed.call_object
),

call_party as (
    select
        call_id,
        id,
        position,
        lower(affiliation) as affiliation,
        user_id,
        email_domain,
        crm_contact_id,
        crm_user_id
    from landed.call_party
),

first_account as (
    select
        call_id,
        object_id
    from call_object
    where object_type = 'account'
    qualify row_number() over (partition by call_id order by position, object_id) = 1
),

only_deal as (
    select
        call_id,
        min(object_id) as object_id
    from call_object
    where object_type = 'opportunity' or object_type = 'deal'
    group by call_id
    having min(object_id) = max(object_id)
),

shared_domain as (
    select
        call_id,
        min(email_domain) as email_domain
    from call_party
    where
        affiliation = 'external'
        and email_domain is not null
    group by call_id
    having min(email_domain) = max(email_domain)
),

first_contact as (
    select
        call_id,
        crm_contact_id
    from call_party
    where
        coalesce(affiliation, '') <> 'internal'
        and crm_contact_id is not null
    qualify row_number() over (partition by call_id order by position, id) = 1
),

host as (
    select
        call_id,
        user_id,
        min(crm_user_id) as crm_user_id
    from call_party
    where user_id is not null
    group by
        call_id,
        user_id
)

select
    call.id as engagement_id,
    coalesce(first_account.object_id, shared_domain.email_domain) as account_id,
    only_deal.object_id as opportunity_id,
    case when call.direction in ('inbound', 'outbound') then 'call' else 'meeting' end as kind,
    case when call.direction in ('inbound', 'outbound') then call.direction end as direction,
    call.started as occurred_at,
    first_contact.crm_contact_id as contact_id,
    coalesce(host.crm_user_id, call.primary_user_id) as person_id,
    call.title as subject,
    false as is_automated,
    call.id as source_id
from call
left join first_account
    on first_account.call_id = call.id
left join only_deal
    on only_deal.call_id = call.id
left join shared_domain
    on shared_domain.call_id = call.id
left join first_contact
    on first_contact.call_id = call.id
left join host
    on host.call_id = call.id
    and host.user_id = call.primary_user_id
