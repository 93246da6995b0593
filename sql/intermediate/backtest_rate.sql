/*---
title = "Shares that measure the score, counted"
owner = "cs"
grain = ["measure", "bucket", "horizon_days"]

[columns]
measure = { type = "text", doc = "What is measured" }
bucket = { type = "text", doc = "Of which part" }
horizon_days = { type = "integer", doc = "How many days before the decision; 0 where it does not matter" }
hits = { type = "decimal(18,6)", doc = "Those that count" }
observations = { type = "decimal(18,6)", doc = "Those that could" }
losses = { type = "integer", doc = "Losses behind the measure" }
renewals = { type = "integer", doc = "Renewals behind the measure" }
score_low = { type = "decimal(9,4)", doc = "Lowest score of the part" }
score_high = { type = "decimal(9,4)", doc = "Highest score of the part" }

[checks]
not_null = ["measure", "bucket", "horizon_days", "hits", "observations", "losses", "renewals"]

[decisions]
band = "the band that was shown then, insufficient_data among them"
missed = "losses that were green, of those that had a colour; green_share likewise"
false_alarm = "renewals that were alerted when they were decided"
---*/
with backtest_score as (
    select
        horizon_days,
        label,
        band,
        score,
    from backtest_score
    where
        evaluated_date is not null
        and label in ('lost', 'kept')
),

backtest_rank as (
    select
        horizon_days,
        is_lost,
        score,
        losses,
        observations,
        decile,
        share_in_capacity,
    from backtest_rank
),

backtest_lead as (
    select
        label,
        lead_days,
    from backtest_lead
),

one as (
    select cast(1 as decimal(18,6)) as whole
),

by_decile as (
    select
        'reliability' as measure,
        case when decile < 10 then concat('0', cast(decile as varchar)) else '10' end as bucket,
        horizon_days,
        sum(case when is_lost then one.whole else cast(0 as decimal(18,6)) end) as hits,
        sum(one.whole) as observations,
        min(losses) as losses,
        min(observations - losses) as renewals,
        min(score) as score_low,
        max(score) as score_high,
    from backtest_rank
    cross join one
    group by
        horizon_days,
        decile
),

by_capacity as (
    select
        horizon_days,
        sum(case when is_lost then share_in_capacity else cast(0 as decimal(18,6)) end) as caught,
        sum(share_in_capacity) as looked_at,
        max(case when share_in_capacity > 0 then score end) as score_high,
        min(losses) as losses,
        min(observations - losses) as renewals,
    from backtest_rank
    group by horizon_days
),

by_horizon as (
    select
        horizon_days,
        count(*) filter (where label = 'lost') as losses,
        count(*) filter (where label = 'kept') as renewals,
        count(*) filter (where label = 'lost' and band = 'green') as green_losses,
        count(*) filter (where band = 'green') as green,
    from backtest_score
    where band <> 'insufficient_data'
    group by horizon_days
),

evaluated as (
    select
        horizon_days,
        count(*) filter (where label = 'lost') as losses,
        count(*) filter (where label = 'kept') as renewals,
    from backtest_score
    group by horizon_days
),

by_band as (
    select
        horizon_days,
        band,
        count(*) as observations,
        count(*) filter (where label = 'lost') as hits,
        min(score) as score_low,
        max(score) as score_high,
    from backtest_score
    group by
        horizon_days,
        band
),

lead as (
    select
        count(*) filter (where label = 'lost') as losses,
        count(*) filter (where label = 'kept') as renewals,
        count(*) filter (where label = 'lost' and lead_days is not null) as alerted,
        count(*) filter (where label = 'lost' and lead_days >= 90) as early,
        count(*) filter (where label = 'kept' and lead_days is not null) as false_alarms,
    from backtest_lead
),

rate as (
    select
        measure,
        bucket,
        horizon_days,
        hits,
        observations,
        losses,
        renewals,
        score_low,
        score_high,
    from by_decile
    union all
    select
        'precision_at_capacity' as measure,
        '' as bucket,
        horizon_days,
        caught as hits,
        looked_at as observations,
        losses,
        renewals,
        cast(null as decimal(9,4)) as score_low,
        score_high,
    from by_capacity
    union all
    select
        'recall_at_capacity' as measure,
        '' as bucket,
        horizon_days,
        caught as hits,
        cast(losses as decimal(18,6)) as observations,
        losses,
        renewals,
        cast(null as decimal(9,4)) as score_low,
        score_high,
    from by_capacity
    union all
    select
        'band' as measure,
        by_band.band as bucket,
        by_band.horizon_days,
        cast(by_band.hits as decimal(18,6)) as hits,
        cast(by_band.observations as decimal(18,6)) as observations,
        evaluated.losses,
        evaluated.renewals,
        by_band.score_low,
        by_band.score_high,
    from by_band
    inner join evaluated
        on evaluated.horizon_days = by_band.horizon_days
    union all
    select
        'missed' as measure,
        'green' as bucket,
        horizon_days,
        cast(green_losses as decimal(18,6)) as hits,
        cast(losses as decimal(18,6)) as observations,
        losses,
        renewals,
        cast(null as decimal(9,4)) as score_low,
        cast(null as decimal(9,4)) as score_high,
    from by_horizon
    union all
    select
        'green_share' as measure,
        'green' as bucket,
        horizon_days,
        cast(green as decimal(18,6)) as hits,
        cast(losses + renewals as decimal(18,6)) as observations,
        losses,
        renewals,
        cast(null as decimal(9,4)) as score_low,
        cast(null as decimal(9,4)) as score_high,
    from by_horizon
    union all
    select
        'lead_time' as measure,
        'alerted' as bucket,
        cast(0 as bigint) as horizon_days,
        cast(alerted as decimal(18,6)) as hits,
        cast(losses as decimal(18,6)) as observations,
        losses,
        renewals,
        cast(null as decimal(9,4)) as score_low,
        cast(null as decimal(9,4)) as score_high,
    from lead
    union all
    select
        'lead_time' as measure,
        'share_90_days' as bucket,
        cast(0 as bigint) as horizon_days,
        cast(early as decimal(18,6)) as hits,
        cast(losses as decimal(18,6)) as observations,
        losses,
        renewals,
        cast(null as decimal(9,4)) as score_low,
        cast(null as decimal(9,4)) as score_high,
    from lead
    union all
    select
        'lead_time' as measure,
        'false_alarm' as bucket,
        cast(0 as bigint) as horizon_days,
        cast(false_alarms as decimal(18,6)) as hits,
        cast(renewals as decimal(18,6)) as observations,
        losses,
        renewals,
        cast(null as decimal(9,4)) as score_low,
        cast(null as decimal(9,4)) as score_high,
    from lead
)

select
    measure,
    bucket,
    horizon_days,
    cast(hits as decimal(18,6)) as hits,
    cast(observations as decimal(18,6)) as observations,
    losses,
    renewals,
    score_low,
    score_high,
from rate
where observations > 0
