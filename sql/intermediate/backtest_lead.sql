/*---
title = "How long before a decision an account was last seen to turn"
owner = "cs"
grain = ["account_id", "decided_date"]

[columns]
account_id = { type = "text", doc = "The account" }
decided_date = { type = "date", doc = "Day of the decision" }
label = { type = "text", doc = "lost or kept" }
first_alert_date = { type = "date", doc = "The first alert since the account was last green; null where there is none" }
lead_days = { type = "integer", doc = "Days from it to the decision" }

[checks]
not_null = ["account_id", "decided_date", "label"]
expect.alert_before_decision = "lead_days is null or lead_days >= 1"

[decisions]
alert = "red, or yellow and worsening"
since = "alerts count from the last green evaluation before the decision on: what was over is no warning of what came later"
look_back = "365 days before the decision; where no green one lies in them, the first alert in them counts"
evaluated = "decisions before which the account was never evaluated are left out"
---*/
with decision as (
    select
        account_id,
        decided_date,
        label,
    from backtest_decision
    where label in ('lost', 'kept')
),

published_health as (
    select
        account_id,
        as_of_date,
        band,
        is_worsening,
    from published.account_health
    where
        as_of_date < cast($as_of as date)
        and as_of_date > cast($as_of as date) - cast(cast($backtest_history_days as bigint) as int) - 365
        and band <> 'insufficient_data'
),

evaluated as (
    select
        decision.account_id,
        decision.decided_date,
        decision.label,
        published_health.as_of_date,
        published_health.band = 'green' as is_green,
        published_health.band = 'red' or (published_health.band = 'yellow' and coalesce(published_health.is_worsening, false)) as is_alert,
    from decision
    inner join published_health
        on published_health.account_id = decision.account_id
    where
        published_health.as_of_date < decision.decided_date
        and published_health.as_of_date >= decision.decided_date - 365
),

last_green as (
    select
        account_id,
        decided_date,
        label,
        max(case when is_green then as_of_date end) as green_date,
    from evaluated
    group by
        account_id,
        decided_date,
        label
),

alerted as (
    select
        last_green.account_id,
        last_green.decided_date,
        min(evaluated.as_of_date) as first_alert_date,
    from last_green
    inner join evaluated
        on evaluated.account_id = last_green.account_id
        and evaluated.decided_date = last_green.decided_date
    where
        evaluated.is_alert
        and (last_green.green_date is null or evaluated.as_of_date > last_green.green_date)
    group by
        last_green.account_id,
        last_green.decided_date
)

select
    last_green.account_id,
    last_green.decided_date,
    last_green.label,
    alerted.first_alert_date,
    cast(last_green.decided_date - alerted.first_alert_date as bigint) as lead_days,
from last_green
left join alerted
    on alerted.account_id = last_green.account_id
    and alerted.decided_date = last_green.decided_date
