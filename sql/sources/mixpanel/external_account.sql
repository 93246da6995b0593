/*---
title = "Groups of Mixpanel, and the e-mail domains of users without a group"
owner = "data"

[decisions]
domain = "A group's domain is the one that all its users with an address share; users of two domains say nothing"
explicit = "The export knows no properties of groups: a job whose groups are CRM accounts says so with rows of account_xref"
---*/
with event as (
    select
        group_id,
        email_domain,
    from landed.event
    where
        group_id is not null
        or email_domain is not null
),

known_group as (
    select
        group_id,
        case when min(email_domain) = max(email_domain) then min(email_domain) end as domain,
    from event
    where group_id is not null
    group by group_id
),

loose_domain as (
    select distinct email_domain
    from event
    where group_id is null
)

select
    'mixpanel' as system,
    group_id as external_id,
    domain,
    group_id as source_id,
from known_group
union all
select
    'mixpanel' as system,
    email_domain as external_id,
    email_domain as domain,
    cast(null as varchar) as source_id,
from loose_domain
