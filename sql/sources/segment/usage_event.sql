/*---
title = "Tracked calls of Segment"
owner = "cs"

[decisions]
account = "The event's own group, else the only group its user was ever put into, else the only e-mail domain of its user. What has none of these was done by visitors nobody knows and is left out"
metric = "The name of a tracked event, or page and screen for views; a job may fill metric, feature, product_id, quantity and is_billable from properties"
once = "The message id tells events apart: what Segment delivered twice counts once"
when = "Segment's corrected time; a clock that runs ahead of Segment's own counts as the time of receipt"
---*/
with event as (
    select
        message_id,
        type,
        name,
        user_id,
        group_id,
        least(happened_at, received_at) as happened_at,
        metric,
        feature,
        product_id,
        quantity,
        is_billable,
        session_id,
    from landed.event
    where type in ('track', 'page', 'screen')
),

group_call as (
    select
        user_id,
        group_id,
    from landed.group_call
    where
        type = 'group'
        and user_id is not null
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

-- A user of several groups says nothing about the group an event was done for.
user_group as (
    select
        user_id,
        min(group_id) as group_id,
    from group_call
    group by user_id
    having min(group_id) = max(group_id)
),

user_domain as (
    select
        user_id,
        min(email_domain) as email_domain,
    from identify
    group by user_id
    having min(email_domain) = max(email_domain)
),

placed as (
    select
        event.message_id,
        coalesce(event.group_id, user_group.group_id, user_domain.email_domain) as account_id,
        event.user_id,
        event.type,
        event.name,
        event.happened_at,
        event.metric,
        event.feature,
        event.product_id,
        event.quantity,
        event.is_billable,
        event.session_id,
    from event
    left join user_group
        on user_group.user_id = event.user_id
    left join user_domain
        on user_domain.user_id = event.user_id
)

select
    message_id as event_id,
    account_id,
    user_id,
    coalesce(name, type) as name,
    coalesce(feature, case when type = 'track' then name end) as feature,
    coalesce(metric, case when type = 'track' then name else type end) as metric,
    product_id,
    quantity,
    session_id,
    is_billable,
    happened_at as occurred_at,
    message_id as source_id,
from placed
where
    account_id is not null
    and happened_at is not null
