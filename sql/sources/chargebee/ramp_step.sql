/*---
title = "Ramps of Chargebee subscriptions"
owner = "finance"

[decisions]
failed = "A ramp that failed or was deleted changed nothing"
removed = "An item that a ramp takes out has quantity 0 from then on"
inclusive = "A price with tax in it is unknown, as in contract_line"
smallest_units = "A ramp names no currency: its prices are in the smallest unit of the subscription's"
---*/
with ramp as (
    select
        id,
        version,
        subscription_id,
        effective_at,
        items_to_remove
    from landed.ramp
    where status <> 'failed'
        and effective_at is not null
),

ramp_item as (
    select
        ramp_id,
        version,
        item_price_id,
        quantity,
        unit_price_minor,
        unit_price_in_decimal
    from landed.ramp_item
    union all
    select
        ramp_id,
        version,
        item_price_id,
        quantity,
        unit_price_minor,
        unit_price_in_decimal
    from landed.ramp_new_item
),

subscription as (
    select
        id,
        version,
        upper(currency_code) as currency
    from landed.subscription
),

subscription_item as (
    select
        subscription_id,
        version,
        item_price_id
    from landed.subscription_item
),

-- Currencies whose smallest unit is not a hundredth, as ISO 4217 has them.
smallest as (
    select
        subscription.id,
        subscription.version,
        case
            when currency in (
                'BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'VND', 'VUV', 'XAF', 'XOF', 'XPF'
            ) then cast(1 as decimal(4,3))
            when currency in ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') then cast(0.001 as decimal(4,3))
            else cast(0.01 as decimal(4,3))
        end as unit
    from subscription
),

-- Whether prices have tax in them is a setting of the site or the customer, which only invoices tell.
tax_inclusive as (
    select distinct subscription_id
    from landed.invoice
    where price_type = 'tax_inclusive'
        and subscription_id is not null
),

step as (
    select
        ramp.id,
        ramp.subscription_id,
        ramp.effective_at,
        ramp_item.item_price_id,
        ramp_item.quantity,
        case
            when tax_inclusive.subscription_id is null then coalesce(
                cast(ramp_item.unit_price_in_decimal as decimal(38,16)),
                cast(cast(ramp_item.unit_price_minor as decimal(18,0)) * smallest.unit as decimal(38,16))
            )
        end as unit_price
    from ramp
    inner join ramp_item
        on ramp.id = ramp_item.ramp_id
        and ramp.version = ramp_item.version
    inner join smallest
        on ramp.subscription_id = smallest.id
    left join tax_inclusive
        on ramp.subscription_id = tax_inclusive.subscription_id
    union all
    select
        ramp.id,
        ramp.subscription_id,
        ramp.effective_at,
        subscription_item.item_price_id,
        cast(0 as decimal(18,6)) as quantity,
        cast(null as decimal(38,16)) as unit_price
    from ramp
    inner join smallest
        on ramp.subscription_id = smallest.id
    inner join subscription_item
        on smallest.id = subscription_item.subscription_id
        and smallest.version = subscription_item.version
    where concat('; ', ramp.items_to_remove, '; ') like concat('%; ', subscription_item.item_price_id, '; %')
)

select
    concat(subscription_id, '/', item_price_id) as contract_line_id,
    'billing' as term_source,
    cast(effective_at as date) as start_date,
    cast(quantity as decimal(18,6)) as quantity,
    cast(round(unit_price, 8) as decimal(18,8)) as unit_price,
    id as source_id
from step
qualify row_number() over (
    partition by subscription_id, item_price_id, cast(effective_at as date)
    order by effective_at desc, id desc
) = 1
