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
reactivation = "The account had a charged line before the month it came from"
steps = "Quantity at the old price and discount, then price, then discount, rounded each, the rest in the last: what a ramp step stated is contracted ramp, a negative step is contraction, never set off against a positive one"
renewed = "Lines of one product that end and lines that begin in the same month are one position: a renewal is more or less of it, not churn and a sale"
discount_end = "A discount that ends as agreed is a kind of its own: nobody bought more"
recovered = "What was billed plays no part: a leak that is closed is no expansion"
unverifiable = "A line whose value cannot be told on either day enters or leaves under its own kind, and is neither bought nor lost"
fx = "What the reporting amount changed beyond the movements at the rate of month_date; a rate that is missing on one of the days shows here too"
---*/
with line_arr as (
    select
        contract_line_id,
        account_id,
        coalesce(product_id, '') as product_id,
        currency,
        minor_digits,
        month_date,
        quantity,
        gross_arr,
        arr_contracted,
        ramp_no,
        discount_factor,
        arr_contracted is null as is_unknown
    from line_arr
),

arr_position as (
    select
        account_id,
        product_id,
        currency,
        month_date,
        arr_contracted,
        lines_unknown,
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

line_grid as (
    select
        account_id,
        life_start_date
    from line_grid
    where component = 'charge'
),

first_charge as (
    select
        account_id,
        min(life_start_date) as first_date
    from line_grid
    group by account_id
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

-- Every line twice: as it closes a month and as it opens the next.
line_side as (
    select
        line_arr.* exclude (month_date),
        line_arr.month_date,
        true as is_closing
    from line_arr
    union all
    select
        line_arr.* exclude (month_date),
        cast(date_trunc('month', line_arr.month_date + 31) as date) as month_date,
        false as is_closing
    from line_arr
),

line_pair as (
    select
        contract_line_id,
        account_id,
        product_id,
        currency,
        month_date,
        max(minor_digits) as minor_digits,
        coalesce(max(case when not is_closing then arr_contracted end), 0) as opening_arr,
        coalesce(max(case when is_closing then arr_contracted end), 0) as closing_arr,
        max(case when not is_closing then gross_arr end) as opening_gross,
        max(case when is_closing then gross_arr end) as closing_gross,
        max(case when not is_closing then quantity end) as opening_quantity,
        max(case when is_closing then quantity end) as closing_quantity,
        max(case when not is_closing then discount_factor end) as opening_factor,
        coalesce(max(case when is_closing then ramp_no end), 0) > coalesce(max(case when not is_closing then ramp_no end), 0) as is_ramp,
        bool_or(is_unknown) as is_unknown
    from line_side
    group by
        contract_line_id,
        account_id,
        product_id,
        currency,
        month_date
),

moved_line as (
    select line_pair.*
    from line_pair
    cross join month_window
    where line_pair.month_date > month_window.first_month_date
        and line_pair.month_date <= month_window.last_month_date
        and line_pair.opening_arr <> line_pair.closing_arr
),

position_side as (
    select
        account_id,
        product_id,
        month_date,
        arr_contracted,
        lines_unknown,
        true as is_closing
    from arr_position
    union all
    select
        account_id,
        product_id,
        cast(date_trunc('month', month_date + 31) as date) as month_date,
        arr_contracted,
        lines_unknown,
        false as is_closing
    from arr_position
),

product_presence as (
    select
        account_id,
        product_id,
        month_date,
        bool_or(not is_closing and (arr_contracted > 0 or lines_unknown > 0)) as is_before,
        bool_or(is_closing and (arr_contracted > 0 or lines_unknown > 0)) as is_after
    from position_side
    group by
        account_id,
        product_id,
        month_date
),

account_presence as (
    select
        account_id,
        month_date,
        bool_or(is_before) as is_before,
        bool_or(is_after) as is_after
    from product_presence
    group by
        account_id,
        month_date
),

-- Whose movement it is: the account's, the product's, or one inside a product.
placed as (
    select
        moved_line.*,
        case
            when moved_line.is_unknown then 'unverifiable'
            when not account_presence.is_before and first_charge.first_date < cast(date_trunc('month', moved_line.month_date - 1) as date) then 'reactivation'
            when not account_presence.is_before then 'new'
            when not account_presence.is_after then 'logo_churn'
            when not product_presence.is_before then 'expansion_new_product'
            when not product_presence.is_after then 'product_churn'
        end as whole_kind,
        case when moved_line.opening_arr > 0 and moved_line.closing_arr > 0 then moved_line.contract_line_id else '' end as group_id
    from moved_line
    inner join product_presence
        on moved_line.account_id = product_presence.account_id
        and moved_line.product_id = product_presence.product_id
        and moved_line.month_date = product_presence.month_date
    inner join account_presence
        on moved_line.account_id = account_presence.account_id
        and moved_line.month_date = account_presence.month_date
    left join first_charge
        on moved_line.account_id = first_charge.account_id
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
    from placed
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

step as (
    select
        account_id,
        product_id,
        currency,
        month_date,
        case when is_ramp then 'expansion_ramp' else 'expansion_quantity' end as growth_kind,
        after_quantity - opening_arr as amount
    from rounded
    union all
    select
        account_id,
        product_id,
        currency,
        month_date,
        case when is_ramp then 'expansion_ramp' else 'expansion_uplift' end as growth_kind,
        after_price - after_quantity as amount
    from rounded
    union all
    select
        account_id,
        product_id,
        currency,
        month_date,
        'expansion_discount_end' as growth_kind,
        closing_arr - after_price as amount
    from rounded
),

every_amount as (
    select
        account_id,
        product_id,
        currency,
        month_date,
        whole_kind as kind,
        closing_arr - opening_arr as amount
    from placed
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
