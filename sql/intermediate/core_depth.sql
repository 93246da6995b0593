/*---
title = "How broadly and how deeply an account uses the core"
owner = "cs"
grain = ["account_id"]

[columns]
account_id = { type = "text", doc = "The account" }
features_used = { type = "integer", doc = "Core features used in 28 days" }
features_entitled = { type = "integer", doc = "Core features of the products the account has a contract for" }
breadth_pct = { type = "decimal(9,4)", doc = "Used over entitled core features, percent points; null where features are not known" }
depth = { type = "decimal(18,4)", doc = "Core actions per active person in 28 days; null where people are not known" }
depth_change_pct = { type = "decimal(18,4)", doc = "Depth over that of the 28 days before less 1, percent points" }

[checks]
not_null = ["account_id"]

[decisions]
entitled = "core features of contracted products, trials and betas left out; all core features where no contracted product has any, as where features name no product"
active = "a person with a core action in the window"
windows = "[d - 28, d) and [d - 56, d - 28)"
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
        and usage_date >= cast($as_of as date) - cast(cast($usage_lag_days as bigint) as integer) - 112
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
        and usage_date >= cast($as_of as date) - cast(cast($usage_lag_days as bigint) as integer) - 56
),

end_day as (
    select cast($as_of as date) - cast(cast($usage_lag_days as bigint) as integer) as until_date
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
        account_id,
        feature,
        sum(
            case
                when
                    usage_date >= cast($as_of as date) - cast(cast($usage_lag_days as bigint) as integer) - 28
                    and quantity > 0
                    then 1
                else 0
            end
        ) as days,
    from usage_feature_daily
    group by
        account_id,
        feature
),

-- An account of which no feature was recorded in sixteen weeks is unknown, not narrow.
recorded as (
    select distinct account_id
    from used
),

breadth as (
    select
        entitled.account_id,
        count(*) as features_entitled,
        sum(case when used.days > 0 then 1 else 0 end) as features_used,
    from entitled
    inner join recorded
        on recorded.account_id = entitled.account_id
    left join used
        on used.account_id = entitled.account_id
        and used.feature = entitled.feature
    group by entitled.account_id
),

placed_user as (
    select
        account_id,
        usage_date >= cast($as_of as date) - cast(cast($usage_lag_days as bigint) as integer) - 28 as is_current,
        user_id,
        core_actions,
    from usage_user_daily
    where core_actions > 0
),

per_user as (
    select
        account_id,
        is_current,
        user_id,
        sum(core_actions) as core_actions,
    from placed_user
    group by
        account_id,
        is_current,
        user_id
),

per_account as (
    select
        account_id,
        sum(case when is_current then core_actions else 0 end) as current_actions,
        sum(case when is_current then 1 else 0 end) as current_users,
        sum(case when is_current then 0 else core_actions end) as prior_actions,
        sum(case when is_current then 0 else 1 end) as prior_users,
    from per_user
    group by account_id
)

select
    customer_account.account_id,
    cast(breadth.features_used as bigint) as features_used,
    cast(breadth.features_entitled as bigint) as features_entitled,
    cast(round(cast(breadth.features_used as double) / cast(breadth.features_entitled as double) * 100, 4) as decimal(9,4)) as breadth_pct,
    case
        when per_account.current_users > 0
            then cast(round(cast(per_account.current_actions as double) / cast(per_account.current_users as double), 4) as decimal(18,4))
    end as depth,
    case
        when per_account.current_users > 0 and per_account.prior_users > 0
            then cast(
                round(
                    (
                        cast(per_account.current_actions as double) * cast(per_account.prior_users as double)
                        / (cast(per_account.prior_actions as double) * cast(per_account.current_users as double))
                        - 1
                    ) * 100,
                    4
                )
                as decimal(18,4)
            )
    end as depth_change_pct,
from customer_account
left join breadth
    on breadth.account_id = customer_account.account_id
left join per_account
    on per_account.account_id = customer_account.account_id
