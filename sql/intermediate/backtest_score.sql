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
score = { type = "decimal(9,4)", doc = "Its score; null without an evaluation, and with too little data where enough others have more" }
is_thin = { type = "boolean", doc = "The score rests on too little data for a band, and is ranked for want of better ones" }
delta_28d = { type = "decimal(9,4)", doc = "Its change of the score within 28 days" }

[checks]
not_null = ["account_id", "decided_date", "horizon_days", "label", "is_matched", "is_thin"]
expect.before_the_decision = "evaluated_date is null or evaluated_date <= decided_date - 30"

[decisions]
newest = "the newest evaluation on or before the horizon, at most 13 days older than it: weekly and daily histories both serve"
insufficient = "a score with too little data behind it is no score, unless fewer losses or renewals than the policy's minimum have a better one at that horizon: then every score is ranked, as companies with few sources have no other, and is called thin"
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
),

found as (
    select
        asked.account_id,
        asked.decided_date,
        asked.horizon_days,
        asked.label,
        asked.is_matched,
        newest.evaluated_date,
        published_health.band,
        published_health.score,
        published_health.delta_28d,
    from asked
    left join newest
        on newest.account_id = asked.account_id
        and newest.decided_date = asked.decided_date
        and newest.horizon_days = asked.horizon_days
    left join published_health
        on published_health.account_id = newest.account_id
        and published_health.as_of_date = newest.evaluated_date
),

sound as (
    select
        horizon_days,
        least(
            count(*) filter (where label = 'lost' and band <> 'insufficient_data'),
            count(*) filter (where label = 'kept' and band <> 'insufficient_data')
        ) >= cast($backtest_min_losses as bigint) as is_enough,
    from found
    group by horizon_days
)

select
    found.account_id,
    found.decided_date,
    found.horizon_days,
    found.label,
    found.is_matched,
    found.evaluated_date,
    found.band,
    case when found.band <> 'insufficient_data' or not sound.is_enough then found.score end as score,
    coalesce(found.band = 'insufficient_data' and not sound.is_enough, false) as is_thin,
    found.delta_28d,
from found
inner join sound
    on sound.horizon_days = found.horizon_days
