/*---
title = "Tiers of Chargebee items"
owner = "finance"

[decisions]
own = "The subscription's own tiers, else those of the item price"
stairstep = "A step costs its fee whatever the quantity in it: unit price 0"
inclusive = "Tiers with tax in them are left out, as such prices are in contract_line"
package = "Tiers that sell packages are left out: no model here describes them, and a line without tiers is unverifiable"
---*/
with subscription as (
    select
        id,
        version
    from landed.subscription
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
        position,
        starting_unit,
        ending_unit,
        coalesce(price_in_decimal, price) as price,
        pricing_type
    from landed.subscription_tier
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
        position,
        starting_unit,
        ending_unit,
        coalesce(price_in_decimal, price) as price,
        pricing_type
    from landed.item_price_tier
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
        item_price.id as item_price_id,
        item_price.version as price_version,
        item_price.pricing_model
    from subscription_item
    inner join subscription
        on subscription_item.subscription_id = subscription.id
        and subscription_item.version = subscription.version
    inner join item_price
        on subscription_item.item_price_id = item_price.id
    left join tax_inclusive
        on subscription.id = tax_inclusive.subscription_id
    where tax_inclusive.subscription_id is null
),

own as (
    select
        line.subscription_id,
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
),

own_line as (
    select distinct
        subscription_id,
        item_price_id
    from own
),

chosen as (
    select *
    from own
    union all
    select
        line.subscription_id,
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
        and line.item_price_id = own_line.item_price_id
    where own_line.subscription_id is null
),

-- A line with one tier that sells packages has no tiers at all.
packaged as (
    select distinct
        subscription_id,
        item_price_id
    from chosen
    where pricing_type = 'package'
)

select
    concat(chosen.subscription_id, '/', chosen.item_price_id) as contract_line_id,
    cast(1 as bigint) as version,
    'billing' as term_source,
    cast(row_number() over (
        partition by chosen.subscription_id, chosen.item_price_id
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
    and chosen.item_price_id = packaged.item_price_id
where packaged.subscription_id is null
    and chosen.price is not null
