/*---
title = "Contracts, lines and products that Stripe's metadata name"
owner = "data"

[decisions]
explicit = "Only ids that somebody wrote into metadata; nothing is guessed"
---*/
with subscription as (
    select
        id,
        canonical_id
    from landed.subscription
),

subscription_item as (
    select
        id,
        canonical_id
    from landed.subscription_item
    union
    select
        id,
        canonical_id
    from landed.subscription_item_rest
),

product as (
    select
        id,
        canonical_id
    from landed.product
),

named as (
    select
        'contract' as kind,
        id,
        canonical_id
    from subscription
    union all
    select
        'line' as kind,
        id,
        canonical_id
    from subscription_item
    union all
    select
        'product' as kind,
        id,
        canonical_id
    from product
)

select
    kind,
    'stripe' as system,
    id as external_id,
    canonical_id,
    'explicit' as method,
    cast(1 as decimal(9,4)) as confidence,
    id as source_id
from named
where canonical_id is not null
