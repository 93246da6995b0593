/*---
title = "Revenue retention and the bridge of annual recurring revenue, by month and segment"
owner = "finance"
grain = ["month_date", "segment", "as_of_date"]
partition_by = ["as_of_date"]

[columns]
month_date = { type = "date", doc = "First of a month, the day measured; the bridge begins a month before, the cohort twelve" }
segment = { type = "text", doc = "The accounts' segment, empty where they have none; all for the company: never add it to the others" }
reporting_currency = { type = "text", doc = "Currency of all amounts" }
opening_arr = { type = "decimal(18,4)", doc = "Contracted a month before, at the rates of that day" }
new_arr = { type = "decimal(18,4)", doc = "Accounts that had none before" }
expansion_new_product_arr = { type = "decimal(18,4)", doc = "Products an account did not have" }
expansion_quantity_arr = { type = "decimal(18,4)", doc = "More of what it had" }
expansion_ramp_arr = { type = "decimal(18,4)", doc = "Ramp steps the contract stated from the start" }
expansion_uplift_arr = { type = "decimal(18,4)", doc = "Higher prices: escalators, renewals, amendments" }
expansion_discount_end_arr = { type = "decimal(18,4)", doc = "Discounts that ended or shrank: nobody bought more" }
reactivation_arr = { type = "decimal(18,4)", doc = "Accounts that had left and came back" }
contraction_arr = { type = "decimal(18,4)", doc = "Less of what it had, or for less; negative" }
product_churn_arr = { type = "decimal(18,4)", doc = "Products given up by accounts that stay; negative" }
logo_churn_arr = { type = "decimal(18,4)", doc = "Accounts that left; negative" }
unverifiable_arr = { type = "decimal(18,4)", doc = "What came or went because a term is wanting on one of the days" }
fx_arr = { type = "decimal(18,4)", doc = "What exchange rates did, rounding included" }
closing_arr = { type = "decimal(18,4)", doc = "Contracted on the day, at the rates of the day" }
cohort_month_date = { type = "date", doc = "The day the cohort was frozen" }
cohort_accounts = { type = "integer", doc = "Accounts with recurring revenue on that day" }
cohort_arr = { type = "decimal(18,4)", doc = "What they had, at the rates of month_date" }
cohort_gross_arr = { type = "decimal(18,4)", doc = "What they have kept of it: at most what they had" }
cohort_net_arr = { type = "decimal(18,4)", doc = "What they have now, growth included" }
grr_pct = { type = "decimal(18,4)", doc = "Gross revenue retention, percent points; null without a cohort" }
nrr_pct = { type = "decimal(18,4)", doc = "Net revenue retention, percent points; null without a cohort" }
cohort_accounts_kept = { type = "integer", doc = "Accounts of the cohort that stayed without a gap" }
logo_retention_pct = { type = "decimal(18,4)", doc = "Share of the cohort's accounts kept, percent points" }
cohort_accounts_unknown = { type = "integer", doc = "Accounts left out of the cohort because a line or a rate cannot be told on either day" }
arr_live = { type = "decimal(18,4)", doc = "Of closing_arr, charged on the day" }
arr_billed = { type = "decimal(18,4)", doc = "A year as billed" }
arr_unbilled_yet = { type = "decimal(18,4)", doc = "Contracted by lines of which no period could be checked yet, and by commitments" }
arr_gap = { type = "decimal(18,4)", doc = "closing_arr less arr_unbilled_yet and arr_billed; negative where more is billed" }
arr_changed_since = { type = "decimal(18,4)", doc = "Of arr_gap, terms that changed since the latest period that could be checked: a discount that ended, a step, an amendment" }
leak_run_rate_12m = { type = "decimal(18,4)", doc = "Run rate of open leaks and overbilling on recurring lines; the latest month only" }
arr_gap_unexplained = { type = "decimal(18,4)", doc = "arr_gap less arr_changed_since and leak_run_rate_12m: waived gaps, gaps of one period that cost nothing in a year, seats above the contract" }
lines_unknown = { type = "integer", doc = "Lines whose value cannot be told on the day, in no amount" }
accounts_without_rate = { type = "integer", doc = "Accounts with a currency no rate is known for, in no amount" }
as_of_date = { type = "date", doc = "Business date of the run" }

[checks]
not_null = ["month_date", "segment", "reporting_currency", "opening_arr", "closing_arr", "fx_arr", "cohort_accounts", "cohort_arr", "as_of_date"]
expect.bridge_closes = "opening_arr + new_arr + expansion_new_product_arr + expansion_quantity_arr + expansion_ramp_arr + expansion_uplift_arr + expansion_discount_end_arr + reactivation_arr + contraction_arr + product_churn_arr + logo_churn_arr + unverifiable_arr + fx_arr = closing_arr"
expect.gross_is_at_most_all = "cohort_gross_arr between 0 and cohort_arr and cohort_gross_arr <= cohort_net_arr"
expect.gap = "arr_gap = closing_arr - arr_unbilled_yet - arr_billed"

[decisions]
cohort = "Every account with recurring revenue twelve months before, frozen then: who left stays in it with nothing, who came later is not in it, who left and came back counts as having left"
gross = "Account by account the smaller of what it had and what it has, over what the cohort had; net: what it has"
constant_currency = "Both sides of a cohort at the rates of the later day; only the bridge knows rates"
basis = "Contracted revenue; live and billed stand beside it. A leak that is found and billed changes billed alone, so it is never expansion"
segment = "As it is today: accounts have no history of segments"
unknown = "A line that cannot be valued is in no sum and counted; an account with one is in no cohort"
---*/
with arr_segment_month as (
    select
        segment,
        month_date,
        closing,
        live,
        billed,
        unbilled,
        changed,
        lines_unknown,
        accounts_without_rate
    from arr_segment_month
),

arr_change as (
    select
        account_id,
        month_date,
        kind,
        amount_reporting
    from arr_change
),

account_arr as (
    select
        account_id,
        month_date,
        arr,
        arr_before,
        is_kept,
        is_unknown
    from account_arr
),

account as (
    select
        account_id,
        coalesce(segment, '') as segment,
        coalesce(is_internal, false) as is_internal
    from account
),

settled_finding as (
    select
        finding_id,
        account_id,
        class,
        component,
        currency
    from settled_finding
),

finding_run_rate as (
    select
        finding_id,
        run_rate_12m
    from finding_run_rate
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

-- Leaks of recurring lines and what is billed too much of them, at the run rate as_of knows.
recurring_case as (
    select distinct
        finding_id,
        account_id,
        currency
    from settled_finding
    where component = 'charge'
        and class in ('leak', 'liability')
),

leak_value as (
    select
        recurring_case.account_id,
        month_window.last_month_date as month_date,
        arr_rate.reporting_digits,
        cast(cast(finding_run_rate.run_rate_12m as double) * cast(arr_rate.fx_rate as double) as decimal(38,10)) as value
    from recurring_case
    cross join month_window
    inner join finding_run_rate
        on recurring_case.finding_id = finding_run_rate.finding_id
    inner join arr_rate
        on recurring_case.currency = arr_rate.currency
        and month_window.last_month_date = arr_rate.month_date
),

cohort as (
    select
        coalesce(account.segment, '') as segment,
        account_arr.month_date,
        sum(case when account_arr.arr_before > 0 and not account_arr.is_unknown then 1 else 0 end) as accounts,
        sum(case when not account_arr.is_unknown then account_arr.arr_before else 0 end) as arr_before,
        sum(case when account_arr.is_kept and not account_arr.is_unknown then least(account_arr.arr_before, account_arr.arr) else 0 end) as gross,
        sum(case when account_arr.is_kept and not account_arr.is_unknown then account_arr.arr else 0 end) as net,
        sum(case when account_arr.arr_before > 0 and account_arr.is_kept and not account_arr.is_unknown then 1 else 0 end) as kept,
        sum(case when account_arr.is_unknown then 1 else 0 end) as unknown
    from account_arr
    left join account
        on account_arr.account_id = account.account_id
    group by
        coalesce(account.segment, ''),
        account_arr.month_date
),

-- Every measure as one long table: segment, month, name, amount.
every_amount as (
    select segment, month_date, 'closing' as measure, closing as amount from arr_segment_month
    union all
    select segment, cast(date_trunc('month', month_date + 31) as date) as month_date, 'opening' as measure, closing as amount from arr_segment_month
    union all
    select segment, month_date, 'live' as measure, live as amount from arr_segment_month
    union all
    select segment, month_date, 'billed' as measure, billed as amount from arr_segment_month
    union all
    select segment, month_date, 'unbilled' as measure, unbilled as amount from arr_segment_month
    union all
    select segment, month_date, 'changed' as measure, changed as amount from arr_segment_month
    union all
    select segment, month_date, 'lines_unknown' as measure, cast(lines_unknown as decimal(18,4)) as amount from arr_segment_month
    union all
    select segment, month_date, 'without_rate' as measure, cast(accounts_without_rate as decimal(18,4)) as amount from arr_segment_month
    union all
    select segment, month_date, 'cohort_accounts' as measure, cast(accounts as decimal(18,4)) as amount from cohort
    union all
    select segment, month_date, 'cohort' as measure, cast(arr_before as decimal(18,4)) as amount from cohort
    union all
    select segment, month_date, 'cohort_gross' as measure, cast(gross as decimal(18,4)) as amount from cohort
    union all
    select segment, month_date, 'cohort_net' as measure, cast(net as decimal(18,4)) as amount from cohort
    union all
    select segment, month_date, 'cohort_kept' as measure, cast(kept as decimal(18,4)) as amount from cohort
    union all
    select segment, month_date, 'cohort_unknown' as measure, cast(unknown as decimal(18,4)) as amount from cohort
    union all
    select
        coalesce(account.segment, '') as segment,
        arr_change.month_date,
        arr_change.kind as measure,
        arr_change.amount_reporting as amount
    from arr_change
    left join account
        on arr_change.account_id = account.account_id
    union all
    select
        coalesce(account.segment, '') as segment,
        leak_value.month_date,
        'leak' as measure,
        case
            when leak_value.reporting_digits = 0 then cast(round(leak_value.value, 0) as decimal(18,4))
            when leak_value.reporting_digits = 3 then cast(round(leak_value.value, 3) as decimal(18,4))
            else cast(round(leak_value.value, 2) as decimal(18,4))
        end as amount
    from leak_value
    left join account
        on leak_value.account_id = account.account_id
    where not coalesce(account.is_internal, false)
),

by_segment as (
    select
        every_amount.month_date,
        every_amount.segment,
        every_amount.measure,
        sum(every_amount.amount) as amount
    from every_amount
    cross join month_window
    where every_amount.month_date > month_window.first_month_date
        and every_amount.month_date <= month_window.last_month_date
    group by
        every_amount.month_date,
        every_amount.segment,
        every_amount.measure
),

with_all as (
    select
        month_date,
        segment,
        measure,
        amount
    from by_segment
    union all
    select
        month_date,
        'all' as segment,
        measure,
        amount
    from by_segment
),

pivoted as (
    select
        month_date,
        segment,
        cast(sum(case when measure = 'opening' then amount else 0 end) as decimal(18,4)) as opening_arr,
        cast(sum(case when measure = 'new' then amount else 0 end) as decimal(18,4)) as new_arr,
        cast(sum(case when measure = 'expansion_new_product' then amount else 0 end) as decimal(18,4)) as expansion_new_product_arr,
        cast(sum(case when measure = 'expansion_quantity' then amount else 0 end) as decimal(18,4)) as expansion_quantity_arr,
        cast(sum(case when measure = 'expansion_ramp' then amount else 0 end) as decimal(18,4)) as expansion_ramp_arr,
        cast(sum(case when measure = 'expansion_uplift' then amount else 0 end) as decimal(18,4)) as expansion_uplift_arr,
        cast(sum(case when measure = 'expansion_discount_end' then amount else 0 end) as decimal(18,4)) as expansion_discount_end_arr,
        cast(sum(case when measure = 'reactivation' then amount else 0 end) as decimal(18,4)) as reactivation_arr,
        cast(sum(case when measure = 'contraction' then amount else 0 end) as decimal(18,4)) as contraction_arr,
        cast(sum(case when measure = 'product_churn' then amount else 0 end) as decimal(18,4)) as product_churn_arr,
        cast(sum(case when measure = 'logo_churn' then amount else 0 end) as decimal(18,4)) as logo_churn_arr,
        cast(sum(case when measure = 'unverifiable' then amount else 0 end) as decimal(18,4)) as unverifiable_arr,
        cast(sum(case when measure = 'fx' then amount else 0 end) as decimal(18,4)) as fx_arr,
        cast(sum(case when measure = 'closing' then amount else 0 end) as decimal(18,4)) as closing_arr,
        cast(sum(case when measure = 'cohort_accounts' then amount else 0 end) as bigint) as cohort_accounts,
        cast(sum(case when measure = 'cohort' then amount else 0 end) as decimal(18,4)) as cohort_arr,
        cast(sum(case when measure = 'cohort_gross' then amount else 0 end) as decimal(18,4)) as cohort_gross_arr,
        cast(sum(case when measure = 'cohort_net' then amount else 0 end) as decimal(18,4)) as cohort_net_arr,
        cast(sum(case when measure = 'cohort_kept' then amount else 0 end) as bigint) as cohort_accounts_kept,
        cast(sum(case when measure = 'cohort_unknown' then amount else 0 end) as bigint) as cohort_accounts_unknown,
        cast(sum(case when measure = 'live' then amount else 0 end) as decimal(18,4)) as arr_live,
        cast(sum(case when measure = 'billed' then amount else 0 end) as decimal(18,4)) as arr_billed,
        cast(sum(case when measure = 'unbilled' then amount else 0 end) as decimal(18,4)) as arr_unbilled_yet,
        cast(sum(case when measure = 'changed' then amount else 0 end) as decimal(18,4)) as arr_changed_since,
        cast(sum(case when measure = 'leak' then amount else 0 end) as decimal(18,4)) as leak_run_rate_12m,
        cast(sum(case when measure = 'lines_unknown' then amount else 0 end) as bigint) as lines_unknown,
        cast(sum(case when measure = 'without_rate' then amount else 0 end) as bigint) as accounts_without_rate
    from with_all
    group by
        month_date,
        segment
)

select
    pivoted.month_date,
    pivoted.segment,
    cast($reporting_currency as varchar) as reporting_currency,
    pivoted.opening_arr,
    pivoted.new_arr,
    pivoted.expansion_new_product_arr,
    pivoted.expansion_quantity_arr,
    pivoted.expansion_ramp_arr,
    pivoted.expansion_uplift_arr,
    pivoted.expansion_discount_end_arr,
    pivoted.reactivation_arr,
    pivoted.contraction_arr,
    pivoted.product_churn_arr,
    pivoted.logo_churn_arr,
    pivoted.unverifiable_arr,
    pivoted.fx_arr,
    pivoted.closing_arr,
    make_date(
        cast(date_part('year', pivoted.month_date) as int) - 1,
        cast(date_part('month', pivoted.month_date) as int),
        1
    ) as cohort_month_date,
    pivoted.cohort_accounts,
    pivoted.cohort_arr,
    pivoted.cohort_gross_arr,
    pivoted.cohort_net_arr,
    cast(round(
        cast(cast(pivoted.cohort_gross_arr as double) * 100 / cast(nullif(pivoted.cohort_arr, 0) as double) as decimal(38,10)),
        4
    ) as decimal(18,4)) as grr_pct,
    cast(round(
        cast(cast(pivoted.cohort_net_arr as double) * 100 / cast(nullif(pivoted.cohort_arr, 0) as double) as decimal(38,10)),
        4
    ) as decimal(18,4)) as nrr_pct,
    pivoted.cohort_accounts_kept,
    cast(round(
        cast(cast(pivoted.cohort_accounts_kept as double) * 100 / cast(nullif(pivoted.cohort_accounts, 0) as double) as decimal(38,10)),
        4
    ) as decimal(18,4)) as logo_retention_pct,
    pivoted.cohort_accounts_unknown,
    pivoted.arr_live,
    pivoted.arr_billed,
    pivoted.arr_unbilled_yet,
    cast(pivoted.closing_arr - pivoted.arr_unbilled_yet - pivoted.arr_billed as decimal(18,4)) as arr_gap,
    pivoted.arr_changed_since,
    case when pivoted.month_date = month_window.last_month_date then pivoted.leak_run_rate_12m end as leak_run_rate_12m,
    case
        when pivoted.month_date = month_window.last_month_date
            then cast(pivoted.closing_arr - pivoted.arr_unbilled_yet - pivoted.arr_billed - pivoted.arr_changed_since - pivoted.leak_run_rate_12m as decimal(18,4))
    end as arr_gap_unexplained,
    pivoted.lines_unknown,
    pivoted.accounts_without_rate,
    cast($as_of as date) as as_of_date
from pivoted
cross join month_window
