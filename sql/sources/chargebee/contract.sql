/*---
title = "Chargebee subscriptions"
owner = "finance"

[decisions]
version = "Chargebee keeps no earlier terms; its events picture them for about 90 days, and every day on which items, prices or quantities changed begins a version"
term = "A contract term ends the contract on its last day; without one the subscription is evergreen, and ends when a cancellation is set"
renewal = "The end of the contract term; without one the end of the term paid for, where that is half a year or longer"
deleted = "Deleted subscriptions are gone; cancelled ones stay"
proration = "How a site prorates is a setting that its interface does not tell"
---*/
with subscription as (
    select
        id,
        customer_id,
        status,
        currency_code,
        cast(started_at as date) as start_date,
        cast(term_start_at as date) as term_start_date,
        cast(term_end_at as date) as term_end_date,
        cancelled_at,
        cancel_recorded_at,
        case
            when billing_unit = 'month' then billing_count
            when billing_unit = 'year' then billing_count * 12
        end as months,
        net_term_days,
        cast(contract_end_at as date) as contract_end_date,
        term_end_action,
        notice_days
    from landed.subscription
    where customer_id is not null
        and started_at is not null
        and currency_code is not null
),

event as (
    select
        id,
        occurred_at,
        subscription_id
    from landed.subscription_event
),

event_item as (
    select
        event_id,
        item_price_id,
        quantity,
        coalesce(unit_price_in_decimal, unit_price) as unit_price
    from landed.subscription_event_item
),

followed as (
    select
        id,
        subscription_id,
        occurred_at,
        lag(id) over (partition by subscription_id order by occurred_at, id) as event_before
    from event
),

counted as (
    select
        event_id,
        count(*) as items
    from event_item
    group by event_id
),

counted_same as (
    select
        followed.id as event_id,
        count(*) as items
    from followed
    inner join event_item
        on followed.id = event_item.event_id
    inner join event_item as item_before
        on followed.event_before = item_before.event_id
        and event_item.item_price_id = item_before.item_price_id
        and (event_item.quantity is not distinct from item_before.quantity)
        and (event_item.unit_price is not distinct from item_before.unit_price)
    group by followed.id
),

-- A change on the first day belongs to the first version.
change as (
    select
        followed.id,
        followed.subscription_id,
        followed.occurred_at,
        followed.event_before,
        cast(followed.occurred_at as date) as change_date
    from followed
    inner join subscription
        on followed.subscription_id = subscription.id
        and cast(followed.occurred_at as date) > subscription.start_date
    inner join counted
        on followed.id = counted.event_id
    inner join counted as counted_before
        on followed.event_before = counted_before.event_id
    left join counted_same
        on followed.id = counted_same.event_id
    where counted.items <> coalesce(counted_same.items, 0)
        or counted_before.items <> coalesce(counted_same.items, 0)
),

-- Of several changes on one day the last holds.
settled as (
    select *
    from change
    qualify row_number() over (partition by subscription_id, change_date order by occurred_at desc, id desc) = 1
),

numbered as (
    select
        settled.*,
        row_number() over (partition by subscription_id order by change_date) as place,
        count(*) over (partition by subscription_id) as changes
    from settled
),

contract_version as (
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

dated as (
    select
        subscription.*,
        status = 'cancelled' as is_over,
        case when status = 'non_renewing' then cast(cancelled_at as date) end as cancel_date
    from subscription
)

select
    id as contract_id,
    cast(contract_version.version as bigint) as version,
    contract_version.effective_date,
    customer_id as account_id,
    'billing' as term_source,
    status,
    start_date,
    coalesce(contract_end_date, cancel_date) as end_date,
    case when is_over then cast(cancelled_at as date) end as terminated_date,
    case when is_over then coalesce(cancel_recorded_at, cancelled_at) end as terminated_recorded_at,
    case when contract_end_date is not null or cancel_date is not null then 'termed' else 'evergreen' end as term_type,
    case
        when is_over or cancel_date is not null then null
        when contract_end_date is not null then contract_end_date
        when months >= 6 then term_end_date
    end as renewal_date,
    notice_days,
    case
        when is_over or cancel_date is not null then false
        when term_end_action is not null then term_end_action <> 'cancel'
        else true
    end as auto_renew,
    case months
        when 1 then 'monthly'
        when 3 then 'quarterly'
        when 6 then 'semiannual'
        when 12 then 'annual'
    end as billing_frequency,
    'advance' as bill_timing,
    term_start_date as billing_anchor_date,
    net_term_days as payment_terms_days,
    upper(currency_code) as currency,
    id as source_ref,
    id as source_id
from dated
inner join contract_version
    on dated.id = contract_version.subscription_id
