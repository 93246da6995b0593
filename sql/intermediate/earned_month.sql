/*---
title = "What was earned, by the month of service"
owner = "finance"
grain = ["contract_line_id", "cell_no", "month_date"]

[columns]
contract_line_id = { type = "text", doc = "The contract line, or the commitment of a true-up" }
cell_no = { type = "integer", doc = "Number of the period" }
account_id = { type = "text", doc = "The account" }
currency = { type = "text", doc = "Contract currency" }
month_date = { type = "date", doc = "First day of the month of service" }
earned_amount = { type = "decimal(18,4)", doc = "Part of the expected amount whose service was delivered by as_of" }

[checks]
not_null = ["contract_line_id", "cell_no", "month_date", "earned_amount"]

[decisions]
by_day = "Expected spread evenly over the days of the service period; the rounding remainder lies in the period's last month"
delivered = "Days after as_of are not earned yet, whatever was billed in advance"
one_off = "A one-off charge is earned on the day it is due, which is its acceptance where the contract says so; a true-up on the last day of the commitment's period"
contract_only = "Reads what was due, never what was billed"
---*/
with line_grid as (
    select
        contract_line_id,
        account_id,
        currency,
        minor_digits
    from line_grid
),

waterfall as (
    select
        contract_line_id,
        cell_no,
        component,
        billable_date,
        period_start_date,
        period_end_date,
        expected_amount
    from waterfall
    where expected_amount is not null
        and period_end_date > period_start_date
),

commitment_period as (
    select
        commitment_id,
        period_no,
        account_id,
        currency,
        period_end_date,
        expected_amount
    from commitment_period
    where verdict <> 'unverifiable'
        and expected_amount is not null
        and period_end_date <= cast($as_of as date)
),

commitment_grid as (
    select
        commitment_id,
        minor_digits
    from commitment_grid
),

-- What is earned at once has a day, what is earned over time its service period.
served_period as (
    select
        waterfall.contract_line_id,
        waterfall.cell_no,
        line_grid.account_id,
        line_grid.currency,
        line_grid.minor_digits,
        waterfall.expected_amount,
        case when waterfall.component = 'one_off' then waterfall.billable_date else waterfall.period_start_date end as period_start_date,
        case when waterfall.component = 'one_off' then cast(waterfall.billable_date + 1 as date) else waterfall.period_end_date end as period_end_date
    from waterfall
    inner join line_grid
        on waterfall.contract_line_id = line_grid.contract_line_id
    union all
    select
        commitment_period.commitment_id as contract_line_id,
        commitment_period.period_no as cell_no,
        commitment_period.account_id,
        commitment_period.currency,
        commitment_grid.minor_digits,
        commitment_period.expected_amount,
        cast(commitment_period.period_end_date - 1 as date) as period_start_date,
        commitment_period.period_end_date
    from commitment_period
    inner join commitment_grid
        on commitment_period.commitment_id = commitment_grid.commitment_id
),

month_of_period as (
    select
        served_period.*,
        unnest(
            generate_series(
                cast(date_trunc('month', period_start_date) as date),
                cast(date_trunc('month', least(period_end_date - 1, cast($as_of as date))) as date),
                interval '1 month'
            )
        ) as month_start
    from served_period
    where period_start_date <= cast($as_of as date)
),

bounded as (
    select
        month_of_period.*,
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

counted as (
    select
        shared.*,
        cast(to_date - from_date as decimal(9, 0)) as month_days,
        cast(served_to_date - from_date as decimal(9, 0)) as served_days,
        cast(period_end_date - period_start_date as decimal(9, 0)) as period_days
    from shared
),

-- The whole part by rounding, the rest exactly, so that halves survive large amounts.
halved as (
    select
        counted.*,
        cast(round(cast(expected_amount as double) * cast(month_days as double) / cast(period_days as double)) as decimal(38, 0)) as month_units,
        cast(round(cast(expected_amount as double) * cast(served_days as double) / cast(period_days as double)) as decimal(38, 0)) as served_units
    from counted
),

-- Whole months first, so that the remainder does not depend on how far as_of has come.
weighed as (
    select
        halved.*,
        month_units + cast(cast(
            cast(expected_amount as decimal(38, 4)) * month_days - month_units * period_days as double
        ) / cast(period_days as double) as decimal(38, 10)) as whole_share,
        served_units + cast(cast(
            cast(expected_amount as decimal(38, 4)) * served_days - served_units * period_days as double
        ) / cast(period_days as double) as decimal(38, 10)) as served_share
    from halved
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
    account_id,
    currency,
    month_date,
    cast(case when served_to_date = to_date then month_amount else served_amount end as decimal(18, 4)) as earned_amount
from settled
where served_to_date > from_date
