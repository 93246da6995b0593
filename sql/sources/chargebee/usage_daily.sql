/*---
title = "Metered use in Chargebee, by day"
owner = "cs"

[decisions]
metric = "The item: Chargebee knows no other name of what is counted"
days = "Days are those of UTC; a day without a record is unmeasured"
---*/
with usage as (
    select
        id,
        subscription_id,
        item_price_id,
        used_at,
        quantity
    from landed.usage
    where used_at is not null
        and quantity is not null
),

subscription as (
    select
        id,
        customer_id
    from landed.subscription
),

item_price as (
    select
        id,
        item_id
    from landed.item_price
)

select
    subscription.customer_id as account_id,
    cast(usage.used_at as date) as usage_date,
    coalesce(item_price.item_id, usage.item_price_id) as metric,
    coalesce(item_price.item_id, usage.item_price_id) as product_id,
    cast(sum(usage.quantity) as decimal(18,6)) as quantity,
    cast(count(*) as bigint) as events,
    min(usage.id) as source_id
from usage
inner join subscription
    on usage.subscription_id = subscription.id
left join item_price
    on usage.item_price_id = item_price.id
group by
    subscription.customer_id,
    cast(usage.used_at as date),
    coalesce(item_price.item_id, usage.item_price_id)
