/*---
title = "Exchange rates for annual recurring revenue, by currency and month"
owner = "finance"
grain = ["currency", "month_date"]

[columns]
currency = { type = "text", doc = "Contract currency" }
month_date = { type = "date", doc = "First of a month, the day measured" }
fx_rate = { type = "decimal(18,8)", doc = "Units of the reporting currency for one of the currency" }
reporting_digits = { type = "integer", doc = "Decimals of the reporting currency" }

[checks]
not_null = ["currency", "month_date", "fx_rate", "reporting_digits"]

[decisions]
rate = "The rate of the day, else the latest one not older than fx_max_age_days; a currency without one has no row, never 1"
---*/
with line_arr as (
    select
        currency,
        month_date
    from line_arr
),

calendar_month as (
    select first_date
    from calendar_month
),

fx_rate as (
    select
        rate_date,
        from_currency,
        rate
    from fx_rate
    where to_currency = cast($reporting_currency as varchar)
        and rate_date <= cast($as_of as date)
),

currency_minor_unit as (
    select minor_digits
    from currency_minor_unit
    where currency = cast($reporting_currency as varchar)
),

reporting as (
    select coalesce(max(minor_digits), 2) as reporting_digits
    from currency_minor_unit
),

used as (
    select
        currency,
        min(month_date) as first_month_date
    from line_arr
    group by currency
),

-- Every month from the first one: what has ended is valued at the end of its last month.
wanted as (
    select
        used.currency,
        calendar_month.first_date as month_date
    from used
    inner join calendar_month
        on used.first_month_date <= calendar_month.first_date
    where calendar_month.first_date <= cast($as_of as date)
),

newest as (
    select
        wanted.currency,
        wanted.month_date,
        fx_rate.rate
    from wanted
    inner join fx_rate
        on wanted.currency = fx_rate.from_currency
        and fx_rate.rate_date <= wanted.month_date
        and fx_rate.rate_date >= wanted.month_date - cast(cast($fx_max_age_days as bigint) as int)
    where wanted.currency <> cast($reporting_currency as varchar)
    qualify row_number() over (partition by wanted.currency, wanted.month_date order by fx_rate.rate_date desc) = 1
),

every_rate as (
    select
        currency,
        month_date,
        rate as fx_rate
    from newest
    union all
    select
        currency,
        month_date,
        cast(1 as decimal(18,8)) as fx_rate
    from wanted
    where currency = cast($reporting_currency as varchar)
)

select
    every_rate.currency,
    every_rate.month_date,
    every_rate.fx_rate,
    cast(reporting.reporting_digits as bigint) as reporting_digits
from every_rate
cross join reporting
