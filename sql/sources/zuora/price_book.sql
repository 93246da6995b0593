/*---
title = "Catalogue prices in Zuora"
owner = "finance"

[decisions]
list = "Flat and per-unit charges of the catalogue, per currency; valid since the product is sold"
period = "A price for a billing period is one for that period where it has a name here"
---*/
with product_charge as (
    select
        id,
        charge_type,
        charge_model,
        unit,
        product_id,
        product_start_date,
        case
            when charge_type in ('OneTime', 'One-Time') then 'once'
            when list_price_base = 'Per Month' then 'month'
            when list_price_base = 'Per Year' then 'year'
            when billing_period = 'Month' then 'month'
            when billing_period = 'Quarter' then 'quarter'
            when billing_period = 'Annual' then 'year'
        end as price_period
    from landed.product_charge
    where charge_model like 'Flat Fee%'
        or charge_model like 'Per Unit%'
),

product_charge_tier as (
    select
        id,
        product_charge_id,
        currency,
        price
    from landed.product_charge_tier
    where coalesce(is_active, true)
        and price is not null
)

select
    product_charge.product_id,
    product_charge_tier.currency,
    cast(round(product_charge_tier.price, 8) as decimal(18,8)) as list_price,
    product_charge.unit,
    product_charge.price_period,
    product_charge.product_start_date as valid_from_date,
    product_charge_tier.id as source_id
from product_charge_tier
inner join product_charge
    on product_charge_tier.product_charge_id = product_charge.id
where product_charge.price_period is not null
    and product_charge.product_id is not null
    and product_charge.product_start_date is not null
    and product_charge_tier.currency is not null
