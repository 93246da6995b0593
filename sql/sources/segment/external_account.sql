/*---
title = "Groups of Segment, and the e-mail domains of users without a group"
owner = "data"

[decisions]
newest = "What the last group call with the trait said: a call without it takes nothing back"
explicit = "A group call may carry the CRM account's id as a trait; the group id itself is the product's own"
quiet = "A group that only events name has no row: nothing is known of it, and its usage is listed as unmatched"
---*/
with group_call as (
    select
        message_id,
        group_id,
        user_id,
        name,
        domain,
        account_id,
        received_at,
    from landed.group_call
    where
        type = 'group'
        and group_id is not null
),

identify as (
    select
        user_id,
        email_domain,
    from landed.identify
    where
        type = 'identify'
        and user_id is not null
        and email_domain is not null
),

ranked as (
    select
        group_id,
        name,
        domain,
        account_id,
        row_number() over (partition by group_id order by case when name is null then 1 else 0 end, received_at desc, message_id) as name_rank,
        row_number() over (partition by group_id order by case when domain is null then 1 else 0 end, received_at desc, message_id) as domain_rank,
        row_number() over (partition by group_id order by case when account_id is null then 1 else 0 end, received_at desc, message_id) as account_rank,
    from group_call
),

described as (
    select
        group_id,
        max(case when name_rank = 1 then name end) as name,
        max(case when domain_rank = 1 then domain end) as domain,
        max(case when account_rank = 1 then account_id end) as account_id,
    from ranked
    group by group_id
),

grouped_user as (
    select distinct user_id
    from group_call
    where user_id is not null
),

loose_domain as (
    select distinct identify.email_domain
    from identify
    left join grouped_user
        on grouped_user.user_id = identify.user_id
    where grouped_user.user_id is null
)

select
    'segment' as system,
    group_id as external_id,
    account_id,
    name,
    domain,
    group_id as source_id,
from described
union all
select
    'segment' as system,
    email_domain as external_id,
    cast(null as varchar) as account_id,
    cast(null as varchar) as name,
    email_domain as domain,
    cast(null as varchar) as source_id,
from loose_domain
