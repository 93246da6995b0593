/*---
title = "How broadly and how deeply an account uses the core"
owner = "cs"
grain = ["account_id", "evaluation_date"]

[columns]
account_id = { type = "text", doc = "The account" }
evaluation_date = { type = "date", doc = "The day d the windows end before: today's and the one a week earlier" }
features_used = { type = "integer", doc = "Core features used in 28 days" }
features_used_before = { type = "integer", doc = "The same 84 days earlier; null where no feature was recorded then" }
features_entitled = { type = "integer", doc = "Core features of the products the account has a contract for" }
breadth_pct = { type = "decimal(9,4)", doc = "Used over entitled core features, percent points; null where features are not known" }
breadth_before_pct = { type = "decimal(9,4)", doc = "The same 84 days earlier, over the features entitled now" }
depth = { type = "decimal(18,4)", doc = "Core actions per active person in 28 days; null where people are not known" }
depth_1 = { type = "decimal(18,4)", doc = "The same in the 28 days before" }
depth_2 = { type = "decimal(18,4)", doc = "The same in the 28 days before those: the account's own level" }
depth_change_pct = { type = "decimal(18,4)", doc = "Depth over that of the 28 days before less 1, percent points" }
fewest_actions = { type = "integer", doc = "Core actions in the 28-day window of the last two with fewer of them; null where people are not known" }

[checks]
not_null = ["account_id", "evaluation_date"]

[decisions]
entitled = "core features of contracted products, trials and betas left out; all core features where no contracted product has any, as where features name no product"
active = "a person with a core action in the window"
windows = "[d - 28, d), [d - 56, d - 28) and [d - 84, d - 56); breadth is compared with [d - 112, d - 84)"
only_daily = "both are null where only usage_daily is given: it knows neither features nor people"
---*/
with customer_account as (
    select account_id
    from customer_account
),

feature as (
    select
        feature,
        product_id,
    from feature
    where
        is_core
        and coalesce(entitlement, 'paid') not in ('trial', 'beta')
),

line_version as (
    select
        account_id,
        product_id,
        seg_start_date,
        seg_end_date,
    from line_version
),

usage_feature_daily as (
    select
        account_id,
        usage_date,
        feature,
        quantity,
    from usage_feature_daily
    where
        usage_date < cast($as_of as date) - cast(cast($usage_lag_days as bigint) as integer)
        and usage_date >= cast($as_of as date) - cast(cast($usage_lag_days as bigint) as integer) - 119
),

usage_user_daily as (
    select
        account_id,
        usage_date,
        user_id,
        core_actions,
    from usage_user_daily
    where
        usage_date < cast($as_of as date) - cast(cast($usage_lag_days as bigint) as integer)
        and usage_date >= cast($as_of as date) - cast(cast($usage_lag_days as bigint) as integer) - 91
        and core_actions > 0
),

end_day as (
    select cast($as_of as date) - cast(cast($usage_lag_days as bigint) as integer) as until_date
),

evaluation as (
    select until_date as evaluation_date from end_day
    union all
    select until_date - 7 as evaluation_date from end_day
),

contracted as (
    select distinct
        line_version.account_id,
        line_version.product_id,
    from line_version
    inner join end_day
        on line_version.seg_start_date <= end_day.until_date
        and line_version.seg_end_date > end_day.until_date
),

contracted_feature as (
    select
        contracted.account_id,
        feature.feature,
    from contracted
    inner join feature
        on feature.product_id = contracted.product_id
),

with_contract as (
    select distinct account_id
    from contracted_feature
),

entitled as (
    select
        account_id,
        feature,
    from contracted_feature
    union all
    select
        customer_account.account_id,
        feature.feature,
    from customer_account
    cross join feature
    left join with_contract
        on with_contract.account_id = customer_account.account_id
    where with_contract.account_id is null
),

used as (
    select
        usage_feature_daily.account_id,
        usage_feature_daily.feature,
        evaluation.evaluation_date,
        sum(
            case
                when
                    usage_feature_daily.usage_date < evaluation.evaluation_date
                    and usage_feature_daily.usage_date >= evaluation.evaluation_date - 28
                    and usage_feature_daily.quantity > 0
                    then 1
                else 0
            end
        ) as days,
        sum(
            case
                when
                    usage_feature_daily.usage_date < evaluation.evaluation_date - 84
                    and usage_feature_daily.usage_date >= evaluation.evaluation_date - 112
                    and usage_feature_daily.quantity > 0
                    then 1
                else 0
            end
        ) as days_before,
    from usage_feature_daily
    cross join evaluation
    group by
        usage_feature_daily.account_id,
        usage_feature_daily.feature,
        evaluation.evaluation_date
),

-- An account of which no feature was recorded in sixteen weeks is unknown, not narrow.
recorded as (
    select
        account_id,
        evaluation_date,
        sum(days_before) as days_before,
    from used
    group by
        account_id,
        evaluation_date
),

breadth as (
    select
        entitled.account_id,
        recorded.evaluation_date,
        count(*) as features_entitled,
        sum(case when used.days > 0 then 1 else 0 end) as features_used,
        case when max(recorded.days_before) > 0 then sum(case when used.days_before > 0 then 1 else 0 end) end as features_used_before,
    from entitled
    inner join recorded
        on recorded.account_id = entitled.account_id
    left join used
        on used.account_id = entitled.account_id
        and used.feature = entitled.feature
        and used.evaluation_date = recorded.evaluation_date
    group by
        entitled.account_id,
        recorded.evaluation_date
),

-- Period 0 is the 28 days before the evaluation.
placed_user as (
    select
        usage_user_daily.account_id,
        evaluation.evaluation_date,
        case
            when usage_user_daily.usage_date >= evaluation.evaluation_date - 28 then 0
            when usage_user_daily.usage_date >= evaluation.evaluation_date - 56 then 1
            else 2
        end as period,
        usage_user_daily.user_id,
        usage_user_daily.core_actions,
    from usage_user_daily
    inner join evaluation
        on usage_user_daily.usage_date < evaluation.evaluation_date
        and usage_user_daily.usage_date >= evaluation.evaluation_date - 84
),

per_user as (
    select
        account_id,
        evaluation_date,
        period,
        user_id,
        sum(core_actions) as core_actions,
    from placed_user
    group by
        account_id,
        evaluation_date,
        period,
        user_id
),

per_account as (
    select
        account_id,
        evaluation_date,
        sum(case when period = 0 then core_actions else 0 end) as actions,
        sum(case when period = 0 then 1 else 0 end) as users,
        sum(case when period = 1 then core_actions else 0 end) as actions_1,
        sum(case when period = 1 then 1 else 0 end) as users_1,
        sum(case when period = 2 then core_actions else 0 end) as actions_2,
        sum(case when period = 2 then 1 else 0 end) as users_2,
    from per_user
    group by
        account_id,
        evaluation_date
)

select
    customer_account.account_id,
    evaluation.evaluation_date,
    cast(breadth.features_used as bigint) as features_used,
    cast(breadth.features_used_before as bigint) as features_used_before,
    cast(breadth.features_entitled as bigint) as features_entitled,
    cast(round(cast(breadth.features_used as double) / cast(breadth.features_entitled as double) * 100, 4) as decimal(9,4)) as breadth_pct,
    cast(round(cast(breadth.features_used_before as double) / cast(breadth.features_entitled as double) * 100, 4) as decimal(9,4))
        as breadth_before_pct,
    case
        when per_account.users > 0
            then cast(round(cast(per_account.actions as double) / cast(per_account.users as double), 4) as decimal(18,4))
    end as depth,
    case
        when per_account.users_1 > 0
            then cast(round(cast(per_account.actions_1 as double) / cast(per_account.users_1 as double), 4) as decimal(18,4))
    end as depth_1,
    case
        when per_account.users_2 > 0
            then cast(round(cast(per_account.actions_2 as double) / cast(per_account.users_2 as double), 4) as decimal(18,4))
    end as depth_2,
    case
        when per_account.users > 0 and per_account.users_1 > 0
            then cast(
                round(
                    (
                        cast(per_account.actions as double) * cast(per_account.users_1 as double)
                        / (cast(per_account.actions_1 as double) * cast(per_account.users as double))
                        - 1
                    ) * 100,
                    4
                )
                as decimal(18,4)
            )
    end as depth_change_pct,
    cast(least(per_account.actions, per_account.actions_1) as bigint) as fewest_actions,
from customer_account
cross join evaluation
left join breadth
    on breadth.account_id = customer_account.account_id
    and breadth.evaluation_date = evaluation.evaluation_date
left join per_account
    on per_account.account_id = customer_account.account_id
    and per_account.evaluation_date = evaluation.evaluation_date
