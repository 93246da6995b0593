/*---
title = "Annual recurring revenue by account, product and currency on the first of each month"
owner = "finance"
grain = ["account_id", "product_id", "currency", "month_date"]

[columns]
account_id = { type = "text", doc = "The account" }
product_id = { type = "text", doc = "Canonical product; empty for a commitment over several" }
currency = { type = "text", doc = "Contract currency" }
month_date = { type = "date", doc = "First of a month, the day measured" }
arr_contracted = { type = "decimal(18,4)", doc = "A year at the terms of the day" }
arr_live = { type = "decimal(18,4)", doc = "Of it, charged on the day" }
arr_billed = { type = "decimal(18,4)", doc = "A year as billed, of the lines whose billing is known" }
arr_unbilled_yet = { type = "decimal(18,4)", doc = "Contracted by lines of which no period could be checked yet, and by commitments" }
arr_changed_since = { type = "decimal(18,4)", doc = "Contracted less what was due a year in the latest period whose billing is known: terms that changed since" }
lines_unknown = { type = "integer", doc = "Lines whose value cannot be told" }
fx_rate = { type = "decimal(18,8)", doc = "Rate of the day; null where none is known" }
reporting_digits = { type = "integer", doc = "Decimals of the reporting currency" }
arr_reporting = { type = "decimal(18,4)", doc = "arr_contracted in reporting currency; null without a rate" }

[checks]
not_null = ["account_id", "product_id", "currency", "month_date", "arr_contracted", "arr_live", "arr_billed", "arr_unbilled_yet", "arr_changed_since", "lines_unknown"]

[decisions]
population = "Contracts of every account that is not internal; of an account nobody has told us about as well"
rounding = "Reporting amounts are rounded per row, and everything above adds up these rows"
---*/
with line_arr as (
    select
        contract_line_id,
        account_id,
        product_id,
        currency,
        month_date,
        arr_contracted,
        arr_live
    from line_arr
),

line_arr_billed as (
    select
        contract_line_id,
        month_date,
        arr_billed,
        arr_due
    from line_arr_billed
),

account as (
    select account_id
    from account
    where is_internal
),

arr_rate as (
    select
        currency,
        month_date,
        fx_rate,
        reporting_digits
    from arr_rate
),

summed as (
    select
        line_arr.account_id,
        coalesce(line_arr.product_id, '') as product_id,
        line_arr.currency,
        line_arr.month_date,
        cast(sum(coalesce(line_arr.arr_contracted, 0)) as decimal(18,4)) as arr_contracted,
        cast(sum(coalesce(line_arr.arr_live, 0)) as decimal(18,4)) as arr_live,
        cast(sum(case when line_arr.arr_contracted is not null then coalesce(line_arr_billed.arr_billed, 0) else 0 end) as decimal(18,4)) as arr_billed,
        cast(sum(case when line_arr_billed.arr_billed is null then coalesce(line_arr.arr_contracted, 0) else 0 end) as decimal(18,4)) as arr_unbilled_yet,
        cast(sum(case when line_arr_billed.arr_billed is not null then coalesce(line_arr.arr_contracted - line_arr_billed.arr_due, 0) else 0 end) as decimal(18,4)) as arr_changed_since,
        cast(sum(case when line_arr.arr_contracted is null then 1 else 0 end) as bigint) as lines_unknown
    from line_arr
    left join line_arr_billed
        on line_arr.contract_line_id = line_arr_billed.contract_line_id
        and line_arr.month_date = line_arr_billed.month_date
    left join account
        on line_arr.account_id = account.account_id
    where account.account_id is null
    group by
        line_arr.account_id,
        coalesce(line_arr.product_id, ''),
        line_arr.currency,
        line_arr.month_date
),

converted as (
    select
        summed.*,
        arr_rate.fx_rate,
        arr_rate.reporting_digits,
        cast(cast(summed.arr_contracted as double) * cast(arr_rate.fx_rate as double) as decimal(38,10)) as value
    from summed
    left join arr_rate
        on summed.currency = arr_rate.currency
        and summed.month_date = arr_rate.month_date
)

select
    account_id,
    product_id,
    currency,
    month_date,
    arr_contracted,
    arr_live,
    arr_billed,
    arr_unbilled_yet,
    arr_changed_since,
    lines_unknown,
    fx_rate,
    reporting_digits,
    case
        when reporting_digits = 0 then cast(round(value, 0) as decimal(18,4))
        when reporting_digits = 3 then cast(round(value, 3) as decimal(18,4))
        else cast(round(value, 2) as decimal(18,4))
    end as arr_reporting
from converted
