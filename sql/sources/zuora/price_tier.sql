/*---
title = "Tiers of Zuora charges"
owner = "finance"

[decisions]
segment = "Those of the line's first segment, as everything that a line states"
inclusive = "Tiers with tax in them are left out, as such prices are in contract_line"
flat = "A tier at a flat fee costs nothing a unit"
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
        start_date,
        subscription_id
    from landed.charge
    where charge_model not like 'Discount%'
        and coalesce(tax_mode, '') <> 'TaxInclusive'
    qualify row_number() over (partition by subscription_id, number order by segment, start_date, id) = 1
),

charge_tier as (
    select
        id,
        charge_id,
        tier,
        ending_unit,
        price,
        replace(lower(price_format), ' ', '') = 'flatfee' as is_flat
    from landed.charge_tier
    where price is not null
)

select
    charge.number as contract_line_id,
    subscription.version,
    'billing' as term_source,
    charge_tier.tier,
    cast(round(charge_tier.ending_unit, 6) as decimal(18,6)) as up_to,
    cast(round(case when charge_tier.is_flat then 0 else charge_tier.price end, 8) as decimal(18,8)) as unit_price,
    cast(round(case when charge_tier.is_flat then charge_tier.price end, 4) as decimal(18,4)) as flat_fee,
    charge_tier.id as source_id
from charge_tier
inner join charge
    on charge_tier.charge_id = charge.id
inner join subscription
    on charge.subscription_id = subscription.id
where charge.charge_model like 'Tiered%'
    or charge.charge_model like 'Volume%'
