/*---
title = "Exceptions about to lapse, and what they hide"
owner = "finance"
grain = ["exception_id", "as_of_date"]
partition_by = ["as_of_date"]

[columns]
exception_id = { type = "text", doc = "The exception; the finding_id of a waiving review" }
kind = { type = "text", doc = "exception, or review" }
account_id = { type = "text", doc = "The account it covers; null where it covers several" }
account_name = { type = "text", doc = "Its name" }
owner_id = { type = "text", doc = "Who is to act; null where nobody is known" }
owner_role = { type = "text", doc = "In which role" }
contract_id = { type = "text", doc = "The contract it covers; null where it covers several" }
contract_line_id = { type = "text", doc = "The line it covers; null where it covers several" }
check_code = { type = "text", doc = "The check it covers; null where it covers every check" }
start_date = { type = "date", doc = "First day covered; for a review the day of the decision" }
lapses_date = { type = "date", doc = "First day not covered" }
days_left = { type = "integer", doc = "Days from as_of to it" }
approved_by = { type = "text", doc = "Who approved or decided" }
approved_at = { type = "timestamp", doc = "When" }
reason = { type = "text", doc = "Why" }
cases = { type = "integer", doc = "Cases it waives money of" }
waived_amount = { type = "decimal(18,4)", doc = "Money waived to date; null where several currencies are concerned" }
run_rate_12m = { type = "decimal(18,4)", doc = "What comes back in twelve months once it has lapsed, if billing stays as it is; null where several currencies are concerned" }
currency = { type = "text", doc = "Currency of these amounts; null where several are concerned, or none" }
waived_amount_reporting = { type = "decimal(18,4)", doc = "Money waived in the reporting currency; null where a rate is missing" }
run_rate_12m_reporting = { type = "decimal(18,4)", doc = "run_rate_12m in the reporting currency; null where a rate is missing" }
reporting_currency = { type = "text", doc = "The company's currency" }
as_of_date = { type = "date", doc = "Business date of the run" }

[checks]
not_null = ["exception_id", "kind", "start_date", "lapses_date", "days_left", "cases", "as_of_date"]

[decisions]
listed = "In force on as_of and lapsing within exception_notice_days; one that hides nothing is listed too, so that nobody renews it unseen"
hides = "A waived row counts for every exception that covers its account, contract, line, check and a day of its period: one that two exceptions cover stands with both"
run_rate = "The waived amount of the latest checked period of each line, times periods a year; one-offs do not come back"
fx = "The rate of as_of, else the latest one not older than fx_max_age_days"
---*/
with canonical_id as (
    select
        kind,
        external_id,
        canonical_id
    from canonical_id
),

billing_exception as (
    select
        exception_id,
        account_id,
        contract_id,
        contract_line_id,
        check_code,
        start_date,
        end_date,
        approved_by,
        approved_at,
        reason
    from billing_exception
    where approved_at < cast($as_of_end as timestamp)
        and start_date <= cast($as_of as date)
        and end_date > cast($as_of as date)
        and end_date <= cast($as_of as date) + cast(cast($exception_notice_days as bigint) as int)
),

finding_review as (
    select
        finding_id,
        decision,
        decided_by,
        decided_at,
        expires_date,
        note
    from finding_review
    where decided_at < cast($as_of_end as timestamp)
),

settled_finding as (
    select
        finding_id,
        check_code,
        account_id,
        contract_id,
        contract_line_id,
        component,
        cell_no,
        period_start_date,
        coalesce(period_end_date, period_start_date + 1) as period_end_date,
        waived_amount,
        currency,
        minor_digits
    from settled_finding
    where waived_amount > 0
),

waterfall as (
    select
        contract_line_id,
        max(cell_no) as cell_no
    from waterfall
    where verdict = 'verified'
    group by contract_line_id
),

line_grid as (
    select
        contract_line_id,
        contract_id,
        account_id,
        months
    from line_grid
),

contract_version as (
    select
        contract_id,
        account_id
    from contract_version
    where is_current
),

contract_owner as (
    select
        account_id,
        owner_id,
        owner_role
    from contract_owner
),

account as (
    select
        account_id,
        name
    from account
),

fx_rate as (
    select
        from_currency,
        rate
    from fx_rate
    where to_currency = cast($reporting_currency as varchar)
        and rate_date <= cast($as_of as date)
        and rate_date > cast($as_of as date) - cast(cast($fx_max_age_days as bigint) as int)
    qualify row_number() over (partition by from_currency order by rate_date desc) = 1
),

currency_minor_unit as (
    select
        currency,
        minor_digits
    from currency_minor_unit
    where currency = cast($reporting_currency as varchar)
),

lapsing_exception as (
    select
        billing_exception.exception_id,
        'exception' as kind,
        billing_exception.account_id,
        coalesce(contract_alias.canonical_id, billing_exception.contract_id) as contract_id,
        coalesce(line_alias.canonical_id, billing_exception.contract_line_id) as contract_line_id,
        billing_exception.check_code,
        billing_exception.start_date,
        billing_exception.end_date as lapses_date,
        billing_exception.approved_by,
        billing_exception.approved_at,
        billing_exception.reason
    from billing_exception
    left join canonical_id as contract_alias
        on billing_exception.contract_id = contract_alias.external_id
        and contract_alias.kind = 'contract'
    left join canonical_id as line_alias
        on billing_exception.contract_line_id = line_alias.external_id
        and line_alias.kind = 'line'
),

latest_review as (
    select *
    from finding_review
    qualify row_number() over (partition by finding_id order by decided_at desc) = 1
),

lapsing_review as (
    select *
    from latest_review
    where decision = 'waived'
        and expires_date > cast($as_of as date)
        and expires_date <= cast($as_of as date) + cast(cast($exception_notice_days as bigint) as int)
),

-- What each of them hides, row by row. An exception joins by the narrowest scope it states.
hidden_row as (
    select
        lapsing_exception.exception_id,
        settled_finding.*
    from lapsing_exception
    inner join settled_finding
        on lapsing_exception.contract_line_id = settled_finding.contract_line_id
    where (lapsing_exception.contract_id is null or lapsing_exception.contract_id = settled_finding.contract_id)
        and (lapsing_exception.account_id is null or lapsing_exception.account_id = settled_finding.account_id)
        and (lapsing_exception.check_code is null or lapsing_exception.check_code = settled_finding.check_code)
        and lapsing_exception.start_date < settled_finding.period_end_date
        and lapsing_exception.lapses_date > settled_finding.period_start_date
    union all
    select
        lapsing_exception.exception_id,
        settled_finding.*
    from lapsing_exception
    inner join settled_finding
        on lapsing_exception.contract_id = settled_finding.contract_id
    where lapsing_exception.contract_line_id is null
        and (lapsing_exception.account_id is null or lapsing_exception.account_id = settled_finding.account_id)
        and (lapsing_exception.check_code is null or lapsing_exception.check_code = settled_finding.check_code)
        and lapsing_exception.start_date < settled_finding.period_end_date
        and lapsing_exception.lapses_date > settled_finding.period_start_date
    union all
    select
        lapsing_exception.exception_id,
        settled_finding.*
    from lapsing_exception
    inner join settled_finding
        on lapsing_exception.start_date < settled_finding.period_end_date
        and lapsing_exception.lapses_date > settled_finding.period_start_date
    where lapsing_exception.contract_line_id is null
        and lapsing_exception.contract_id is null
        and (lapsing_exception.account_id is null or lapsing_exception.account_id = settled_finding.account_id)
        and (lapsing_exception.check_code is null or lapsing_exception.check_code = settled_finding.check_code)
    union all
    select
        lapsing_review.finding_id as exception_id,
        settled_finding.*
    from lapsing_review
    inner join settled_finding
        on lapsing_review.finding_id = settled_finding.finding_id
),

recurring as (
    select
        hidden_row.*,
        cast(case
            when hidden_row.component in ('charge', 'usage') and hidden_row.cell_no = waterfall.cell_no
                then cast(hidden_row.waived_amount as double) * 12 / cast(line_grid.months as double)
        end as decimal(38,10)) as yearly
    from hidden_row
    left join waterfall
        on hidden_row.contract_line_id = waterfall.contract_line_id
    left join line_grid
        on hidden_row.contract_line_id = line_grid.contract_line_id
),

by_currency as (
    select
        recurring.exception_id,
        recurring.currency,
        max(recurring.minor_digits) as minor_digits,
        sum(recurring.waived_amount) as waived_amount,
        coalesce(sum(recurring.yearly), 0) as yearly
    from recurring
    group by
        recurring.exception_id,
        recurring.currency
),

rated as (
    select
        by_currency.exception_id,
        by_currency.currency,
        by_currency.waived_amount,
        case
            when by_currency.minor_digits = 0 then cast(round(by_currency.yearly, 0) as decimal(18,4))
            when by_currency.minor_digits = 3 then cast(round(by_currency.yearly, 3) as decimal(18,4))
            else cast(round(by_currency.yearly, 2) as decimal(18,4))
        end as run_rate,
        case when by_currency.currency = cast($reporting_currency as varchar) then cast(1 as decimal(18,8)) else fx_rate.rate end as rate
    from by_currency
    left join fx_rate
        on by_currency.currency = fx_rate.from_currency
),

money as (
    select
        exception_id,
        case when count(*) = 1 then max(currency) end as currency,
        case when count(*) = 1 then max(waived_amount) end as waived_amount,
        case when count(*) = 1 then max(run_rate) end as run_rate,
        case when count(*) = count(rate) then sum(cast(cast(waived_amount as decimal(38,4)) * rate as decimal(38,10))) end as waived_converted,
        case when count(*) = count(rate) then sum(cast(cast(run_rate as decimal(38,4)) * rate as decimal(38,10))) end as run_rate_converted
    from rated
    group by exception_id
),

touched as (
    select distinct
        exception_id,
        finding_id
    from hidden_row
),

case_count as (
    select
        exception_id,
        count(*) as cases
    from touched
    group by exception_id
),

reviewed_case as (
    select distinct
        finding_id,
        account_id,
        contract_id,
        contract_line_id,
        check_code
    from settled_finding
),

every_lapse as (
    select
        lapsing_exception.exception_id,
        lapsing_exception.kind,
        coalesce(lapsing_exception.account_id, line_grid.account_id, contract_version.account_id) as account_id,
        coalesce(lapsing_exception.contract_id, line_grid.contract_id) as contract_id,
        lapsing_exception.contract_line_id,
        lapsing_exception.check_code,
        lapsing_exception.start_date,
        lapsing_exception.lapses_date,
        lapsing_exception.approved_by,
        lapsing_exception.approved_at,
        lapsing_exception.reason
    from lapsing_exception
    left join line_grid
        on lapsing_exception.contract_line_id = line_grid.contract_line_id
    left join contract_version
        on lapsing_exception.contract_id = contract_version.contract_id
    union all
    select
        lapsing_review.finding_id as exception_id,
        'review' as kind,
        reviewed_case.account_id,
        nullif(reviewed_case.contract_id, '') as contract_id,
        nullif(reviewed_case.contract_line_id, '') as contract_line_id,
        reviewed_case.check_code,
        cast(lapsing_review.decided_at as date) as start_date,
        lapsing_review.expires_date as lapses_date,
        lapsing_review.decided_by as approved_by,
        lapsing_review.decided_at as approved_at,
        lapsing_review.note as reason
    from lapsing_review
    left join reviewed_case
        on lapsing_review.finding_id = reviewed_case.finding_id
),

rounded as (
    select
        money.*,
        coalesce(currency_minor_unit.minor_digits, 2) as reporting_digits
    from money
    left join currency_minor_unit
        on 1 = 1
)

select
    every_lapse.exception_id,
    every_lapse.kind,
    every_lapse.account_id,
    account.name as account_name,
    contract_owner.owner_id,
    contract_owner.owner_role,
    every_lapse.contract_id,
    every_lapse.contract_line_id,
    every_lapse.check_code,
    every_lapse.start_date,
    every_lapse.lapses_date,
    cast(every_lapse.lapses_date - cast($as_of as date) as bigint) as days_left,
    every_lapse.approved_by,
    every_lapse.approved_at,
    every_lapse.reason,
    cast(coalesce(case_count.cases, 0) as bigint) as cases,
    cast(case when rounded.exception_id is null then 0 else rounded.waived_amount end as decimal(18,4)) as waived_amount,
    cast(case when rounded.exception_id is null then 0 else rounded.run_rate end as decimal(18,4)) as run_rate_12m,
    rounded.currency,
    case
        when rounded.exception_id is null then cast(0 as decimal(18,4))
        when rounded.reporting_digits = 0 then cast(round(rounded.waived_converted, 0) as decimal(18,4))
        when rounded.reporting_digits = 3 then cast(round(rounded.waived_converted, 3) as decimal(18,4))
        else cast(round(rounded.waived_converted, 2) as decimal(18,4))
    end as waived_amount_reporting,
    case
        when rounded.exception_id is null then cast(0 as decimal(18,4))
        when rounded.reporting_digits = 0 then cast(round(rounded.run_rate_converted, 0) as decimal(18,4))
        when rounded.reporting_digits = 3 then cast(round(rounded.run_rate_converted, 3) as decimal(18,4))
        else cast(round(rounded.run_rate_converted, 2) as decimal(18,4))
    end as run_rate_12m_reporting,
    cast($reporting_currency as varchar) as reporting_currency,
    cast($as_of as date) as as_of_date
from every_lapse
left join account
    on every_lapse.account_id = account.account_id
left join contract_owner
    on every_lapse.account_id = contract_owner.account_id
left join case_count
    on every_lapse.exception_id = case_count.exception_id
left join rounded
    on every_lapse.exception_id = rounded.exception_id
