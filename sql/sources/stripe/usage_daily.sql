/*---
title = "Metered use in Stripe, by day"
owner = "cs"

[decisions]
product = "A meter's product where the customer's items with that meter have one product"
days = "Stripe's days are those of UTC; a day without use has no summary and stays unmeasured"
---*/
with meter_day as (
    select
        customer_id,
        meter_id,
        start_at,
        quantity
    from landed.meter_day
),

meter as (
    select
        id,
        event_name
    from landed.meter
),

item as (
    select
        id,
        customer_id,
        price_id,
        meter_id
    from landed.subscription_item
    where meter_id is not null
),

price as (
    select
        id,
        product_id
    from landed.price
),

only_product as (
    select
        item.customer_id,
        item.meter_id,
        min(price.product_id) as product_id
    from item
    inner join price
        on item.price_id = price.id
    group by
        item.customer_id,
        item.meter_id
    having min(price.product_id) = max(price.product_id)
)

select
    meter_day.customer_id as account_id,
    cast(meter_day.start_at as date) as usage_date,
    meter.event_name as metric,
    only_product.product_id,
    cast(round(meter_day.quantity, 6) as decimal(18,6)) as quantity,
    meter_day.meter_id as source_id
from meter_day
inner join meter
    on meter_day.meter_id = meter.id
left join only_product
    on meter_day.customer_id = only_product.customer_id
    and meter_day.meter_id = only_product.meter_id
