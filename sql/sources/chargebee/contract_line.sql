/*---
title = "Items of Chargebee subscriptions"
owner = "finance"

[decisions]
line_id = "Items have no id of their own: subscription/item price"
current = "Those of the subscription's present version: items taken out are named nowhere"
price = "The subscription's own price, else the item price's; site-wide decimals before smallest units"
models = "tiered is graduated; stairstep is volume with a fee a step; free units make an overage line"
inclusive = "What a price with tax in it is without is not known: such a line has no price here, and is unverifiable"
metered = "What is metered is a usage line without a quantity, its metric the item"
---*/
with subscription as (
    select
        id,
        version,
        cast(started_at as date) as start_date,
        billing_count,
        billing_unit
    from landed.subscription
    where started_at is not null
),

subscription_item as (
    select
        subscription_id,
        version,
        item_price_id,
        item_type,
        quantity,
        metered_quantity,
        coalesce(unit_price_in_decimal, unit_price) as unit_price,
        free_quantity,
        billing_count,
        billing_unit
    from landed.subscription_item
),

item_price as (
    select
        id,
        item_id,
        pricing_model,
        coalesce(price_in_decimal, price) as price,
        billing_count,
        billing_unit
    from landed.item_price
),

item as (
    select
        id,
        name,
        unit,
        is_metered
    from landed.item
),

-- Whether prices have tax in them is a setting of the site or the customer, which only invoices tell.
tax_inclusive as (
    select distinct subscription_id
    from landed.invoice
    where price_type = 'tax_inclusive'
        and subscription_id is not null
),

priced as (
    select
        subscription.id as subscription_id,
        subscription.start_date,
        subscription_item.item_price_id,
        subscription_item.item_type,
        subscription_item.quantity,
        coalesce(item.is_metered, subscription_item.metered_quantity is not null) as is_metered,
        case
            when tax_inclusive.subscription_id is null then coalesce(subscription_item.unit_price, item_price.price)
        end as unit_price,
        subscription_item.free_quantity,
        item_price.pricing_model,
        coalesce(item_price.item_id, subscription_item.item_price_id) as product_id,
        item.name as product_name,
        item.unit,
        case coalesce(subscription_item.billing_unit, item_price.billing_unit, subscription.billing_unit)
            when 'month' then coalesce(subscription_item.billing_count, item_price.billing_count, subscription.billing_count)
            when 'year' then coalesce(subscription_item.billing_count, item_price.billing_count, subscription.billing_count) * 12
        end as months
    from subscription_item
    inner join subscription
        on subscription_item.subscription_id = subscription.id
        and subscription_item.version = subscription.version
    left join item_price
        on subscription_item.item_price_id = item_price.id
    left join item
        on item_price.item_id = item.id
    left join tax_inclusive
        on subscription.id = tax_inclusive.subscription_id
)

select
    concat(subscription_id, '/', item_price_id) as contract_line_id,
    cast(1 as bigint) as version,
    subscription_id as contract_id,
    'billing' as term_source,
    product_id,
    product_name,
    case
        when item_type = 'charge' then 'one_off'
        when is_metered then 'usage'
        else 'recurring'
    end as charge_type,
    case
        when pricing_model = 'tiered' then 'graduated'
        when pricing_model in ('volume', 'stairstep') then 'volume'
        when pricing_model = 'flat_fee' then 'flat'
        when free_quantity > 0 then 'overage'
        else 'per_unit'
    end as pricing_model,
    cast(case when is_metered then null else quantity end as decimal(18,6)) as quantity,
    cast(round(unit_price, 8) as decimal(18,8)) as unit_price,
    case
        when item_type = 'charge' then 'once'
        when months = 1 then 'month'
        when months = 3 then 'quarter'
        when months = 12 then 'year'
        else 'billing_period'
    end as price_period,
    unit,
    case when is_metered then product_id end as metric,
    cast(case when free_quantity > 0 then free_quantity end as decimal(18,6)) as included_quantity,
    start_date,
    case
        when item_type = 'charge' then 'one_off'
        when months = 1 then 'monthly'
        when months = 3 then 'quarterly'
        when months = 6 then 'semiannual'
        when months = 12 then 'annual'
    end as billing_frequency,
    item_price_id as source_id
from priced
