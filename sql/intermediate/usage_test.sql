/*---
title = "Is a drop more than noise: the test of one window against the one before"
owner = "cs"
grain = ["account_id", "metric", "evaluation_date", "window_days"]

[columns]
account_id = { type = "text", doc = "The account" }
metric = { type = "text", doc = "The metric" }
evaluation_date = { type = "date", doc = "The day d the windows end before" }
window_days = { type = "integer", doc = "Length of each window" }
raw_change_pct = { type = "decimal(18,4)", doc = "Current over prior use less 1, percent points; null without prior use" }
adjusted_change_pct = { type = "decimal(18,4)", doc = "The same after the peers' change is taken off, percent points" }
z = { type = "decimal(18,6)", doc = "(x1 - r x0) / sqrt(dispersion r (x0 + x1)); null without enough volume" }
own_move = { type = "text", doc = "down or up where the account's raw change is a move by itself; null where not" }
fleet_move = { type = "text", doc = "down or up where so many accounts move the same way at once that the data is in doubt; null where not" }
tier = { type = "text", doc = "ramp, unmeasured, insufficient_volume, fleet, escalate, flag, watch or ok" }

[checks]
not_null = ["account_id", "metric", "evaluation_date", "window_days", "tier"]
expect.tier_known = "tier in ('ramp', 'unmeasured', 'insufficient_volume', 'fleet', 'escalate', 'flag', 'watch', 'ok')"

[decisions]
order = "ramp, then unmeasured, then insufficient volume: each says that nothing may be concluded; only then the drop"
volume = "r (x0 + x1) below the policy's volume: a change says nothing"
rounding = "changes to 4 decimals and z to 6 before they are compared: exactly -20 % is a drop of 20 %"
fleet_moves = "an account moves when its raw change passes the drop and its z with r = 1 the flag's: noise of small accounts is no move of the fleet"
fleet_guard = "counted per metric and evaluation over the tested accounts, from the policy's number of peers on; a fleet moving down suppresses every alert, one moving up those of accounts whose own use did not drop"
---*/
with usage_window as (
    select
        account_id,
        metric,
        evaluation_date,
        window_days,
        current_quantity,
        prior_quantity,
        is_ramping,
        is_measured,
    from usage_window
),

usage_peer as (
    select
        account_id,
        metric,
        evaluation_date,
        window_days,
        peer_ratio,
    from usage_peer
),

usage_dispersion as (
    select
        account_id,
        metric,
        evaluation_date,
        dispersion,
    from usage_dispersion
),

-- The aggregates are exact; from here on one row's numbers are floats until they are rounded.
counted as (
    select
        usage_window.account_id,
        usage_window.metric,
        usage_window.evaluation_date,
        usage_window.window_days,
        usage_window.is_ramping,
        usage_window.is_measured,
        cast(usage_window.current_quantity as double) as x1,
        cast(usage_window.prior_quantity as double) as x0,
        cast(usage_peer.peer_ratio as double) as r,
        cast(usage_dispersion.dispersion as double) as phi,
    from usage_window
    inner join usage_peer
        on usage_peer.account_id = usage_window.account_id
        and usage_peer.metric = usage_window.metric
        and usage_peer.evaluation_date = usage_window.evaluation_date
        and usage_peer.window_days = usage_window.window_days
    inner join usage_dispersion
        on usage_dispersion.account_id = usage_window.account_id
        and usage_dispersion.metric = usage_window.metric
        and usage_dispersion.evaluation_date = usage_window.evaluation_date
),

standing as (
    select
        account_id,
        metric,
        evaluation_date,
        window_days,
        x1,
        x0,
        r,
        phi,
        case
            when is_ramping then 'ramp'
            when not is_measured then 'unmeasured'
            when r * (x0 + x1) < cast(cast($usage_min_volume as decimal(9,4)) as double) then 'insufficient_volume'
            else 'tested'
        end as standing,
    from counted
),

measured as (
    select
        account_id,
        metric,
        evaluation_date,
        window_days,
        standing,
        case
            when standing in ('tested', 'insufficient_volume') and x0 > 0
                then cast(round((x1 / x0 - 1) * 100, 4) as decimal(18,4))
        end as raw_change_pct,
        case
            when standing in ('tested', 'insufficient_volume') and x0 > 0
                then cast(round((x1 / x0 / r - 1) * 100, 4) as decimal(18,4))
        end as adjusted_change_pct,
        case
            when standing = 'tested'
                then cast(round((x1 - r * x0) / sqrt(phi * r * (x0 + x1)), 6) as decimal(18,6))
        end as z,
        case
            when standing = 'tested'
                then cast(round((x1 - x0) / sqrt(phi * (x0 + x1)), 6) as decimal(18,6))
        end as raw_z,
    from standing
),

moved as (
    select
        account_id,
        metric,
        evaluation_date,
        window_days,
        standing,
        raw_change_pct,
        adjusted_change_pct,
        z,
        case
            when
                raw_change_pct <= -cast($usage_drop_pct as decimal(9,4))
                and raw_z <= cast($usage_flag_z as decimal(9,4))
                then 'down'
            when
                raw_change_pct >= cast($usage_drop_pct as decimal(9,4))
                and raw_z >= -cast($usage_flag_z as decimal(9,4))
                then 'up'
        end as own_move,
    from measured
),

fleet as (
    select
        metric,
        evaluation_date,
        window_days,
        count(*) as accounts,
        sum(case when own_move = 'down' then 1 else 0 end) as falling,
        sum(case when own_move = 'up' then 1 else 0 end) as rising,
    from moved
    where standing = 'tested'
    group by
        metric,
        evaluation_date,
        window_days
),

graded as (
    select
        moved.account_id,
        moved.metric,
        moved.evaluation_date,
        moved.window_days,
        moved.raw_change_pct,
        moved.adjusted_change_pct,
        moved.z,
        moved.own_move,
        case
            when moved.standing <> 'tested' then moved.standing
            when
                moved.adjusted_change_pct <= -cast($usage_drop_pct as decimal(9,4))
                and moved.z <= cast($usage_escalate_z as decimal(9,4))
                then 'escalate'
            when
                moved.adjusted_change_pct <= -cast($usage_drop_pct as decimal(9,4))
                and moved.z <= cast($usage_flag_z as decimal(9,4))
                then 'flag'
            when
                moved.adjusted_change_pct <= -cast($usage_watch_pct as decimal(9,4))
                and moved.z <= cast($usage_escalate_z as decimal(9,4))
                then 'watch'
            else 'ok'
        end as tier,
        coalesce(
            fleet.accounts >= cast($usage_min_peers as bigint)
            and fleet.falling * 100 > fleet.accounts * cast($usage_fleet_share_pct as decimal(9,4)),
            false
        ) as is_fleet_falling,
        coalesce(
            fleet.accounts >= cast($usage_min_peers as bigint)
            and fleet.rising * 100 > fleet.accounts * cast($usage_fleet_share_pct as decimal(9,4)),
            false
        ) as is_fleet_rising,
    from moved
    left join fleet
        on fleet.metric = moved.metric
        and fleet.evaluation_date = moved.evaluation_date
        and fleet.window_days = moved.window_days
)

select
    account_id,
    metric,
    evaluation_date,
    window_days,
    raw_change_pct,
    adjusted_change_pct,
    z,
    own_move,
    case when is_fleet_falling then 'down' when is_fleet_rising then 'up' end as fleet_move,
    case
        when tier not in ('escalate', 'flag', 'watch') then tier
        when is_fleet_falling then 'fleet'
        when is_fleet_rising and raw_change_pct > -cast($usage_watch_pct as decimal(9,4)) then 'fleet'
        else tier
    end as tier,
from graded
