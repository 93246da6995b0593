/*---
title = "Events of PostHog"
owner = "cs"

[decisions]
account = "The event's group, else the domain of its person's address. What has neither was done by visitors nobody knows and is left out"
metric = "The name of the event; a job's settings say metric, feature, product, quantity and billable in HogQL"
feature = "Views that PostHog records by itself are no features"
user = "The person as known when the event came in: a later merge of two persons does not rewrite it"
---*/
with event as (
    select
        uuid,
        event,
        coalesce(person_id, distinct_id) as user_id,
        coalesce(group_key, email_domain) as account_id,
        session_id,
        metric,
        feature,
        product_id,
        quantity,
        is_billable,
        timestamp as happened_at,
    from landed.event
    where event is not null
)

select
    uuid as event_id,
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
    uuid as source_id,
from event
where
    account_id is not null
    and happened_at is not null
