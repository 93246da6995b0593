/*---
title = "How well a signal tells losses from renewals"
owner = "cs"
grain = ["signal", "horizon_days", "label"]

[columns]
signal = { type = "text", doc = "score, score_change_28d, or a component of the score" }
horizon_days = { type = "integer", doc = "How many days before the decision" }
label = { type = "text", doc = "What is told from kept: lost, reduced or involuntary" }
losses = { type = "integer", doc = "Decisions of that label with the signal known" }
kept = { type = "integer", doc = "Decisions to stay with the signal known" }
auc = { type = "decimal(9,4)", doc = "Chance that a loss had fewer points than a renewal, ties counting half; 0.5 is a coin" }
auc_low = { type = "decimal(9,4)", doc = "Lower end of its 95 % interval" }
auc_high = { type = "decimal(9,4)", doc = "Upper end of its 95 % interval" }

[checks]
not_null = ["signal", "horizon_days", "label", "losses", "kept", "auc", "auc_low", "auc_high"]
expect.auc_in_range = "auc between 0 and 1 and auc_low <= auc and auc <= auc_high"

[decisions]
mid_ranks = "equal points share their middle rank: (rank sum of the losses - n1 (n1 + 1) / 2) / (n1 n0), in whole numbers until the one division"
interval = "Hanley and McNeil 1982, 1.96 standard errors, cut at 0 and 1"
pairs = "without a loss or without a renewal there is nothing to compare and no row"
---*/
with backtest_signal as (
    select
        signal,
        horizon_days,
        label,
        points,
    from backtest_signal
),

loss_label as (
    select 'lost' as label
    union all
    select 'reduced' as label
    union all
    select 'involuntary' as label
),

-- Each kind of loss is told from the same renewals.
compared as (
    select
        backtest_signal.signal,
        backtest_signal.horizon_days,
        loss_label.label,
        backtest_signal.points,
        count(*) filter (where backtest_signal.label <> 'kept') as losses,
        count(*) filter (where backtest_signal.label = 'kept') as kept,
    from backtest_signal
    inner join loss_label
        on loss_label.label = backtest_signal.label
        or backtest_signal.label = 'kept'
    group by
        backtest_signal.signal,
        backtest_signal.horizon_days,
        loss_label.label,
        backtest_signal.points
),

-- Renewals with at most these points, those with the same points among them.
ordered as (
    select
        signal,
        horizon_days,
        label,
        losses,
        kept,
        sum(kept) over (partition by signal, horizon_days, label order by points) as kept_up_to,
    from compared
),

summed as (
    select
        signal,
        horizon_days,
        label,
        cast(sum(losses) as bigint) as losses,
        cast(sum(kept) as bigint) as kept,
        cast(sum(losses * (2 * kept_up_to - kept)) as bigint) as doubled_above,
    from ordered
    group by
        signal,
        horizon_days,
        label
),

measured as (
    select
        signal,
        horizon_days,
        label,
        losses,
        kept,
        1 - cast(doubled_above as double) / cast(2 * losses * kept as double) as auc,
    from summed
    where
        losses > 0
        and kept > 0
),

spread as (
    select
        signal,
        horizon_days,
        label,
        losses,
        kept,
        auc,
        1.96 * sqrt(
            greatest(
                0,
                auc * (1 - auc)
                + cast(losses - 1 as double) * (auc / (2 - auc) - auc * auc)
                + cast(kept - 1 as double) * (2 * auc * auc / (1 + auc) - auc * auc)
            ) / cast(losses * kept as double)
        ) as margin,
    from measured
)

select
    signal,
    horizon_days,
    label,
    losses,
    kept,
    cast(round(auc, 4) as decimal(9,4)) as auc,
    cast(round(greatest(0, auc - margin), 4) as decimal(9,4)) as auc_low,
    cast(round(least(1, auc + margin), 4) as decimal(9,4)) as auc_high,
from spread
