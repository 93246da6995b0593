/*---
title = "Each account's annual recurring revenue and what it was twelve months before, in constant currency"
owner = "finance"
grain = ["account_id", "month_date"]

[columns]
account_id = { type = "text", doc = "The account" }
month_date = { type = "date", doc = "First of a month, the day measured" }
arr = { type = "decimal(18,4)", doc = "Contracted on the day, in reporting currency at the rates of the day" }
arr_before = { type = "decimal(18,4)", doc = "Contracted twelve months before, at the rates of this day" }
is_kept = { type = "boolean", doc = "It had recurring revenue on the first of every month between" }
is_unknown = { type = "boolean", doc = "On either day a line's value or a rate cannot be told" }

[checks]
not_null = ["account_id", "month_date", "arr", "arr_before", "is_kept", "is_unknown"]

[decisions]
constant_currency = "Both days at the rates of the later one: what rates did is neither kept nor lost"
interrupted = "An account that left and came back is not kept: what it came back with is no retention"
---*/
with arr_position as (
    select
        account_id,
        currency,
        month_date,
        arr_contracted,
        lines_unknown
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

numbered as (
    select
        arr_position.*,
        calendar_month.month_no
    from arr_position
    inner join calendar_month
        on arr_position.month_date = calendar_month.first_date
),

-- Each position twice: on its own day, and as what was there twelve months before.
side as (
    select
        account_id,
        currency,
        month_no,
        arr_contracted as arr,
        cast(0 as decimal(18,4)) as arr_before,
        lines_unknown
    from numbered
    union all
    select
        account_id,
        currency,
        month_no + 12 as month_no,
        cast(0 as decimal(18,4)) as arr,
        arr_contracted as arr_before,
        lines_unknown
    from numbered
),

summed as (
    select
        account_id,
        currency,
        month_no,
        sum(arr) as arr,
        sum(arr_before) as arr_before,
        sum(lines_unknown) as lines_unknown
    from side
    group by
        account_id,
        currency,
        month_no
),

valued as (
    select
        summed.account_id,
        summed.month_no,
        calendar_month.first_date as month_date,
        arr_rate.reporting_digits,
        cast(cast(summed.arr as double) * cast(arr_rate.fx_rate as double) as decimal(38,10)) as arr_value,
        cast(cast(summed.arr_before as double) * cast(arr_rate.fx_rate as double) as decimal(38,10)) as before_value,
        summed.lines_unknown > 0 or arr_rate.fx_rate is null and summed.arr + summed.arr_before > 0 as is_unknown
    from summed
    inner join calendar_month
        on summed.month_no = calendar_month.month_no
    left join arr_rate
        on summed.currency = arr_rate.currency
        and calendar_month.first_date = arr_rate.month_date
    where calendar_month.first_date <= cast($as_of as date)
),

rounded as (
    select
        account_id,
        month_no,
        month_date,
        is_unknown,
        case
            when arr_value is null then cast(0 as decimal(18,4))
            when reporting_digits = 0 then cast(round(arr_value, 0) as decimal(18,4))
            when reporting_digits = 3 then cast(round(arr_value, 3) as decimal(18,4))
            else cast(round(arr_value, 2) as decimal(18,4))
        end as arr,
        case
            when before_value is null then cast(0 as decimal(18,4))
            when reporting_digits = 0 then cast(round(before_value, 0) as decimal(18,4))
            when reporting_digits = 3 then cast(round(before_value, 3) as decimal(18,4))
            else cast(round(before_value, 2) as decimal(18,4))
        end as arr_before
    from valued
),

account_month as (
    select
        account_id,
        month_no,
        month_date,
        cast(sum(arr) as decimal(18,4)) as arr,
        cast(sum(arr_before) as decimal(18,4)) as arr_before,
        bool_or(is_unknown) as is_unknown
    from rounded
    group by
        account_id,
        month_no,
        month_date
),

-- The n-th month with revenue: twelve months on it is the n plus twelfth where none was without.
present as (
    select
        account_id,
        month_no,
        row_number() over (partition by account_id order by month_no) as place
    from account_month
    where arr > 0 or is_unknown
),

paired as (
    select
        later.account_id,
        later.month_no,
        later.place - earlier.place = 12 as is_kept
    from present as later
    inner join present as earlier
        on later.account_id = earlier.account_id
        and later.month_no = earlier.month_no + 12
)

select
    account_month.account_id,
    account_month.month_date,
    account_month.arr,
    account_month.arr_before,
    coalesce(paired.is_kept, false) as is_kept,
    account_month.is_unknown
from account_month
left join paired
    on account_month.account_id = paired.account_id
    and account_month.month_no = paired.month_no
