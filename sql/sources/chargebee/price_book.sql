/*---
title = "Item prices in Chargebee"
owner = "finance"

[decisions]
list = "Active prices of one unit or a flat fee; a price variant is for some customers and is no list price"
---*/
with item_price as (
    select
        id,
        created_at,
        item_id,
        currency_code,
        coalesce(price_in_decimal, price) as price,
        case
            when item_type = 'charge' then 'once'
            when billing_unit = 'month' and billing_count = 1 then 'month'
            when billing_unit = 'month' and billing_count = 3 then 'quarter'
            when (billing_unit = 'month' and billing_count = 12) or (billing_unit = 'year' and billing_count = 1) then 'year'
        end as price_period
    from landed.item_price
    where status = 'active'
        and price_variant_id is null
        and pricing_model in ('flat_fee', 'per_unit')
),

item as (
    select
        id,
        unit
    from landed.item
)

select
    item_price.item_id as product_id,
    upper(item_price.currency_code) as currency,
    cast(round(item_price.price, 8) as decimal(18,8)) as list_price,
    item.unit,
    item_price.price_period,
    cast(item_price.created_at as date) as valid_from_date,
    item_price.id as source_id
from item_price
left join item
    on item_price.item_id = item.id
where item_price.price is not null
    and item_price.price_period is not null
    and item_price.created_at is not null
