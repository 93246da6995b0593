/*---
title = "What was earned, by the month of service"
owner = "finance"
grain = ["contract_line_id", "cell_no", "month_date"]

[columns]
contract_line_id = { type = "text", doc = "The contract line" }
cell_no = { type = "integer", doc = "Number of the period in the line's grid" }
month_date = { type = "date", doc = "First day of the month of service" }
earned_amount = { type = "decimal(18,4)", doc = "Part of the expected amount whose service was delivered by as_of" }

[checks]
not_null = ["contract_line_id", "cell_no", "month_date", "earned_amount"]

[decisions]
by_day = "Expected spread evenly over the days of the service period; the rounding remainder lies in the period's last month"
delivered = "Days after as_of are not earned yet, whatever was billed in advance"
contract_only = "Reads what was due, never what was billed"
---*/
with waterfall as (
    select
        contract_line_id,
        cell_no,
        period_start_date,
        period_end_date,
        expected_amount,
        minor_digits
    from waterfall
    where expected_amount is not null
        and period_start_date <= cast($as_of as date)
        and period_end_date > period_start_date
),

month_of_period as (
    select
        contract_line_id,
        cell_no,
        period_start_date,
        period_end_date,
        expected_amount,
        minor_digits,
        unnest(
            generate_series(
                cast(date_trunc('month', period_start_date) as date),
                cast(date_trunc('month', period_end_date - 1) as date),
                interval '1 month'
            )
        ) as month_start
    from waterfall
),

bounded as (
    select
        contract_line_id,
        cell_no,
        period_start_date,
        period_end_date,
        expected_amount,
        minor_digits,
        cast(month_start as date) as month_date,
        cast(date_trunc('month', cast(month_start as date) + 31) as date) as next_month_date
    from month_of_period
),

shared as (
    select
        bounded.*,
        greatest(period_start_date, month_date) as from_date,
        least(period_end_date, next_month_date) as to_date,
        least(period_end_date, next_month_date, cast($as_of as date) + 1) as served_to_date,
        next_month_date >= period_end_date as is_last
    from bounded
),

-- Whole months first, so that the remainder does not depend on how far as_of has come.
weighed as (
    select
        shared.*,
        cast(
            cast(expected_amount as double) * cast(to_date - from_date as double) / cast(period_end_date - period_start_date as double)
            as decimal(38, 10)
        ) as whole_share,
        cast(
            cast(expected_amount as double) * cast(served_to_date - from_date as double) / cast(period_end_date - period_start_date as double)
            as decimal(38, 10)
        ) as served_share
    from shared
),

rounded as (
    select
        weighed.*,
        case
            when minor_digits = 0 then cast(round(whole_share, 0) as decimal(18, 4))
            when minor_digits = 3 then cast(round(whole_share, 3) as decimal(18, 4))
            else cast(round(whole_share, 2) as decimal(18, 4))
        end as whole_amount,
        case
            when minor_digits = 0 then cast(round(served_share, 0) as decimal(18, 4))
            when minor_digits = 3 then cast(round(served_share, 3) as decimal(18, 4))
            else cast(round(served_share, 2) as decimal(18, 4))
        end as served_amount
    from weighed
),

settled as (
    select
        rounded.*,
        cast(case
            when is_last
                then expected_amount - sum(case when is_last then cast(0 as decimal(18, 4)) else whole_amount end)
                    over (partition by contract_line_id, cell_no)
            else whole_amount
        end as decimal(18, 4)) as month_amount
    from rounded
)

select
    contract_line_id,
    cell_no,
    month_date,
    cast(case when served_to_date = to_date then month_amount else served_amount end as decimal(18, 4)) as earned_amount
from settled
where served_to_date > from_date
