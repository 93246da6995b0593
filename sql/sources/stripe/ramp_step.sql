/*---
title = "Phases of Stripe subscription schedules"
owner = "finance"

[decisions]
which_line = "A phase names prices, not items: the item with that price, else the only item of the price's product"
released = "A schedule that was released or cancelled changed nothing from then on"
inclusive = "A price with tax in it is unknown, as in contract_line"
same_rhythm = "A price of another interval than the item's is no price of the line: such a step states the quantity alone"
---*/
with subscription as (
    select
        id,
        currency
    from landed.subscription
    where status not in ('incomplete', 'incomplete_expired')
),

schedule as (
    select
        id,
        subscription_id,
        coalesce(released_at, canceled_at) as stopped_at
    from landed.schedule
),

schedule_item as (
    select
        schedule_id,
        phase_start_at,
        position,
        price_id,
        quantity
    from landed.schedule_item
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
        product_id,
        currency,
        case when tax_behavior is distinct from 'inclusive' then unit_price end as unit_price,
        interval_unit,
        interval_count
    from landed.price
),

price_currency as (
    select
        price_id,
        currency,
        case when tax_behavior is distinct from 'inclusive' then unit_price end as unit_price
    from landed.price_currency
),

step as (
    select
        schedule.subscription_id,
        schedule_item.schedule_id,
        schedule_item.phase_start_at,
        schedule_item.position,
        schedule_item.price_id,
        schedule_item.quantity,
        price.product_id,
        price.interval_unit,
        price.interval_count,
        case when price.currency = subscription.currency then price.unit_price else price_currency.unit_price end as unit_price
    from schedule_item
    inner join schedule
        on schedule_item.schedule_id = schedule.id
    inner join subscription
        on schedule.subscription_id = subscription.id
    left join price
        on schedule_item.price_id = price.id
    left join price_currency
        on schedule_item.price_id = price_currency.price_id
        and subscription.currency = price_currency.currency
    where schedule.stopped_at is null or schedule_item.phase_start_at < schedule.stopped_at
),

priced_item as (
    select
        item.id,
        item.subscription_id,
        item.price_id,
        price.product_id,
        price.interval_unit,
        price.interval_count,
        count(*) over (partition by item.subscription_id, price.product_id) as item_count
    from item
    inner join price
        on item.price_id = price.id
),

-- The item with the phase's own price before the only one of its product.
placed as (
    select
        step.*,
        priced_item.id as contract_line_id,
        priced_item.interval_unit = step.interval_unit and priced_item.interval_count = step.interval_count as is_same_rhythm
    from step
    inner join priced_item
        on step.subscription_id = priced_item.subscription_id
        and (
            step.price_id = priced_item.price_id
            or (step.product_id = priced_item.product_id and priced_item.item_count = 1)
        )
    qualify row_number() over (
        partition by step.schedule_id, step.phase_start_at, step.position
        order by case when step.price_id = priced_item.price_id then 0 else 1 end, priced_item.id
    ) = 1
)

select
    contract_line_id,
    'billing' as term_source,
    cast(phase_start_at as date) as start_date,
    cast(quantity as decimal(18,6)) as quantity,
    cast(case when is_same_rhythm then round(unit_price, 8) end as decimal(18,8)) as unit_price,
    schedule_id as source_id
from placed
where phase_start_at is not null
qualify row_number() over (
    partition by contract_line_id, cast(phase_start_at as date)
    order by phase_start_at desc, schedule_id desc, position
) = 1
