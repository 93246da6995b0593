/*---
title = "Tiers of Stripe prices, by subscription item"
owner = "finance"

[decisions]
currency = "Tiers of a further currency cannot be told apart in the interface's answer: an item in one has no tiers here"
inclusive = "Tiers with tax in them are left out, as such prices are in contract_line"
no_unit_price = "A tier that costs a flat fee only has a unit price of 0: that is what Stripe charges"
---*/
with subscription as (
    select
        id,
        currency
    from landed.subscription
    where status not in ('incomplete', 'incomplete_expired')
),

item as (
    select
        id,
        subscription_id,
        price_id
    from landed.subscription_item
    union
    select
        id,
        subscription_id,
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
)

select
    item.id as contract_line_id,
    cast(1 as bigint) as version,
    'billing' as term_source,
    price_tier.tier,
    cast(price_tier.up_to as decimal(18,6)) as up_to,
    cast(round(coalesce(price_tier.unit_price, 0), 8) as decimal(18,8)) as unit_price,
    cast(round(price_tier.flat_fee, 4) as decimal(18,4)) as flat_fee,
    item.price_id as source_id
from item
inner join subscription
    on item.subscription_id = subscription.id
inner join price
    on item.price_id = price.id
    and subscription.currency = price.currency
inner join price_tier
    on item.price_id = price_tier.price_id
