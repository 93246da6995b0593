/*---
title = "How much two components of the score say the same"
owner = "cs"
grain = ["horizon_days", "signal", "other_signal"]

[columns]
horizon_days = { type = "integer", doc = "How many days before the decision" }
signal = { type = "text", doc = "A component of the score" }
other_signal = { type = "text", doc = "Another" }
observations = { type = "integer", doc = "Decisions with both known" }
correlation = { type = "decimal(9,4)", doc = "Correlation of their points; 0 where one never varies" }

[checks]
not_null = ["horizon_days", "signal", "other_signal", "observations", "correlation"]
expect.correlation_in_range = "correlation between -1 and 1"

[decisions]
sums = "of exact decimals; the correlation itself is the one division at the end"
---*/
with backtest_signal as (
    select
        account_id,
        decided_date,
        horizon_days,
        signal,
        points,
    from backtest_signal
    where
        base_weight is not null
        and label in ('lost', 'kept')
),

summed as (
    select
        one.horizon_days,
        one.signal,
        other.signal as other_signal,
        count(*) as observations,
        sum(one.points) as sum_one,
        sum(other.points) as sum_other,
        sum(one.points * one.points) as sum_one_one,
        sum(other.points * other.points) as sum_other_other,
        sum(one.points * other.points) as sum_one_other,
    from backtest_signal as one
    inner join backtest_signal as other
        on other.account_id = one.account_id
        and other.decided_date = one.decided_date
        and other.horizon_days = one.horizon_days
        and other.signal <> one.signal
    group by
        one.horizon_days,
        one.signal,
        other.signal
),

varied as (
    select
        horizon_days,
        signal,
        other_signal,
        observations,
        cast(observations as double) * cast(sum_one_other as double) - cast(sum_one as double) * cast(sum_other as double) as together,
        cast(observations as double) * cast(sum_one_one as double) - cast(sum_one as double) * cast(sum_one as double) as spread_one,
        cast(observations as double) * cast(sum_other_other as double) - cast(sum_other as double) * cast(sum_other as double) as spread_other,
    from summed
)

-- Sums this large carry rounding of about a hundred-thousandth: less spread than that is none.
select
    horizon_days,
    signal,
    other_signal,
    observations,
    case
        when spread_one > 0.001 and spread_other > 0.001
            then cast(round(greatest(-1, least(1, together / sqrt(spread_one * spread_other))), 4) as decimal(9,4))
        else cast(0 as decimal(9,4))
    end as correlation,
from varied
