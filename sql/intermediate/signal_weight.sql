/*---
title = "Weights that follow from what was decided"
owner = "cs"
grain = ["signal", "horizon_days"]

[columns]
signal = { type = "text", doc = "A component of the score" }
horizon_days = { type = "integer", doc = "How many days before the decision" }
is_tested = { type = "boolean", doc = "Known for enough losses and renewals to be judged" }
separates = { type = "boolean", doc = "Tells losses from renewals: even the low end of its interval is better than a coin" }
strength = { type = "decimal(9,4)", doc = "2 x AUC - 1 of what separates, else 0" }
overlap = { type = "decimal(9,4)", doc = "1 and the squared correlation with every other one that separates: how many say the same" }
overlaps_with = { type = "text", doc = "The one that separates and says the most of the same, from a correlation of 0.5 on" }
weight_now = { type = "decimal(9,4)", doc = "Its average share of the policy's weights over the decisions; nothing where it is unknown; percent points" }
weight_suggested = { type = "decimal(9,4)", doc = "That average share in the light of the decisions, percent points: the policy's weight times weight_suggested / weight_now follows" }

[checks]
not_null = ["signal", "horizon_days", "is_tested", "separates", "strength", "overlap", "weight_now", "weight_suggested"]
expect.weight_in_range = "weight_suggested between 0 and 100"

[decisions]
evidence = "in proportion to strength / overlap x the share of decisions for which it is known, over the weight that the tested components have now"
cap = "none gets more than 40 of 100, or than it has now where that is more; what is cut goes to the others in proportion"
caution = "blended with the policy's weights: those count as much as the policy's number of losses"
untested = "what could not be tested keeps its weight"
---*/
with signal_auc as (
    select
        signal,
        horizon_days,
        losses,
        kept,
        auc,
        auc_low,
    from signal_auc
    where label = 'lost'
),

signal_overlap as (
    select
        horizon_days,
        signal,
        other_signal,
        correlation,
    from signal_overlap
),

backtest_score as (
    select
        horizon_days,
        label,
        evaluated_date,
    from backtest_score
),

backtest_signal as (
    select
        horizon_days,
        signal,
        base_weight,
    from backtest_signal
    where
        base_weight is not null
        and label in ('lost', 'kept')
),

evaluated as (
    select
        horizon_days,
        count(*) as decisions,
    from backtest_score
    where
        evaluated_date is not null
        and label in ('lost', 'kept')
    group by horizon_days
),

known as (
    select
        horizon_days,
        signal,
        count(*) as decisions,
        sum(base_weight) as base_weight,
    from backtest_signal
    group by
        horizon_days,
        signal
),

-- A component that applies to few accounts weighs little on average, however much it weighs there.
policy_weight as (
    select
        known.horizon_days,
        known.signal,
        cast(round(cast(known.base_weight as double) / cast(evaluated.decisions as double), 4) as decimal(9,4)) as base_weight,
        cast(round(cast(known.decisions as double) / cast(evaluated.decisions as double), 6) as decimal(18,6)) as known_share,
    from known
    inner join evaluated
        on evaluated.horizon_days = known.horizon_days
),

judged as (
    select
        policy_weight.horizon_days,
        policy_weight.signal,
        policy_weight.base_weight,
        policy_weight.known_share,
        coalesce(signal_auc.losses, 0) as losses,
        least(coalesce(signal_auc.losses, 0), coalesce(signal_auc.kept, 0)) >= cast($backtest_min_losses as bigint) as is_tested,
        least(coalesce(signal_auc.losses, 0), coalesce(signal_auc.kept, 0)) >= cast($backtest_min_losses as bigint)
        and signal_auc.auc_low > 0.5 as separates,
        signal_auc.auc,
    from policy_weight
    left join signal_auc
        on signal_auc.signal = policy_weight.signal
        and signal_auc.horizon_days = policy_weight.horizon_days
),

shared as (
    select
        signal_overlap.horizon_days,
        signal_overlap.signal,
        sum(cast(signal_overlap.correlation * signal_overlap.correlation as decimal(18,8))) as squared,
    from signal_overlap
    inner join judged
        on judged.horizon_days = signal_overlap.horizon_days
        and judged.signal = signal_overlap.other_signal
    where judged.separates
    group by
        signal_overlap.horizon_days,
        signal_overlap.signal
),

closest as (
    select
        signal_overlap.horizon_days,
        signal_overlap.signal,
        signal_overlap.other_signal,
    from signal_overlap
    inner join judged
        on judged.horizon_days = signal_overlap.horizon_days
        and judged.signal = signal_overlap.other_signal
    where
        judged.separates
        and signal_overlap.correlation >= 0.5
    qualify row_number() over (
        partition by signal_overlap.horizon_days, signal_overlap.signal
        order by signal_overlap.correlation desc, signal_overlap.other_signal
    ) = 1
),

strong as (
    select
        judged.horizon_days,
        judged.signal,
        judged.base_weight,
        judged.known_share,
        judged.losses,
        judged.is_tested,
        coalesce(judged.separates, false) as separates,
        case when judged.separates then cast(2 * judged.auc - 1 as decimal(9,4)) else cast(0 as decimal(9,4)) end as strength,
        cast(1 + coalesce(shared.squared, 0) as decimal(9,4)) as overlap,
        closest.other_signal as overlaps_with,
    from judged
    left join shared
        on shared.horizon_days = judged.horizon_days
        and shared.signal = judged.signal
    left join closest
        on closest.horizon_days = judged.horizon_days
        and closest.signal = judged.signal
),

-- What one component adds beside those that say the same.
added as (
    select
        horizon_days,
        signal,
        base_weight,
        losses,
        is_tested,
        separates,
        strength,
        overlap,
        overlaps_with,
        cast(round(cast(strength as double) * cast(known_share as double) / cast(overlap as double), 6) as decimal(18,6)) as added,
    from strong
),

total as (
    select
        horizon_days,
        sum(base_weight) as base_weight,
        sum(case when is_tested then base_weight else cast(0 as decimal(9,4)) end) as tested_weight,
        sum(added) as added,
    from added
    group by horizon_days
),

shares as (
    select
        added.horizon_days,
        added.signal,
        added.losses,
        added.is_tested,
        added.separates,
        added.strength,
        added.overlap,
        added.overlaps_with,
        case
            when total.base_weight > 0 then 100 * cast(added.base_weight as double) / cast(total.base_weight as double)
            else cast(0 as double)
        end as now_pct,
        case
            when total.base_weight = 0 then cast(0 as double)
            when added.is_tested and total.added > 0 then
                100 * cast(total.tested_weight as double) / cast(total.base_weight as double)
                * cast(added.added as double) / cast(total.added as double)
            else 100 * cast(added.base_weight as double) / cast(total.base_weight as double)
        end as evidence_pct,
    from added
    inner join total
        on total.horizon_days = added.horizon_days
),

-- Six decimals, so that they add up the same way everywhere.
blended as (
    select
        horizon_days,
        signal,
        is_tested,
        separates,
        strength,
        overlap,
        overlaps_with,
        cast(round(now_pct, 6) as decimal(18,6)) as now_pct,
        cast(round(greatest(40, now_pct), 6) as decimal(18,6)) as cap,
        cast(
            round(
                (cast(losses as double) * evidence_pct + cast(cast($backtest_prior_losses as bigint) as double) * now_pct)
                / greatest(1, cast(losses + cast($backtest_prior_losses as bigint) as double)),
                6
            ) as decimal(18,6)
        ) as blend,
    from shares
),

capped as (
    select
        horizon_days,
        sum(case when blend > cap then cap else cast(0 as decimal(18,6)) end) as capped_weight,
        sum(case when blend > cap then cast(0 as decimal(18,6)) else blend end) as free_weight,
    from blended
    group by horizon_days
)

select
    blended.signal,
    blended.horizon_days,
    blended.is_tested,
    blended.separates,
    blended.strength,
    blended.overlap,
    blended.overlaps_with,
    cast(round(blended.now_pct, 4) as decimal(9,4)) as weight_now,
    case
        when blended.blend > blended.cap then cast(round(blended.cap, 4) as decimal(9,4))
        when capped.free_weight = 0 then cast(round(blended.blend, 4) as decimal(9,4))
        else cast(
            round(
                cast(blended.blend as double) * (100 - cast(capped.capped_weight as double)) / cast(capped.free_weight as double),
                4
            ) as decimal(9,4)
        )
    end as weight_suggested,
from blended
inner join capped
    on capped.horizon_days = blended.horizon_days
