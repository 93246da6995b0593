/*---
title = "Events of Amplitude"
owner = "cs"

[decisions]
account = "The event's group, else the domain of its user's address. What has neither was done by visitors nobody knows and is left out. The group type that means the customer is the first of a list that the event has; a job says which with the column group_id"
left_out = "Amplitude's own notices about users and groups, whose types begin with $, are no use of the product"
metric = "The name of the event; a job may fill metric, feature, product_id, quantity and is_billable from event_properties"
feature = "Sessions and what Amplitude's own plugins record, such as [Amplitude] Page Viewed, are no features"
once = "uuid tells stored events apart; what a client sent twice Amplitude drops by $insert_id"
---*/
with event as (
    select
        uuid,
        event_type,
        user_id,
        session_id,
        coalesce(group_id, email_domain) as account_id,
        event_time,
        metric,
        feature,
        product_id,
        quantity,
        is_billable,
    from landed.event
    where
        event_type is not null
        and not starts_with(event_type, '$')
)

select
    uuid as event_id,
    account_id,
    user_id,
    event_type as name,
    coalesce(
        feature,
        case
            when event_type in ('session_start', 'session_end') or starts_with(event_type, '[Amplitude]') then null
            else event_type
        end
    ) as feature,
    coalesce(metric, event_type) as metric,
    product_id,
    quantity,
    session_id,
    is_billable,
    event_time as occurred_at,
    uuid as source_id,
from event
where
    account_id is not null
    and event_time is not null
