/*---
title = "What a currency is worth in the reporting currency on the day"
owner = "finance"
grain = ["currency"]

[columns]
currency = { type = "text", doc = "The currency" }
rate = { type = "decimal(18,8)", doc = "Reporting currency for one of it; 1 for the reporting currency itself" }
minor_digits = { type = "integer", doc = "Decimals of the reporting currency" }

[checks]
not_null = ["currency", "rate", "minor_digits"]

[decisions]
latest = "The rate of as_of, else the latest one not older than fx_max_age_days; a currency without one has no row, so that its amounts are unknown and never taken at 1"
---*/
with fx_rate as (
    select
        from_currency,
        rate_date,
        rate,
    from fx_rate
    where
        to_currency = cast($reporting_currency as varchar)
        and from_currency <> cast($reporting_currency as varchar)
        and rate_date <= cast($as_of as date)
        and rate_date > cast($as_of as date) - cast(cast($fx_max_age_days as bigint) as int)
),

currency_minor_unit as (
    select
        currency,
        minor_digits,
    from currency_minor_unit
),

latest as (
    select
        from_currency,
        rate,
    from fx_rate
    qualify row_number() over (partition by from_currency order by rate_date desc) = 1
),

rated as (
    select
        from_currency as currency,
        cast(rate as decimal(18,8)) as rate,
    from latest
    union all
    select
        cast($reporting_currency as varchar) as currency,
        cast(1 as decimal(18,8)) as rate,
)

select
    rated.currency,
    rated.rate,
    cast(coalesce(currency_minor_unit.minor_digits, 2) as bigint) as minor_digits,
from rated
left join currency_minor_unit
    on currency_minor_unit.currency = cast($reporting_currency as varchar)
