/*---
title = "The health that was known before a decision"
owner = "cs"
grain = ["account_id", "decided_date", "horizon_days"]

[columns]
account_id = { type = "text", doc = "The account" }
decided_date = { type = "date", doc = "Day of the decision" }
horizon_days = { type = "integer", doc = "How many days before the decision: 30, 60, 90, 120 or 180" }
label = { type = "text", doc = "lost, reduced, involuntary or kept" }
is_matched = { type = "boolean", doc = "A customer who stayed, looked at on the day of a loss" }
evaluated_date = { type = "date", doc = "The evaluation that was the newest then; null where there was none" }
band = { type = "text", doc = "Its band" }
score = { type = "decimal(9,4)", doc = "Its score; null without an evaluation or with too little data" }
delta_28d = { type = "decimal(9,4)", doc = "Its change of the score within 28 days" }

[checks]
not_null = ["account_id", "decided_date", "horizon_days", "label", "is_matched"]
expect.before_the_decision = "evaluated_date is null or evaluated_date <= decided_date - 30"

[decisions]
newest = "the newest evaluation on or before the horizon, at most 13 days older than it: weekly and daily histories both serve"
insufficient = "a score with too little data behind it is no score"
---*/
with decision as (
    select
        account_id,
        decided_date,
        label,
        is_matched,
    from backtest_decision
),

published_health as (
    select
        account_id,
        as_of_date,
        score,
        band,
        delta_28d,
    from published.account_health
    where
        as_of_date < cast($as_of as date)
        and as_of_date > cast($as_of as date) - cast(cast($backtest_history_days as bigint) as int) - 194
),

horizon as (
    select cast(30 as bigint) as horizon_days
    union all
    select cast(60 as bigint) as horizon_days
    union all
    select cast(90 as bigint) as horizon_days
    union all
    select cast(120 as bigint) as horizon_days
    union all
    select cast(180 as bigint) as horizon_days
),

asked as (
    select
        decision.account_id,
        decision.decided_date,
        decision.label,
        decision.is_matched,
        horizon.horizon_days,
        decision.decided_date - cast(horizon.horizon_days as int) as horizon_date,
    from decision
    cross join horizon
),

newest as (
    select
        asked.account_id,
        asked.decided_date,
        asked.horizon_days,
        max(published_health.as_of_date) as evaluated_date,
    from asked
    inner join published_health
        on published_health.account_id = asked.account_id
    where
        published_health.as_of_date <= asked.horizon_date
        and published_health.as_of_date > asked.horizon_date - 14
    group by
        asked.account_id,
        asked.decided_date,
        asked.horizon_days
)

select
    asked.account_id,
    asked.decided_date,
    asked.horizon_days,
    asked.label,
    asked.is_matched,
    newest.evaluated_date,
    published_health.band,
    case when published_health.band <> 'insufficient_data' then published_health.score end as score,
    published_health.delta_28d,
from asked
left join newest
    on newest.account_id = asked.account_id
    and newest.decided_date = asked.decided_date
    and newest.horizon_days = asked.horizon_days
left join published_health
    on published_health.account_id = newest.account_id
    and published_health.as_of_date = newest.evaluated_date
