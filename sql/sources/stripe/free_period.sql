/*---
title = "Trials of Stripe subscriptions"
owner = "finance"
---*/
with subscription as (
    select
        id,
        cast(trial_start_at as date) as trial_start_date,
        cast(trial_end_at as date) as trial_end_date
    from landed.subscription
    where status not in ('incomplete', 'incomplete_expired')
        and trial_start_at is not null
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
    subscription.trial_start_date as start_date,
    subscription.trial_end_date as end_date,
    subscription.id as source_id
from subscription
inner join item
    on subscription.id = item.subscription_id
