/*---
title = "Tiers of Stripe prices, by subscription item"
owner = "finance"

[decisions]
version = "As in contract_line"
currency = "Tiers of a further currency cannot be told apart in the interface's answer: an item in one has no tiers here"
inclusive = "Tiers with tax in them are left out, as such prices are in contract_line"
no_unit_price = "A tier that costs a flat fee only has a unit price of 0: that is what Stripe charges"
---*/
with subscription as (
    select
        id,
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
        currency
    from landed.price
    where tax_behavior is distinct from 'inclusive'
),

price_tier as (
    select
        price_id,
        tier,
        up_to,
        unit_price,
        flat_fee
    from landed.price_tier
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
)

select
    versioned.id as contract_line_id,
    cast(versioned.version as bigint) as version,
    'billing' as term_source,
    price_tier.tier,
    cast(price_tier.up_to as decimal(18,6)) as up_to,
    cast(round(coalesce(price_tier.unit_price, 0), 8) as decimal(18,8)) as unit_price,
    cast(round(price_tier.flat_fee, 4) as decimal(18,4)) as flat_fee,
    versioned.price_id as source_id
from versioned
inner join subscription
    on versioned.subscription_id = subscription.id
inner join price
    on versioned.price_id = price.id
    and subscription.currency = price.currency
inner join price_tier
    on versioned.price_id = price_tier.price_id
