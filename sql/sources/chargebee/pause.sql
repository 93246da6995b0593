/*---
title = "Pauses of Chargebee subscriptions"
owner = "finance"

[decisions]
start = "A term that was paid stays paid: days are free from its end on, and a pause within it frees none"
known = "The pause that holds or is planned now; earlier ones are forgotten"
---*/
with subscription as (
    select
        id,
        version,
        greatest(cast(paused_at as date), cast(term_end_at as date)) as paused_date,
        cast(resumes_at as date) as resume_date
    from landed.subscription
    where paused_at is not null
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
    subscription.paused_date as start_date,
    subscription.resume_date as end_date,
    subscription.id as source_id
from subscription
inner join subscription_item
    on subscription.id = subscription_item.subscription_id
    and subscription.version = subscription_item.version
where subscription.resume_date is null
    or subscription.paused_date < subscription.resume_date
