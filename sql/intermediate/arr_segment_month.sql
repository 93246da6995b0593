/*---
title = "Annual recurring revenue by segment and month, in reporting currency"
owner = "finance"
grain = ["segment", "month_date"]

[columns]
segment = { type = "text", doc = "The accounts' segment; empty where they have none" }
month_date = { type = "date", doc = "First of a month, the day measured" }
closing = { type = "decimal(18,4)", doc = "Contracted" }
live = { type = "decimal(18,4)", doc = "Of it, charged on the day" }
billed = { type = "decimal(18,4)", doc = "A year as billed" }
unbilled = { type = "decimal(18,4)", doc = "Contracted by lines of which no period could be checked yet, and by commitments" }
changed = { type = "decimal(18,4)", doc = "Terms that changed since the latest period that could be checked" }
lines_unknown = { type = "integer", doc = "Lines whose value cannot be told" }
accounts_without_rate = { type = "integer", doc = "Accounts with a currency no rate is known for" }

[checks]
not_null = ["segment", "month_date", "closing", "live", "billed", "unbilled", "changed", "lines_unknown", "accounts_without_rate"]

[decisions]
rounding = "Each account's product and currency is rounded, and these are added up"
---*/
with arr_position as (
    select
        account_id,
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
        arr_reporting
    from arr_position
),

account as (
    select
        account_id,
        coalesce(segment, '') as segment
    from account
),

position_value as (
    select
        arr_position.*,
        cast(cast(arr_live as double) * cast(fx_rate as double) as decimal(38,10)) as live_value,
        cast(cast(arr_billed as double) * cast(fx_rate as double) as decimal(38,10)) as billed_value,
        cast(cast(arr_unbilled_yet as double) * cast(fx_rate as double) as decimal(38,10)) as unbilled_value,
        cast(cast(arr_changed_since as double) * cast(fx_rate as double) as decimal(38,10)) as changed_value
    from arr_position
),

position_reporting as (
    select
        account_id,
        month_date,
        cast(coalesce(arr_reporting, 0) as decimal(18,4)) as closing,
        case
            when live_value is null then cast(0 as decimal(18,4))
            when reporting_digits = 0 then cast(round(live_value, 0) as decimal(18,4))
            when reporting_digits = 3 then cast(round(live_value, 3) as decimal(18,4))
            else cast(round(live_value, 2) as decimal(18,4))
        end as live,
        case
            when billed_value is null then cast(0 as decimal(18,4))
            when reporting_digits = 0 then cast(round(billed_value, 0) as decimal(18,4))
            when reporting_digits = 3 then cast(round(billed_value, 3) as decimal(18,4))
            else cast(round(billed_value, 2) as decimal(18,4))
        end as billed,
        case
            when unbilled_value is null then cast(0 as decimal(18,4))
            when reporting_digits = 0 then cast(round(unbilled_value, 0) as decimal(18,4))
            when reporting_digits = 3 then cast(round(unbilled_value, 3) as decimal(18,4))
            else cast(round(unbilled_value, 2) as decimal(18,4))
        end as unbilled,
        case
            when changed_value is null then cast(0 as decimal(18,4))
            when reporting_digits = 0 then cast(round(changed_value, 0) as decimal(18,4))
            when reporting_digits = 3 then cast(round(changed_value, 3) as decimal(18,4))
            else cast(round(changed_value, 2) as decimal(18,4))
        end as changed,
        lines_unknown,
        case when fx_rate is null then account_id end as account_without_rate
    from position_value
),

account_position as (
    select
        account_id,
        month_date,
        sum(closing) as closing,
        sum(live) as live,
        sum(billed) as billed,
        sum(unbilled) as unbilled,
        sum(changed) as changed,
        sum(lines_unknown) as lines_unknown,
        max(case when account_without_rate is null then 0 else 1 end) as without_rate
    from position_reporting
    group by
        account_id,
        month_date
)

select
    coalesce(account.segment, '') as segment,
    account_position.month_date,
    cast(sum(account_position.closing) as decimal(18,4)) as closing,
    cast(sum(account_position.live) as decimal(18,4)) as live,
    cast(sum(account_position.billed) as decimal(18,4)) as billed,
    cast(sum(account_position.unbilled) as decimal(18,4)) as unbilled,
    cast(sum(account_position.changed) as decimal(18,4)) as changed,
    cast(sum(account_position.lines_unknown) as bigint) as lines_unknown,
    cast(sum(account_position.without_rate) as bigint) as accounts_without_rate
from account_position
left join account
    on account_position.account_id = account.account_id
group by
    coalesce(account.segment, ''),
    account_position.month_date
