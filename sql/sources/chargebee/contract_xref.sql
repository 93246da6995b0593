/*---
title = "Contracts and products that Chargebee's own fields name"
owner = "data"

[decisions]
explicit = "Only ids that somebody wrote into a custom field or metadata; nothing is guessed"
---*/
with subscription as (
    select
        id,
        canonical_id
    from landed.subscription
),

item as (
    select
        id,
        canonical_id
    from landed.item
),

named as (
    select
        'contract' as kind,
        id,
        canonical_id
    from subscription
    union all
    select
        'product' as kind,
        id,
        canonical_id
    from item
)

select
    kind,
    'chargebee' as system,
    id as external_id,
    canonical_id,
    'explicit' as method,
    cast(1 as decimal(9,4)) as confidence,
    id as source_id
from named
where canonical_id is not null
