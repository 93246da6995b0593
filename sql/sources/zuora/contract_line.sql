/*---
title = "Zuora rate plan charges, as lines of a subscription's version"
owner = "finance"

[decisions]
line_id = "The charge number, which goes through all versions; its segments are one line with ramp steps"
first_segment = "The line states its first segment's quantity and price"
price = "The price of the charge's tier; tiered and volume charges have theirs in price_tier"
overage = "Overage charges the units above the included ones; tiered with overage charges what is beyond the last tier"
inclusive = "What a price with tax in it is without is not known: such a line has no price here, and is unverifiable"
discounts = "A discount is a charge in Zuora too: those are in discount"
---*/
with subscription as (
    select
        id,
        number,
        version,
        coalesce(start_date, contract_date, term_start_date) as start_date
    from landed.subscription
),

charge as (
    select
        id,
        number,
        segment,
        name,
        charge_model,
        charge_type,
        quantity,
        unit,
        billing_period,
        list_price_base,
        start_date,
        end_date,
        subscription_id,
        product_id,
        product_name,
        coalesce(tax_mode, '') = 'TaxInclusive' as is_tax_inclusive
    from landed.charge
    where charge_model not like 'Discount%'
),

charge_tier as (
    select
        charge_id,
        tier,
        price,
        included_units,
        overage_price
    from landed.charge_tier
    qualify row_number() over (partition by charge_id order by tier) = 1
),

overage as (
    select
        charge_id,
        max(overage_price) as overage_price
    from landed.charge_tier
    group by charge_id
),

first_segment as (
    select
        charge.*,
        max(end_date) over (partition by subscription_id, number) as last_end_date,
        count(*) over (partition by subscription_id, number) - count(end_date) over (partition by subscription_id, number) as open_count
    from charge
    qualify row_number() over (partition by subscription_id, number order by segment, start_date, id) = 1
)

select
    first_segment.number as contract_line_id,
    subscription.version,
    subscription.number as contract_id,
    'billing' as term_source,
    coalesce(first_segment.product_id, first_segment.number) as product_id,
    coalesce(first_segment.product_name, first_segment.name) as product_name,
    case first_segment.charge_type
        when 'OneTime' then 'one_off'
        when 'One-Time' then 'one_off'
        when 'Usage' then 'usage'
        else 'recurring'
    end as charge_type,
    case
        when first_segment.charge_model like 'Flat Fee%' then 'flat'
        when first_segment.charge_model like 'Tiered%' then 'graduated'
        when first_segment.charge_model like 'Volume%' then 'volume'
        when first_segment.charge_model like 'Overage%' then 'overage'
        else 'per_unit'
    end as pricing_model,
    cast(round(case when first_segment.charge_type = 'Usage' then null else first_segment.quantity end, 6) as decimal(18,6)) as quantity,
    cast(round(case
        when first_segment.is_tax_inclusive then null
        when first_segment.charge_model like 'Flat Fee%' or first_segment.charge_model like 'Per Unit%' then charge_tier.price
        when first_segment.charge_model like '%Overage%' then overage.overage_price
    end, 8) as decimal(18,8)) as unit_price,
    case
        when first_segment.charge_type in ('OneTime', 'One-Time') then 'once'
        when first_segment.list_price_base = 'Per Month' then 'month'
        when first_segment.list_price_base = 'Per Year' then 'year'
        else 'billing_period'
    end as price_period,
    first_segment.unit,
    case when first_segment.charge_type = 'Usage' then first_segment.unit end as metric,
    cast(round(case
        when first_segment.charge_model like 'Overage%' then charge_tier.included_units
    end, 6) as decimal(18,6)) as included_quantity,
    coalesce(first_segment.start_date, subscription.start_date) as start_date,
    case when first_segment.open_count = 0 then first_segment.last_end_date end as end_date,
    case
        when first_segment.charge_type in ('OneTime', 'One-Time') then 'one_off'
        when first_segment.billing_period = 'Month' then 'monthly'
        when first_segment.billing_period = 'Quarter' then 'quarterly'
        when first_segment.billing_period in ('Semi-Annual', 'Semi_Annual') then 'semiannual'
        when first_segment.billing_period = 'Annual' then 'annual'
    end as billing_frequency,
    first_segment.id as source_id
from first_segment
inner join subscription
    on first_segment.subscription_id = subscription.id
left join charge_tier
    on first_segment.id = charge_tier.charge_id
left join overage
    on first_segment.id = overage.charge_id
where coalesce(first_segment.start_date, subscription.start_date) is not null
