/*---
title = "The bridge of annual recurring revenue closes to the cent, and ties to the contract lines"
owner = "finance"
severity = "block"

[columns]
month_date = { type = "date", doc = "First of a month, the day measured" }
segment = { type = "text", doc = "The segment" }
bridge_difference = { type = "decimal(18,4)", doc = "Opening plus movements less closing" }
chain_difference = { type = "decimal(18,4)", doc = "Opening less the closing of the month before" }
movement_difference = { type = "decimal(18,4)", doc = "The bridge's movements less those of arr_movement" }
currency = { type = "text", doc = "Contract currency, of differences between lines and movements" }
line_difference = { type = "decimal(18,4)", doc = "What contract lines changed less what arr_movement says, in the contract's currency" }
---*/
with revenue_retention as (
    select
        month_date,
        segment,
        opening_arr,
        cast(
            new_arr + expansion_new_product_arr + expansion_quantity_arr + expansion_ramp_arr + expansion_uplift_arr + expansion_discount_end_arr
            + reactivation_arr + contraction_arr + product_churn_arr + logo_churn_arr + unverifiable_arr + fx_arr
            as decimal(18,4)
        ) as movement,
        closing_arr
    from revenue_retention
    where segment <> 'all'
),

arr_movement as (
    select
        segment,
        currency,
        month_date,
        amount,
        amount_reporting
    from arr_movement
),

line_arr as (
    select
        account_id,
        currency,
        month_date,
        arr_contracted
    from line_arr
    where arr_contracted is not null
),

account as (
    select account_id
    from account
    where is_internal
),

calendar_month as (
    select
        month_no,
        first_date
    from calendar_month
),

month_window as (
    select
        first_month.first_date as first_month_date,
        last_month.first_date as last_month_date
    from calendar_month as last_month
    inner join calendar_month as first_month
        on last_month.month_no - cast($arr_history_months as bigint) = first_month.month_no
    where last_month.first_date = cast(date_trunc('month', cast($as_of as date)) as date)
),

-- The bridge against itself, against the month before and against the movements it adds up.
bridge_amount as (
    select
        month_date,
        segment,
        cast(opening_arr + movement - closing_arr as decimal(18,4)) as bridge,
        opening_arr as chain,
        movement
    from revenue_retention
    union all
    select
        cast(date_trunc('month', revenue_retention.month_date + 31) as date) as month_date,
        revenue_retention.segment,
        cast(0 as decimal(18,4)) as bridge,
        cast(- revenue_retention.closing_arr as decimal(18,4)) as chain,
        cast(0 as decimal(18,4)) as movement
    from revenue_retention
    cross join month_window
    where revenue_retention.month_date < month_window.last_month_date
    union all
    select
        month_date,
        segment,
        cast(0 as decimal(18,4)) as bridge,
        cast(0 as decimal(18,4)) as chain,
        cast(- amount_reporting as decimal(18,4)) as movement
    from arr_movement
),

bridge as (
    select
        bridge_amount.month_date,
        bridge_amount.segment,
        cast(sum(bridge_amount.bridge) as decimal(18,4)) as bridge_difference,
        cast(sum(case when bridge_amount.month_date > cast(date_trunc('month', month_window.first_month_date + 31) as date) then bridge_amount.chain else 0 end) as decimal(18,4)) as chain_difference,
        cast(sum(bridge_amount.movement) as decimal(18,4)) as movement_difference
    from bridge_amount
    cross join month_window
    group by
        bridge_amount.month_date,
        bridge_amount.segment
),

-- Contract lines against the movements, in the contract's own currency.
line_amount as (
    select
        line_arr.currency,
        line_arr.month_date,
        line_arr.account_id,
        line_arr.arr_contracted as amount
    from line_arr
    union all
    select
        line_arr.currency,
        cast(date_trunc('month', line_arr.month_date + 31) as date) as month_date,
        line_arr.account_id,
        - line_arr.arr_contracted as amount
    from line_arr
),

every_line as (
    select
        line_amount.currency,
        line_amount.month_date,
        line_amount.amount
    from line_amount
    cross join month_window
    left join account
        on line_amount.account_id = account.account_id
    where account.account_id is null
        and line_amount.month_date > month_window.first_month_date
        and line_amount.month_date <= month_window.last_month_date
    union all
    select
        currency,
        month_date,
        - amount as amount
    from arr_movement
),

line as (
    select
        currency,
        month_date,
        cast(sum(amount) as decimal(18,4)) as line_difference
    from every_line
    group by
        currency,
        month_date
)

select
    month_date,
    segment,
    bridge_difference,
    chain_difference,
    movement_difference,
    cast(null as varchar) as currency,
    cast(null as decimal(18,4)) as line_difference
from bridge
where bridge_difference <> 0
    or chain_difference <> 0
    or movement_difference <> 0
union all
select
    month_date,
    cast(null as varchar) as segment,
    cast(null as decimal(18,4)) as bridge_difference,
    cast(null as decimal(18,4)) as chain_difference,
    cast(null as decimal(18,4)) as movement_difference,
    currency,
    line_difference
from line
where line_difference <> 0
