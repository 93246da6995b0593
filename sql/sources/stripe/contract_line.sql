/*---
title = "Items of Stripe subscriptions"
owner = "finance"

[decisions]
version = "As in contract: before the first change, after each one, and now"
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

event as (
    select
        id,
        happened_at,
        subscription_id
    from landed.subscription_event
),

item_after as (
    select
        event_id,
        id,
        created_at,
        quantity,
        price_id
    from landed.subscription_event_item
),

item_before as (
    select
        event_id,
        id,
        created_at,
        quantity,
        price_id
    from landed.subscription_event_item_before
),

-- Events also tell of periods that begin: only items, prices and quantities make a change.
counted as (
    select
        event_id,
        count(*) as items
    from item_after
    group by event_id
),

counted_before as (
    select
        event_id,
        count(*) as items
    from item_before
    group by event_id
),

counted_same as (
    select
        item_after.event_id,
        count(*) as items
    from item_after
    inner join item_before
        on item_after.event_id = item_before.event_id
        and item_after.id = item_before.id
        and (item_after.price_id is not distinct from item_before.price_id)
        and (item_after.quantity is not distinct from item_before.quantity)
    group by item_after.event_id
),

-- A change on the first day belongs to the first version.
change as (
    select
        event.id,
        event.subscription_id,
        event.happened_at,
        cast(event.happened_at as date) as change_date
    from event
    inner join subscription
        on event.subscription_id = subscription.id
        and cast(event.happened_at as date) > cast(subscription.start_at as date)
    inner join counted
        on event.id = counted.event_id
    inner join counted_before
        on event.id = counted_before.event_id
    left join counted_same
        on event.id = counted_same.event_id
    where counted.items <> coalesce(counted_same.items, 0)
        or counted_before.items <> coalesce(counted_same.items, 0)
),

-- Of several changes on one day the last holds.
settled as (
    select *
    from change
    qualify row_number() over (partition by subscription_id, change_date order by happened_at desc, id desc) = 1
),

numbered as (
    select
        settled.*,
        row_number() over (partition by subscription_id order by change_date) as place,
        count(*) over (partition by subscription_id) as changes
    from settled
),

first_change as (
    select
        id,
        subscription_id
    from change
    qualify row_number() over (partition by subscription_id order by happened_at, id) = 1
),

-- The first version has what was there before the first change, the last one what is there now.
versioned as (
    select
        item.subscription_id,
        coalesce(numbered.changes, 0) + 1 as version,
        item.id,
        item.created_at,
        item.quantity,
        item.price_id
    from item
    left join numbered
        on item.subscription_id = numbered.subscription_id
        and numbered.place = 1
    union all
    select
        numbered.subscription_id,
        numbered.place + 1 as version,
        item_after.id,
        item_after.created_at,
        item_after.quantity,
        item_after.price_id
    from numbered
    inner join item_after
        on numbered.id = item_after.event_id
    where numbered.place < numbered.changes
    union all
    select
        first_change.subscription_id,
        1 as version,
        item_before.id,
        item_before.created_at,
        item_before.quantity,
        item_before.price_id
    from first_change
    inner join item_before
        on first_change.id = item_before.event_id
),

-- The price in the subscription's own currency.
priced as (
    select
        versioned.id,
        versioned.version,
        versioned.subscription_id,
        case
            when cast(versioned.created_at as date) = cast(subscription.created_at as date) then cast(subscription.start_at as date)
            else cast(versioned.created_at as date)
        end as start_date,
        versioned.quantity,
        versioned.price_id,
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
    from versioned
    inner join subscription
        on versioned.subscription_id = subscription.id
        and subscription.start_at is not null
    left join price
        on versioned.price_id = price.id
    left join price_currency
        on versioned.price_id = price_currency.price_id
        and subscription.currency = price_currency.currency
)

select
    priced.id as contract_line_id,
    cast(priced.version as bigint) as version,
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
