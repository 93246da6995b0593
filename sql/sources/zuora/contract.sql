/*---
title = "Zuora subscriptions, version by version"
owner = "finance"

[decisions]
contract_id = "The subscription's number: every amendment makes a new row with an id of its own under the same number"
effective = "A version holds from its amendment's contract effective date; the first from the subscription's start"
status = "Not yet activated is a draft; Expired is a version that another replaced"
renewal = "The end of the term, for subscriptions that have one"
anchor = "The account's bill cycle day in the month of the start; days after the 28th depend on the month and are left out"
terms = "Net 30 is 30 days, Due Upon Receipt none; any other wording is unknown"
---*/
with subscription as (
    select
        id,
        number,
        version,
        status,
        created_at,
        term_type,
        term_end_date,
        coalesce(start_date, contract_date, term_start_date) as start_date,
        cancelled_date,
        is_auto_renewed,
        account_id,
        currency,
        amendment_date
    from landed.subscription
),

account as (
    select
        id,
        currency,
        payment_term,
        bill_cycle_day
    from landed.account
),

charge as (
    select
        subscription_id,
        billing_timing,
        case billing_period
            when 'Month' then 'monthly'
            when 'Quarter' then 'quarterly'
            when 'Semi-Annual' then 'semiannual'
            when 'Semi_Annual' then 'semiannual'
            when 'Annual' then 'annual'
        end as billing_frequency
    from landed.charge
    where charge_type = 'Recurring'
        and charge_model not like 'Discount%'
),

-- What all recurring charges share; where they differ each line has its own.
rhythm as (
    select
        subscription_id,
        case
            when min(coalesce(billing_frequency, '')) = max(coalesce(billing_frequency, '')) then min(billing_frequency)
        end as billing_frequency,
        case
            when min(coalesce(billing_timing, '')) = max(coalesce(billing_timing, '')) then min(billing_timing)
        end as billing_timing
    from charge
    group by subscription_id
)

select
    subscription.number as contract_id,
    subscription.version,
    case when subscription.version = 1 then subscription.start_date else coalesce(
        subscription.amendment_date,
        cast(subscription.created_at as date)
    ) end as effective_date,
    subscription.account_id,
    'billing' as term_source,
    case
        when subscription.status in ('Draft', 'Pending Activation', 'PendingActivation', 'Pending Acceptance', 'PendingAcceptance') then 'draft'
        else lower(subscription.status)
    end as status,
    subscription.start_date,
    case when subscription.term_type = 'TERMED' then subscription.term_end_date end as end_date,
    case when subscription.status = 'Cancelled' then subscription.cancelled_date end as terminated_date,
    case when subscription.status = 'Cancelled' then subscription.created_at end as terminated_recorded_at,
    lower(subscription.term_type) as term_type,
    case when subscription.term_type = 'TERMED' and subscription.status <> 'Cancelled' then subscription.term_end_date end as renewal_date,
    case when subscription.term_type = 'TERMED' then subscription.is_auto_renewed else subscription.status <> 'Cancelled' end as auto_renew,
    rhythm.billing_frequency,
    case
        when rhythm.billing_timing in ('In Advance', 'IN_ADVANCE') then 'advance'
        when rhythm.billing_timing in ('In Arrears', 'IN_ARREARS') then 'arrears'
    end as bill_timing,
    case
        when account.bill_cycle_day between 1 and 28 then make_date(
            cast(extract(year from subscription.start_date) as int),
            cast(extract(month from subscription.start_date) as int),
            cast(account.bill_cycle_day as int)
        )
    end as billing_anchor_date,
    case
        when account.payment_term = 'Due Upon Receipt' then cast(0 as bigint)
        else try_cast(replace(lower(account.payment_term), 'net ', '') as bigint)
    end as payment_terms_days,
    coalesce(subscription.currency, account.currency) as currency,
    subscription.id as source_ref,
    subscription.id as source_id
from subscription
left join account
    on subscription.account_id = account.id
left join rhythm
    on subscription.id = rhythm.subscription_id
where subscription.start_date is not null
    and subscription.account_id is not null
    and coalesce(subscription.currency, account.currency) is not null
