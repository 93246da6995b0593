-- Usage is recorded per subscription; an account's day is the sum of its subscriptions' rows.
select
    subscription.account_id,
    usage.usage_date,
    'feature_use' as metric,
    cast(sum(usage.usage_count) as decimal(18, 6)) as quantity,
    count(*) as events,
    count(*) as core_actions
from landed.feature_usage as usage
inner join landed.subscriptions as subscription
    on usage.subscription_id = subscription.subscription_id
group by subscription.account_id, usage.usage_date
