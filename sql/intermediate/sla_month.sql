/*---
title = "Months in which a promised uptime was missed, and the credit owed"
owner = "finance"
grain = ["contract_id", "month_date"]

[columns]
contract_id = { type = "text", doc = "Canonical contract" }
account_id = { type = "text", doc = "The account" }
month_date = { type = "date", doc = "First day of the month" }
month_end_date = { type = "date", doc = "First day after it" }
target_pct = { type = "decimal(9,4)", doc = "Uptime promised, percent points" }
uptime_pct = { type = "decimal(12,6)", doc = "Uptime reached, percent points" }
down_minutes = { type = "decimal(18,2)", doc = "Minutes down" }
month_minutes = { type = "integer", doc = "Minutes of the month" }
credit_pct = { type = "decimal(9,4)", doc = "Credit when missed, percent points of the month's fee" }
cap_pct = { type = "decimal(9,4)", doc = "Most that is credited, percent points" }
claim_end_date = { type = "date", doc = "Last day on which the credit may be claimed; null where there is none" }
fee_amount = { type = "decimal(18,4)", doc = "Recurring charges due for the month's days" }
owed_amount = { type = "decimal(18,4)", doc = "Credit owed for the month" }
owed_before = { type = "decimal(18,4)", doc = "Credit owed for the contract's earlier months" }
outages = { type = "text", doc = "The outages" }
currency = { type = "text", doc = "Contract currency" }
minor_digits = { type = "integer", doc = "Decimals of the currency" }

[checks]
not_null = ["contract_id", "account_id", "month_date", "month_end_date", "uptime_pct", "owed_amount", "currency"]

[decisions]
months = "Calendar months in UTC that lie wholly inside the contract and are over by as_of"
outages = "Of the account, or of everybody where no account and no narrower scope is named; known once published; overlapping ones count once"
fee = "What the contract's recurring lines owe for the month's days, after discounts"
metric = "Terms on uptime; other metrics are not measured here"
---*/
with canonical_id as (
    select
        external_id,
        canonical_id
    from canonical_id
    where kind = 'contract'
),

contract_version as (
    select
        contract_id,
        term_source,
        account_id,
        is_current,
        valid_from_date,
        valid_to_date,
        service_start_date,
        charged_to_date,
        currency,
        minor_digits
    from contract_version
),

sla_term as (
    select
        contract_id,
        term_source,
        metric,
        target_pct,
        credit_pct,
        cap_pct,
        claim_days
    from sla_term
    where lower(metric) = 'uptime'
        and target_pct is not null
        and credit_pct is not null
),

outage as (
    select
        outage_id,
        start_at,
        end_at,
        account_id
    from outage
    where coalesce(published_at, start_at) < cast($as_of_end as timestamp)
        and end_at > start_at
        and (account_id is not null or coalesce(lower(scope), 'all') = 'all')
),

earned_month as (
    select
        contract_line_id,
        month_date,
        earned_amount
    from earned_month
),

line_grid as (
    select
        contract_line_id,
        contract_id
    from line_grid
    where component = 'charge'
),

-- The contract's own life; the terms of the version in force on as_of.
promised as (
    select
        contract_version.contract_id,
        min(greatest(contract_version.valid_from_date, contract_version.service_start_date)) as from_date,
        max(least(contract_version.valid_to_date, contract_version.charged_to_date)) as to_date,
        max(case when contract_version.is_current then contract_version.account_id end) as account_id,
        max(case when contract_version.is_current then contract_version.term_source end) as term_source,
        max(case when contract_version.is_current then contract_version.currency end) as currency,
        max(case when contract_version.is_current then contract_version.minor_digits end) as minor_digits
    from contract_version
    group by contract_version.contract_id
),

canonical_term as (
    select
        coalesce(canonical_id.canonical_id, sla_term.contract_id) as contract_id,
        sla_term.term_source,
        sla_term.metric,
        sla_term.target_pct,
        sla_term.credit_pct,
        sla_term.cap_pct,
        sla_term.claim_days
    from sla_term
    left join canonical_id
        on sla_term.contract_id = canonical_id.external_id
),

term as (
    select
        promised.*,
        canonical_term.target_pct,
        canonical_term.credit_pct,
        canonical_term.cap_pct,
        canonical_term.claim_days
    from promised
    inner join canonical_term
        on promised.contract_id = canonical_term.contract_id
        and promised.term_source = canonical_term.term_source
    qualify row_number() over (partition by promised.contract_id order by canonical_term.metric) = 1
),

outage_month as (
    select
        outage_id,
        account_id,
        start_at,
        end_at,
        cast(unnest(generate_series(
            cast(date_trunc('month', start_at) as date),
            cast(date_trunc('month', end_at) as date),
            interval '1 month'
        )) as date) as month_date
    from outage
),

hit as (
    select
        term.contract_id,
        outage_month.month_date,
        cast(date_trunc('month', outage_month.month_date + 31) as date) as month_end_date,
        outage_month.outage_id,
        outage_month.start_at,
        outage_month.end_at
    from term
    inner join outage_month
        on term.account_id = outage_month.account_id
        or outage_month.account_id is null
    where outage_month.month_date >= term.from_date
        and outage_month.month_date < term.to_date
),

-- Inside the month, in microseconds since 1970, so that days of any length divide exactly.
clipped as (
    select
        contract_id,
        month_date,
        month_end_date,
        outage_id,
        cast(round(extract(epoch from greatest(start_at, cast(month_date as timestamp))) * 1000000) as bigint) as from_us,
        cast(round(extract(epoch from least(end_at, cast(month_end_date as timestamp))) * 1000000) as bigint) as to_us
    from hit
    where end_at > cast(month_date as timestamp)
        and month_end_date <= cast($as_of as date)
),

ordered as (
    select
        clipped.*,
        max(to_us) over (
            partition by contract_id, month_date
            order by from_us, to_us, outage_id
            rows between unbounded preceding and 1 preceding
        ) as before_us
    from clipped
),

down as (
    select
        contract_id,
        month_date,
        max(month_end_date) as month_end_date,
        cast(sum(greatest(to_us - greatest(from_us, coalesce(before_us, from_us)), 0)) as bigint) as down_us,
        string_agg(outage_id, ', ' order by from_us, outage_id) as outages
    from ordered
    group by
        contract_id,
        month_date
),

measured as (
    select
        term.*,
        down.month_date,
        down.month_end_date,
        down.down_us,
        down.outages,
        cast(down.month_end_date - down.month_date as bigint) * 86400000000 as month_us
    from term
    inner join down
        on term.contract_id = down.contract_id
    where down.month_end_date <= term.to_date
),

reached as (
    select
        measured.*,
        cast(round(cast(100 - 100 * cast(down_us as double) / cast(month_us as double) as decimal(38,10)), 6) as decimal(12,6)) as uptime_pct
    from measured
),

fee as (
    select
        line_grid.contract_id,
        earned_month.month_date,
        sum(earned_month.earned_amount) as fee_amount
    from earned_month
    inner join line_grid
        on earned_month.contract_line_id = line_grid.contract_line_id
    group by
        line_grid.contract_id,
        earned_month.month_date
),

missed as (
    select
        reached.*,
        fee.fee_amount,
        cast(cast(fee.fee_amount as decimal(38,4)) * reached.credit_pct * cast(0.01 as decimal(4,2)) as decimal(38,10)) as credit_share,
        cast(cast(fee.fee_amount as decimal(38,4)) * reached.cap_pct * cast(0.01 as decimal(4,2)) as decimal(38,10)) as cap_share
    from reached
    inner join fee
        on reached.contract_id = fee.contract_id
        and reached.month_date = fee.month_date
    where reached.uptime_pct < reached.target_pct
),

owed as (
    select
        missed.*,
        least(
            case minor_digits
                when 0 then cast(round(credit_share, 0) as decimal(18,4))
                when 3 then cast(round(credit_share, 3) as decimal(18,4))
                else cast(round(credit_share, 2) as decimal(18,4))
            end,
            case minor_digits
                when 0 then cast(round(cap_share, 0) as decimal(18,4))
                when 3 then cast(round(cap_share, 3) as decimal(18,4))
                else cast(round(cap_share, 2) as decimal(18,4))
            end
        ) as owed_amount
    from missed
)

select
    contract_id,
    account_id,
    month_date,
    month_end_date,
    target_pct,
    uptime_pct,
    cast(round(cast(cast(down_us as double) / 60000000 as decimal(38,10)), 2) as decimal(18,2)) as down_minutes,
    cast(cast(month_end_date - month_date as bigint) * 1440 as bigint) as month_minutes,
    credit_pct,
    cap_pct,
    cast(month_end_date + cast(claim_days as int) as date) as claim_end_date,
    cast(fee_amount as decimal(18,4)) as fee_amount,
    cast(owed_amount as decimal(18,4)) as owed_amount,
    cast(coalesce(sum(owed_amount) over (
        partition by contract_id
        order by month_date
        rows between unbounded preceding and 1 preceding
    ), 0) as decimal(18,4)) as owed_before,
    outages,
    currency,
    minor_digits
from owed
where owed_amount > 0
