/*---
title = "What a contract is worth in a year"
owner = "finance"
grain = ["contract_id"]

[columns]
contract_id = { type = "text", doc = "Canonical contract" }
annual_value = { type = "decimal(18,4)", doc = "Recurring lines at the terms in force for twelve months, and the usage due in the last twelve; null where nothing can be rated" }

[checks]
not_null = ["contract_id"]

[decisions]
recurring = "Quantity, price and discounts of the last charged day of the period that holds as_of, or the last one before, for twelve months; tiered lines: that period's expected amount for twelve months"
usage = "Expected amounts of the usage periods that ended within the 365 days up to as_of"
left_out = "One-off charges and true-ups do not come again by themselves"
---*/
with waterfall as (
    select
        contract_line_id,
        cell_no,
        component,
        period_start_date,
        period_end_date,
        expected_amount,
        charged_days,
        last_quantity,
        last_price,
        last_discount_factor,
        last_discount_amount
    from waterfall
    where component <> 'one_off'
        and period_start_date <= cast($as_of as date)
        and charged_days > 0
),

line_grid as (
    select
        contract_line_id,
        contract_id,
        months,
        is_rated,
        life_end_date,
        minor_digits
    from line_grid
),

latest as (
    select *
    from waterfall
    where component = 'charge'
    qualify row_number() over (partition by contract_line_id order by cell_no desc) = 1
),

-- Estimates of one line each: floats are good enough.
line_value as (
    select
        line_grid.contract_id,
        line_grid.minor_digits,
        cast(case
            when line_grid.months is null
                then cast(latest.expected_amount as double) * 365 / cast(greatest(latest.period_end_date - latest.period_start_date, 1) as double)
            when line_grid.is_rated then cast(latest.expected_amount as double) * 12 / cast(line_grid.months as double)
            else (
                cast(latest.last_quantity as double) * cast(latest.last_price as double) * cast(latest.last_discount_factor as double)
                - cast(latest.last_discount_amount as double)
            ) * 12 / cast(line_grid.months as double)
        end as decimal(38,10)) as value
    from latest
    inner join line_grid
        on latest.contract_line_id = line_grid.contract_line_id
    where line_grid.life_end_date > cast($as_of as date)
    union all
    select
        line_grid.contract_id,
        line_grid.minor_digits,
        cast(waterfall.expected_amount as decimal(38,10)) as value
    from waterfall
    inner join line_grid
        on waterfall.contract_line_id = line_grid.contract_line_id
    where waterfall.component = 'usage'
        and waterfall.period_end_date <= cast($as_of as date)
        and waterfall.period_end_date > cast($as_of as date) - 365
),

summed as (
    select
        contract_id,
        max(minor_digits) as minor_digits,
        sum(value) as value
    from line_value
    group by contract_id
)

select
    contract_id,
    case
        when minor_digits = 0 then cast(round(value, 0) as decimal(18,4))
        when minor_digits = 3 then cast(round(value, 3) as decimal(18,4))
        else cast(round(value, 2) as decimal(18,4))
    end as annual_value
from summed
