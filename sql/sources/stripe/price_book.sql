/*---
title = "List prices in Stripe"
owner = "finance"

[decisions]
list = "A product's default price, and prices with a lookup key: others may have been made for one customer"
inclusive = "Prices with tax in them are left out: list prices are before tax"
flat = "Prices in tiers or packages are no price of one unit; intervals other than a month, a quarter or a year have no name here"
---*/
with price as (
    select
        id,
        created_at,
        product_id,
        currency,
        lookup_key,
        case when tax_behavior is distinct from 'inclusive' then unit_price end as unit_price,
        case
            when interval_unit is null then 'once'
            when interval_unit = 'month' and interval_count = 1 then 'month'
            when interval_unit = 'month' and interval_count = 3 then 'quarter'
            when (interval_unit = 'month' and interval_count = 12) or (interval_unit = 'year' and interval_count = 1) then 'year'
        end as price_period
    from landed.price
    where is_active
        and tiers_mode is null
        and divide_by is null
),

price_currency as (
    select
        price_id,
        currency,
        case when tax_behavior is distinct from 'inclusive' then unit_price end as unit_price
    from landed.price_currency
),

product as (
    select
        id,
        unit,
        default_price_id
    from landed.product
),

listed as (
    select
        price.id,
        price.created_at,
        price.product_id,
        price.currency,
        price.unit_price,
        price.price_period,
        product.unit
    from price
    inner join product
        on price.product_id = product.id
    where price.price_period is not null
        and (price.id = product.default_price_id or price.lookup_key is not null)
),

-- The price's own currency is among its options too.
every_currency as (
    select
        listed.id,
        listed.created_at,
        listed.product_id,
        listed.currency,
        listed.unit_price,
        listed.price_period,
        listed.unit
    from listed
    union all
    select
        listed.id,
        listed.created_at,
        listed.product_id,
        price_currency.currency,
        price_currency.unit_price,
        listed.price_period,
        listed.unit
    from listed
    inner join price_currency
        on listed.id = price_currency.price_id
        and listed.currency <> price_currency.currency
)

select
    product_id,
    upper(currency) as currency,
    cast(round(unit_price, 8) as decimal(18,8)) as list_price,
    unit,
    price_period,
    cast(created_at as date) as valid_from_date,
    id as source_id
from every_currency
where unit_price is not null
