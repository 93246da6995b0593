/*---
title = "Paused Stripe subscriptions"
owner = "finance"

[decisions]
start = "What was paid in advance stays paid: days are free from the end of the item's period on"
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
        subscription_id,
        cast(period_end_at as date) as period_end_date
    from landed.subscription_item
    union
    select
        id,
        subscription_id,
        cast(period_end_at as date) as period_end_date
    from landed.subscription_item_rest
)

select
    item.id as contract_line_id,
    'billing' as term_source,
    greatest(subscription.paused_date, item.period_end_date) as start_date,
    subscription.id as source_id
from subscription
inner join item
    on subscription.id = item.subscription_id
