/*---
title = "The day on which a billing period begins, for every month and anchor day"
owner = "finance"
grain = ["month_no", "anchor_day"]

[columns]
month_no = { type = "integer", doc = "12 * year + month - 1, from January 1980 to December 2119" }
anchor_day = { type = "integer", doc = "Day of month of the anchor, 1 to 31" }
boundary_date = { type = "date", doc = "That day in that month, or the month's last day where the month is shorter" }

[checks]
not_null = ["month_no", "anchor_day", "boundary_date"]

[decisions]
clamping = "Each boundary is clamped from the anchor's own day, so the 31st gives 28 February and then 31 March again"
---*/
with months as (
    select unnest(generate_series(23760, 25439)) as month_no
),

days as (
    select unnest(generate_series(1, 31)) as anchor_day
),

first_days as (
    select
        cast(month_no as bigint) as month_no,
        make_date(
            cast(floor(cast(month_no as double) / 12) as bigint),
            cast(month_no as bigint) - 12 * cast(floor(cast(month_no as double) / 12) as bigint) + 1,
            1
        ) as first_date
    from months
),

lengths as (
    select
        month_no,
        first_date,
        coalesce(lead(first_date) over (order by month_no) - first_date, 31) as day_count
    from first_days
)

select
    lengths.month_no,
    cast(days.anchor_day as bigint) as anchor_day,
    cast(lengths.first_date + cast(least(days.anchor_day, lengths.day_count) - 1 as int) as date) as boundary_date
from lengths
cross join days
