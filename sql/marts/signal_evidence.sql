/*---
title = "Which behaviours came before a loss, and how much each should weigh"
owner = "cs"
grain = ["signal", "horizon_days", "as_of_date"]
partition_by = ["as_of_date"]

[columns]
signal = { type = "text", doc = "A component of the score, the score itself, or its change" }
horizon_days = { type = "integer", doc = "How many days before the decision it is looked at" }
as_of_date = { type = "date", doc = "Decisions up to this day are looked at" }
kind = { type = "text", doc = "component or score" }
losses = { type = "integer", doc = "Losses with the signal known" }
renewals = { type = "integer", doc = "Renewals with the signal known" }
known_pct = { type = "decimal(9,4)", doc = "Share of the evaluated losses and renewals for which it was known, percent points" }
auc = { type = "decimal(9,4)", doc = "Chance that a loss had fewer points than a renewal; 0.5 is a coin. Null without a loss or a renewal" }
auc_low = { type = "decimal(9,4)", doc = "Lower end of its 95 % interval" }
auc_high = { type = "decimal(9,4)", doc = "Upper end of its 95 % interval" }
weak_losses = { type = "integer", doc = "Losses among those it called weak" }
weak_decisions = { type = "integer", doc = "Losses and renewals that it called weak: points below the line to red, or a falling score" }
other_losses = { type = "integer", doc = "Losses among the others" }
other_decisions = { type = "integer", doc = "Losses and renewals that it did not call weak" }
separates = { type = "boolean", doc = "Told losses from renewals, with enough of both" }
rank = { type = "integer", doc = "Place among the components that separate at this horizon; null for others" }
overlaps_with = { type = "text", doc = "A component that separates and says much the same" }
weight_now = { type = "decimal(9,4)", doc = "Its average share of the policy's weights over the decisions, percent points; null for the score" }
weight_suggested = { type = "decimal(9,4)", doc = "The average share that follows from the decisions: the policy's weight times weight_suggested / weight_now; null for the score" }
is_matched = { type = "boolean", doc = "Compared with customers who stayed, for want of a recorded renewal" }
reading = { type = "text", doc = "The same in one sentence" }

[checks]
not_null = ["signal", "horizon_days", "as_of_date", "kind", "losses", "renewals", "separates", "is_matched", "reading"]
expect.weak_are_part_of_all = "weak_decisions + other_decisions = losses + renewals"

[decisions]
before = "a signal is taken from the newest evaluation on or before the horizon, so nothing is known that was not known then"
weak = "below health_red_enter points; for score_change_28d, a fall by health_worsening_points or more"
weights = "those of signal_weight"
order = "components that separate, by AUC"
---*/
with backtest_signal as (
    select
        signal,
        horizon_days,
        label,
        points,
        base_weight,
    from backtest_signal
    where label in ('lost', 'kept')
),

backtest_score as (
    select
        horizon_days,
        is_matched,
        evaluated_date,
    from backtest_score
    where label in ('lost', 'kept')
),

signal_auc as (
    select
        signal,
        horizon_days,
        auc,
        auc_low,
        auc_high,
    from signal_auc
    where label = 'lost'
),

signal_weight as (
    select
        signal,
        horizon_days,
        is_tested,
        separates,
        overlaps_with,
        weight_now,
        weight_suggested,
    from signal_weight
),

flagged as (
    select
        signal,
        horizon_days,
        label,
        base_weight is not null as is_component,
        case
            when signal = 'score_change_28d' then points <= -cast($health_worsening_points as decimal(9,4))
            else points < cast($health_red_enter as decimal(9,4))
        end as is_weak,
    from backtest_signal
),

counted as (
    select
        signal,
        horizon_days,
        bool_or(is_component) as is_component,
        count(*) as decisions,
        count(*) filter (where label = 'lost') as losses,
        count(*) filter (where label = 'kept') as renewals,
        count(*) filter (where is_weak) as weak_decisions,
        count(*) filter (where is_weak and label = 'lost') as weak_losses,
    from flagged
    group by
        signal,
        horizon_days
),

evaluated as (
    select
        horizon_days,
        count(*) as decisions,
        bool_or(is_matched) as is_matched,
    from backtest_score
    where evaluated_date is not null
    group by horizon_days
),

joined as (
    select
        counted.signal,
        counted.horizon_days,
        counted.is_component,
        counted.losses,
        counted.renewals,
        cast(round(100 * cast(counted.decisions as double) / cast(evaluated.decisions as double), 4) as decimal(9,4)) as known_pct,
        signal_auc.auc,
        signal_auc.auc_low,
        signal_auc.auc_high,
        counted.weak_losses,
        counted.weak_decisions,
        counted.losses - counted.weak_losses as other_losses,
        counted.decisions - counted.weak_decisions as other_decisions,
        least(counted.losses, counted.renewals) >= cast($backtest_min_losses as bigint) as is_tested,
        coalesce(
            least(counted.losses, counted.renewals) >= cast($backtest_min_losses as bigint) and signal_auc.auc_low > 0.5,
            false
        ) as separates,
        signal_weight.overlaps_with,
        signal_weight.weight_now,
        signal_weight.weight_suggested,
        evaluated.is_matched,
    from counted
    inner join evaluated
        on evaluated.horizon_days = counted.horizon_days
    left join signal_auc
        on signal_auc.signal = counted.signal
        and signal_auc.horizon_days = counted.horizon_days
    left join signal_weight
        on signal_weight.signal = counted.signal
        and signal_weight.horizon_days = counted.horizon_days
),

ranked as (
    select
        signal,
        horizon_days,
        row_number() over (partition by horizon_days order by auc desc, signal) as rank,
    from joined
    where
        separates
        and is_component
),

worded as (
    select
        signal,
        horizon_days,
        concat(
            signal, ' ', cast(horizon_days as varchar), ' days before: ',
            case
                when auc is null then 'no loss or no renewal to compare'
                when not is_tested then 'too few decisions to judge'
                when separates then concat('losses scored lower than renewals in ', cast(cast(round(100 * auc, 0) as bigint) as varchar), ' of 100 pairs')
                when auc_high < 0.5 then 'losses scored higher than renewals: it points the wrong way'
                else concat('no better than a coin (AUC ', cast(cast(auc as decimal(9,2)) as varchar), ')')
            end,
            '; lost ', cast(weak_losses as varchar), ' of ', cast(weak_decisions as varchar),
            ' when weak, ', cast(other_losses as varchar), ' of ', cast(other_decisions as varchar), ' otherwise',
            case when overlaps_with is not null then concat('; says much the same as ', overlaps_with) else '' end
        ) as reading,
    from joined
)

select
    joined.signal,
    joined.horizon_days,
    cast($as_of as date) as as_of_date,
    case when joined.is_component then 'component' else 'score' end as kind,
    joined.losses,
    joined.renewals,
    joined.known_pct,
    joined.auc,
    joined.auc_low,
    joined.auc_high,
    joined.weak_losses,
    joined.weak_decisions,
    joined.other_losses,
    joined.other_decisions,
    joined.separates,
    ranked.rank,
    joined.overlaps_with,
    joined.weight_now,
    joined.weight_suggested,
    joined.is_matched,
    case
        when joined.is_matched
            then replace(replace(worded.reading, 'renewals', 'customers who stayed'), 'renewal', 'customer who stayed')
        else worded.reading
    end as reading,
from joined
inner join worded
    on worded.signal = joined.signal
    and worded.horizon_days = joined.horizon_days
left join ranked
    on ranked.signal = joined.signal
    and ranked.horizon_days = joined.horizon_days
