/*---
title = "How much an account's use varies from week to week by itself"
owner = "cs"
grain = ["account_id", "metric", "evaluation_date"]

[columns]
account_id = { type = "text", doc = "The account" }
metric = { type = "text", doc = "The metric" }
evaluation_date = { type = "date", doc = "The day d: weeks are those in [d - 112, d - 28)" }
weeks = { type = "integer", doc = "Whole weeks measured" }
own_dispersion = { type = "decimal(18,6)", doc = "Variance over mean of the weekly counts; null with too few weeks or no use" }
dispersion = { type = "decimal(18,6)", doc = "What the test uses: shrunk half-way to the peers' median, at least 1" }

[checks]
not_null = ["account_id", "metric", "evaluation_date", "weeks", "dispersion"]
expect.at_least_poisson = "dispersion >= 1"

[decisions]
variance = "sample variance: sum of squared deviations over weeks - 1"
peers = "same metric, segment and main product, not ramping, the account itself left out; their median counts from the policy's number of peers on"
fallback = "without an own value the peers' median, without peers the policy's default; without peers the own value is not shrunk"
---*/
with usage_window as (
    select
        account_id,
        metric,
        evaluation_date,
        segment,
        product_id,
        is_ramping,
    from usage_window
    where window_days = 28
),

usage_week as (
    select
        account_id,
        metric,
        weeks_before,
        quantity,
    from usage_week
),

end_day as (
    select cast($as_of as date) - cast(cast($usage_lag_days as bigint) as integer) as until_date
),

-- Weeks of d - 7 are the weeks of d, one further back.
evaluation as (
    select until_date as evaluation_date, 4 as first_week, 15 as last_week from end_day
    union all
    select until_date - 7 as evaluation_date, 5 as first_week, 16 as last_week from end_day
),

summed as (
    select
        usage_week.account_id,
        usage_week.metric,
        evaluation.evaluation_date,
        count(*) as weeks,
        sum(usage_week.quantity) as quantity,
        sum(cast(usage_week.quantity as decimal(38,6)) * cast(usage_week.quantity as decimal(38,6))) as squares,
    from usage_week
    inner join evaluation
        on usage_week.weeks_before >= evaluation.first_week
        and usage_week.weeks_before <= evaluation.last_week
    group by
        usage_week.account_id,
        usage_week.metric,
        evaluation.evaluation_date
),

-- variance / mean = (n * sum of squares - square of the sum) / ((n - 1) * sum)
own as (
    select
        usage_window.account_id,
        usage_window.metric,
        usage_window.evaluation_date,
        usage_window.segment,
        usage_window.product_id,
        usage_window.is_ramping,
        coalesce(summed.weeks, 0) as weeks,
        case
            when summed.weeks >= cast($usage_min_weeks as bigint) and summed.quantity > 0
                then cast(
                    round(
                        (
                            cast(summed.weeks as double) * cast(summed.squares as double)
                            - cast(summed.quantity as double) * cast(summed.quantity as double)
                        ) / (cast(summed.weeks - 1 as double) * cast(summed.quantity as double)),
                        6
                    )
                    as decimal(18,6)
                )
        end as own_dispersion,
    from usage_window
    left join summed
        on summed.account_id = usage_window.account_id
        and summed.metric = usage_window.metric
        and summed.evaluation_date = usage_window.evaluation_date
),

ranked as (
    select
        account_id,
        metric,
        evaluation_date,
        segment,
        product_id,
        own_dispersion,
        row_number() over (
            partition by metric, evaluation_date, segment, product_id
            order by own_dispersion, account_id
        ) as rank,
        count(*) over (partition by metric, evaluation_date, segment, product_id) as members,
    from own
    where
        own_dispersion is not null
        and not is_ramping
),

-- As in usage_peer: three middle values give every member's median of the others.
middle as (
    select
        metric,
        evaluation_date,
        segment,
        product_id,
        max(members) as members,
        max(case when 2 * rank = members - members % 2 then own_dispersion end) as value_h,
        max(case when 2 * rank = members - members % 2 + 2 then own_dispersion end) as value_h1,
        max(case when 2 * rank = members - members % 2 + 4 then own_dispersion end) as value_h2,
    from ranked
    group by
        metric,
        evaluation_date,
        segment,
        product_id
),

seated as (
    select
        own.account_id,
        own.metric,
        own.evaluation_date,
        own.weeks,
        own.own_dispersion,
        coalesce(middle.members, 0) - case when ranked.rank is null then 0 else 1 end as peers,
        case
            when ranked.rank is null and middle.members % 2 = 0 then middle.value_h + middle.value_h1
            when ranked.rank is null then middle.value_h1 + middle.value_h1
            when middle.members % 2 = 0 and 2 * ranked.rank > middle.members then middle.value_h + middle.value_h
            when middle.members % 2 = 0 then middle.value_h1 + middle.value_h1
            when 2 * ranked.rank > middle.members + 1 then middle.value_h + middle.value_h1
            when 2 * ranked.rank > middle.members - 1 then middle.value_h + middle.value_h2
            else middle.value_h1 + middle.value_h2
        end as twice_median,
    from own
    left join middle
        on middle.metric = own.metric
        and middle.evaluation_date = own.evaluation_date
        and middle.segment = own.segment
        and middle.product_id = own.product_id
    left join ranked
        on ranked.account_id = own.account_id
        and ranked.metric = own.metric
        and ranked.evaluation_date = own.evaluation_date
),

known as (
    select
        account_id,
        metric,
        evaluation_date,
        weeks,
        own_dispersion,
        case
            when peers >= cast($usage_min_peers as bigint)
                then cast(round(cast(twice_median as double) / 2, 6) as decimal(18,6))
        end as peer_dispersion,
    from seated
)

select
    account_id,
    metric,
    evaluation_date,
    cast(weeks as bigint) as weeks,
    own_dispersion,
    cast(
        greatest(
            round(
                cast(
                    coalesce(own_dispersion, peer_dispersion, cast(cast($usage_default_dispersion as decimal(9,4)) as decimal(18,6)))
                    + coalesce(peer_dispersion, own_dispersion, cast(cast($usage_default_dispersion as decimal(9,4)) as decimal(18,6)))
                    as double
                ) / 2,
                6
            ),
            cast(1 as double)
        )
        as decimal(18,6)
    ) as dispersion,
from known
