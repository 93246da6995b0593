/*---
title = "Annual recurring revenue as it is billed, by contract line and month"
owner = "finance"
grain = ["contract_line_id", "month_date"]

[columns]
contract_line_id = { type = "text", doc = "Canonical contract line" }
month_date = { type = "date", doc = "First of a month, the day measured" }
billed_cell_no = { type = "integer", doc = "The service period whose billing counts" }
arr_billed = { type = "decimal(18,4)", doc = "A year of what is billed for a whole period" }
arr_due = { type = "decimal(18,4)", doc = "A year at the terms of that period's last charged day" }

[checks]
not_null = ["contract_line_id", "month_date", "billed_cell_no", "arr_billed", "arr_due"]

[decisions]
which = "The service period that holds the day if it could be checked by as_of, else the latest one before it that could; lines without one have no row"
whole = "What was billed is restated to a whole period: a prorated first month counts like a full one, and a period with nothing posted counts nothing"
quantity = "At the billed quantity and price: what is not billed for want of days is a gap of one period, not of the year"
---*/
with line_arr as (
    select
        contract_line_id,
        month_date,
        cell_no,
        minor_digits
    from line_arr
    where component = 'charge'
),

line_grid as (
    select
        contract_line_id,
        months,
        life_start_date,
        life_end_date
    from line_grid
    where component = 'charge'
),

waterfall as (
    select
        contract_line_id,
        cell_no,
        is_rated or prepaid_commitment_id is not null as is_rated,
        charged_days,
        days_numerator,
        days_denominator,
        line_count,
        billed_quantity,
        quantity_fraction,
        billed_net_amount,
        expected_amount,
        last_quantity,
        last_price,
        last_discount_factor,
        last_discount_amount
    from waterfall
    where component = 'charge'
        and verdict = 'verified'
        and charged_days > 0
),

-- The latest checked period up to each measured one.
known as (
    select
        contract_line_id,
        cell_no,
        true as is_checked
    from waterfall
    union all
    select distinct
        contract_line_id,
        cell_no,
        false as is_checked
    from line_arr
),

numbered as (
    select
        contract_line_id,
        cell_no,
        max(case when is_checked then cell_no end) as checked_cell_no
    from known
    group by
        contract_line_id,
        cell_no
),

carried as (
    select
        contract_line_id,
        cell_no,
        max(checked_cell_no) over (partition by contract_line_id order by cell_no) as billed_cell_no
    from numbered
),

-- Estimates of one line each: floats are good enough.
valued as (
    select
        waterfall.contract_line_id,
        waterfall.cell_no,
        case
            when waterfall.is_rated and waterfall.days_numerator > 0
                then cast(waterfall.expected_amount as double) * cast(waterfall.days_denominator as double) / cast(waterfall.days_numerator as double)
            when waterfall.is_rated then cast(waterfall.expected_amount as double)
            else greatest(
                cast(waterfall.last_quantity as double) * cast(waterfall.last_price as double) * cast(waterfall.last_discount_factor as double)
                    - cast(waterfall.last_discount_amount as double),
                cast(0 as double)
            )
        end * case
            when line_grid.months is not null then cast(12 as double) / cast(line_grid.months as double)
            else cast(365 as double) / cast(greatest(line_grid.life_end_date - line_grid.life_start_date, 1) as double)
        end as due_value,
        case
            when waterfall.line_count = 0 then cast(0 as double)
            when not waterfall.is_rated and waterfall.quantity_fraction > 0
                then cast(waterfall.billed_quantity as double) * cast(waterfall.billed_net_amount as double) / cast(waterfall.quantity_fraction as double)
            when waterfall.days_numerator > 0
                then cast(waterfall.billed_net_amount as double) * cast(waterfall.days_denominator as double) / cast(waterfall.days_numerator as double)
            else cast(waterfall.billed_net_amount as double)
        end * case
            when line_grid.months is not null then cast(12 as double) / cast(line_grid.months as double)
            else cast(365 as double) / cast(greatest(line_grid.life_end_date - line_grid.life_start_date, 1) as double)
        end as value
    from waterfall
    inner join line_grid
        on waterfall.contract_line_id = line_grid.contract_line_id
),

priced as (
    select
        line_arr.contract_line_id,
        line_arr.month_date,
        carried.billed_cell_no,
        line_arr.minor_digits,
        cast(valued.value as decimal(38,10)) as value,
        cast(valued.due_value as decimal(38,10)) as due_value
    from line_arr
    inner join carried
        on line_arr.contract_line_id = carried.contract_line_id
        and line_arr.cell_no = carried.cell_no
    inner join valued
        on carried.contract_line_id = valued.contract_line_id
        and carried.billed_cell_no = valued.cell_no
)

select
    contract_line_id,
    month_date,
    billed_cell_no,
    case
        when minor_digits = 0 then cast(round(value, 0) as decimal(18,4))
        when minor_digits = 3 then cast(round(value, 3) as decimal(18,4))
        else cast(round(value, 2) as decimal(18,4))
    end as arr_billed,
    case
        when minor_digits = 0 then cast(round(due_value, 0) as decimal(18,4))
        when minor_digits = 3 then cast(round(due_value, 3) as decimal(18,4))
        else cast(round(due_value, 2) as decimal(18,4))
    end as arr_due
from priced
