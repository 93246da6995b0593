/*---
title = "Paused Stripe subscriptions"
owner = "finance"

[decisions]
known = "Only a pause that holds now is known, with the moment it began; paused collection alone names no first day"
---*/
with subscription as (
    select
        id,
        cast(paused_at as date) as paused_date
    from landed.subscription
    where status = 'paused'
        and paused_at is not null
),

item as (
    select
        id,
        subscription_id
    from landed.subscription_item
    union
    select
        id,
        subscription_id
    from landed.subscription_item_rest
)

select
    item.id as contract_line_id,
    'billing' as term_source,
    subscription.paused_date as start_date,
    subscription.id as source_id
from subscription
inner join item
    on subscription.id = item.subscription_id
