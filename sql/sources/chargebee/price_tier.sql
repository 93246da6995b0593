/*---
title = "Tiers of Chargebee items"
owner = "finance"

[decisions]
version = "As in contract_line"
own = "The subscription's own tiers, else those of the item price"
stairstep = "A step costs its fee whatever the quantity in it: unit price 0"
inclusive = "Tiers with tax in them are left out, as such prices are in contract_line"
package = "Tiers that sell packages are left out: no model here describes them, and a line without tiers is unverifiable"
---*/
with subscription as (
    select
        id,
        version,
        cast(started_at as date) as start_date
    from landed.subscription
    where started_at is not null
),

subscription_item as (
    select
        subscription_id,
        version,
        item_price_id
    from landed.subscription_item
),

subscription_tier as (
    select
        subscription_id,
        version,
        item_price_id,
        starting_unit,
        ending_unit,
        coalesce(price_in_decimal, price) as price,
        pricing_type
    from landed.subscription_tier
),

event_tier as (
    select
        event_id,
        item_price_id,
        starting_unit,
        ending_unit,
        coalesce(price_in_decimal, price) as price,
        pricing_type
    from landed.subscription_event_tier
),

item_price as (
    select
        id,
        version,
        pricing_model
    from landed.item_price
    where pricing_model in ('tiered', 'volume', 'stairstep')
),

item_price_tier as (
    select
        item_price_id,
        version,
        starting_unit,
        ending_unit,
        coalesce(price_in_decimal, price) as price,
        pricing_type
    from landed.item_price_tier
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
        quantity,
        coalesce(unit_price_in_decimal, unit_price) as unit_price
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

-- As in contract_line, with the event that pictures the version's tiers: none where it is the present one.
versioned as (
    select
        subscription_item.subscription_id,
        coalesce(numbered.changes, 0) + 1 as contract_version,
        subscription_item.item_price_id,
        cast(null as varchar) as event_id
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
        numbered.id as event_id
    from numbered
    inner join event_item
        on numbered.id = event_item.event_id
    where numbered.place < numbered.changes
    union all
    select
        first_change.subscription_id,
        1 as contract_version,
        event_item.item_price_id,
        first_change.event_before as event_id
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

line as (
    select
        subscription.id as subscription_id,
        subscription.version,
        versioned.contract_version,
        versioned.event_id,
        item_price.id as item_price_id,
        item_price.version as price_version,
        item_price.pricing_model
    from versioned
    inner join subscription
        on versioned.subscription_id = subscription.id
    inner join item_price
        on versioned.item_price_id = item_price.id
    left join tax_inclusive
        on subscription.id = tax_inclusive.subscription_id
    where tax_inclusive.subscription_id is null
),

own as (
    select
        line.subscription_id,
        line.contract_version,
        line.item_price_id,
        line.pricing_model,
        subscription_tier.starting_unit,
        subscription_tier.ending_unit,
        subscription_tier.price,
        subscription_tier.pricing_type
    from line
    inner join subscription_tier
        on line.subscription_id = subscription_tier.subscription_id
        and line.item_price_id = subscription_tier.item_price_id
        and line.version = subscription_tier.version
    where line.event_id is null
    union all
    select
        line.subscription_id,
        line.contract_version,
        line.item_price_id,
        line.pricing_model,
        event_tier.starting_unit,
        event_tier.ending_unit,
        event_tier.price,
        event_tier.pricing_type
    from line
    inner join event_tier
        on line.event_id = event_tier.event_id
        and line.item_price_id = event_tier.item_price_id
),

own_line as (
    select distinct
        subscription_id,
        contract_version,
        item_price_id
    from own
),

chosen as (
    select *
    from own
    union all
    select
        line.subscription_id,
        line.contract_version,
        line.item_price_id,
        line.pricing_model,
        item_price_tier.starting_unit,
        item_price_tier.ending_unit,
        item_price_tier.price,
        item_price_tier.pricing_type
    from line
    inner join item_price_tier
        on line.item_price_id = item_price_tier.item_price_id
        and line.price_version = item_price_tier.version
    left join own_line
        on line.subscription_id = own_line.subscription_id
        and line.contract_version = own_line.contract_version
        and line.item_price_id = own_line.item_price_id
    where own_line.subscription_id is null
),

-- A line with one tier that sells packages has no tiers at all.
packaged as (
    select distinct
        subscription_id,
        contract_version,
        item_price_id
    from chosen
    where pricing_type = 'package'
)

select
    concat(chosen.subscription_id, '/', chosen.item_price_id) as contract_line_id,
    cast(chosen.contract_version as bigint) as version,
    'billing' as term_source,
    cast(row_number() over (
        partition by chosen.subscription_id, chosen.contract_version, chosen.item_price_id
        order by chosen.starting_unit
    ) as bigint) as tier,
    cast(chosen.ending_unit as decimal(18,6)) as up_to,
    cast(case
        when chosen.pricing_model = 'stairstep' or chosen.pricing_type = 'flat_fee' then 0
        else round(chosen.price, 8)
    end as decimal(18,8)) as unit_price,
    cast(case
        when chosen.pricing_model = 'stairstep' or chosen.pricing_type = 'flat_fee' then round(chosen.price, 4)
    end as decimal(18,4)) as flat_fee,
    chosen.item_price_id as source_id
from chosen
left join packaged
    on chosen.subscription_id = packaged.subscription_id
    and chosen.contract_version = packaged.contract_version
    and chosen.item_price_id = packaged.item_price_id
where packaged.subscription_id is null
    and chosen.price is not null
