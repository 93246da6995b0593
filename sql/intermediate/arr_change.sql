/*---
title = "What moved annual recurring revenue from one first of the month to the next, by cause"
owner = "finance"
grain = ["account_id", "product_id", "currency", "month_date", "kind"]

[columns]
account_id = { type = "text", doc = "The account" }
product_id = { type = "text", doc = "Canonical product; empty for a commitment over several" }
currency = { type = "text", doc = "Contract currency" }
month_date = { type = "date", doc = "The first of the month at the end; it began a month earlier" }
kind = { type = "text", doc = "new, reactivation, expansion_new_product, expansion_quantity, expansion_ramp, expansion_uplift, expansion_discount_end, contraction, product_churn, logo_churn, unverifiable or fx" }
amount = { type = "decimal(18,4)", doc = "Change in the contract's currency, signed; 0 for fx" }
amount_reporting = { type = "decimal(18,4)", doc = "The same at the rate of month_date; for fx what the rates did" }

[checks]
not_null = ["account_id", "product_id", "currency", "month_date", "kind", "amount", "amount_reporting"]
expect.growth_is_positive = "amount >= 0 or kind in ('contraction', 'product_churn', 'logo_churn', 'unverifiable')"
expect.loss_is_negative = "amount <= 0 or kind not in ('contraction', 'product_churn', 'logo_churn')"

[decisions]
order = "The account comes first: without recurring revenue before it is new or reactivated, without any after it is logo churn; then the product; only what stays on both sides is taken apart"
steps = "Quantity at the old price and discount, then price, then discount, rounded each, the rest in the last: what a ramp step stated is contracted ramp, a negative step is contraction, never set off against a positive one"
renewed = "Lines of one product that end and lines that begin in the same month are one position: a renewal is more or less of it, not churn and a sale"
discount_end = "A discount that ends as agreed is a kind of its own: nobody bought more"
recovered = "What was billed plays no part: a leak that is closed is no expansion"
unverifiable = "A line whose value cannot be told on either day enters or leaves under its own kind, and is neither bought nor lost"
fx = "What the reporting amount changed beyond the movements at the rate of month_date; a rate that is missing on one of the days shows here too"
---*/
with arr_move_kind as (
    select
        account_id,
        product_id,
        currency,
        minor_digits,
        month_date,
        opening_arr,
        closing_arr,
        opening_gross,
        closing_gross,
        opening_quantity,
        closing_quantity,
        opening_factor,
        is_ramp,
        whole_kind,
        group_id
    from arr_move_kind
),

arr_position as (
    select
        account_id,
        product_id,
        currency,
        month_date,
        arr_reporting
    from arr_position
),

arr_rate as (
    select
        currency,
        month_date,
        fx_rate,
        reporting_digits
    from arr_rate
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

-- Lines that go and lines that come are one group of their product; a line that stays is its own.
grouped as (
    select
        account_id,
        product_id,
        currency,
        month_date,
        group_id,
        max(minor_digits) as minor_digits,
        sum(opening_arr) as opening_arr,
        sum(closing_arr) as closing_arr,
        sum(opening_gross) as opening_gross,
        sum(closing_gross) as closing_gross,
        sum(opening_quantity) as opening_quantity,
        sum(closing_quantity) as closing_quantity,
        max(case when group_id <> '' then opening_factor end) as opening_factor,
        bool_or(is_ramp and group_id <> '') as is_ramp
    from arr_move_kind
    where whole_kind is null
    group by
        account_id,
        product_id,
        currency,
        month_date,
        group_id
),

-- Estimates of one group each: floats are good enough, the last step takes the rest to the cent.
factored as (
    select
        grouped.*,
        opening_arr > 0 and closing_arr > 0 and opening_quantity > 0 and closing_quantity > 0 and opening_gross > 0 and closing_gross > 0 as is_comparable,
        coalesce(cast(opening_factor as double), cast(opening_arr as double) / nullif(cast(opening_gross as double), 0)) as factor,
        cast(opening_gross as double) * cast(closing_quantity as double) / nullif(cast(opening_quantity as double), 0) as quantity_gross
    from grouped
),

stepped as (
    select
        factored.* exclude (factor, quantity_gross),
        cast(cast(opening_arr as double) + (quantity_gross - cast(opening_gross as double)) * factor as decimal(38,10)) as quantity_value,
        cast(cast(opening_arr as double) + (cast(closing_gross as double) - cast(opening_gross as double)) * factor as decimal(38,10)) as price_value
    from factored
),

rounded as (
    select
        stepped.*,
        case
            when not is_comparable then closing_arr
            when minor_digits = 0 then cast(round(quantity_value, 0) as decimal(18,4))
            when minor_digits = 3 then cast(round(quantity_value, 3) as decimal(18,4))
            else cast(round(quantity_value, 2) as decimal(18,4))
        end as after_quantity,
        case
            when not is_comparable then closing_arr
            when minor_digits = 0 then cast(round(price_value, 0) as decimal(18,4))
            when minor_digits = 3 then cast(round(price_value, 3) as decimal(18,4))
            else cast(round(price_value, 2) as decimal(18,4))
        end as after_price
    from stepped
),

place as (
    select unnest(generate_series(1, 3)) as step_no
),

step as (
    select
        rounded.account_id,
        rounded.product_id,
        rounded.currency,
        rounded.month_date,
        case
            when place.step_no = 3 then 'expansion_discount_end'
            when rounded.is_ramp then 'expansion_ramp'
            when place.step_no = 1 then 'expansion_quantity'
            else 'expansion_uplift'
        end as growth_kind,
        case place.step_no
            when 1 then rounded.after_quantity - rounded.opening_arr
            when 2 then rounded.after_price - rounded.after_quantity
            else rounded.closing_arr - rounded.after_price
        end as amount
    from rounded
    cross join place
),

every_amount as (
    select
        account_id,
        product_id,
        currency,
        month_date,
        whole_kind as kind,
        closing_arr - opening_arr as amount
    from arr_move_kind
    where whole_kind is not null
    union all
    select
        account_id,
        product_id,
        currency,
        month_date,
        case when amount < 0 then 'contraction' else growth_kind end as kind,
        amount
    from step
    where amount <> 0
),

change as (
    select
        account_id,
        product_id,
        currency,
        month_date,
        kind,
        cast(sum(amount) as decimal(18,4)) as amount
    from every_amount
    group by
        account_id,
        product_id,
        currency,
        month_date,
        kind
),

valued as (
    select
        change.*,
        arr_rate.reporting_digits,
        cast(cast(change.amount as double) * cast(arr_rate.fx_rate as double) as decimal(38,10)) as value
    from change
    left join arr_rate
        on change.currency = arr_rate.currency
        and change.month_date = arr_rate.month_date
),

converted as (
    select
        account_id,
        product_id,
        currency,
        month_date,
        kind,
        amount,
        case
            when value is null then cast(0 as decimal(18,4))
            when reporting_digits = 0 then cast(round(value, 0) as decimal(18,4))
            when reporting_digits = 3 then cast(round(value, 3) as decimal(18,4))
            else cast(round(value, 2) as decimal(18,4))
        end as amount_reporting
    from valued
),

-- What the reporting amounts moved in all, less what the movements explain.
reporting_side as (
    select
        account_id,
        product_id,
        currency,
        month_date,
        coalesce(arr_reporting, 0) as amount
    from arr_position
    union all
    select
        account_id,
        product_id,
        currency,
        cast(date_trunc('month', month_date + 31) as date) as month_date,
        - coalesce(arr_reporting, 0) as amount
    from arr_position
    union all
    select
        account_id,
        product_id,
        currency,
        month_date,
        - amount_reporting as amount
    from converted
),

unexplained as (
    select
        reporting_side.account_id,
        reporting_side.product_id,
        reporting_side.currency,
        reporting_side.month_date,
        sum(reporting_side.amount) as amount
    from reporting_side
    cross join month_window
    where reporting_side.month_date > month_window.first_month_date
        and reporting_side.month_date <= month_window.last_month_date
    group by
        reporting_side.account_id,
        reporting_side.product_id,
        reporting_side.currency,
        reporting_side.month_date
)

select
    account_id,
    product_id,
    currency,
    month_date,
    kind,
    amount,
    amount_reporting
from converted
union all
select
    account_id,
    product_id,
    currency,
    month_date,
    'fx' as kind,
    cast(0 as decimal(18,4)) as amount,
    cast(amount as decimal(18,4)) as amount_reporting
from unexplained
where amount <> 0
