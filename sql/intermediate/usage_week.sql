/*---
title = "Use by whole week, counted back from the day"
owner = "cs"
grain = ["account_id", "metric", "weeks_before"]

[columns]
account_id = { type = "text", doc = "The account" }
metric = { type = "text", doc = "The metric" }
weeks_before = { type = "integer", doc = "0 is the week that ends before d, 16 the oldest" }
quantity = { type = "decimal(18,6)", doc = "Use in the week" }

[checks]
not_null = ["account_id", "metric", "weeks_before", "quantity"]
expect.in_range = "weeks_before between 0 and 16"

[decisions]
whole = "only weeks with seven measured days and none masked: a holiday or a gap is not noise of the customer's"
---*/
with usage_measured_day as (
    select
        account_id,
        metric,
        usage_date,
        quantity,
        is_masked,
    from usage_measured_day
),

placed as (
    select
        account_id,
        metric,
        cast($as_of as date) - cast(cast($usage_lag_days as bigint) as integer) - 1 - usage_date as days_before,
        quantity,
        is_masked,
    from usage_measured_day
),

weekly as (
    select
        account_id,
        metric,
        (days_before - days_before % 7) as days_before,
        sum(quantity) as quantity,
        count(*) as days,
        bool_or(is_masked) as is_masked,
    from placed
    group by
        account_id,
        metric,
        (days_before - days_before % 7)
)

select
    account_id,
    metric,
    cast(cast(days_before as double) / 7 as bigint) as weeks_before,
    cast(quantity as decimal(18,6)) as quantity,
from weekly
where
    days = 7
    and not is_masked
