/*---
title = "Whose movement a changed contract line is: the account's, the product's, or one inside a product"
owner = "finance"
grain = ["contract_line_id", "month_date"]

[columns]
contract_line_id = { type = "text", doc = "Canonical contract line, or the commitment" }
account_id = { type = "text", doc = "The account" }
product_id = { type = "text", doc = "Canonical product; empty for a commitment over several" }
currency = { type = "text", doc = "Contract currency" }
minor_digits = { type = "integer", doc = "Decimals of the currency" }
month_date = { type = "date", doc = "The first of the month at the end" }
opening_arr = { type = "decimal(18,4)", doc = "Contracted a month before" }
closing_arr = { type = "decimal(18,4)", doc = "Contracted on the day" }
opening_gross = { type = "decimal(38,10)", doc = "A year before discounts, a month before" }
closing_gross = { type = "decimal(38,10)", doc = "The same on the day" }
opening_quantity = { type = "decimal(18,6)", doc = "Contracted quantity a month before" }
closing_quantity = { type = "decimal(18,6)", doc = "The same on the day" }
opening_factor = { type = "decimal(38,12)", doc = "What percent discounts left a month before" }
is_ramp = { type = "boolean", doc = "A ramp step came between" }
whole_kind = { type = "text", doc = "new, reactivation, logo_churn, expansion_new_product, product_churn or unverifiable; null where it stays and is taken apart" }
group_id = { type = "text", doc = "The line where it stays; empty where it came or went, with the others of its product" }

[checks]
not_null = ["contract_line_id", "account_id", "product_id", "currency", "month_date", "opening_arr", "closing_arr", "is_ramp", "group_id"]

[decisions]
present = "An account or product is there with revenue, or with a line whose value cannot be told"
reactivation = "The account had a charged line before the month it came from"
---*/
with arr_move as (
    select
        contract_line_id,
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
        is_unknown
    from arr_move
),

arr_position as (
    select
        account_id,
        product_id,
        month_date,
        arr_contracted > 0 or lines_unknown > 0 as is_there
    from arr_position
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

position_side as (
    select
        account_id,
        product_id,
        month_date,
        is_there as is_after,
        false as is_before
    from arr_position
    union all
    select
        account_id,
        product_id,
        cast(date_trunc('month', month_date + 31) as date) as month_date,
        false as is_after,
        is_there as is_before
    from arr_position
),

moved_account as (
    select distinct
        account_id,
        month_date
    from arr_move
),

product_presence as (
    select
        position_side.account_id,
        position_side.product_id,
        position_side.month_date,
        bool_or(position_side.is_before) as is_before,
        bool_or(position_side.is_after) as is_after
    from position_side
    inner join moved_account
        on position_side.account_id = moved_account.account_id
        and position_side.month_date = moved_account.month_date
    group by
        position_side.account_id,
        position_side.product_id,
        position_side.month_date
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
)

select
    arr_move.contract_line_id,
    arr_move.account_id,
    arr_move.product_id,
    arr_move.currency,
    arr_move.minor_digits,
    arr_move.month_date,
    arr_move.opening_arr,
    arr_move.closing_arr,
    arr_move.opening_gross,
    arr_move.closing_gross,
    arr_move.opening_quantity,
    arr_move.closing_quantity,
    arr_move.opening_factor,
    arr_move.is_ramp,
    case
        when arr_move.is_unknown then 'unverifiable'
        when not account_presence.is_before and first_charge.first_date < cast(date_trunc('month', arr_move.month_date - 1) as date) then 'reactivation'
        when not account_presence.is_before then 'new'
        when not account_presence.is_after then 'logo_churn'
        when not product_presence.is_before then 'expansion_new_product'
        when not product_presence.is_after then 'product_churn'
    end as whole_kind,
    case when arr_move.opening_arr > 0 and arr_move.closing_arr > 0 then arr_move.contract_line_id else '' end as group_id
from arr_move
inner join product_presence
    on arr_move.account_id = product_presence.account_id
    and arr_move.product_id = product_presence.product_id
    and arr_move.month_date = product_presence.month_date
inner join account_presence
    on arr_move.account_id = account_presence.account_id
    and arr_move.month_date = account_presence.month_date
left join first_charge
    on arr_move.account_id = first_charge.account_id
