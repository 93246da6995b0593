/*---
title = "Discounts of Stripe subscriptions, with their windows"
owner = "finance"

[decisions]
ended = "A subscription forgets a discount that has ended; the invoices it was on still name it, with its window"
customer = "A customer's discount holds for those of its subscriptions that have none of their own"
products = "A coupon for some products is a discount of each line of theirs"
once = "A coupon for once holds for the period it starts in"
currency = "An amount in another currency than the subscription's cannot be taken off it"
end_basis = "Stripe asks whether a discount still runs when it makes the invoice"
---*/
with subscription as (
    select
        id,
        customer_id,
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
        product_id,
        case
            when interval_unit = 'month' then interval_count
            when interval_unit = 'year' then interval_count * 12
        end as months
    from landed.price
),

subscription_discount as (
    select
        id,
        subscription_id,
        start_at,
        end_at,
        position,
        promotion_code_id,
        coupon_id,
        coupon_name,
        percent_off,
        amount_off,
        amount_currency,
        duration
    from landed.subscription_discount
),

subscription_item_discount as (
    select
        id,
        item_id,
        subscription_id,
        start_at,
        end_at,
        position,
        promotion_code_id,
        coupon_id
    from landed.subscription_item_discount
),

-- The same discount stands on every invoice it lowered.
invoice_discount as (
    select
        discount_id,
        subscription_id,
        item_id,
        start_at,
        end_at,
        promotion_code_id,
        coupon_id
    from landed.invoice_discount
    where subscription_id is not null
        and start_at is not null
    qualify row_number() over (partition by discount_id order by invoice_id desc) = 1
),

customer as (
    select
        id,
        discount_id,
        discount_start_at,
        discount_end_at,
        discount_coupon_id
    from landed.customer
    where discount_id is not null
),

coupon as (
    select
        id,
        name,
        percent_off,
        amount_off,
        currency,
        duration,
        products
    from landed.coupon
),

own_discount as (
    select distinct subscription_id
    from subscription_discount
),

given as (
    select
        id as discount_id,
        subscription_id,
        cast(null as varchar) as item_id,
        start_at,
        end_at,
        position,
        promotion_code_id,
        coupon_id,
        coupon_name,
        percent_off,
        amount_off,
        amount_currency,
        duration,
        1 as place
    from subscription_discount
    union all
    select
        id as discount_id,
        subscription_id,
        item_id,
        start_at,
        end_at,
        position,
        promotion_code_id,
        coupon_id,
        null as coupon_name,
        null as percent_off,
        null as amount_off,
        null as amount_currency,
        null as duration,
        1 as place
    from subscription_item_discount
    union all
    select
        discount_id,
        subscription_id,
        item_id,
        start_at,
        end_at,
        null as position,
        promotion_code_id,
        coupon_id,
        null as coupon_name,
        null as percent_off,
        null as amount_off,
        null as amount_currency,
        null as duration,
        2 as place
    from invoice_discount
    union all
    select
        concat(customer.discount_id, '/', subscription.id) as discount_id,
        subscription.id as subscription_id,
        null as item_id,
        customer.discount_start_at as start_at,
        customer.discount_end_at as end_at,
        null as position,
        null as promotion_code_id,
        customer.discount_coupon_id as coupon_id,
        null as coupon_name,
        null as percent_off,
        null as amount_off,
        null as amount_currency,
        null as duration,
        1 as place
    from customer
    inner join subscription
        on customer.id = subscription.customer_id
    left join own_discount
        on subscription.id = own_discount.subscription_id
    where own_discount.subscription_id is null
),

-- The subscription's own word before an invoice's.
known as (
    select *
    from given
    qualify row_number() over (partition by discount_id, subscription_id, coalesce(item_id, '') order by place) = 1
),

-- The shortest rhythm of the subscription: what a coupon for once covers.
rhythm as (
    select
        item.subscription_id,
        min(price.months) as months
    from item
    inner join price
        on item.price_id = price.id
    group by item.subscription_id
),

termed as (
    select
        known.discount_id,
        known.subscription_id,
        known.item_id,
        cast(known.start_at as date) as start_date,
        case
            when known.end_at is not null then cast(known.end_at as date)
            when coalesce(known.duration, coupon.duration) <> 'once' then null
            when rhythm.months = 1 then cast(cast(known.start_at as date) + interval '1 month' as date)
            when rhythm.months = 3 then cast(cast(known.start_at as date) + interval '3 months' as date)
            when rhythm.months = 6 then cast(cast(known.start_at as date) + interval '6 months' as date)
            when rhythm.months = 12 then cast(cast(known.start_at as date) + interval '12 months' as date)
        end as end_date,
        known.position,
        coalesce(known.promotion_code_id, known.coupon_id) as code,
        coalesce(known.coupon_name, coupon.name) as reason,
        coalesce(known.percent_off, coupon.percent_off) as percent_off,
        case
            when coalesce(known.amount_currency, coupon.currency) = subscription.currency
                then coalesce(known.amount_off, coupon.amount_off)
        end as amount_off,
        coalesce(known.duration, coupon.duration) as duration,
        coupon.products
    from known
    inner join subscription
        on known.subscription_id = subscription.id
    left join coupon
        on known.coupon_id = coupon.id
    left join rhythm
        on known.subscription_id = rhythm.subscription_id
),

-- A coupon for some products goes to their lines; any other stays where it was given.
placed as (
    select
        termed.*,
        termed.item_id as contract_line_id
    from termed
    where termed.products is null
    union all
    select
        termed.*,
        item.id as contract_line_id
    from termed
    inner join item
        on termed.subscription_id = item.subscription_id
        and (termed.item_id is null or termed.item_id = item.id)
    inner join price
        on item.price_id = price.id
    where concat('; ', termed.products, '; ') like concat('%; ', price.product_id, '; %')
)

select
    case
        when products is not null and item_id is null then concat(discount_id, '/', contract_line_id)
        else discount_id
    end as discount_id,
    subscription_id as contract_id,
    contract_line_id,
    'billing' as term_source,
    case when percent_off is not null then 'percent' else 'amount' end as kind,
    cast(round(coalesce(percent_off, amount_off), 8) as decimal(18,8)) as value,
    case when percent_off is null then case when duration = 'once' then 'once' else 'period' end end as amount_per,
    'multiplicative' as stacking,
    cast(position as bigint) as sequence,
    start_date,
    end_date,
    'invoice' as end_basis,
    code,
    reason,
    discount_id as source_id
from placed
where coalesce(percent_off, amount_off) is not null
    and start_date is not null
