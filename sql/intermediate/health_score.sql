/*---
title = "The score, its coverage and why"
owner = "cs"
grain = ["account_id"]

[columns]
account_id = { type = "text", doc = "The account" }
score = { type = "decimal(9,4)", doc = "Sum of the contributions, 0 to 100" }
coverage_pct = { type = "decimal(9,4)", doc = "Known share of the weight that applies, percent points" }
is_sufficient = { type = "boolean", doc = "Coverage reaches the policy's share" }
weakest_component = { type = "text", doc = "The known component with the fewest points" }
weakest_points = { type = "decimal(9,4)", doc = "Its points" }
unknown_components = { type = "text", doc = "Components that apply and are unknown" }
floor_band = { type = "text", doc = "The best band that facts allow; null without such facts" }
first_floor = { type = "text", doc = "The gravest such fact" }
reasons = { type = "text", doc = "Facts, weak components and unknown ones, joined by semicolons" }

[checks]
not_null = ["account_id", "score", "coverage_pct", "is_sufficient", "reasons"]
expect.score_in_range = "score between 0 and 100"

[decisions]
coverage = "policy weights, before the unknown weight is spread"
reasons = "facts first, then known components under the yellow line from the weakest on, then what is unknown"
---*/
with component_score as (
    select
        account_id,
        component,
        points,
        base_weight,
        contribution,
        is_measured,
        reason,
    from component_score
),

health_floor as (
    select
        account_id,
        floor,
        band,
        reason,
    from health_floor
),

ranked_floor as (
    select
        account_id,
        floor,
        band,
        reason,
        row_number() over (
            partition by account_id
            order by
                case floor
                    when 'notice_served' then 1
                    when 'unpaid' then 2
                    when 'auto_renew_off' then 3
                    when 'ticket_open' then 4
                    else 5
                end,
                floor
        ) as rank,
    from health_floor
),

floored as (
    select
        account_id,
        min(band) as band,
        max(case when rank = 1 then floor end) as first_floor,
    from ranked_floor
    group by account_id
),

ranked_component as (
    select
        account_id,
        component,
        points,
        base_weight,
        contribution,
        is_measured,
        reason,
        row_number() over (
            partition by account_id
            order by case when is_measured then 0 else 1 end, points, component
        ) as rank,
    from component_score
),

summed as (
    select
        account_id,
        sum(contribution) as score,
        sum(base_weight) as applicable_weight,
        sum(case when is_measured then base_weight else cast(0 as decimal(9,4)) end) as known_weight,
        max(case when rank = 1 and is_measured then component end) as weakest_component,
        max(case when rank = 1 and is_measured then points end) as weakest_points,
        string_agg(case when not is_measured and component <> 'unmeasured' then component end, ', ' order by component) as unknown_components,
    from ranked_component
    group by account_id
),

reason as (
    select
        account_id,
        1 as part,
        rank,
        reason,
    from ranked_floor
    union all
    select
        account_id,
        2 as part,
        rank,
        reason,
    from ranked_component
    where
        is_measured
        and points < cast($health_yellow_enter as decimal(9,4))
    union all
    select
        account_id,
        3 as part,
        rank,
        reason,
    from ranked_component
    where
        not is_measured
        and component <> 'unmeasured'
),

reasoned as (
    select
        account_id,
        string_agg(reason, '; ' order by part, rank) as reasons,
    from reason
    group by account_id
),

covered as (
    select
        account_id,
        score,
        weakest_component,
        weakest_points,
        unknown_components,
        cast(round(cast(known_weight as double) / cast(applicable_weight as double) * 100, 4) as decimal(9,4)) as coverage_pct,
    from summed
)

select
    covered.account_id,
    cast(covered.score as decimal(9,4)) as score,
    covered.coverage_pct,
    covered.coverage_pct >= cast($health_min_coverage_pct as decimal(9,4)) as is_sufficient,
    covered.weakest_component,
    covered.weakest_points,
    covered.unknown_components,
    floored.band as floor_band,
    floored.first_floor,
    coalesce(reasoned.reasons, 'nothing stands out') as reasons,
from covered
left join floored
    on floored.account_id = covered.account_id
left join reasoned
    on reasoned.account_id = covered.account_id
