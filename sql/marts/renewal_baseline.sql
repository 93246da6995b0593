/*---
title = "Renewal baseline: the last ten renewals, executed terms against billing history"
owner = "finance"
grain = ["contract_id", "as_of_date"]
partition_by = ["as_of_date"]

[columns]
contract_id = { type = "text", doc = "The contract in force since the renewal" }
renewal_rank = { type = "integer", doc = "1 for the latest renewal, at most 10" }
kind = { type = "text", doc = "new contract, or automatic: the contract renewed itself" }
renewed_contract_id = { type = "text", doc = "The contract that was renewed: another, or the same" }
account_id = { type = "text", doc = "The account" }
account_name = { type = "text", doc = "Its name" }
owner_id = { type = "text", doc = "Who decides about the account's contracts" }
owner_role = { type = "text", doc = "In which role" }
term_before_start_date = { type = "date", doc = "First day of the term that was renewed" }
renewal_date = { type = "date", doc = "First day of the renewed term" }
currency = { type = "text", doc = "Currency of the amounts" }
expected_amount = { type = "decimal(18,4)", doc = "Due by the executed terms, both terms, verified obligations" }
billed_amount = { type = "decimal(18,4)", doc = "Billed for them" }
unbilled_overage_amount = { type = "decimal(18,4)", doc = "Leaks of use above what was billed: Q1, Q3, Q4, Q5" }
expired_discount_amount = { type = "decimal(18,4)", doc = "Leaks of discounts that had ended: P1" }
escalator_amount = { type = "decimal(18,4)", doc = "Leaks of price steps and renewal prices not taken: P3, P4, P5, P9" }
other_leak_amount = { type = "decimal(18,4)", doc = "All other leaks" }
leak_amount = { type = "decimal(18,4)", doc = "All leaks of both terms" }
leak_before_amount = { type = "decimal(18,4)", doc = "Of them, in the term that was renewed" }
leak_since_amount = { type = "decimal(18,4)", doc = "Of them, since the renewal" }
overbilled_amount = { type = "decimal(18,4)", doc = "Billed and not due in both terms; never netted" }
leak_pct = { type = "decimal(18,4)", doc = "Leaks of what was due, percent points; null where nothing was due" }
codes = { type = "text", doc = "Codes found in both terms" }
unverifiable_obligations = { type = "integer", doc = "Obligations of both terms that cannot be verified" }
leak_amount_reporting = { type = "decimal(18,4)", doc = "leak_amount in the reporting currency; null where no rate is known" }
reporting_currency = { type = "text", doc = "The company's currency" }
as_of_date = { type = "date", doc = "Business date of the run" }

[checks]
not_null = ["contract_id", "renewal_rank", "kind", "renewed_contract_id", "account_id", "renewal_date", "currency", "expected_amount", "billed_amount", "leak_amount", "as_of_date"]
expect.leaks_add_up = "leak_amount = unbilled_overage_amount + expired_discount_amount + escalator_amount + other_leak_amount and leak_amount = leak_before_amount + leak_since_amount"
expect.ten = "renewal_rank between 1 and 10"

[decisions]
renewal = "A contract that names the one it renews and has begun, or a contract that has renewed itself past its end; of one contract the latest"
both_terms = "The billing of the term that was renewed and of the renewed term up to as_of, by the first day of each service period"
order = "By renewal date, the latest first, then by contract_id"
fx = "The rate of as_of, else the latest one not older than fx_max_age_days"
---*/
with contract_version as (
    select
        contract_id,
        account_id,
        currency,
        minor_digits,
        start_date,
        first_start_date,
        renews_contract_id,
        is_current
    from contract_version
),

contract_renewal as (
    select
        contract_id,
        account_id,
        currency,
        minor_digits,
        term_start_date,
        term_before_start_date
    from contract_renewal
    where term_before_start_date is not null
),

obligation as (
    select
        contract_id,
        period_start_date,
        verdict,
        expected_amount,
        billed_amount
    from obligation
    where verdict <> 'not_due'
),

contract_drift_period as (
    select
        contract_id,
        check_code,
        class,
        period_start_date,
        leak_amount
    from contract_drift_period
    where component <> ''
        and class in ('leak', 'liability')
        and leak_amount <> 0
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

every_renewal as (
    select
        contract_version.contract_id,
        'new contract' as kind,
        contract_version.renews_contract_id as renewed_contract_id,
        contract_version.account_id,
        contract_version.currency,
        contract_version.minor_digits,
        coalesce(renewed.first_start_date, contract_version.first_start_date) as term_before_start_date,
        contract_version.first_start_date as renewal_date
    from contract_version
    left join contract_version as renewed
        on contract_version.renews_contract_id = renewed.contract_id
        and renewed.is_current
    where contract_version.is_current
        and contract_version.renews_contract_id is not null
        and contract_version.first_start_date <= cast($as_of as date)
    union all
    select
        contract_id,
        'automatic' as kind,
        contract_id as renewed_contract_id,
        account_id,
        currency,
        minor_digits,
        term_before_start_date,
        term_start_date as renewal_date
    from contract_renewal
),

latest_renewal as (
    select *
    from every_renewal
    qualify row_number() over (partition by contract_id order by renewal_date desc, kind) = 1
),

last_ten as (
    select
        latest_renewal.*,
        row_number() over (order by renewal_date desc, contract_id) as renewal_rank
    from latest_renewal
    qualify row_number() over (order by renewal_date desc, contract_id) <= 10
),

-- The two terms of each renewal, as contract and days.
term as (
    select
        contract_id as baseline_id,
        renewed_contract_id as contract_id,
        term_before_start_date as from_date,
        renewal_date as to_date,
        true as is_before
    from last_ten
    union all
    select
        contract_id as baseline_id,
        contract_id,
        renewal_date as from_date,
        date '9999-12-31' as to_date,
        false as is_before
    from last_ten
),

due as (
    select
        term.baseline_id,
        sum(case when obligation.verdict = 'verified' then obligation.expected_amount else 0 end) as expected_amount,
        sum(case when obligation.verdict = 'verified' then obligation.billed_amount else 0 end) as billed_amount,
        count(*) filter (where obligation.verdict = 'unverifiable') as unverifiable_obligations
    from term
    inner join obligation
        on term.contract_id = obligation.contract_id
        and obligation.period_start_date >= term.from_date
        and obligation.period_start_date < term.to_date
    group by term.baseline_id
),

found_row as (
    select
        term.baseline_id,
        term.is_before,
        contract_drift_period.check_code,
        case when contract_drift_period.class = 'leak' then contract_drift_period.leak_amount else 0 end as leak_amount,
        case when contract_drift_period.class = 'liability' then - contract_drift_period.leak_amount else 0 end as overbilled_amount
    from term
    inner join contract_drift_period
        on term.contract_id = contract_drift_period.contract_id
        and contract_drift_period.period_start_date >= term.from_date
        and contract_drift_period.period_start_date < term.to_date
),

found as (
    select
        baseline_id,
        sum(leak_amount) as leak_amount,
        sum(case when is_before then leak_amount else 0 end) as leak_before_amount,
        sum(case when check_code in ('Q1', 'Q3', 'Q4', 'Q5') then leak_amount else 0 end) as unbilled_overage_amount,
        sum(case when check_code = 'P1' then leak_amount else 0 end) as expired_discount_amount,
        sum(case when check_code in ('P3', 'P4', 'P5', 'P9') then leak_amount else 0 end) as escalator_amount,
        sum(overbilled_amount) as overbilled_amount
    from found_row
    group by baseline_id
),

distinct_code as (
    select distinct
        baseline_id,
        check_code
    from found_row
),

coded as (
    select
        baseline_id,
        string_agg(check_code, ', ' order by check_code) as codes
    from distinct_code
    group by baseline_id
),

summed as (
    select
        last_ten.*,
        coalesce(due.expected_amount, 0) as expected_amount,
        coalesce(due.billed_amount, 0) as billed_amount,
        coalesce(due.unverifiable_obligations, 0) as unverifiable_obligations,
        coalesce(found.leak_amount, 0) as leak_amount,
        coalesce(found.leak_before_amount, 0) as leak_before_amount,
        coalesce(found.unbilled_overage_amount, 0) as unbilled_overage_amount,
        coalesce(found.expired_discount_amount, 0) as expired_discount_amount,
        coalesce(found.escalator_amount, 0) as escalator_amount,
        coalesce(found.overbilled_amount, 0) as overbilled_amount,
        coded.codes,
        case when last_ten.currency = cast($reporting_currency as varchar) then cast(1 as decimal(18,8)) else fx_rate.rate end as rate,
        coalesce(currency_minor_unit.minor_digits, 2) as reporting_digits
    from last_ten
    left join due
        on last_ten.contract_id = due.baseline_id
    left join found
        on last_ten.contract_id = found.baseline_id
    left join coded
        on last_ten.contract_id = coded.baseline_id
    left join fx_rate
        on last_ten.currency = fx_rate.from_currency
    left join currency_minor_unit
        on 1 = 1
),

converted as (
    select
        summed.*,
        cast(cast(leak_amount as decimal(38,4)) * rate as decimal(38,10)) as leak_converted
    from summed
)

select
    converted.contract_id,
    cast(converted.renewal_rank as bigint) as renewal_rank,
    converted.kind,
    converted.renewed_contract_id,
    converted.account_id,
    account.name as account_name,
    contract_owner.owner_id,
    contract_owner.owner_role,
    cast(converted.term_before_start_date as date) as term_before_start_date,
    cast(converted.renewal_date as date) as renewal_date,
    converted.currency,
    cast(converted.expected_amount as decimal(18,4)) as expected_amount,
    cast(converted.billed_amount as decimal(18,4)) as billed_amount,
    cast(converted.unbilled_overage_amount as decimal(18,4)) as unbilled_overage_amount,
    cast(converted.expired_discount_amount as decimal(18,4)) as expired_discount_amount,
    cast(converted.escalator_amount as decimal(18,4)) as escalator_amount,
    cast(converted.leak_amount - converted.unbilled_overage_amount - converted.expired_discount_amount - converted.escalator_amount as decimal(18,4)) as other_leak_amount,
    cast(converted.leak_amount as decimal(18,4)) as leak_amount,
    cast(converted.leak_before_amount as decimal(18,4)) as leak_before_amount,
    cast(converted.leak_amount - converted.leak_before_amount as decimal(18,4)) as leak_since_amount,
    cast(converted.overbilled_amount as decimal(18,4)) as overbilled_amount,
    cast(
        round(cast(cast(converted.leak_amount as double) * 100 / cast(nullif(converted.expected_amount, 0) as double) as decimal(38,10)), 4)
        as decimal(18,4)
    ) as leak_pct,
    converted.codes,
    cast(converted.unverifiable_obligations as bigint) as unverifiable_obligations,
    case
        when converted.reporting_digits = 0 then cast(round(converted.leak_converted, 0) as decimal(18,4))
        when converted.reporting_digits = 3 then cast(round(converted.leak_converted, 3) as decimal(18,4))
        else cast(round(converted.leak_converted, 2) as decimal(18,4))
    end as leak_amount_reporting,
    cast($reporting_currency as varchar) as reporting_currency,
    cast($as_of as date) as as_of_date
from converted
left join account
    on converted.account_id = account.account_id
left join contract_owner
    on converted.account_id = contract_owner.account_id
