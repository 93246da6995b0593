/*---
title = "What each signal said before a decision"
owner = "cs"
grain = ["account_id", "decided_date", "horizon_days", "signal"]

[columns]
account_id = { type = "text", doc = "The account" }
decided_date = { type = "date", doc = "Day of the decision" }
horizon_days = { type = "integer", doc = "How many days before the decision" }
signal = { type = "text", doc = "score, score_change_28d, or a component of the score" }
label = { type = "text", doc = "lost, reduced, involuntary or kept" }
points = { type = "decimal(9,4)", doc = "What it said; more is better" }
base_weight = { type = "decimal(9,4)", doc = "The component's weight in the policy; null for the score itself" }

[checks]
not_null = ["account_id", "decided_date", "horizon_days", "signal", "label", "points"]

[decisions]
known = "only what was known: a component without points then says nothing and is left out"
---*/
with backtest_score as (
    select
        account_id,
        decided_date,
        horizon_days,
        label,
        evaluated_date,
        score,
        delta_28d,
    from backtest_score
    where evaluated_date is not null
),

published_component as (
    select
        account_id,
        as_of_date,
        component,
        points,
        base_weight,
    from published.health_component
    where
        as_of_date < cast($as_of as date)
        and as_of_date > cast($as_of as date) - cast(cast($backtest_history_days as bigint) as int) - 194
        and component <> 'unmeasured'
        and points is not null
)

select
    account_id,
    decided_date,
    horizon_days,
    'score' as signal,
    label,
    score as points,
    cast(null as decimal(9,4)) as base_weight,
from backtest_score
where score is not null
union all
select
    account_id,
    decided_date,
    horizon_days,
    'score_change_28d' as signal,
    label,
    delta_28d as points,
    cast(null as decimal(9,4)) as base_weight,
from backtest_score
where delta_28d is not null
union all
select
    backtest_score.account_id,
    backtest_score.decided_date,
    backtest_score.horizon_days,
    published_component.component as signal,
    backtest_score.label,
    published_component.points,
    published_component.base_weight,
from backtest_score
inner join published_component
    on published_component.account_id = backtest_score.account_id
    and published_component.as_of_date = backtest_score.evaluated_date
