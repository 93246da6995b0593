/*---
title = "Renewal forecast by quarter and segment, from health, time to notice and our own past"
owner = "cs"
grain = ["quarter", "segment", "as_of_date"]
partition_by = ["as_of_date"]

[columns]
quarter = { type = "text", doc = "Calendar quarter of the renewals, such as 2026-Q3" }
segment = { type = "text", doc = "The accounts' segment, empty where they have none; all for the company: never add it to the others" }
quarter_start_date = { type = "date", doc = "First day of the quarter" }
reporting_currency = { type = "text", doc = "Currency of all amounts" }
contracts = { type = "integer", doc = "Contracts whose term ends in the quarter and that are in force today" }
atr_arr = { type = "decimal(18,4)", doc = "Available to renew: what they bring in a year today" }
secured_arr = { type = "decimal(18,4)", doc = "Of it, renewed already" }
lost_arr = { type = "decimal(18,4)", doc = "Of it, leaving: an early end or a loss is recorded" }
commit_arr = { type = "decimal(18,4)", doc = "Of it open, with evidence for renewal and 90 days or less to the notice deadline" }
likely_arr = { type = "decimal(18,4)", doc = "Of it open, with nothing against it but too early or with a doubt" }
at_risk_arr = { type = "decimal(18,4)", doc = "Of it open, with evidence against renewal" }
green_arr = { type = "decimal(18,4)", doc = "Of it open, in accounts with green health" }
yellow_arr = { type = "decimal(18,4)", doc = "Of it open, in accounts with yellow health" }
red_arr = { type = "decimal(18,4)", doc = "Of it open, in accounts with red health" }
unknown_arr = { type = "decimal(18,4)", doc = "Of it open, in accounts with too little data or no health" }
basis = { type = "text", doc = "rates: every open contract has a rate from our own decisions; bands: too few are recorded, no number is made up; settled: nothing is open" }
expected_arr = { type = "decimal(18,4)", doc = "Secured and, at those rates, what will be kept of the open part; null where basis is bands" }
low_arr = { type = "decimal(18,4)", doc = "The same at the lower ends of the rates' intervals" }
high_arr = { type = "decimal(18,4)", doc = "The same at the upper ends" }
rates = { type = "text", doc = "The rates used, each with n and interval; how many are recorded and wanted where basis is bands" }
outcomes_recorded = { type = "integer", doc = "Decisions with a health known before them" }
unverifiable_arr = { type = "decimal(18,4)", doc = "Of atr_arr, contracts without known notice days or with checks that could not run" }
unverifiable_pct = { type = "decimal(18,4)", doc = "The same as a share of atr_arr, percent points" }
leak_amount = { type = "decimal(18,4)", doc = "Open leaks of the open contracts, to settle before the talks" }
contracts_without_value = { type = "integer", doc = "Contracts whose value or exchange rate cannot be told, in no amount" }
drivers = { type = "text", doc = "The three open contracts at risk that weigh most; null where none is at risk" }
as_of_date = { type = "date", doc = "Business date of the run" }

[checks]
not_null = ["quarter", "segment", "contracts", "atr_arr", "secured_arr", "lost_arr", "basis", "rates", "outcomes_recorded", "as_of_date"]
expect.categories_add_up = "atr_arr = secured_arr + lost_arr + commit_arr + likely_arr + at_risk_arr"
expect.bands_add_up = "commit_arr + likely_arr + at_risk_arr = green_arr + yellow_arr + red_arr + unknown_arr"
expect.no_rate_no_number = "(basis = 'bands') = (expected_arr is null)"
expect.interval = "expected_arr is null or (low_arr <= expected_arr and expected_arr <= high_arr)"

[decisions]
rates = "The rate of the band and the time to the notice deadline; where too few decisions have been seen there, the band's over all times; else none"
no_table = "A colour is never turned into a percentage by assumption"
commit = "Green and not worsening, its audit not escalated, notice days known and 90 days or less to the deadline; or renewing by itself past the deadline and not red"
at_risk = "Red; yellow and worsening; automatic renewal switched off; or past the deadline with nothing signed and no automatic renewal"
ceiling = "Earlier than 90 days before the deadline nothing is better than likely"
interval = "Ends of the single rates added up: wider than the sum's own interval, and so on the safe side"
secured = "What is renewed counts with what there was to renew: growth is expansion, not renewal"
same_signals = "Health, audit and leaks of the same run"
---*/
with renewal_due as (
    select
        contract_id,
        account_id,
        quarter,
        quarter_start_date,
        renewal_date,
        notice_deadline_date,
        days_to_deadline,
        notice_window,
        is_auto_renew_off,
        state,
        arr_reporting,
        has_unknown_line
    from renewal_due
),

account as (
    select
        account_id,
        name,
        segment
    from account
),

account_health as (
    select
        account_id,
        band,
        is_worsening
    from account_health
),

contract_audit as (
    select
        contract_id,
        status,
        checks_unverifiable,
        leak_amount_reporting
    from contract_audit
),

renewal_base_rate as (
    select
        band,
        notice_window,
        outcomes,
        kept_pct,
        low_pct,
        high_pct
    from renewal_base_rate
    where is_usable
),

renewal_observation as (
    select outcome_id
    from renewal_observation
    where is_widest
),

recorded as (
    select count(*) as outcomes
    from renewal_observation
),

-- Evidence decides the category; time to the deadline is its ceiling.
joined as (
    select
        renewal_due.*,
        coalesce(account.segment, '') as segment,
        coalesce(account.name, renewal_due.account_id) as account_name,
        coalesce(account_health.band, 'insufficient_data') as band,
        case
            when renewal_due.state = 'renewed' then 'secured'
            when renewal_due.state = 'leaving' then 'lost'
            when account_health.band = 'red' or renewal_due.is_auto_renew_off
                or account_health.band = 'yellow' and account_health.is_worsening
                or renewal_due.state = 'open' and renewal_due.notice_deadline_date < cast($as_of as date) then 'at_risk'
            when renewal_due.state = 'renewing' then 'commit'
            when account_health.band = 'green' and not coalesce(account_health.is_worsening, false)
                and contract_audit.status <> 'escalate'
                and renewal_due.notice_deadline_date is not null
                and renewal_due.days_to_deadline <= 90 then 'commit'
            else 'likely'
        end as category,
        renewal_due.notice_deadline_date is null or renewal_due.has_unknown_line or coalesce(contract_audit.checks_unverifiable, 0) > 0 as is_unverifiable,
        coalesce(contract_audit.leak_amount_reporting, 0) as leak_amount,
        coalesce(renewal_due.arr_reporting, 0) as arr
    from renewal_due
    left join account
        on renewal_due.account_id = account.account_id
    left join account_health
        on renewal_due.account_id = account_health.account_id
    left join contract_audit
        on renewal_due.contract_id = contract_audit.contract_id
),

rated as (
    select
        joined.*,
        joined.category not in ('secured', 'lost') as is_open,
        coalesce(own_rate.notice_window, any_rate.notice_window) as rate_window,
        coalesce(own_rate.outcomes, any_rate.outcomes) as rate_outcomes,
        coalesce(own_rate.kept_pct, any_rate.kept_pct) as kept_pct,
        coalesce(own_rate.low_pct, any_rate.low_pct) as low_pct,
        coalesce(own_rate.high_pct, any_rate.high_pct) as high_pct
    from joined
    left join renewal_base_rate as own_rate
        on joined.band = own_rate.band
        and joined.notice_window = own_rate.notice_window
    left join renewal_base_rate as any_rate
        on joined.band = any_rate.band
        and any_rate.notice_window = 'any'
),

with_all as (
    select
        rated.* exclude (segment),
        rated.segment
    from rated
    union all
    select
        rated.* exclude (segment),
        'all' as segment
    from rated
),

summed as (
    select
        quarter,
        quarter_start_date,
        segment,
        count(*) as contracts,
        sum(arr) as atr_arr,
        sum(case when category = 'secured' then arr else 0 end) as secured_arr,
        sum(case when category = 'lost' then arr else 0 end) as lost_arr,
        sum(case when category = 'commit' then arr else 0 end) as commit_arr,
        sum(case when category = 'likely' then arr else 0 end) as likely_arr,
        sum(case when category = 'at_risk' then arr else 0 end) as at_risk_arr,
        sum(case when is_open and band = 'green' then arr else 0 end) as green_arr,
        sum(case when is_open and band = 'yellow' then arr else 0 end) as yellow_arr,
        sum(case when is_open and band = 'red' then arr else 0 end) as red_arr,
        sum(case when is_open and band not in ('green', 'yellow', 'red') then arr else 0 end) as unknown_arr,
        sum(case when is_open then 1 else 0 end) as open_contracts,
        sum(case when is_open and kept_pct is null then 1 else 0 end) as unrated_contracts,
        sum(case when is_open then cast(arr * kept_pct as decimal(38,8)) else 0 end) as kept_value,
        sum(case when is_open then cast(arr * low_pct as decimal(38,8)) else 0 end) as low_value,
        sum(case when is_open then cast(arr * high_pct as decimal(38,8)) else 0 end) as high_value,
        sum(case when is_unverifiable then arr else 0 end) as unverifiable_arr,
        sum(case when is_open then leak_amount else 0 end) as leak_amount,
        sum(case when arr_reporting is null then 1 else 0 end) as contracts_without_value
    from with_all
    group by
        quarter,
        quarter_start_date,
        segment
),

-- Each rate once, in words.
rate_used as (
    select distinct
        quarter,
        segment,
        band,
        rate_window,
        rate_outcomes,
        kept_pct,
        low_pct,
        high_pct
    from with_all
    where is_open
        and kept_pct is not null
),

rate_text as (
    select
        quarter,
        segment,
        string_agg(
            concat(
                band, ' ', rate_window, ': ', cast(cast(kept_pct as decimal(18,1)) as varchar), ' % of ', cast(rate_outcomes as varchar),
                ' (', cast(cast(low_pct as decimal(18,1)) as varchar), ' to ', cast(cast(high_pct as decimal(18,1)) as varchar), ' %)'
            ),
            '; ' order by band, rate_window
        ) as rates
    from rate_used
    group by
        quarter,
        segment
),

heaviest as (
    select
        quarter,
        segment,
        contract_id,
        account_name,
        arr,
        band,
        notice_deadline_date,
        renewal_date,
        row_number() over (partition by quarter, segment order by arr desc, contract_id) as place
    from with_all
    where category = 'at_risk'
),

driver as (
    select
        quarter,
        segment,
        string_agg(
            concat(
                contract_id, ' of ', account_name, ': ', cast(cast(arr as decimal(18,2)) as varchar), ' ', cast($reporting_currency as varchar),
                ', health ', case when band = 'insufficient_data' then 'unknown' else band end,
                case
                    when notice_deadline_date is null then concat(', renews on ', cast(renewal_date as varchar))
                    else concat(', notice by ', cast(notice_deadline_date as varchar))
                end
            ),
            '; ' order by place
        ) as drivers
    from heaviest
    where place <= 3
    group by
        quarter,
        segment
)

select
    summed.quarter,
    summed.segment,
    summed.quarter_start_date,
    cast($reporting_currency as varchar) as reporting_currency,
    cast(summed.contracts as bigint) as contracts,
    cast(summed.atr_arr as decimal(18,4)) as atr_arr,
    cast(summed.secured_arr as decimal(18,4)) as secured_arr,
    cast(summed.lost_arr as decimal(18,4)) as lost_arr,
    cast(summed.commit_arr as decimal(18,4)) as commit_arr,
    cast(summed.likely_arr as decimal(18,4)) as likely_arr,
    cast(summed.at_risk_arr as decimal(18,4)) as at_risk_arr,
    cast(summed.green_arr as decimal(18,4)) as green_arr,
    cast(summed.yellow_arr as decimal(18,4)) as yellow_arr,
    cast(summed.red_arr as decimal(18,4)) as red_arr,
    cast(summed.unknown_arr as decimal(18,4)) as unknown_arr,
    case
        when summed.open_contracts = 0 then 'settled'
        when summed.unrated_contracts = 0 then 'rates'
        else 'bands'
    end as basis,
    case
        when summed.unrated_contracts = 0
            then cast(round(cast(summed.secured_arr as double) + cast(summed.kept_value as double) / 100, 2) as decimal(18,4))
    end as expected_arr,
    case
        when summed.unrated_contracts = 0
            then cast(round(cast(summed.secured_arr as double) + cast(summed.low_value as double) / 100, 2) as decimal(18,4))
    end as low_arr,
    case
        when summed.unrated_contracts = 0
            then cast(round(cast(summed.secured_arr as double) + cast(summed.high_value as double) / 100, 2) as decimal(18,4))
    end as high_arr,
    case
        when summed.open_contracts = 0 then 'nothing is open'
        when summed.unrated_contracts = 0 then rate_text.rates
        else concat(
            cast(recorded.outcomes as varchar), ' decisions with a health known before them are recorded; it takes ',
            cast(cast($forecast_min_outcomes as bigint) as varchar), ' with ', cast(cast($forecast_min_losses as bigint) as varchar),
            ' losses, and ', cast(cast($forecast_min_cell as bigint) as varchar), ' of a band'
        )
    end as rates,
    cast(recorded.outcomes as bigint) as outcomes_recorded,
    cast(summed.unverifiable_arr as decimal(18,4)) as unverifiable_arr,
    cast(round(
        cast(cast(summed.unverifiable_arr as double) * 100 / cast(nullif(summed.atr_arr, 0) as double) as decimal(38,10)),
        4
    ) as decimal(18,4)) as unverifiable_pct,
    cast(summed.leak_amount as decimal(18,4)) as leak_amount,
    cast(summed.contracts_without_value as bigint) as contracts_without_value,
    driver.drivers,
    cast($as_of as date) as as_of_date
from summed
cross join recorded
left join rate_text
    on summed.quarter = rate_text.quarter
    and summed.segment = rate_text.segment
left join driver
    on summed.quarter = driver.quarter
    and summed.segment = driver.segment
