/*---
title = "Figures that measure the score, before they are judged"
owner = "cs"
grain = ["measure", "bucket", "horizon_days"]

[columns]
measure = { type = "text", doc = "What is measured" }
bucket = { type = "text", doc = "Of which part" }
horizon_days = { type = "integer", doc = "How many days before the decision; 0 where it does not matter" }
value = { type = "decimal(18,4)", doc = "The figure; null where it cannot be told" }
low = { type = "decimal(18,4)", doc = "Lower end of its 95 % interval; null where it has none" }
high = { type = "decimal(18,4)", doc = "Upper end of its 95 % interval" }
observations = { type = "integer", doc = "Decisions it rests on" }
losses = { type = "integer", doc = "Losses it rests on" }
renewals = { type = "integer", doc = "Renewals it rests on" }

[checks]
not_null = ["measure", "bucket", "horizon_days", "observations", "losses", "renewals"]

[decisions]
lift = "share of losses in the tenth with the lowest scores over the share of losses in all"
monotonicity = "1 where losses do not get rarer from green to yellow to red, over the bands with at least five decisions, else 0; null with fewer than two such bands"
red_ratio = "share of losses in red over the share in all"
lead = "days from the first alert since the last green evaluation to the decision, of losses that had one"
brier = "not measured: the score is no probability, and a probability made from the same decisions would flatter it"
---*/
with backtest_rank as (
    select
        horizon_days,
        is_lost,
        observations,
        losses,
        share_in_decile,
    from backtest_rank
),

backtest_rate as (
    select
        measure,
        bucket,
        horizon_days,
        hits,
        observations,
        losses,
        renewals,
    from backtest_rate
    where measure = 'band'
),

backtest_lead as (
    select
        label,
        lead_days,
    from backtest_lead
),

backtest_score as (
    select
        horizon_days,
        label,
        evaluated_date,
        score,
        is_thin,
    from backtest_score
),

backtest_decision as (
    select
        account_id,
        label,
        is_matched,
    from backtest_decision
),

customer_account as (
    select
        account_id,
    from customer_account
),

signal_auc as (
    select
        horizon_days,
        label,
        losses,
        kept,
        auc,
        auc_low,
        auc_high,
    from signal_auc
    where signal = 'score'
),

decile as (
    select
        horizon_days,
        observations,
        losses,
        sum(case when is_lost then share_in_decile else cast(0 as decimal(18,6)) end) as losses_inside,
        sum(share_in_decile) as inside,
    from backtest_rank
    group by
        horizon_days,
        observations,
        losses
),

lift as (
    select
        horizon_days,
        observations,
        losses,
        case
            when losses > 0 and inside > 0
                then (cast(losses_inside as double) / cast(inside as double)) / (cast(losses as double) / cast(observations as double))
        end as value,
    from decile
),

sized_band as (
    select
        horizon_days,
        bucket as band,
        cast(hits as double) / cast(observations as double) as rate,
        observations,
        hits,
        losses,
        renewals,
    from backtest_rate
    where bucket <> 'insufficient_data'
),

by_band as (
    select
        horizon_days,
        max(losses) as losses,
        max(renewals) as renewals,
        count(*) filter (where observations >= 5) as bands,
        max(case when band = 'red' and observations >= 5 then rate end) as red,
        max(case when band = 'yellow' and observations >= 5 then rate end) as yellow,
        max(case when band = 'green' and observations >= 5 then rate end) as green,
        max(case when band = 'red' then rate end) as red_rate,
        max(case when band = 'red' then observations end) as red_observations,
    from sized_band
    group by horizon_days
),

lead as (
    select
        count(*) as observations,
        percentile_cont(0.5) within group (order by lead_days) as median_days,
        percentile_cont(0.9) within group (order by lead_days) as p90_days,
    from backtest_lead
    where
        label = 'lost'
        and lead_days is not null
),

unscored as (
    select
        horizon_days,
        count(*) filter (where is_thin) as thin,
        count(*) filter (where is_thin and label = 'lost') as thin_losses,
        count(*) filter (where is_thin and label = 'kept') as thin_renewals,
        count(*) filter (where score is null) as value,
        count(*) as observations,
        count(*) filter (where score is null and label = 'lost') as losses,
        count(*) filter (where score is null and label = 'kept') as renewals,
    from backtest_score
    where label in ('lost', 'kept')
    group by horizon_days
),

labelled as (
    select
        case when is_matched then 'stayed' else label end as bucket,
        count(*) as value,
    from backtest_decision
    group by 1
),

decided_account as (
    select
        account_id,
        count(*) as decisions,
    from backtest_decision
    group by account_id
),

censored as (
    select
        count(*) as value,
    from customer_account
    left join decided_account
        on decided_account.account_id = customer_account.account_id
    where decided_account.account_id is null
),

figure as (
    select
        'auc' as measure,
        label as bucket,
        horizon_days,
        cast(auc as double) as value,
        cast(auc_low as double) as low,
        cast(auc_high as double) as high,
        losses + kept as observations,
        losses,
        kept as renewals,
    from signal_auc
    union all
    select
        'lift_top_decile' as measure,
        'lowest tenth' as bucket,
        horizon_days,
        value,
        cast(null as double) as low,
        cast(null as double) as high,
        observations,
        losses,
        observations - losses as renewals,
    from lift
    union all
    select
        'band_monotonicity' as measure,
        'red, yellow, green' as bucket,
        horizon_days,
        case
            when bands < 2 then null
            when red < yellow or yellow < green or red < green then cast(0 as double)
            else cast(1 as double)
        end as value,
        cast(null as double) as low,
        cast(null as double) as high,
        losses + renewals as observations,
        losses,
        renewals,
    from by_band
    union all
    select
        'red_ratio' as measure,
        'red' as bucket,
        horizon_days,
        case when losses > 0 then red_rate / (cast(losses as double) / cast(losses + renewals as double)) end as value,
        cast(null as double) as low,
        cast(null as double) as high,
        cast(coalesce(red_observations, 0) as bigint) as observations,
        losses,
        renewals,
    from by_band
    union all
    select
        'lead_time' as measure,
        'median_days' as bucket,
        cast(0 as bigint) as horizon_days,
        cast(median_days as double) as value,
        cast(null as double) as low,
        cast(null as double) as high,
        observations,
        observations as losses,
        cast(0 as bigint) as renewals,
    from lead
    where observations > 0
    union all
    select
        'lead_time' as measure,
        'p90_days' as bucket,
        cast(0 as bigint) as horizon_days,
        cast(p90_days as double) as value,
        cast(null as double) as low,
        cast(null as double) as high,
        observations,
        observations as losses,
        cast(0 as bigint) as renewals,
    from lead
    where observations > 0
    union all
    select
        'unscored' as measure,
        '' as bucket,
        horizon_days,
        cast(value as double) as value,
        cast(null as double) as low,
        cast(null as double) as high,
        observations,
        losses,
        renewals,
    from unscored
    union all
    select
        'thin' as measure,
        '' as bucket,
        horizon_days,
        cast(thin as double) as value,
        cast(null as double) as low,
        cast(null as double) as high,
        observations,
        thin_losses as losses,
        thin_renewals as renewals,
    from unscored
    where thin > 0
    union all
    select
        'decisions' as measure,
        bucket,
        cast(0 as bigint) as horizon_days,
        cast(value as double) as value,
        cast(null as double) as low,
        cast(null as double) as high,
        value as observations,
        case when bucket = 'lost' then value else 0 end as losses,
        case when bucket in ('kept', 'stayed') then value else 0 end as renewals,
    from labelled
    union all
    select
        'decisions' as measure,
        'censored' as bucket,
        cast(0 as bigint) as horizon_days,
        cast(value as double) as value,
        cast(null as double) as low,
        cast(null as double) as high,
        value as observations,
        cast(0 as bigint) as losses,
        cast(0 as bigint) as renewals,
    from censored
)

select
    measure,
    bucket,
    horizon_days,
    cast(round(value, 4) as decimal(18,4)) as value,
    cast(round(low, 4) as decimal(18,4)) as low,
    cast(round(high, 4) as decimal(18,4)) as high,
    observations,
    losses,
    renewals,
from figure
