/*---
title = "Calendar months, to find the day on which a billing period begins"
owner = "finance"
grain = ["month_no"]

[columns]
month_no = { type = "integer", doc = "12 * year + month - 1, from January 1950 to January 2200" }
first_date = { type = "date", doc = "First day of the month" }
day_count = { type = "integer", doc = "Days of the month" }

[checks]
not_null = ["month_no", "first_date", "day_count"]

[decisions]
clamping = "A boundary lies on the anchor's own day or, in a shorter month, on its last day: first_date + least(anchor_day, day_count) - 1, so the 31st gives 28 February and then 31 March again"
---*/
with month_numbers as (
    select unnest(generate_series(23400, 26400)) as month_no
),

first_days as (
    select
        cast(month_no as bigint) as month_no,
        make_date(
            cast(floor(cast(month_no as double) / 12) as bigint),
            cast(month_no as bigint) - 12 * cast(floor(cast(month_no as double) / 12) as bigint) + 1,
            1
        ) as first_date
    from month_numbers
)

select
    month_no,
    first_date,
    cast(coalesce(lead(first_date) over (order by month_no) - first_date, 31) as bigint) as day_count
from first_days
