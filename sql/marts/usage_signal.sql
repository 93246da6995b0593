/*---
title = "Usage signals: who uses less, beyond season, peers and noise"
owner = "cs"
grain = ["account_id", "metric", "as_of_date"]
partition_by = ["as_of_date"]

[columns]
account_id = { type = "text", doc = "The account" }
metric = { type = "text", doc = "The metric; core_actions is the use of core features over all metrics" }
as_of_date = { type = "date", doc = "The day the signal is about" }
account_name = { type = "text", doc = "The account's name" }
owner_id = { type = "text", doc = "Who acts; null where nobody is named" }
owner_role = { type = "text", doc = "In which role" }
segment = { type = "text", doc = "The account's segment; empty where it has none" }
product_id = { type = "text", doc = "The product most of the metric's use belongs to; empty where none is named" }
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
p = { type = "decimal(18,6)", doc = "Chance of a z as low without a real drop; summed over accounts: the false alarms to expect. Null where not tested" }
is_discovery = { type = "boolean", doc = "Among the drops of the metric that stand when so many accounts are tested at once (Benjamini-Hochberg)" }
tier = { type = "text", doc = "escalate, flag, watch, ok; ramp, fleet, unmeasured or insufficient_volume where no verdict is possible" }
prior_tier = { type = "text", doc = "The same test seven days earlier, over today's data" }
is_persistent = { type = "boolean", doc = "A drop that was as bad or worse seven days earlier" }
shape = { type = "text", doc = "sustained: seen over 28 days; dip: over 14 days only; null without a drop" }
change_14d_pct = { type = "decimal(18,4)", doc = "Adjusted change of 14 days over the 14 before, percent points" }
slope_13w = { type = "decimal(18,8)", doc = "Median weekly change of ln(use + 1) over 13 weeks" }
decline_90d = { type = "boolean", doc = "A steady decline under the noise: slope and its direction both pass; null where not tested" }
action = { type = "text", doc = "What to do now; null where nothing follows" }

[checks]
not_null = ["account_id", "metric", "as_of_date", "tier", "prior_tier", "is_persistent", "is_discovery"]
expect.tier_known = "tier in ('ramp', 'unmeasured', 'insufficient_volume', 'fleet', 'escalate', 'flag', 'watch', 'ok')"
expect.alert_is_a_drop = "tier not in ('escalate', 'flag', 'watch') or (adjusted_change_pct < 0 and z < 0)"
expect.p_is_a_chance = "p is null or p between 0 and 1"
expect.action_needs_persistence = "action is null or is_persistent or tier in ('fleet', 'unmeasured')"

[decisions]
windows = "[d - 28, d) against [d - 56, d - 28), d = as_of less usage_lag_days"
persistence = "escalate over flag over watch; same or worse at d - 7, recomputed from usage_daily, not read from history"
action = "a drop's action follows only once it is persistent; doubt about the data is acted on at once"
churned = "an account that has left still has its signals, and asks for no action"
shape = "a 28-day alert is sustained; a 14-day flag without one is a dip"
p = "standard normal distribution by Abramowitz and Stegun 26.2.17, error below 1e-7"
discovery = "p at most k / m of the policy's share, k the largest rank for which that holds, m the accounts tested for the metric"
decline_90d = "Theil-Sen slope over 90 days at or below the policy's decline and Mann-Kendall z at or below the flag's: a slope alone is noise for a small account"
counts_only = "the test is for counts; breadth and depth of use are no signal here"
---*/
with customer_account as (
    select
        account_id,
        account_name,
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
        segment,
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

-- Upper tail of the normal distribution at |z|: density times a polynomial in t.
tail as (
    select
        account_id,
        metric,
        z,
        abs(cast(z as double)) as distance,
        cast(1 as double) / (cast(1 as double) + cast(0.2316419 as double) * abs(cast(z as double))) as t,
    from tested
    where z is not null
),

chance as (
    select
        account_id,
        metric,
        z,
        exp(-distance * distance / 2) * cast(0.3989422804014327 as double)
            * t * (cast(0.319381530 as double)
            + t * (cast(-0.356563782 as double)
            + t * (cast(1.781477937 as double)
            + t * (cast(-1.821255978 as double)
            + t * cast(1.330274429 as double)))))
            as upper_tail,
    from tail
),

likely as (
    select
        account_id,
        metric,
        cast(round(case when z < 0 then upper_tail else 1 - upper_tail end, 6) as decimal(18,6)) as p,
    from chance
),

ranked as (
    select
        account_id,
        metric,
        p,
        row_number() over (partition by metric order by p, account_id) as rank,
        count(*) over (partition by metric) as accounts,
    from likely
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
        likely.p,
        coalesce(likely.p <= threshold.p, false) as is_discovery,
        tested.tier,
        tested.prior_tier,
        case tested.tier
            when 'escalate' then tested.prior_tier = 'escalate'
            when 'flag' then tested.prior_tier in ('escalate', 'flag')
            when 'watch' then tested.prior_tier in ('escalate', 'flag', 'watch')
            else false
        end as is_persistent,
        case
            when tested.tier in ('escalate', 'flag', 'watch') then 'sustained'
            when tested.tier = 'ok' and tested.tier_14d in ('escalate', 'flag') then 'dip'
        end as shape,
        tested.change_14d_pct,
        trended.slope_13w,
        case when tested.z is not null then trended.is_declining end as decline_90d,
    from tested
    left join likely
        on likely.account_id = tested.account_id
        and likely.metric = tested.metric
    left join threshold
        on threshold.metric = tested.metric
    left join trended
        on trended.account_id = tested.account_id
        and trended.metric = tested.metric
)

select
    judged.account_id,
    judged.metric,
    cast($as_of as date) as as_of_date,
    customer_account.account_name,
    customer_account.owner_id,
    customer_account.owner_role,
    usage_window.segment,
    usage_window.product_id,
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
    judged.is_persistent,
    judged.shape,
    judged.change_14d_pct,
    judged.slope_13w,
    judged.decline_90d,
    case
        when customer_account.is_churned then null
        when judged.tier = 'fleet' then 'check tracking: the whole fleet moved'
        when judged.tier = 'unmeasured' then 'restore measurement'
        when not judged.is_persistent then null
        when judged.tier = 'escalate' then 'bring in the manager and call the customer'
        when judged.tier = 'flag' then 'call the customer'
        when judged.tier = 'watch' then 'look again next week'
    end as action,
from judged
inner join customer_account
    on customer_account.account_id = judged.account_id
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
