/*---
title = "What chance alone would do: of a value of the test, and of an alarm without a drop"
owner = "cs"
grain = ["account_id", "metric"]

[columns]
account_id = { type = "text", doc = "The account" }
metric = { type = "text", doc = "The metric" }
p = { type = "decimal(18,6)", doc = "Chance of a z as low without a real drop" }
alarm_chance = { type = "decimal(18,6)", doc = "Chance that an account of this volume and dispersion that moves as its peers do is flagged or escalated" }
watch_chance = { type = "decimal(18,6)", doc = "Chance that it is flagged, escalated or watched" }

[checks]
not_null = ["account_id", "metric", "p", "alarm_chance", "watch_chance"]
expect.chances = "p between 0 and 1 and alarm_chance between 0 and 1 and watch_chance >= alarm_chance"

[decisions]
p = "standard normal distribution by Abramowitz and Stegun 26.2.17, error below 1e-7"
alarm_chance = "a drop of exactly the policy's share has z = -share sqrt(r (x0 + x1) / dispersion) / (1 + (1 - share) r); an alarm needs the lower of that and the flag's z, so large accounts raise less than one in twenty"
tested = "accounts without a test have no row: they raise no alarm"
---*/
with usage_test as (
    select
        account_id,
        metric,
        evaluation_date,
        z,
    from usage_test
    where
        window_days = 28
        and z is not null
),

usage_window as (
    select
        account_id,
        metric,
        evaluation_date,
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

usage_dispersion as (
    select
        account_id,
        metric,
        evaluation_date,
        dispersion,
    from usage_dispersion
),

sized as (
    select
        usage_test.account_id,
        usage_test.metric,
        usage_test.z,
        cast(usage_peer.peer_ratio as double) as r,
        sqrt(
            cast(usage_peer.peer_ratio as double)
            * (cast(usage_window.current_quantity as double) + cast(usage_window.prior_quantity as double))
            / cast(usage_dispersion.dispersion as double)
        ) as size,
        cast(cast($usage_drop_pct as decimal(9,4)) as double) / 100 as drop_share,
        cast(cast($usage_watch_pct as decimal(9,4)) as double) / 100 as watch_share,
        cast(cast($usage_flag_z as decimal(9,4)) as double) as flag_z,
        cast(cast($usage_escalate_z as decimal(9,4)) as double) as watch_z,
    from usage_test
    inner join usage_window
        on usage_window.account_id = usage_test.account_id
        and usage_window.metric = usage_test.metric
        and usage_window.evaluation_date = usage_test.evaluation_date
    inner join usage_peer
        on usage_peer.account_id = usage_test.account_id
        and usage_peer.metric = usage_test.metric
        and usage_peer.evaluation_date = usage_test.evaluation_date
    inner join usage_dispersion
        on usage_dispersion.account_id = usage_test.account_id
        and usage_dispersion.metric = usage_test.metric
        and usage_dispersion.evaluation_date = usage_test.evaluation_date
    where usage_test.evaluation_date = cast($as_of as date) - cast(cast($usage_lag_days as bigint) as integer)
),

bounded as (
    select
        account_id,
        metric,
        cast(z as double) as z,
        least(flag_z, -drop_share * size / (1 + (1 - drop_share) * r)) as alarm_z,
        least(watch_z, -watch_share * size / (1 + (1 - watch_share) * r)) as watch_z,
    from sized
),

asked as (
    select account_id, metric, 1 as question, z from bounded
    union all
    select account_id, metric, 2 as question, alarm_z as z from bounded
    union all
    select account_id, metric, 3 as question, greatest(alarm_z, watch_z) as z from bounded
),

-- Upper tail of the normal distribution at |z|: density times a polynomial in t.
tail as (
    select
        account_id,
        metric,
        question,
        z,
        abs(z) as distance,
        cast(1 as double) / (cast(1 as double) + cast(0.2316419 as double) * abs(z)) as t,
    from asked
),

chance as (
    select
        account_id,
        metric,
        question,
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
        question,
        cast(round(case when z < 0 then upper_tail else 1 - upper_tail end, 6) as decimal(18,6)) as chance,
    from chance
)

select
    account_id,
    metric,
    max(case when question = 1 then chance end) as p,
    max(case when question = 2 then chance end) as alarm_chance,
    max(case when question = 3 then chance end) as watch_chance,
from likely
group by
    account_id,
    metric
