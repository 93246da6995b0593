/*---
title = "Renewals ahead, with what there is to renew"
owner = "cs"
grain = ["contract_id"]

[columns]
contract_id = { type = "text", doc = "Canonical contract" }
account_id = { type = "text", doc = "The account" }
renewal_date = { type = "date", doc = "First day of the next term" }
quarter = { type = "text", doc = "Calendar quarter of it, such as 2026-Q3" }
quarter_start_date = { type = "date", doc = "First day of the quarter" }
notice_deadline_date = { type = "date", doc = "Last day for notice; null where notice days are not known" }
days_to_deadline = { type = "integer", doc = "Days from as_of to it, to the renewal where it is not known; negative once it has passed" }
notice_window = { type = "text", doc = "The same as a window: over_180, 91_180, 31_90, 0_30 or past" }
auto_renew = { type = "boolean", doc = "Renews by itself; null where not known" }
is_auto_renew_off = { type = "boolean", doc = "Automatic renewal was switched off" }
state = { type = "text", doc = "renewed, leaving, renewing or open, as the renewal pipeline has it" }
currency = { type = "text", doc = "Contract currency" }
arr = { type = "decimal(18,4)", doc = "Annual recurring revenue of the contract; null where no line can be told" }
arr_reporting = { type = "decimal(18,4)", doc = "The same in reporting currency; null without a rate" }
has_unknown_line = { type = "boolean", doc = "A line of it cannot be valued" }

[checks]
not_null = ["contract_id", "account_id", "renewal_date", "quarter", "quarter_start_date", "days_to_deadline", "notice_window", "state", "currency", "has_unknown_line"]

[decisions]
event = "The next renewal of each contract in force; evergreen terms have none"
basis = "What recurs on the first of the month of as_of, at the rate of that day; a contract that began since has nothing to renew yet that could be told"
horizon = "The current quarter and forecast_quarters after it"
---*/
with contract_renewal as (
    select
        contract_id,
        account_id,
        currency,
        renewal_date,
        notice_deadline_date,
        auto_renew,
        is_renewed,
        is_ending
    from contract_renewal
    where renewal_date is not null
),

renewal_event as (
    select
        contract_id,
        state
    from renewal_event
    where state <> 'lapsed'
),

contract_ending as (
    select
        contract_id,
        auto_renew_off_date
    from contract_ending
),

account as (
    select account_id
    from account
    where is_internal
),

line_arr as (
    select
        contract_id,
        arr_contracted
    from line_arr
    where month_date = cast(date_trunc('month', cast($as_of as date)) as date)
),

arr_rate as (
    select
        currency,
        fx_rate,
        reporting_digits
    from arr_rate
    where month_date = cast(date_trunc('month', cast($as_of as date)) as date)
),

contract_arr as (
    select
        contract_id,
        cast(sum(arr_contracted) as decimal(18,4)) as arr,
        bool_or(arr_contracted is null) as has_unknown_line
    from line_arr
    group by contract_id
),

quartered as (
    select
        contract_renewal.*,
        cast(date_trunc('quarter', contract_renewal.renewal_date) as date) as quarter_start_date,
        cast(coalesce(contract_renewal.notice_deadline_date, contract_renewal.renewal_date) - cast($as_of as date) as bigint) as days_to_deadline,
        (cast(date_part('year', contract_renewal.renewal_date) as bigint) - cast(date_part('year', cast($as_of as date)) as bigint)) * 4
            + cast(date_part('quarter', contract_renewal.renewal_date) as bigint) - cast(date_part('quarter', cast($as_of as date)) as bigint) as quarters_ahead
    from contract_renewal
),

valued as (
    select
        quartered.*,
        coalesce(
            renewal_event.state,
            case
                when quartered.is_renewed then 'renewed'
                when quartered.is_ending then 'leaving'
                else 'open'
            end
        ) as state,
        contract_ending.auto_renew_off_date,
        contract_arr.arr,
        coalesce(contract_arr.has_unknown_line, true) as has_unknown_line,
        arr_rate.reporting_digits,
        cast(cast(contract_arr.arr as double) * cast(arr_rate.fx_rate as double) as decimal(38,10)) as value
    from quartered
    left join renewal_event
        on quartered.contract_id = renewal_event.contract_id
    left join contract_ending
        on quartered.contract_id = contract_ending.contract_id
    left join contract_arr
        on quartered.contract_id = contract_arr.contract_id
    left join arr_rate
        on quartered.currency = arr_rate.currency
    left join account
        on quartered.account_id = account.account_id
    where account.account_id is null
        and quartered.quarters_ahead <= cast($forecast_quarters as bigint)
)

select
    contract_id,
    account_id,
    renewal_date,
    concat(
        cast(cast(date_part('year', quarter_start_date) as bigint) as varchar), '-Q', cast(cast(date_part('quarter', quarter_start_date) as bigint) as varchar)
    ) as quarter,
    quarter_start_date,
    notice_deadline_date,
    days_to_deadline,
    case
        when days_to_deadline > 180 then 'over_180'
        when days_to_deadline > 90 then '91_180'
        when days_to_deadline > 30 then '31_90'
        when days_to_deadline >= 0 then '0_30'
        else 'past'
    end as notice_window,
    auto_renew,
    auto_renew_off_date is not null as is_auto_renew_off,
    state,
    currency,
    arr,
    case
        when reporting_digits = 0 then cast(round(value, 0) as decimal(18,4))
        when reporting_digits = 3 then cast(round(value, 3) as decimal(18,4))
        else cast(round(value, 2) as decimal(18,4))
    end as arr_reporting,
    has_unknown_line
from valued
