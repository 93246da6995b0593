/*---
title = "The lines between a component's value and its points"
owner = "cs"
grain = ["component", "step"]

[columns]
component = { type = "text", doc = "The component" }
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
corners = "at most eight corners a line; what is no number stops the run"
---*/
with line as (
    select 'usage' as component, cast($health_points_usage as varchar) as corners
    union all
    select 'breadth' as component, cast($health_points_breadth as varchar) as corners
    union all
    select 'depth' as component, cast($health_points_depth as varchar) as corners
    union all
    select 'onboarding' as component, cast($health_points_onboarding as varchar) as corners
    union all
    select 'seats' as component, cast($health_points_seats as varchar) as corners
    union all
    select 'contract' as component, cast($health_points_contract as varchar) as corners
    union all
    select 'tickets' as component, cast($health_points_tickets as varchar) as corners
    union all
    select 'escalations' as component, cast($health_points_escalations as varchar) as corners
    union all
    select 'resolution' as component, cast($health_points_resolution as varchar) as corners
    union all
    select 'payment' as component, cast($health_points_payment as varchar) as corners
    union all
    select 'reply' as component, cast($health_points_reply as varchar) as corners
    union all
    select 'contacts' as component, cast($health_points_contacts as varchar) as corners
    union all
    select 'threading' as component, cast($health_points_threading as varchar) as corners
    union all
    select 'tone' as component, cast($health_points_tone as varchar) as corners
    union all
    select 'surveys' as component, cast($health_points_surveys as varchar) as corners
),

number as (
    select 1 as number
    union all
    select 2 as number
    union all
    select 3 as number
    union all
    select 4 as number
    union all
    select 5 as number
    union all
    select 6 as number
    union all
    select 7 as number
    union all
    select 8 as number
),

corner as (
    select
        line.component,
        number.number,
        split_part(line.corners, ';', number.number) as corner,
    from line
    cross join number
),

knot as (
    select
        component,
        number,
        cast(split_part(corner, '=', 1) as decimal(18,4)) as value,
        cast(split_part(corner, '=', 2) as decimal(9,4)) as points,
    from corner
    where corner <> ''
)

select
    component,
    cast(row_number() over (partition by component order by value, number) as bigint) as step,
    value,
    points,
    lead(value) over (partition by component order by value, number) as next_value,
    lead(points) over (partition by component order by value, number) as next_points,
from knot
