/*---
title = "Use of 28 days against the same 28 days a year ago"
owner = "cs"
grain = ["account_id", "metric"]

[columns]
account_id = { type = "text", doc = "The account" }
metric = { type = "text", doc = "The metric" }
current_quantity = { type = "decimal(18,6)", doc = "Use in [d - 28, d)" }
last_year_quantity = { type = "decimal(18,6)", doc = "Use in [d - 392, d - 364): 52 weeks earlier, so that weekdays align" }
change_pct = { type = "decimal(18,4)", doc = "One over the other less 1, percent points" }

[checks]
not_null = ["account_id", "metric", "current_quantity", "last_year_quantity", "change_pct"]

[decisions]
rows = "only where both windows have the days a window needs and there was use a year ago. From events a day without one is a zero from the first event on"
masks = "holidays move from year to year and stay in: this shows the season, it is no test"
---*/
with usage_subject as (
    select
        account_id,
        metric,
        first_rolled_date,
        is_derived,
    from usage_subject
),

usage_measured_day as (
    select
        account_id,
        metric,
        usage_date,
        quantity,
    from usage_measured_day
    where usage_date >= cast($as_of as date) - cast(cast($usage_lag_days as bigint) as integer) - 28
),

usage_daily as (
    select
        account_id,
        metric,
        usage_date,
        quantity,
        core_actions,
        sessions,
    from usage_daily
    where
        usage_date < cast($as_of as date) - cast(cast($usage_lag_days as bigint) as integer) - 364
        and usage_date >= cast($as_of as date) - cast(cast($usage_lag_days as bigint) as integer) - 392
),

per_day as (
    select
        account_id,
        metric,
        usage_date,
        sum(quantity) as quantity,
    from usage_daily
    group by
        account_id,
        metric,
        usage_date
),

over_metrics as (
    select
        account_id,
        usage_date,
        sum(cast(core_actions as decimal(18,6))) as core_actions,
        cast(max(sessions) as decimal(18,6)) as sessions,
    from usage_daily
    group by
        account_id,
        usage_date
),

day as (
    select account_id, metric, usage_date, quantity, false as is_derived
    from per_day
    union all
    select account_id, 'core_actions' as metric, usage_date, core_actions as quantity, true as is_derived
    from over_metrics
    where core_actions is not null
    union all
    select account_id, 'sessions' as metric, usage_date, sessions as quantity, true as is_derived
    from over_metrics
    where sessions is not null
),

last_year as (
    select
        day.account_id,
        day.metric,
        max(case when usage_subject.first_rolled_date <= cast($as_of as date) - cast(cast($usage_lag_days as bigint) as integer) - 392 then 28 else 0 end)
            as rolled_days,
        count(*) as days,
        sum(day.quantity) as quantity,
    from day
    inner join usage_subject
        on usage_subject.account_id = day.account_id
        and usage_subject.metric = day.metric
        and usage_subject.is_derived = day.is_derived
    group by
        day.account_id,
        day.metric
),

current_days as (
    select
        account_id,
        metric,
        count(*) as days,
        sum(quantity) as quantity,
    from usage_measured_day
    group by
        account_id,
        metric
)

select
    last_year.account_id,
    last_year.metric,
    cast(current_days.quantity as decimal(18,6)) as current_quantity,
    cast(last_year.quantity as decimal(18,6)) as last_year_quantity,
    cast(round((cast(current_days.quantity as double) / cast(last_year.quantity as double) - 1) * 100, 4) as decimal(18,4)) as change_pct,
from last_year
inner join current_days
    on current_days.account_id = last_year.account_id
    and current_days.metric = last_year.metric
where
    last_year.quantity > 0
    and greatest(last_year.days, last_year.rolled_days) >= cast($usage_min_measured_days as bigint)
    and current_days.days >= cast($usage_min_measured_days as bigint)
