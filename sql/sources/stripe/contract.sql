/*---
title = "Stripe subscriptions"
owner = "finance"

[decisions]
version = "Stripe keeps no earlier terms: one version, as the subscription stands"
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
    cast(1 as bigint) as version,
    subscription.start_date as effective_date,
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
left join rhythm
    on subscription.id = rhythm.subscription_id
