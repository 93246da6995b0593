/*---
title = "Stripe subscriptions"
owner = "finance"

[decisions]
version = "Stripe keeps no earlier terms; its events tell of changes for 30 days, and every day on which items, prices or quantities changed begins a version"
never_begun = "A subscription whose first payment never came is no contract"
term = "Evergreen unless a day of cancelling is set; a subscription that is to end does not renew"
renewal = "The end of the period paid for, where it is half a year or longer: every month's end is no renewal"
due_at_once = "What is charged automatically is due on the day of issue"
proration = "Stripe prorates by the second over actual days"
---*/
with subscription as (
    select
        id,
        customer_id,
        status,
        currency,
        start_at,
        cast(start_at as date) as start_date,
        cast(billing_anchor_at as date) as billing_anchor_date,
        cast(cancel_at as date) as cancel_date,
        is_cancelled_at_period_end,
        canceled_at,
        cast(ended_at as date) as ended_date,
        collection_method,
        days_until_due
    from landed.subscription
    where status not in ('incomplete', 'incomplete_expired')
        and customer_id is not null
        and start_at is not null
),

item as (
    select
        id,
        subscription_id,
        price_id,
        period_end_at
    from landed.subscription_item
    union
    select
        id,
        subscription_id,
        price_id,
        period_end_at
    from landed.subscription_item_rest
),

price as (
    select
        id,
        case
            when interval_unit = 'month' then interval_count
            when interval_unit = 'year' then interval_count * 12
        end as months
    from landed.price
),

event as (
    select
        id,
        happened_at,
        subscription_id
    from landed.subscription_event
),

item_after as (
    select
        event_id,
        id,
        quantity,
        price_id
    from landed.subscription_event_item
),

item_before as (
    select
        event_id,
        id,
        quantity,
        price_id
    from landed.subscription_event_item_before
),

-- Events also tell of periods that begin: only items, prices and quantities make a change.
counted as (
    select
        event_id,
        count(*) as items
    from item_after
    group by event_id
),

counted_before as (
    select
        event_id,
        count(*) as items
    from item_before
    group by event_id
),

counted_same as (
    select
        item_after.event_id,
        count(*) as items
    from item_after
    inner join item_before
        on item_after.event_id = item_before.event_id
        and item_after.id = item_before.id
        and (item_after.price_id is not distinct from item_before.price_id)
        and (item_after.quantity is not distinct from item_before.quantity)
    group by item_after.event_id
),

-- A change on the first day belongs to the first version.
change as (
    select
        event.id,
        event.subscription_id,
        event.happened_at,
        cast(event.happened_at as date) as change_date
    from event
    inner join subscription
        on event.subscription_id = subscription.id
        and cast(event.happened_at as date) > cast(subscription.start_at as date)
    inner join counted
        on event.id = counted.event_id
    inner join counted_before
        on event.id = counted_before.event_id
    left join counted_same
        on event.id = counted_same.event_id
    where counted.items <> coalesce(counted_same.items, 0)
        or counted_before.items <> coalesce(counted_same.items, 0)
),

-- Of several changes on one day the last holds.
settled as (
    select *
    from change
    qualify row_number() over (partition by subscription_id, change_date order by happened_at desc, id desc) = 1
),

numbered as (
    select
        settled.*,
        row_number() over (partition by subscription_id order by change_date) as place,
        count(*) over (partition by subscription_id) as changes
    from settled
),

version as (
    select
        id as subscription_id,
        1 as version,
        start_date as effective_date
    from subscription
    union all
    select
        subscription_id,
        place + 1 as version,
        change_date as effective_date
    from numbered
),

-- The contract's frequency is that of all its items; where they differ each line has its own.
rhythm as (
    select
        item.subscription_id,
        case when min(coalesce(price.months, 0)) = max(coalesce(price.months, 0)) then min(price.months) end as months,
        max(case when price.months >= 6 then item.period_end_at end) as renewal_at
    from item
    left join price
        on item.price_id = price.id
    group by item.subscription_id
)

select
    subscription.id as contract_id,
    cast(version.version as bigint) as version,
    version.effective_date,
    subscription.customer_id as account_id,
    'billing' as term_source,
    subscription.status,
    subscription.start_date,
    subscription.cancel_date as end_date,
    subscription.ended_date as terminated_date,
    case when subscription.ended_date is not null then subscription.canceled_at end as terminated_recorded_at,
    case when subscription.cancel_date is not null then 'termed' else 'evergreen' end as term_type,
    case
        when subscription.cancel_date is null and subscription.ended_date is null then cast(rhythm.renewal_at as date)
    end as renewal_date,
    subscription.cancel_date is null
        and subscription.ended_date is null
        and not coalesce(subscription.is_cancelled_at_period_end, false) as auto_renew,
    case rhythm.months
        when 1 then 'monthly'
        when 3 then 'quarterly'
        when 6 then 'semiannual'
        when 12 then 'annual'
    end as billing_frequency,
    'advance' as bill_timing,
    subscription.billing_anchor_date,
    'anniversary' as billing_anchor,
    case
        when subscription.collection_method = 'charge_automatically' then cast(0 as bigint)
        else subscription.days_until_due
    end as payment_terms_days,
    upper(subscription.currency) as currency,
    'act_act' as proration_method,
    subscription.id as source_ref,
    subscription.id as source_id
from subscription
inner join version
    on subscription.id = version.subscription_id
left join rhythm
    on subscription.id = rhythm.subscription_id
