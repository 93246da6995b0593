/*---
title = "The health that was published before each recorded decision, by time to the notice deadline"
owner = "cs"
grain = ["outcome_id", "notice_window"]

[columns]
outcome_id = { type = "text", doc = "The recorded outcome" }
account_id = { type = "text", doc = "The account" }
notice_window = { type = "text", doc = "Days to the notice deadline when the health was published: over_180, 91_180, 31_90, 0_30 or past" }
evaluated_date = { type = "date", doc = "The newest evaluation in that window, before the decision" }
band = { type = "text", doc = "Its band" }
kept_share = { type = "decimal(18,6)", doc = "1 for renewed and expanded, 0 for churned; of less the share that was kept" }
is_lost = { type = "boolean", doc = "Churned" }
is_widest = { type = "boolean", doc = "Of the outcome's windows the one longest before: it stands for the outcome where windows are pooled" }

[checks]
not_null = ["outcome_id", "account_id", "notice_window", "evaluated_date", "band", "kept_share", "is_lost", "is_widest"]
expect.share = "kept_share between 0 and 1"

[decisions]
deadline = "The outcome's effective day less the contract's notice days; without notice days the effective day, without one the decision's"
before = "Only what was published before the decision: a band seen after it knows the answer"
less = "Contracted, or renewed for less than before, counts with the share that was kept; contracted by nobody knows how much is left out"
open = "A contract without a recorded decision is no observation"
---*/
with outcome as (
    select
        outcome_id,
        account_id,
        contract_id,
        kind,
        decided_date,
        effective_date,
        arr_before,
        arr_after
    from outcome
    where decided_date <= cast($as_of as date)
        and decided_date > cast($as_of as date) - cast(cast($backtest_history_days as bigint) as int)
),

canonical_id as (
    select
        external_id,
        canonical_id
    from canonical_id
    where kind = 'contract'
),

contract_version as (
    select
        contract_id,
        notice_days
    from contract_version
    where is_current
),

published_health as (
    select
        account_id,
        as_of_date,
        band
    from published.account_health
),

shared as (
    select
        outcome.outcome_id,
        outcome.account_id,
        outcome.decided_date,
        cast(coalesce(outcome.effective_date, outcome.decided_date) - cast(coalesce(contract_version.notice_days, 0) as int) as date) as deadline_date,
        outcome.kind = 'churned' as is_lost,
        case
            when outcome.kind = 'churned' then cast(0 as decimal(18,6))
            when outcome.kind in ('contracted', 'renewed') and outcome.arr_before > 0 and outcome.arr_after is not null
                then cast(round(
                    least(greatest(cast(outcome.arr_after as double) / cast(outcome.arr_before as double), cast(0 as double)), cast(1 as double)),
                    6
                ) as decimal(18,6))
            when outcome.kind in ('renewed', 'expanded') then cast(1 as decimal(18,6))
        end as kept_share
    from outcome
    left join canonical_id
        on outcome.contract_id = canonical_id.external_id
    left join contract_version
        on coalesce(canonical_id.canonical_id, outcome.contract_id) = contract_version.contract_id
),

seen as (
    select
        shared.outcome_id,
        shared.account_id,
        shared.is_lost,
        shared.kept_share,
        published_health.as_of_date as evaluated_date,
        published_health.band,
        case
            when shared.deadline_date - published_health.as_of_date > 180 then 'over_180'
            when shared.deadline_date - published_health.as_of_date > 90 then '91_180'
            when shared.deadline_date - published_health.as_of_date > 30 then '31_90'
            when shared.deadline_date - published_health.as_of_date >= 0 then '0_30'
            else 'past'
        end as notice_window
    from shared
    inner join published_health
        on shared.account_id = published_health.account_id
        and published_health.as_of_date < shared.decided_date
        and published_health.as_of_date > shared.deadline_date - 365
    where shared.kept_share is not null
),

newest as (
    select
        outcome_id,
        notice_window,
        max(evaluated_date) as evaluated_date
    from seen
    group by
        outcome_id,
        notice_window
),

widest as (
    select
        outcome_id,
        min(evaluated_date) as evaluated_date
    from newest
    group by outcome_id
)

select
    seen.outcome_id,
    seen.account_id,
    seen.notice_window,
    seen.evaluated_date,
    seen.band,
    seen.kept_share,
    seen.is_lost,
    seen.evaluated_date = widest.evaluated_date as is_widest
from seen
inner join newest
    on seen.outcome_id = newest.outcome_id
    and seen.notice_window = newest.notice_window
    and seen.evaluated_date = newest.evaluated_date
inner join widest
    on seen.outcome_id = widest.outcome_id
