/*---
title = "Points, weight and contribution of each component"
owner = "cs"
grain = ["account_id", "component"]

[columns]
account_id = { type = "text", doc = "The account" }
component = { type = "text", doc = "The component; unmeasured for weight that nothing known fills" }
family = { type = "text", doc = "The family it belongs to; unmeasured for unmeasured" }
value = { type = "decimal(18,4)", doc = "What was measured, in the component's unit; null where unknown" }
baseline = { type = "decimal(18,4)", doc = "What it is to be compared with" }
points = { type = "decimal(9,4)", doc = "0 to 100 on the lines of the policy; 50 for unmeasured; null where unknown" }
base_weight = { type = "decimal(9,4)", doc = "The family's weight in the account's profile and stage, under the cap, times the component's share of it; 0 for unmeasured" }
weight = { type = "decimal(9,4)", doc = "Weight in this score; adds up to 100 over the account's components; 0 where unknown" }
contribution = { type = "decimal(9,4)", doc = "weight x points / 100; adds up to the score" }
is_measured = { type = "boolean", doc = "The value is known" }
reason = { type = "text", doc = "The numbers, in one sentence" }

[checks]
not_null = ["account_id", "component", "family", "base_weight", "weight", "contribution", "is_measured", "reason"]
expect.points_in_range = "points is null or points between 0 and 100"

[decisions]
applies = "a component that does not apply has no row and no weight: use of a ramping account, seats without seat lines, payment before anything was due, and whatever the job has no source for (use excepted); its family's weight goes to the rest of the family"
cap = "a family over the policy's share of the weight that applies is cut to it, where three or more families apply; two at most can be over a cap from a third of the whole on"
spread = "the weight of the unknown goes to the known, at most the policy's multiple of each; what then remains scores a neutral 50 as unmeasured"
rounding = "weights to 4 decimals by differences of running totals, so that they add up to 100 exactly; contributions to 4 decimals; the score is their sum"
---*/
with component_value as (
    select
        account_id,
        component,
        family,
        value,
        baseline,
        reason,
    from component_value
),

health_profile as (
    select
        account_id,
        family,
        weight,
    from health_profile
    where weight > 0
),

health_knot as (
    select
        component,
        value,
        points,
        next_value,
        next_points,
    from health_knot
),

shared as (
    select
        account_id,
        component,
        family,
        value,
        baseline,
        reason,
        cast(
            nullif(split_part(split_part(concat(';', cast($health_shares as varchar)), concat(';', component, '='), 2), ';', 1), '')
            as decimal(9,4)
        ) as share,
    from component_value
),

-- Shares among the components of a family that apply to the account.
family as (
    select
        shared.account_id,
        shared.family,
        health_profile.weight,
        sum(shared.share) as share,
    from shared
    inner join health_profile
        on health_profile.account_id = shared.account_id
        and health_profile.family = shared.family
    where shared.share > 0
    group by
        shared.account_id,
        shared.family,
        health_profile.weight
),

ranked_family as (
    select
        account_id,
        family,
        weight,
        share,
        row_number() over (partition by account_id order by weight desc, family) as rank,
    from family
),

ranked_account as (
    select
        account_id,
        count(*) as families,
        sum(weight) as weight,
        sum(case when rank = 1 then weight else cast(0 as decimal(9,4)) end) as first_weight,
        sum(case when rank = 2 then weight else cast(0 as decimal(9,4)) end) as second_weight,
    from ranked_family
    group by account_id
),

-- How many families are over the cap: the first by itself; the second only once the first has been cut to it.
over_cap as (
    select
        account_id,
        families,
        weight,
        first_weight,
        second_weight,
        cast(cast($health_family_cap_pct as decimal(9,4)) as double) / 100 as cap,
        case
            when families < 3 then 0
            when first_weight * 100 <= weight * cast($health_family_cap_pct as decimal(9,4)) then 0
            when
                second_weight * (100 - cast($health_family_cap_pct as decimal(9,4)))
                <= (weight - first_weight) * cast($health_family_cap_pct as decimal(9,4))
                then 1
            else 2
        end as capped,
    from ranked_account
),

-- What is cut weighs the cap's share of the whole once the others are left as they are: cap x rest / (1 - n x cap).
capped_family as (
    select
        ranked_family.account_id,
        ranked_family.family,
        ranked_family.share,
        case
            when ranked_family.rank > over_cap.capped then cast(ranked_family.weight as double)
            when over_cap.capped = 1
                then over_cap.cap * cast(over_cap.weight - over_cap.first_weight as double) / (1 - over_cap.cap)
            else over_cap.cap * cast(over_cap.weight - over_cap.first_weight - over_cap.second_weight as double) / (1 - 2 * over_cap.cap)
        end as weight,
    from ranked_family
    inner join over_cap
        on over_cap.account_id = ranked_family.account_id
),

weighed as (
    select
        shared.account_id,
        shared.component,
        shared.family,
        shared.value,
        shared.baseline,
        shared.reason,
        cast(round(capped_family.weight * cast(shared.share as double) / cast(capped_family.share as double), 4) as decimal(9,4)) as base_weight,
    from shared
    inner join capped_family
        on capped_family.account_id = shared.account_id
        and capped_family.family = shared.family
    where shared.share > 0
),

applicable as (
    select
        account_id,
        component,
        family,
        base_weight,
        value,
        baseline,
        reason,
        case when value is not null then base_weight else cast(0 as decimal(9,4)) end as measured_weight,
    from weighed
    where base_weight > 0
),

reach as (
    select
        component,
        min(value) as first_value,
        max(value) as last_value,
    from health_knot
    group by component
),

clamped as (
    select
        applicable.account_id,
        applicable.component,
        least(greatest(applicable.value, reach.first_value), reach.last_value) as value,
    from applicable
    inner join reach
        on reach.component = applicable.component
    where applicable.value is not null
),

-- The line whose values enclose the clamped value; at the very last value its points themselves.
scored as (
    select
        clamped.account_id,
        clamped.component,
        case
            when health_knot.next_value is null then health_knot.points
            else cast(
                round(
                    cast(health_knot.points as double)
                    + cast(health_knot.next_points - health_knot.points as double)
                    * cast(clamped.value - health_knot.value as double)
                    / cast(health_knot.next_value - health_knot.value as double),
                    4
                )
                as decimal(9,4)
            )
        end as points,
    from clamped
    inner join health_knot
        on health_knot.component = clamped.component
        and health_knot.value <= clamped.value
        and (health_knot.next_value is null or health_knot.next_value > clamped.value)
),

running as (
    select
        account_id,
        component,
        family,
        base_weight,
        value,
        baseline,
        reason,
        sum(base_weight) over (partition by account_id) as applicable_weight,
        sum(measured_weight) over (partition by account_id) as known_weight,
        sum(measured_weight) over (
            partition by account_id
            order by component
            rows between unbounded preceding and current row
        ) as running_weight,
        measured_weight,
    from applicable
),

-- What the known components weigh together: their share, grown at most by the policy's multiple.
spread as (
    select
        account_id,
        component,
        family,
        base_weight,
        value,
        baseline,
        reason,
        measured_weight,
        running_weight,
        known_weight,
        cast(
            round(
                least(
                    cast(cast($health_spread_limit as decimal(9,4)) as double) * 100 * cast(known_weight as double) / cast(applicable_weight as double),
                    cast(100 as double)
                ),
                4
            )
            as decimal(9,4)
        ) as total_weight,
    from running
),

weighted as (
    select
        account_id,
        component,
        family,
        base_weight,
        value,
        baseline,
        reason,
        total_weight,
        case
            when known_weight = 0 then cast(0 as decimal(9,4))
            else cast(
                cast(round(cast(total_weight as double) * cast(running_weight as double) / cast(known_weight as double), 4) as decimal(9,4))
                - cast(round(cast(total_weight as double) * cast(running_weight - measured_weight as double) / cast(known_weight as double), 4) as decimal(9,4))
                as decimal(9,4)
            )
        end as weight,
    from spread
),

left_over as (
    select
        account_id,
        max(cast(100 as decimal(9,4)) - total_weight) as weight,
        string_agg(case when value is null then component end, ', ' order by component) as unknown,
    from weighted
    group by account_id
),

every_component as (
    select
        weighted.account_id,
        weighted.component,
        weighted.family,
        weighted.value,
        weighted.baseline,
        scored.points,
        weighted.base_weight,
        weighted.weight,
        weighted.value is not null as is_measured,
        weighted.reason,
    from weighted
    left join scored
        on scored.account_id = weighted.account_id
        and scored.component = weighted.component
    union all
    select
        account_id,
        'unmeasured' as component,
        'unmeasured' as family,
        cast(null as decimal(18,4)) as value,
        cast(null as decimal(18,4)) as baseline,
        cast(50 as decimal(9,4)) as points,
        cast(0 as decimal(9,4)) as base_weight,
        cast(weight as decimal(9,4)) as weight,
        false as is_measured,
        concat(unknown, ' unknown: neutral') as reason,
    from left_over
    where weight > 0
)

select
    account_id,
    component,
    family,
    value,
    baseline,
    points,
    base_weight,
    weight,
    cast(round(cast(weight as double) * cast(coalesce(points, cast(0 as decimal(9,4))) as double) / 100, 4) as decimal(9,4)) as contribution,
    is_measured,
    reason,
from every_component
