/*---
title = "Items of Chargebee subscriptions"
owner = "finance"

[decisions]
version = "As in contract: before the first change, after each one, and now"
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

event as (
    select
        id,
        occurred_at,
        subscription_id
    from landed.subscription_event
),

event_item as (
    select
        event_id,
        item_price_id,
        item_type,
        quantity,
        metered_quantity,
        coalesce(unit_price_in_decimal, unit_price) as unit_price,
        free_quantity,
        billing_count,
        billing_unit
    from landed.subscription_event_item
),

followed as (
    select
        id,
        subscription_id,
        occurred_at,
        lag(id) over (partition by subscription_id order by occurred_at, id) as event_before
    from event
),

counted as (
    select
        event_id,
        count(*) as items
    from event_item
    group by event_id
),

counted_same as (
    select
        followed.id as event_id,
        count(*) as items
    from followed
    inner join event_item
        on followed.id = event_item.event_id
    inner join event_item as item_before
        on followed.event_before = item_before.event_id
        and event_item.item_price_id = item_before.item_price_id
        and (event_item.quantity is not distinct from item_before.quantity)
        and (event_item.unit_price is not distinct from item_before.unit_price)
    group by followed.id
),

-- A change on the first day belongs to the first version.
change as (
    select
        followed.id,
        followed.subscription_id,
        followed.occurred_at,
        followed.event_before,
        cast(followed.occurred_at as date) as change_date
    from followed
    inner join subscription
        on followed.subscription_id = subscription.id
        and cast(followed.occurred_at as date) > subscription.start_date
    inner join counted
        on followed.id = counted.event_id
    inner join counted as counted_before
        on followed.event_before = counted_before.event_id
    left join counted_same
        on followed.id = counted_same.event_id
    where counted.items <> coalesce(counted_same.items, 0)
        or counted_before.items <> coalesce(counted_same.items, 0)
),

-- Of several changes on one day the last holds.
settled as (
    select *
    from change
    qualify row_number() over (partition by subscription_id, change_date order by occurred_at desc, id desc) = 1
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
        event_before,
        subscription_id
    from change
    qualify row_number() over (partition by subscription_id order by occurred_at, id) = 1
),

-- The first version has what was there before the first change, the last one what is there now.
versioned as (
    select
        subscription_item.subscription_id,
        coalesce(numbered.changes, 0) + 1 as contract_version,
        subscription_item.item_price_id,
        subscription_item.item_type,
        subscription_item.quantity,
        subscription_item.metered_quantity,
        subscription_item.unit_price,
        subscription_item.free_quantity,
        subscription_item.billing_count,
        subscription_item.billing_unit
    from subscription_item
    inner join subscription
        on subscription_item.subscription_id = subscription.id
        and subscription_item.version = subscription.version
    left join numbered
        on subscription_item.subscription_id = numbered.subscription_id
        and numbered.place = 1
    union all
    select
        numbered.subscription_id,
        numbered.place + 1 as contract_version,
        event_item.item_price_id,
        event_item.item_type,
        event_item.quantity,
        event_item.metered_quantity,
        event_item.unit_price,
        event_item.free_quantity,
        event_item.billing_count,
        event_item.billing_unit
    from numbered
    inner join event_item
        on numbered.id = event_item.event_id
    where numbered.place < numbered.changes
    union all
    select
        first_change.subscription_id,
        1 as contract_version,
        event_item.item_price_id,
        event_item.item_type,
        event_item.quantity,
        event_item.metered_quantity,
        event_item.unit_price,
        event_item.free_quantity,
        event_item.billing_count,
        event_item.billing_unit
    from first_change
    inner join event_item
        on first_change.event_before = event_item.event_id
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
        versioned.contract_version,
        subscription.start_date,
        versioned.item_price_id,
        versioned.item_type,
        versioned.quantity,
        coalesce(item.is_metered, versioned.metered_quantity is not null) as is_metered,
        case
            when tax_inclusive.subscription_id is null then coalesce(versioned.unit_price, item_price.price)
        end as unit_price,
        versioned.free_quantity,
        item_price.pricing_model,
        coalesce(item_price.item_id, versioned.item_price_id) as product_id,
        item.name as product_name,
        item.unit,
        case coalesce(versioned.billing_unit, item_price.billing_unit, subscription.billing_unit)
            when 'month' then coalesce(versioned.billing_count, item_price.billing_count, subscription.billing_count)
            when 'year' then coalesce(versioned.billing_count, item_price.billing_count, subscription.billing_count) * 12
        end as months
    from versioned
    inner join subscription
        on versioned.subscription_id = subscription.id
    left join item_price
        on versioned.item_price_id = item_price.id
    left join item
        on item_price.item_id = item.id
    left join tax_inclusive
        on subscription.id = tax_inclusive.subscription_id
)

select
    concat(subscription_id, '/', item_price_id) as contract_line_id,
    cast(contract_version as bigint) as version,
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
