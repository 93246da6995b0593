/*---
title = "Contract lines whose annual recurring revenue changed from one first of the month to the next"
owner = "finance"
grain = ["contract_line_id", "month_date"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
contract_line_id = { type = "text", doc = "Canonical contract line, or the commitment" }
account_id = { type = "text", doc = "The account" }
product_id = { type = "text", doc = "Canonical product; empty for a commitment over several" }
currency = { type = "text", doc = "Contract currency" }
minor_digits = { type = "integer", doc = "Decimals of the currency" }
month_date = { type = "date", doc = "The first of the month at the end" }
opening_arr = { type = "decimal(18,4)", doc = "Contracted a month before; 0 where the line was not there" }
closing_arr = { type = "decimal(18,4)", doc = "Contracted on the day; 0 where the line is gone" }
opening_gross = { type = "decimal(38,10)", doc = "A year before discounts, a month before" }
closing_gross = { type = "decimal(38,10)", doc = "The same on the day" }
opening_quantity = { type = "decimal(18,6)", doc = "Contracted quantity a month before" }
closing_quantity = { type = "decimal(18,6)", doc = "The same on the day" }
opening_factor = { type = "decimal(38,12)", doc = "What percent discounts left a month before" }
is_ramp = { type = "boolean", doc = "A ramp step came between" }
is_unknown = { type = "boolean", doc = "On one of the days the value cannot be told" }

[checks]
not_null = ["contract_line_id", "account_id", "product_id", "currency", "minor_digits", "month_date", "opening_arr", "closing_arr", "is_ramp", "is_unknown"]

[decisions]
window = "The months that are published: the first of them opens with the month before"
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
        discount_factor
    from line_arr
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

opening as (
    select
        line_arr.* exclude (month_date),
        cast(date_trunc('month', line_arr.month_date + 31) as date) as month_date
    from line_arr
),

paired as (
    select
        coalesce(closing.contract_line_id, opening.contract_line_id) as contract_line_id,
        coalesce(closing.account_id, opening.account_id) as account_id,
        coalesce(closing.product_id, opening.product_id) as product_id,
        coalesce(closing.currency, opening.currency) as currency,
        coalesce(closing.minor_digits, opening.minor_digits) as minor_digits,
        coalesce(closing.month_date, opening.month_date) as month_date,
        cast(coalesce(opening.arr_contracted, 0) as decimal(18,4)) as opening_arr,
        cast(coalesce(closing.arr_contracted, 0) as decimal(18,4)) as closing_arr,
        opening.gross_arr as opening_gross,
        closing.gross_arr as closing_gross,
        opening.quantity as opening_quantity,
        closing.quantity as closing_quantity,
        opening.discount_factor as opening_factor,
        coalesce(closing.ramp_no, 0) > coalesce(opening.ramp_no, 0) as is_ramp,
        opening.contract_line_id is not null and opening.arr_contracted is null
            or closing.contract_line_id is not null and closing.arr_contracted is null as is_unknown
    from line_arr as closing
    full outer join opening
        on closing.contract_line_id = opening.contract_line_id
        and closing.month_date = opening.month_date
    where coalesce(opening.arr_contracted, 0) <> coalesce(closing.arr_contracted, 0)
)

select
    paired.contract_line_id,
    paired.account_id,
    paired.product_id,
    paired.currency,
    paired.minor_digits,
    paired.month_date,
    paired.opening_arr,
    paired.closing_arr,
    paired.opening_gross,
    paired.closing_gross,
    paired.opening_quantity,
    paired.closing_quantity,
    paired.opening_factor,
    paired.is_ramp,
    paired.is_unknown
from paired
cross join month_window
where paired.month_date > month_window.first_month_date
    and paired.month_date <= month_window.last_month_date
