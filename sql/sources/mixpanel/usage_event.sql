/*---
title = "Events of Mixpanel"
owner = "cs"

[decisions]
account = "The event's group, else the domain of its user's address. What has neither was done by visitors nobody knows and is left out. The property that means the customer is the first of a list that the event has; a job says which with the column group_id"
once = "The export repeats what clients sent twice: name, user, time and $insert_id together tell events apart"
left_out = "What Mixpanel records by itself, but for views of pages"
metric = "The name of the event; a job may fill metric, feature, product_id, quantity and is_billable from properties"
user = "The identified user; a distinct id that is a device's names nobody"
---*/
with event as (
    select
        event,
        distinct_id,
        insert_id,
        coalesce(user_id, case when not starts_with(distinct_id, '$device:') then distinct_id end) as user_id,
        coalesce(group_id, email_domain) as account_id,
        session_id,
        happened_at,
        metric,
        feature,
        product_id,
        quantity,
        is_billable,
    from landed.event
    where
        not starts_with(event, '$')
        or event = '$mp_web_page_view'
),

told_apart as (
    select
        md5(concat_ws('|', event, distinct_id, insert_id, cast(cast(floor(extract(epoch from happened_at)) as bigint) as varchar))) as event_id,
        insert_id,
        account_id,
        user_id,
        event,
        session_id,
        happened_at,
        metric,
        feature,
        product_id,
        quantity,
        is_billable,
    from event
    where account_id is not null
)

select
    event_id,
    account_id,
    user_id,
    event as name,
    coalesce(feature, case when not starts_with(event, '$') then event end) as feature,
    coalesce(metric, event) as metric,
    product_id,
    quantity,
    session_id,
    is_billable,
    happened_at as occurred_at,
    insert_id as source_id,
from told_apart
