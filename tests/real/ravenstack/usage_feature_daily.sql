select
    subscription.account_id,
    usage.usage_date,
    usage.feature_name as feature,
    cast(sum(usage.usage_count) as decimal(18, 6)) as quantity
from landed.feature_usage as usage
inner join landed.subscriptions as subscription
    on usage.subscription_id = subscription.subscription_id
group by subscription.account_id, usage.usage_date, usage.feature_name
