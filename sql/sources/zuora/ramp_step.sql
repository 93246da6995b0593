/*---
title = "Segments of Zuora charges"
owner = "finance"

[decisions]
steps = "Where a charge has several segments in a version, each is a step from its first day on"
inclusive = "A price with tax in it is unknown, as in contract_line"
price = "Of flat and per-unit charges; a segment's tiers cannot differ here from the first one's"
---*/
with subscription as (
    select
        id,
        version
    from landed.subscription
),

charge as (
    select
        id,
        number,
        segment,
        charge_model,
        charge_type,
        quantity,
        start_date,
        subscription_id,
        coalesce(tax_mode, '') = 'TaxInclusive' as is_tax_inclusive,
        count(*) over (partition by subscription_id, number) as segment_count
    from landed.charge
    where charge_model not like 'Discount%'
),

charge_tier as (
    select
        charge_id,
        price
    from landed.charge_tier
    qualify row_number() over (partition by charge_id order by tier) = 1
)

select
    charge.number as contract_line_id,
    subscription.version,
    'billing' as term_source,
    charge.start_date,
    cast(round(case when charge.charge_type = 'Usage' then null else charge.quantity end, 6) as decimal(18,6)) as quantity,
    cast(round(case
        when charge.is_tax_inclusive then null
        when charge.charge_model like 'Flat Fee%' or charge.charge_model like 'Per Unit%' then charge_tier.price
    end, 8) as decimal(18,8)) as unit_price,
    charge.id as source_id
from charge
inner join subscription
    on charge.subscription_id = subscription.id
left join charge_tier
    on charge.id = charge_tier.charge_id
where charge.segment_count > 1
    and charge.start_date is not null
qualify row_number() over (
    partition by charge.subscription_id, charge.number, charge.start_date
    order by charge.segment desc, charge.id desc
) = 1
