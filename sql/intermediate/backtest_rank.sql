/*---
title = "Losses and renewals in the order of their score"
owner = "cs"
grain = ["account_id", "decided_date", "horizon_days"]

[columns]
account_id = { type = "text", doc = "The account" }
decided_date = { type = "date", doc = "Day of the decision" }
horizon_days = { type = "integer", doc = "How many days before the decision" }
is_lost = { type = "boolean", doc = "Lost, not kept" }
score = { type = "decimal(9,4)", doc = "The score known then" }
observations = { type = "integer", doc = "Losses and renewals with a score at this horizon" }
losses = { type = "integer", doc = "The losses among them" }
decile = { type = "integer", doc = "1 for the tenth with the lowest scores, to 10; equal scores share one" }
share_in_decile = { type = "decimal(18,6)", doc = "Part of it that belongs to the tenth with the lowest scores" }
share_in_capacity = { type = "decimal(18,6)", doc = "Part of it that belongs to those for whom people have time" }

[checks]
not_null = ["account_id", "decided_date", "horizon_days", "is_lost", "score", "observations", "losses", "decile"]

[decisions]
ties = "where a cut falls into a run of equal scores, each of them is inside by the same part"
cut = "a tenth, and the share of capacity, are rounded up to whole accounts"
---*/
with backtest_score as (
    select
        account_id,
        decided_date,
        horizon_days,
        label,
        score,
    from backtest_score
    where
        score is not null
        and label in ('lost', 'kept')
),

counted as (
    select
        horizon_days,
        count(*) as observations,
        count(*) filter (where label = 'lost') as losses,
    from backtest_score
    group by horizon_days
),

equal_score as (
    select
        horizon_days,
        score,
        count(*) as ties,
    from backtest_score
    group by
        horizon_days,
        score
),

placed as (
    select
        horizon_days,
        score,
        ties,
        sum(ties) over (partition by horizon_days order by score) - ties as before,
    from equal_score
),

-- The middle rank of equal scores is before + (ties + 1) / 2; its decile is that of the middle rank, rounded up.
cut as (
    select
        placed.horizon_days,
        placed.score,
        counted.observations,
        counted.losses,
        cast(placed.ties as double) as ties,
        cast(placed.before as double) as before,
        floor((cast(10 * (2 * placed.before + placed.ties + 1) as double) + cast(2 * counted.observations - 1 as double)) / cast(2 * counted.observations as double)) as decile,
        ceil(cast(counted.observations as double) / 10) as decile_size,
        ceil(round(cast(counted.observations as double) * cast(cast($backtest_capacity_pct as decimal(9,4)) as double) / 100, 6)) as capacity,
    from placed
    inner join counted
        on counted.horizon_days = placed.horizon_days
)

select
    backtest_score.account_id,
    backtest_score.decided_date,
    backtest_score.horizon_days,
    backtest_score.label = 'lost' as is_lost,
    backtest_score.score,
    cut.observations,
    cut.losses,
    cast(least(10, cut.decile) as bigint) as decile,
    cast(round(least(1, greatest(0, (cut.decile_size - cut.before) / cut.ties)), 6) as decimal(18,6)) as share_in_decile,
    cast(round(least(1, greatest(0, (cut.capacity - cut.before) / cut.ties)), 6) as decimal(18,6)) as share_in_capacity,
from backtest_score
inner join cut
    on cut.horizon_days = backtest_score.horizon_days
    and cut.score = backtest_score.score
