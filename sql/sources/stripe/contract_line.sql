/*---
title = "Items of Stripe subscriptions"
owner = "finance"

[decisions]
start = "An item made on the subscription's own day starts with it, however far back it was dated; a later one on its day"
currency = "A subscription in another currency than its price's pays the price's option in that currency"
package = "transform_quantity sells packages: the price is for one"
inclusive = "What a price with tax in it is without is not known: such a line has no price here, and is unverifiable"
metered = "What is metered is a usage line without a quantity"
---*/
with subscription as (
    select
        id,
        created_at,
        start_at,
        currency
    from landed.subscription
    where status not in ('incomplete', 'incomplete_expired')
),

item as (
    select
        id,
        subscription_id,
        created_at,
        quantity,
        price_id
    from landed.subscription_item
    union
    select
        id,
        subscription_id,
        created_at,
        quantity,
        price_id
    from landed.subscription_item_rest
),

price as (
    select
        id,
        product_id,
        currency,
        case when tax_behavior is distinct from 'inclusive' then unit_price end as unit_price,
        tiers_mode,
        divide_by,
        interval_unit,
        interval_count,
        usage_type,
        meter_id
    from landed.price
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
        name,
        unit
    from landed.product
),

meter as (
    select
        id,
        event_name
    from landed.meter
),

-- The price in the subscription's own currency.
priced as (
    select
        item.id,
        item.subscription_id,
        case
            when cast(item.created_at as date) = cast(subscription.created_at as date) then cast(subscription.start_at as date)
            else cast(item.created_at as date)
        end as start_date,
        item.quantity,
        item.price_id,
        price.product_id,
        price.tiers_mode,
        price.divide_by,
        price.usage_type,
        price.meter_id,
        case
            when price.interval_unit = 'month' then price.interval_count
            when price.interval_unit = 'year' then price.interval_count * 12
        end as months,
        case when price.currency = subscription.currency then price.unit_price else price_currency.unit_price end as unit_price
    from item
    inner join subscription
        on item.subscription_id = subscription.id
        and subscription.start_at is not null
    left join price
        on item.price_id = price.id
    left join price_currency
        on item.price_id = price_currency.price_id
        and subscription.currency = price_currency.currency
)

select
    priced.id as contract_line_id,
    cast(1 as bigint) as version,
    priced.subscription_id as contract_id,
    'billing' as term_source,
    coalesce(priced.product_id, priced.price_id, priced.id) as product_id,
    product.name as product_name,
    case when priced.usage_type = 'metered' then 'usage' else 'recurring' end as charge_type,
    case
        when priced.tiers_mode is not null then priced.tiers_mode
        when priced.divide_by is not null then 'package'
        else 'per_unit'
    end as pricing_model,
    cast(case when priced.usage_type = 'metered' then null else priced.quantity end as decimal(18,6)) as quantity,
    cast(round(priced.unit_price, 8) as decimal(18,8)) as unit_price,
    case priced.months
        when 1 then 'month'
        when 3 then 'quarter'
        when 12 then 'year'
        else 'billing_period'
    end as price_period,
    product.unit,
    meter.event_name as metric,
    cast(priced.divide_by as decimal(18,6)) as package_size,
    priced.start_date,
    case priced.months
        when 1 then 'monthly'
        when 3 then 'quarterly'
        when 6 then 'semiannual'
        when 12 then 'annual'
    end as billing_frequency,
    priced.id as source_id
from priced
left join product
    on priced.product_id = product.id
left join meter
    on priced.meter_id = meter.id
