/*---
title = "Usage signals: who uses less, beyond season, peers and noise"
owner = "cs"
grain = ["account_id", "metric", "as_of_date"]
partition_by = ["as_of_date"]

[columns]
account_id = { type = "text", doc = "The account" }
metric = { type = "text", doc = "The metric: those of usage_daily; core_actions and sessions over all of them; active_seats, breadth, depth and recency" }
as_of_date = { type = "date", doc = "The day the signal is about" }
account_name = { type = "text", doc = "The account's name" }
owner_id = { type = "text", doc = "Who acts; null where nobody is named" }
owner_role = { type = "text", doc = "In which role" }
rule = { type = "text", doc = "count: tested as a count of use; level: judged by a rule of its own" }
segment = { type = "text", doc = "The account's segment; empty where it has none" }
product_id = { type = "text", doc = "The product most of the metric's use belongs to; empty where none is named; null for levels" }
value = { type = "decimal(18,4)", doc = "Levels only. active_seats: active over contracted, breadth: core features used over entitled, depth: core actions per active person over the account's own level, all in percent points; recency: days since the last core action" }
baseline = { type = "decimal(18,4)", doc = "Levels only. active_seats: contracted seats; breadth: its value 84 days earlier; depth: core actions per active person 56 to 84 days ago" }
current_28d = { type = "decimal(18,6)", doc = "Use on the compared days of the last 28; null where too few are measured" }
prior_28d = { type = "decimal(18,6)", doc = "Use on their partners 28 days earlier; null where too few are measured" }
measured_days = { type = "integer", doc = "Measured days in the window with fewer of them, out of 28" }
pairs = { type = "integer", doc = "Days compared with the same weekday 28 days earlier" }
masked_pairs = { type = "integer", doc = "Pairs dropped for a holiday of the account's country or an outage" }
raw_change_pct = { type = "decimal(18,4)", doc = "current_28d over prior_28d less 1, percent points" }
adjusted_change_pct = { type = "decimal(18,4)", doc = "The same relative to what the peers did, percent points" }
peers = { type = "integer", doc = "Other accounts of the segment and product compared with" }
peer_ratio = { type = "decimal(18,8)", doc = "The peers' median of current over prior use; 1 with too few peers" }
dispersion = { type = "decimal(18,6)", doc = "Weekly variance over mean that the test allows for" }
z = { type = "decimal(18,6)", doc = "Distance of the change from the peers' in standard deviations; null where not tested" }
p = { type = "decimal(18,6)", doc = "Chance of a z as low without a real drop; null where not tested" }
is_discovery = { type = "boolean", doc = "Among the drops of the metric that stand when so many accounts are tested at once (Benjamini-Hochberg)" }
tier = { type = "text", doc = "escalate, flag, watch, ok; ramp, fleet, unmeasured or insufficient_volume where no verdict is possible" }
prior_tier = { type = "text", doc = "The same test seven days earlier, over today's data" }
is_persistent = { type = "boolean", doc = "A drop that was as bad or worse seven days earlier" }
shape = { type = "text", doc = "sustained: seen over 28 days; dip: over 14 days only; null without a drop" }
change_14d_pct = { type = "decimal(18,4)", doc = "Adjusted change of 14 days over the 14 before, percent points" }
slope_13w = { type = "decimal(18,8)", doc = "Median weekly change of ln(use + 1) over 13 weeks" }
year_change_pct = { type = "decimal(18,4)", doc = "Use in 28 days over that of the same 28 days a year ago less 1, percent points: a customer with a season falls every year; null with less than 13 months" }
decline_90d = { type = "boolean", doc = "A steady decline under the noise: slope and its direction both pass; null where not tested" }
explanation = { type = "text", doc = "The numbers, in one sentence" }
action = { type = "text", doc = "What to do now; null where nothing follows" }

[checks]
not_null = ["account_id", "metric", "as_of_date", "rule", "explanation", "tier", "prior_tier", "is_persistent", "is_discovery"]
expect.tier_known = "tier in ('ramp', 'unmeasured', 'insufficient_volume', 'fleet', 'escalate', 'flag', 'watch', 'ok')"
expect.alert_is_a_drop = "rule <> 'count' or tier not in ('escalate', 'flag', 'watch') or (adjusted_change_pct < 0 and z < 0)"
expect.p_is_a_chance = "p is null or p between 0 and 1"
expect.action_needs_persistence = "action is null or is_persistent or tier in ('fleet', 'unmeasured')"

[decisions]
windows = "[d - 28, d) against [d - 56, d - 28), d = as_of less usage_lag_days"
persistence = "escalate over flag over watch; same or worse at d - 7, recomputed from usage_daily, not read from history"
action = "a drop's action follows only once it is persistent; doubt about the data is acted on at once"
churned = "an account that has left still has its signals, and asks for no action"
shape = "a 28-day alert is sustained; a 14-day flag without one is a dip"
discovery = "p at most k / m of the policy's share, k the largest rank for which that holds, m the accounts tested for the metric"
decline_90d = "Theil-Sen slope over 90 days at or below the policy's decline and Mann-Kendall z at or below the flag's: a slope alone is noise for a small account"
levels = "breadth, depth, recency and active seats are no counts: thresholds of their own, persistent by the same rule; what they say stands in usage_habit"
false_alarms = "usage_alarm has the number to expect by metric"
---*/
with customer_account as (
    select
        account_id,
        account_name,
        segment,
        is_churned,
        owner_id,
        owner_role,
    from customer_account
),

usage_window as (
    select
        account_id,
        metric,
        evaluation_date,
        product_id,
        measured_days,
        pairs,
        masked_pairs,
        current_quantity,
        prior_quantity,
        is_measured,
    from usage_window
    where window_days = 28
),

usage_peer as (
    select
        account_id,
        metric,
        evaluation_date,
        peers,
        peer_ratio,
    from usage_peer
    where window_days = 28
),

usage_dispersion as (
    select
        account_id,
        metric,
        evaluation_date,
        dispersion,
    from usage_dispersion
),

usage_test as (
    select
        account_id,
        metric,
        evaluation_date,
        window_days,
        raw_change_pct,
        adjusted_change_pct,
        z,
        tier,
    from usage_test
),

usage_trend as (
    select
        account_id,
        metric,
        slope_13w,
        kendall_z,
    from usage_trend
),

usage_chance as (
    select
        account_id,
        metric,
        p,
    from usage_chance
),

usage_habit as (
    select
        account_id,
        metric,
        evaluation_date,
        value,
        baseline,
        tier,
    from usage_habit
),

usage_subject as (
    select
        account_id,
        metric,
        product_id,
    from usage_subject
),

usage_last_year as (
    select
        account_id,
        metric,
        change_pct,
    from usage_last_year
),

end_day as (
    select cast($as_of as date) - cast(cast($usage_lag_days as bigint) as integer) as until_date
),

tested as (
    select
        usage_test.account_id,
        usage_test.metric,
        usage_test.evaluation_date,
        usage_test.raw_change_pct,
        usage_test.adjusted_change_pct,
        usage_test.z,
        usage_test.tier,
        week_ago.tier as prior_tier,
        fortnight.adjusted_change_pct as change_14d_pct,
        fortnight.tier as tier_14d,
    from usage_test
    inner join end_day
        on end_day.until_date = usage_test.evaluation_date
    inner join usage_test as week_ago
        on week_ago.account_id = usage_test.account_id
        and week_ago.metric = usage_test.metric
        and week_ago.evaluation_date = end_day.until_date - 7
        and week_ago.window_days = 28
    inner join usage_test as fortnight
        on fortnight.account_id = usage_test.account_id
        and fortnight.metric = usage_test.metric
        and fortnight.evaluation_date = end_day.until_date
        and fortnight.window_days = 14
    where usage_test.window_days = 28
),

ranked as (
    select
        account_id,
        metric,
        p,
        row_number() over (partition by metric order by p, account_id) as rank,
        count(*) over (partition by metric) as accounts,
    from usage_chance
),

-- The largest p that still stands; every p up to it stands too.
threshold as (
    select
        metric,
        max(p) as p,
    from ranked
    where p * accounts * 100 <= rank * cast($usage_false_discovery_pct as decimal(9,4))
    group by metric
),

trended as (
    select
        account_id,
        metric,
        slope_13w,
        (exp(cast(slope_13w as double) * 90 / 7) - 1) * 100 <= -cast(cast($usage_decline_90d_pct as decimal(9,4)) as double)
            and kendall_z <= cast($usage_flag_z as decimal(9,4))
            as is_declining,
    from usage_trend
),

judged as (
    select
        tested.account_id,
        tested.metric,
        tested.evaluation_date,
        tested.raw_change_pct,
        tested.adjusted_change_pct,
        tested.z,
        usage_chance.p,
        coalesce(usage_chance.p <= threshold.p, false) as is_discovery,
        tested.tier,
        tested.prior_tier,
        case
            when tested.tier in ('escalate', 'flag', 'watch') then 'sustained'
            when tested.tier = 'ok' and tested.tier_14d in ('escalate', 'flag') then 'dip'
        end as shape,
        tested.change_14d_pct,
        trended.slope_13w,
        case when tested.z is not null then trended.is_declining end as decline_90d,
    from tested
    left join usage_chance
        on usage_chance.account_id = tested.account_id
        and usage_chance.metric = tested.metric
    left join threshold
        on threshold.metric = tested.metric
    left join trended
        on trended.account_id = tested.account_id
        and trended.metric = tested.metric
),

-- A source may name a metric as a habit is named: then the count it provides is the signal.
every_signal as (
    select
        judged.account_id,
        judged.metric,
        'count' as rule,
        usage_window.product_id,
        cast(null as decimal(18,4)) as value,
        cast(null as decimal(18,4)) as baseline,
        case when usage_window.is_measured then usage_window.current_quantity end as current_28d,
        case when usage_window.is_measured then usage_window.prior_quantity end as prior_28d,
        usage_window.measured_days,
        usage_window.pairs,
        usage_window.masked_pairs,
        judged.raw_change_pct,
        judged.adjusted_change_pct,
        usage_peer.peers,
        usage_peer.peer_ratio,
        usage_dispersion.dispersion,
        judged.z,
        judged.p,
        judged.is_discovery,
        judged.tier,
        judged.prior_tier,
        judged.shape,
        judged.change_14d_pct,
        judged.slope_13w,
        usage_last_year.change_pct as year_change_pct,
        judged.decline_90d,
    from judged
    inner join usage_window
        on usage_window.account_id = judged.account_id
        and usage_window.metric = judged.metric
        and usage_window.evaluation_date = judged.evaluation_date
    inner join usage_peer
        on usage_peer.account_id = judged.account_id
        and usage_peer.metric = judged.metric
        and usage_peer.evaluation_date = judged.evaluation_date
    inner join usage_dispersion
        on usage_dispersion.account_id = judged.account_id
        and usage_dispersion.metric = judged.metric
        and usage_dispersion.evaluation_date = judged.evaluation_date
    left join usage_last_year
        on usage_last_year.account_id = judged.account_id
        and usage_last_year.metric = judged.metric
    union all
    select
        usage_habit.account_id,
        usage_habit.metric,
        'level' as rule,
        cast(null as varchar) as product_id,
        usage_habit.value,
        usage_habit.baseline,
        cast(null as decimal(18,6)) as current_28d,
        cast(null as decimal(18,6)) as prior_28d,
        cast(null as bigint) as measured_days,
        cast(null as bigint) as pairs,
        cast(null as bigint) as masked_pairs,
        cast(null as decimal(18,4)) as raw_change_pct,
        cast(null as decimal(18,4)) as adjusted_change_pct,
        cast(null as bigint) as peers,
        cast(null as decimal(18,8)) as peer_ratio,
        cast(null as decimal(18,6)) as dispersion,
        cast(null as decimal(18,6)) as z,
        cast(null as decimal(18,6)) as p,
        false as is_discovery,
        usage_habit.tier,
        coalesce(week_ago.tier, 'unmeasured') as prior_tier,
        cast(null as varchar) as shape,
        cast(null as decimal(18,4)) as change_14d_pct,
        cast(null as decimal(18,8)) as slope_13w,
        cast(null as decimal(18,4)) as year_change_pct,
        cast(null as boolean) as decline_90d,
    from usage_habit
    inner join end_day
        on end_day.until_date = usage_habit.evaluation_date
    left join usage_habit as week_ago
        on week_ago.account_id = usage_habit.account_id
        and week_ago.metric = usage_habit.metric
        and week_ago.evaluation_date = end_day.until_date - 7
    left join usage_subject
        on usage_subject.account_id = usage_habit.account_id
        and usage_subject.metric = usage_habit.metric
    where usage_subject.account_id is null
),

persisting as (
    select
        account_id,
        metric,
        rule,
        product_id,
        value,
        baseline,
        current_28d,
        prior_28d,
        measured_days,
        pairs,
        masked_pairs,
        raw_change_pct,
        adjusted_change_pct,
        peers,
        peer_ratio,
        dispersion,
        z,
        p,
        is_discovery,
        tier,
        prior_tier,
        shape,
        change_14d_pct,
        slope_13w,
        year_change_pct,
        decline_90d,
        case tier
            when 'escalate' then prior_tier = 'escalate'
            when 'flag' then prior_tier in ('escalate', 'flag')
            when 'watch' then prior_tier in ('escalate', 'flag', 'watch')
            else false
        end as is_persistent,
    from every_signal
)

select
    persisting.account_id,
    persisting.metric,
    cast($as_of as date) as as_of_date,
    customer_account.account_name,
    customer_account.owner_id,
    customer_account.owner_role,
    persisting.rule,
    customer_account.segment,
    persisting.product_id,
    persisting.value,
    persisting.baseline,
    persisting.current_28d,
    persisting.prior_28d,
    persisting.measured_days,
    persisting.pairs,
    persisting.masked_pairs,
    persisting.raw_change_pct,
    persisting.adjusted_change_pct,
    persisting.peers,
    persisting.peer_ratio,
    persisting.dispersion,
    persisting.z,
    persisting.p,
    persisting.is_discovery,
    persisting.tier,
    persisting.prior_tier,
    persisting.is_persistent,
    persisting.shape,
    persisting.change_14d_pct,
    persisting.slope_13w,
    persisting.year_change_pct,
    persisting.decline_90d,
    case
        when persisting.rule = 'level' and persisting.metric = 'active_seats'
            then concat(cast(cast(persisting.value as decimal(18,1)) as varchar), ' % of ', cast(cast(persisting.baseline as decimal(18,0)) as varchar), ' contracted seats were active in 28 days.')
        when persisting.rule = 'level' and persisting.metric = 'breadth'
            then concat(
                cast(cast(persisting.value as decimal(18,1)) as varchar), ' % of the entitled core features were used in 28 days',
                case when persisting.baseline is not null then concat(', ', cast(cast(persisting.baseline as decimal(18,1)) as varchar), ' % 84 days before.') else '.' end
            )
        when persisting.rule = 'level' and persisting.metric = 'depth'
            then concat('Each active person did ', cast(cast(persisting.value as decimal(18,1)) as varchar), ' % of the ', cast(cast(persisting.baseline as decimal(18,1)) as varchar), ' core actions of 56 to 84 days ago.')
        when persisting.rule = 'level' then concat('The last core action is ', cast(cast(persisting.value as decimal(18,0)) as varchar), ' days ago.')
        when persisting.tier = 'ramp' then concat('Use of ', persisting.metric, ' is still ramping up.')
        when persisting.tier = 'unmeasured'
            then concat('Use of ', persisting.metric, ' was measured on ', cast(persisting.measured_days as varchar), ' of 28 days only.')
        else concat(
            'Use of ', persisting.metric, ' went from ', cast(cast(persisting.prior_28d as decimal(18,0)) as varchar), ' to ', cast(cast(persisting.current_28d as decimal(18,0)) as varchar), ' in 28 days',
            case
                when persisting.tier = 'insufficient_volume' then ', too little to judge.'
                when persisting.adjusted_change_pct is null then '.'
                else concat(', ', cast(cast(persisting.adjusted_change_pct as decimal(18,1)) as varchar), ' % against the peers.')
            end,
            case when persisting.tier = 'fleet' then ' The whole fleet moved at once.' else '' end,
            case when persisting.shape = 'dip' then ' It is a dip of 14 days.' else '' end,
            case when persisting.decline_90d then ' It declines steadily over 13 weeks.' else '' end,
            case
                when persisting.year_change_pct is not null
                    then concat(' Against the same 28 days a year ago it is ', cast(cast(persisting.year_change_pct as decimal(18,1)) as varchar), ' %.')
                else ''
            end
        )
    end as explanation,
    case
        when customer_account.is_churned then null
        when persisting.tier = 'fleet' then 'check tracking: the whole fleet moved'
        when persisting.tier = 'unmeasured' then 'restore measurement'
        when not persisting.is_persistent then null
        when persisting.metric = 'active_seats' and persisting.rule = 'level' then 'plan with the customer how unused seats come into use'
        when persisting.metric = 'breadth' and persisting.rule = 'level' then 'show the customer the core features it does not use'
        when persisting.tier = 'escalate' then 'bring in the manager and call the customer'
        when persisting.metric = 'depth' and persisting.rule = 'level' and persisting.tier = 'flag' then 'ask the people who use it why they do less'
        when persisting.tier = 'flag' then 'call the customer'
        when persisting.tier = 'watch' then 'look again next week'
    end as action,
from persisting
inner join customer_account
    on customer_account.account_id = persisting.account_id
