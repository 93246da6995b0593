/*---
title = "How an account uses the product: seats, breadth, depth and recency by rules of their own"
owner = "cs"
grain = ["account_id", "metric", "evaluation_date"]

[columns]
account_id = { type = "text", doc = "The account" }
metric = { type = "text", doc = "active_seats, breadth, depth or recency" }
evaluation_date = { type = "date", doc = "The day d, and the one a week earlier" }
value = { type = "decimal(18,4)", doc = "active_seats: active over contracted, percent points; breadth: core features used over entitled, percent points; depth: core actions per active person over the account's own level, percent points; recency: days since the last core action" }
baseline = { type = "decimal(18,4)", doc = "active_seats: contracted seats; breadth: its value 84 days earlier; depth: core actions per active person 56 to 84 days ago; null for recency" }
tier = { type = "text", doc = "escalate, flag, watch, ok, ramp or insufficient_volume" }

[checks]
not_null = ["account_id", "metric", "evaluation_date", "value", "tier"]
expect.tier_known = "tier in ('ramp', 'insufficient_volume', 'escalate', 'flag', 'watch', 'ok')"

[decisions]
known = "an account has a row for what is known of it; levels of nobody's are no signal of nobody"
active_seats = "flag and escalate under the policy's shares"
breadth = "flag under the policy's share or with so many features lost in 84 days, escalate for both; ramp until the policy's days after go-live"
depth = "flag where the last 28 days and the 28 before both lie under the policy's share of the 28 days before those; watch where the last alone do. Fewer core actions than a usage test needs say nothing"
recency = "watch, flag and escalate over the policy's days"
ramp = "but for recency, a new account is as new here as for a count of use"
---*/
with usage_window as (
    select
        account_id,
        evaluation_date,
        is_ramping,
    from usage_window
    where window_days = 28
),

usage_subject as (
    select
        account_id,
        live_date,
    from usage_subject
),

seat_use as (
    select
        account_id,
        evaluation_date,
        contracted,
        active_pct,
    from seat_use
    where active_pct is not null
),

core_depth as (
    select
        account_id,
        evaluation_date,
        features_used,
        features_used_before,
        breadth_pct,
        breadth_before_pct,
        depth,
        depth_1,
        depth_2,
        fewest_actions,
    from core_depth
),

core_use as (
    select
        account_id,
        last_core_use_date,
        earlier_core_use_date,
    from core_use
),

customer_account as (
    select account_id
    from customer_account
),

end_day as (
    select cast($as_of as date) - cast(cast($usage_lag_days as bigint) as integer) as until_date
),

evaluation as (
    select until_date as evaluation_date from end_day
    union all
    select until_date - 7 as evaluation_date from end_day
),

-- An account ramps up while every metric of its does.
ramping as (
    select
        account_id,
        evaluation_date,
        min(case when is_ramping then 1 else 0 end) = 1 as is_ramping,
    from usage_window
    group by
        account_id,
        evaluation_date
),

live as (
    select
        account_id,
        min(live_date) as live_date,
    from usage_subject
    group by account_id
),

seats as (
    select
        seat_use.account_id,
        'active_seats' as metric,
        seat_use.evaluation_date,
        seat_use.active_pct as value,
        seat_use.contracted as baseline,
        case
            when coalesce(ramping.is_ramping, false) then 'ramp'
            when seat_use.active_pct < cast($usage_seats_escalate_pct as decimal(9,4)) then 'escalate'
            when seat_use.active_pct < cast($usage_seats_flag_pct as decimal(9,4)) then 'flag'
            else 'ok'
        end as tier,
    from seat_use
    inner join evaluation
        on evaluation.evaluation_date = seat_use.evaluation_date
    left join ramping
        on ramping.account_id = seat_use.account_id
        and ramping.evaluation_date = seat_use.evaluation_date
),

narrow as (
    select
        core_depth.account_id,
        core_depth.evaluation_date,
        core_depth.breadth_pct,
        core_depth.breadth_before_pct,
        coalesce(ramping.is_ramping, false)
            or coalesce(live.live_date > core_depth.evaluation_date - cast(cast($usage_breadth_days as bigint) as integer), false)
            as is_ramping,
        core_depth.breadth_pct < cast($usage_breadth_flag_pct as decimal(9,4)) as is_narrow,
        coalesce(core_depth.features_used_before - core_depth.features_used >= cast($usage_breadth_lost as bigint), false) as has_lost,
    from core_depth
    left join ramping
        on ramping.account_id = core_depth.account_id
        and ramping.evaluation_date = core_depth.evaluation_date
    left join live
        on live.account_id = core_depth.account_id
    where core_depth.breadth_pct is not null
),

breadth as (
    select
        account_id,
        'breadth' as metric,
        evaluation_date,
        cast(breadth_pct as decimal(18,4)) as value,
        cast(breadth_before_pct as decimal(18,4)) as baseline,
        case
            when is_ramping then 'ramp'
            when is_narrow and has_lost then 'escalate'
            when is_narrow or has_lost then 'flag'
            else 'ok'
        end as tier,
    from narrow
),

compared as (
    select
        core_depth.account_id,
        core_depth.evaluation_date,
        core_depth.depth_2,
        cast(round(cast(core_depth.depth as double) / cast(core_depth.depth_2 as double) * 100, 4) as decimal(18,4)) as ratio_pct,
        cast(round(cast(core_depth.depth_1 as double) / cast(core_depth.depth_2 as double) * 100, 4) as decimal(18,4)) as ratio_1_pct,
        core_depth.fewest_actions,
        coalesce(ramping.is_ramping, false) as is_ramping,
    from core_depth
    left join ramping
        on ramping.account_id = core_depth.account_id
        and ramping.evaluation_date = core_depth.evaluation_date
    where
        core_depth.depth > 0
        and core_depth.depth_1 > 0
        and core_depth.depth_2 > 0
),

depth as (
    select
        account_id,
        'depth' as metric,
        evaluation_date,
        ratio_pct as value,
        depth_2 as baseline,
        case
            when is_ramping then 'ramp'
            when fewest_actions < cast($usage_min_volume as decimal(9,4)) then 'insufficient_volume'
            when ratio_pct >= cast($usage_depth_ratio_pct as decimal(9,4)) then 'ok'
            when ratio_1_pct >= cast($usage_depth_ratio_pct as decimal(9,4)) then 'watch'
            else 'flag'
        end as tier,
    from compared
),

unused as (
    select
        customer_account.account_id,
        evaluation.evaluation_date,
        case
            when evaluation.evaluation_date = end_day.until_date then cast($as_of as date) - core_use.last_core_use_date
            else cast($as_of as date) - 7 - core_use.earlier_core_use_date
        end as days,
    from customer_account
    inner join core_use
        on core_use.account_id = customer_account.account_id
    cross join evaluation
    cross join end_day
),

recency as (
    select
        account_id,
        'recency' as metric,
        evaluation_date,
        cast(days as decimal(18,4)) as value,
        cast(null as decimal(18,4)) as baseline,
        case
            when days > cast($usage_recency_escalate_days as bigint) then 'escalate'
            when days > cast($usage_recency_flag_days as bigint) then 'flag'
            when days > cast($usage_recency_watch_days as bigint) then 'watch'
            else 'ok'
        end as tier,
    from unused
    where days is not null
)

select account_id, metric, evaluation_date, value, baseline, tier
from seats
union all
select account_id, metric, evaluation_date, value, baseline, tier
from breadth
union all
select account_id, metric, evaluation_date, value, baseline, tier
from depth
union all
select account_id, metric, evaluation_date, value, baseline, tier
from recency
