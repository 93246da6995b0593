/*---
title = "Trials of Chargebee subscriptions"
owner = "finance"

[decisions]
charges = "A one-off charge is no service and is not free in a trial"
---*/
with subscription as (
    select
        id,
        version,
        cast(trial_start_at as date) as trial_start_date,
        cast(trial_end_at as date) as trial_end_date
    from landed.subscription
    where trial_start_at is not null
),

subscription_item as (
    select
        subscription_id,
        version,
        item_price_id
    from landed.subscription_item
    where item_type <> 'charge'
)

select
    concat(subscription.id, '/', subscription_item.item_price_id) as contract_line_id,
    'billing' as term_source,
    subscription.trial_start_date as start_date,
    subscription.trial_end_date as end_date,
    subscription.id as source_id
from subscription
inner join subscription_item
    on subscription.id = subscription_item.subscription_id
    and subscription.version = subscription_item.version
