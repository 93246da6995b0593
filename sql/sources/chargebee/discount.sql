/*---
title = "Coupons and discounts of Chargebee subscriptions, with their windows"
owner = "finance"

[decisions]
start = "A subscription does not say since when it has a coupon: the end less the coupon's period, else the subscription's start"
once = "What is given once holds for the first period from its start"
items = "A coupon for specified items is a discount of each line that its constraints admit"
end_basis = "Chargebee asks whether a coupon still holds when it makes the invoice"
units = "Offers of free units have no percent and no amount: they are left out"
---*/
with subscription as (
    select
        id,
        version,
        currency_code,
        cast(started_at as date) as start_date,
        case
            when billing_unit = 'month' then billing_count
            when billing_unit = 'year' then billing_count * 12
        end as months
    from landed.subscription
),

subscription_item as (
    select
        subscription_id,
        version,
        item_price_id,
        item_type
    from landed.subscription_item
),

subscription_coupon as (
    select
        subscription_id,
        version,
        coupon_id,
        code,
        position,
        cast(apply_till_at as date) as apply_till_date
    from landed.subscription_coupon
),

subscription_discount as (
    select
        id,
        subscription_id,
        version,
        name,
        kind,
        percent,
        amount,
        duration_type,
        apply_on,
        item_price_id,
        position,
        cast(created_at as date) as created_date,
        cast(apply_till_at as date) as apply_till_date
    from landed.subscription_discount
),

coupon as (
    select
        id,
        name,
        discount_type,
        percent,
        amount,
        currency_code,
        duration_type,
        case
            when duration_unit = 'year' then duration * 12
            when duration_unit = 'month' or duration_unit is null then duration
        end as duration_months,
        apply_on
    from landed.coupon
),

coupon_constraint as (
    select
        coupon_id,
        item_type,
        constraint_kind,
        item_price_ids
    from landed.coupon_constraint
),

given_coupon as (
    select
        concat(subscription.id, '/', subscription_coupon.coupon_id) as discount_id,
        subscription.id as subscription_id,
        subscription.version,
        subscription_coupon.coupon_id,
        subscription_coupon.code,
        subscription_coupon.position,
        coupon.name,
        coupon.percent,
        case when coupon.currency_code = subscription.currency_code then coupon.amount end as amount,
        coupon.duration_type,
        coupon.apply_on,
        subscription_coupon.apply_till_date,
        subscription.months,
        case
            when subscription_coupon.apply_till_date is not null and coupon.duration_months is not null then greatest(
                subscription.start_date,
                cast(subscription_coupon.apply_till_date
                    - cast(concat(cast(coupon.duration_months as varchar), ' months') as interval) as date)
            )
            else subscription.start_date
        end as start_date
    from subscription_coupon
    inner join subscription
        on subscription_coupon.subscription_id = subscription.id
        and subscription_coupon.version = subscription.version
    inner join coupon
        on subscription_coupon.coupon_id = coupon.id
),

given as (
    select
        discount_id,
        subscription_id,
        cast(null as varchar) as item_price_id,
        code,
        position,
        name,
        percent,
        amount,
        duration_type,
        apply_till_date,
        months,
        start_date
    from given_coupon
    where apply_on is distinct from 'each_specified_item'
    union all
    select
        concat(given_coupon.discount_id, '/', subscription_item.item_price_id) as discount_id,
        given_coupon.subscription_id,
        subscription_item.item_price_id,
        given_coupon.code,
        given_coupon.position,
        given_coupon.name,
        given_coupon.percent,
        given_coupon.amount,
        given_coupon.duration_type,
        given_coupon.apply_till_date,
        given_coupon.months,
        given_coupon.start_date
    from given_coupon
    inner join subscription_item
        on given_coupon.subscription_id = subscription_item.subscription_id
        and given_coupon.version = subscription_item.version
    inner join coupon_constraint
        on given_coupon.coupon_id = coupon_constraint.coupon_id
        and subscription_item.item_type = coupon_constraint.item_type
    where given_coupon.apply_on = 'each_specified_item'
        and (
            coupon_constraint.constraint_kind = 'all'
            or concat('; ', coupon_constraint.item_price_ids, '; ') like concat('%; ', subscription_item.item_price_id, '; %')
        )
    union all
    select
        subscription_discount.id as discount_id,
        subscription.id as subscription_id,
        case when subscription_discount.apply_on = 'specific_item_price' then subscription_discount.item_price_id end as item_price_id,
        cast(null as varchar) as code,
        subscription_discount.position,
        subscription_discount.name,
        subscription_discount.percent,
        subscription_discount.amount,
        subscription_discount.duration_type,
        subscription_discount.apply_till_date,
        subscription.months,
        coalesce(subscription_discount.created_date, subscription.start_date) as start_date
    from subscription_discount
    inner join subscription
        on subscription_discount.subscription_id = subscription.id
        and subscription_discount.version = subscription.version
)

select
    discount_id,
    subscription_id as contract_id,
    case when item_price_id is not null then concat(subscription_id, '/', item_price_id) end as contract_line_id,
    'billing' as term_source,
    case when percent is not null then 'percent' else 'amount' end as kind,
    cast(round(coalesce(percent, amount), 8) as decimal(18,8)) as value,
    case when percent is null then case when duration_type = 'one_time' then 'once' else 'period' end end as amount_per,
    'multiplicative' as stacking,
    cast(position as bigint) as sequence,
    start_date,
    case
        when apply_till_date is not null then apply_till_date
        when duration_type = 'one_time' and months is not null
            then cast(start_date + cast(concat(cast(months as varchar), ' months') as interval) as date)
    end as end_date,
    'invoice' as end_basis,
    code,
    name as reason,
    discount_id as source_id
from given
where coalesce(percent, amount) is not null
    and start_date is not null
