-- Usage is recorded per subscription; an account's day is the sum of its subscriptions' rows. The file is a full log of two years, so a day
-- without a row is a day without use, from the account's first subscription on. A row
-- counts usage_count uses; nothing says which features are core, so all are.
with first_day as (
    select
        account_id,
        min(start_date) as start_date
    from landed.subscriptions
    group by account_id
),

log_day as (
    select
        cast(log_date as date) as usage_date
    from (
        select
            unnest(generate_series(date '2023-01-01', date '2024-12-31', interval '1 day')) as log_date
    ) as calendar
),

used as (
    select
        subscription.account_id,
        usage.usage_date,
        sum(usage.usage_count) as uses
    from landed.feature_usage as usage
    inner join landed.subscriptions as subscription
        on usage.subscription_id = subscription.subscription_id
    group by subscription.account_id, usage.usage_date
)

select
    first_day.account_id,
    log_day.usage_date,
    'feature_use' as metric,
    cast(coalesce(used.uses, 0) as decimal(18, 6)) as quantity,
    coalesce(used.uses, 0) as events,
    coalesce(used.uses, 0) as core_actions
from first_day
inner join log_day
    on log_day.usage_date >= first_day.start_date
left join used
    on first_day.account_id = used.account_id
    and log_day.usage_date = used.usage_date
