/*---
title = "The lines between a component's value and its points"
owner = "cs"
grain = ["component", "step"]

[columns]
component = { type = "text", doc = "usage, seats, support or payment" }
step = { type = "integer", doc = "Position along the values, from 1" }
value = { type = "decimal(18,4)", doc = "Where the line begins" }
points = { type = "decimal(9,4)", doc = "Points there" }
next_value = { type = "decimal(18,4)", doc = "Where the line ends; null after the last" }
next_points = { type = "decimal(9,4)", doc = "Points there" }

[checks]
not_null = ["component", "step", "value", "points"]
expect.points_in_range = "points between 0 and 100"

[decisions]
order = "by value, whatever order the policy names them in"
---*/
with knot as (
    select 'usage' as component, 1 as number, cast($health_usage_value_1 as decimal(9,4)) as value, cast($health_usage_points_1 as decimal(9,4)) as points
    union all
    select 'usage' as component, 2 as number, cast($health_usage_value_2 as decimal(9,4)) as value, cast($health_usage_points_2 as decimal(9,4)) as points
    union all
    select 'usage' as component, 3 as number, cast($health_usage_value_3 as decimal(9,4)) as value, cast($health_usage_points_3 as decimal(9,4)) as points
    union all
    select 'usage' as component, 4 as number, cast($health_usage_value_4 as decimal(9,4)) as value, cast($health_usage_points_4 as decimal(9,4)) as points
    union all
    select 'seats' as component, 1 as number, cast($health_seats_value_1 as decimal(9,4)) as value, cast($health_seats_points_1 as decimal(9,4)) as points
    union all
    select 'seats' as component, 2 as number, cast($health_seats_value_2 as decimal(9,4)) as value, cast($health_seats_points_2 as decimal(9,4)) as points
    union all
    select 'seats' as component, 3 as number, cast($health_seats_value_3 as decimal(9,4)) as value, cast($health_seats_points_3 as decimal(9,4)) as points
    union all
    select 'seats' as component, 4 as number, cast($health_seats_value_4 as decimal(9,4)) as value, cast($health_seats_points_4 as decimal(9,4)) as points
    union all
    select 'support' as component, 1 as number, cast($health_support_value_1 as decimal(9,4)) as value, cast($health_support_points_1 as decimal(9,4)) as points
    union all
    select 'support' as component, 2 as number, cast($health_support_value_2 as decimal(9,4)) as value, cast($health_support_points_2 as decimal(9,4)) as points
    union all
    select 'support' as component, 3 as number, cast($health_support_value_3 as decimal(9,4)) as value, cast($health_support_points_3 as decimal(9,4)) as points
    union all
    select 'support' as component, 4 as number, cast($health_support_value_4 as decimal(9,4)) as value, cast($health_support_points_4 as decimal(9,4)) as points
    union all
    select 'payment' as component, 1 as number, cast($health_payment_value_1 as decimal(9,4)) as value, cast($health_payment_points_1 as decimal(9,4)) as points
    union all
    select 'payment' as component, 2 as number, cast($health_payment_value_2 as decimal(9,4)) as value, cast($health_payment_points_2 as decimal(9,4)) as points
    union all
    select 'payment' as component, 3 as number, cast($health_payment_value_3 as decimal(9,4)) as value, cast($health_payment_points_3 as decimal(9,4)) as points
    union all
    select 'payment' as component, 4 as number, cast($health_payment_value_4 as decimal(9,4)) as value, cast($health_payment_points_4 as decimal(9,4)) as points
)

select
    component,
    cast(row_number() over (partition by component order by value, number) as bigint) as step,
    cast(value as decimal(18,4)) as value,
    points,
    cast(lead(value) over (partition by component order by value, number) as decimal(18,4)) as next_value,
    lead(points) over (partition by component order by value, number) as next_points,
from knot
