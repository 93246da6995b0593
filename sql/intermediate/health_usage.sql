/*---
title = "Health of use: the core metric against the account's own month before"
owner = "cs"
grain = ["account_id"]

[columns]
account_id = { type = "text", doc = "The account" }
metric = { type = "text", doc = "The core metric looked at; null where the account has none" }
is_applicable = { type = "boolean", doc = "A ramping account is judged by its onboarding, not by its use" }
value = { type = "decimal(18,4)", doc = "The worse of the adjusted change of the core metric and of the policy's share of its decline over 90 days, percent points; null where unknown" }
baseline = { type = "decimal(18,4)", doc = "What the peers did in the same time, percent points" }
reason = { type = "text", doc = "The numbers, in one sentence" }

[checks]
not_null = ["account_id", "is_applicable", "reason"]

[decisions]
core_metric = "the policy's metric where the account has it, else its metric with most measured days, sessions last; ties by name"
decline = "change over 90 days along the 13-week slope, less the median slope of all accounts where that falls: who fell two months ago and stayed there shows no change over 28 days, and is not well. What the fleet does is no decline"
silence = "28 measured days without any use are a change of -100 %, however little there was before: small volume hides noise, not absence"
small = "otherwise too little use says nothing and counts as unmeasured; so does a move of the whole fleet"
---*/
with customer_account as (
    select account_id
    from customer_account
),

usage_test as (
    select
        account_id,
        metric,
        evaluation_date,
        adjusted_change_pct,
        tier,
    from usage_test
    where window_days = 28
),

usage_window as (
    select
        account_id,
        metric,
        evaluation_date,
        measured_days,
        current_quantity,
        prior_quantity,
    from usage_window
    where window_days = 28
),

usage_peer as (
    select
        account_id,
        metric,
        evaluation_date,
        peer_ratio,
    from usage_peer
    where window_days = 28
),

usage_trend as (
    select
        account_id,
        metric,
        slope_13w,
    from usage_trend
),

ranked_slope as (
    select
        metric,
        slope_13w,
        row_number() over (partition by metric order by slope_13w, account_id) as rank,
        count(*) over (partition by metric) as accounts,
    from usage_trend
),

-- A fleet that grows does not make a decline of one that stands still.
fleet_slope as (
    select
        metric,
        min(case when 2 * rank >= accounts then slope_13w end) as slope_13w,
    from ranked_slope
    where accounts >= cast($usage_min_peers as bigint)
    group by metric
),

declining as (
    select
        usage_trend.account_id,
        usage_trend.metric,
        cast(
            round(
                (
                    exp(
                        cast(
                            usage_trend.slope_13w - least(coalesce(fleet_slope.slope_13w, cast(0 as decimal(18,8))), cast(0 as decimal(18,8)))
                            as double
                        ) * 90 / 7
                    )
                    - 1
                ) * 100,
                4
            )
            as decimal(18,4)
        ) as decline_pct,
    from usage_trend
    left join fleet_slope
        on fleet_slope.metric = usage_trend.metric
    where usage_trend.slope_13w between -1 and 1
),

core_signal as (
    select
        usage_test.account_id,
        usage_test.metric,
        usage_window.current_quantity,
        usage_window.prior_quantity,
        usage_window.measured_days,
        usage_test.adjusted_change_pct,
        cast((usage_peer.peer_ratio - 1) * 100 as decimal(18,4)) as peer_change_pct,
        usage_test.tier,
    from usage_test
    inner join usage_window
        on usage_window.account_id = usage_test.account_id
        and usage_window.metric = usage_test.metric
        and usage_window.evaluation_date = usage_test.evaluation_date
    inner join usage_peer
        on usage_peer.account_id = usage_test.account_id
        and usage_peer.metric = usage_test.metric
        and usage_peer.evaluation_date = usage_test.evaluation_date
    where usage_test.evaluation_date = cast($as_of as date) - cast(cast($usage_lag_days as bigint) as integer)
    qualify row_number() over (
        partition by usage_test.account_id
        order by
            case when usage_test.metric = cast($health_core_metric as varchar) then 0 else 1 end,
            case when usage_test.metric = 'sessions' then 1 else 0 end,
            usage_window.measured_days desc,
            usage_test.metric
    ) = 1
),

weighed as (
    select
        core_signal.account_id,
        core_signal.metric,
        core_signal.adjusted_change_pct,
        declining.decline_pct,
        cast(
            round(cast(declining.decline_pct as double) * cast(cast($health_decline_share as decimal(9,4)) as double), 4) as decimal(18,4)
        ) as counted_pct,
    from core_signal
    left join declining
        on declining.account_id = core_signal.account_id
        and declining.metric = core_signal.metric
),

judged as (
    select
        customer_account.account_id,
        case when weighed.counted_pct < 0 and weighed.counted_pct < weighed.adjusted_change_pct then weighed.decline_pct end as decline_pct,
        weighed.adjusted_change_pct,
        core_signal.metric,
        core_signal.tier,
        core_signal.measured_days,
        core_signal.current_quantity,
        core_signal.prior_quantity,
        core_signal.peer_change_pct,
        core_signal.tier = 'insufficient_volume' and core_signal.current_quantity = 0 as is_silent,
        case
            when
                core_signal.tier in ('ok', 'watch', 'flag', 'escalate')
                and weighed.counted_pct < 0
                and weighed.counted_pct < weighed.adjusted_change_pct
                then weighed.counted_pct
            when core_signal.tier in ('ok', 'watch', 'flag', 'escalate') then core_signal.adjusted_change_pct
            when core_signal.tier = 'insufficient_volume' and core_signal.current_quantity = 0 then cast(-100 as decimal(18,4))
        end as value,
    from customer_account
    left join core_signal
        on core_signal.account_id = customer_account.account_id
    left join weighed
        on weighed.account_id = customer_account.account_id
)

select
    account_id,
    metric,
    coalesce(tier <> 'ramp', true) as is_applicable,
    value,
    case when value is not null and not is_silent then peer_change_pct end as baseline,
    case
        when tier is null then 'no use is known'
        when tier = 'ramp' then concat(metric, ': still ramping up')
        when tier = 'unmeasured' then concat(metric, ': only ', cast(measured_days as varchar), ' of 28 days measured')
        when tier = 'fleet' then concat(metric, ': the whole fleet moved at once, the data is in doubt')
        when is_silent then concat(metric, ': not used on any of the last 28 days')
        when value is null
            then concat(
                metric, ': too little use to judge, ', cast(cast(current_quantity as decimal(18,0)) as varchar),
                ' after ', cast(cast(prior_quantity as decimal(18,0)) as varchar)
            )
        when value is not null
            then concat(
                metric, ': ', cast(cast(current_quantity as decimal(18,0)) as varchar),
                ' after ', cast(cast(prior_quantity as decimal(18,0)) as varchar),
                ' in the 28 days before, ', cast(cast(adjusted_change_pct as decimal(18,1)) as varchar), ' % against peers',
                case
                    when decline_pct is not null then concat(', ', cast(cast(decline_pct as decimal(18,1)) as varchar), ' % over 90 days')
                    else ''
                end
            )
    end as reason,
from judged
