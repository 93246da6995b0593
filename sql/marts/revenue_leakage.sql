/*---
title = "Revenue leakage"
owner = "finance"
grain = ["account_id", "currency", "month_date", "as_of_date"]
partition_by = ["as_of_date"]

[columns]
account_id = { type = "text", doc = "The account" }
account_name = { type = "text", doc = "The account's name" }
owner_id = { type = "text", doc = "The person to act" }
owner_role = { type = "text", doc = "In which role" }
currency = { type = "text", doc = "Contract currency; the invoice's for unmatched lines" }
month_date = { type = "date", doc = "First day of the month: of the billable date, of service for earned, of issue for unmatched lines" }
as_of_date = { type = "date", doc = "The run's business date" }
earned = { type = "decimal(18,4)", doc = "Service delivered by as_of, at contract terms" }
billable = { type = "decimal(18,4)", doc = "Due and verified: expected amounts whose contractual invoice date and grace have passed" }
invoiced = { type = "decimal(18,4)", doc = "Posted invoice lines without credits, unmatched ones included" }
unmatched = { type = "decimal(18,4)", doc = "Of invoiced, lines that belong to no contract line" }
credited = { type = "decimal(18,4)", doc = "Credit lines and unvoided credit notes" }
collected = { type = "decimal(18,4)", doc = "Payments less refunds and lost disputes, before tax" }
written_off = { type = "decimal(18,4)", doc = "Written off, before tax" }
underbilled = { type = "decimal(18,4)", doc = "Due and not billed, after waivers" }
overbilled = { type = "decimal(18,4)", doc = "Billed and not due, after corrections; never netted against underbilled" }
waived = { type = "decimal(18,4)", doc = "Given up by approved exceptions and reviews" }
absorbed = { type = "decimal(18,4)", doc = "Taken up by a commitment's true-up; null until commitments are rated" }
corrected = { type = "decimal(18,4)", doc = "Overbilling given back" }
credit_leak = { type = "decimal(18,4)", doc = "Credits outside policy; null until the credit checks run" }
collection_leak = { type = "decimal(18,4)", doc = "Written off, or open and longer past due than the policy allows" }
exposure = { type = "decimal(18,4)", doc = "The rest of what is invoiced, not credited and not collected" }
billing_leakage_pct = { type = "decimal(18,4)", doc = "underbilled of billable, percent points; null where nothing was billable" }
collection_leakage_pct = { type = "decimal(18,4)", doc = "collection_leak of invoiced less credited, percent points" }
total_leakage_pct = { type = "decimal(18,4)", doc = "underbilled, credit_leak and collection_leak of billable, percent points" }
reporting_currency = { type = "text", doc = "The company's currency" }
fx_rate = { type = "decimal(18,8)", doc = "Rate of the month's last day; null where none is known, and then no reporting amount" }
billable_reporting = { type = "decimal(18,4)", doc = "billable in reporting currency" }
invoiced_reporting = { type = "decimal(18,4)", doc = "invoiced in reporting currency" }
collected_reporting = { type = "decimal(18,4)", doc = "collected in reporting currency" }
underbilled_reporting = { type = "decimal(18,4)", doc = "underbilled in reporting currency" }
overbilled_reporting = { type = "decimal(18,4)", doc = "overbilled in reporting currency" }
collection_leak_reporting = { type = "decimal(18,4)", doc = "collection_leak in reporting currency" }
exposure_reporting = { type = "decimal(18,4)", doc = "exposure in reporting currency" }

[checks]
not_null = ["currency", "month_date", "as_of_date", "earned", "billable", "invoiced", "credited", "collected"]
expect.nothing_nets = "underbilled >= 0 and overbilled >= 0 and waived >= 0 and corrected >= 0"
expect.money_adds_up = "invoiced = credited + collected + collection_leak + exposure"

[decisions]
month = "Billable, invoiced, credited, collected, under- and overbilled, waived and corrected stand in the month of the obligation's billable date, earned in the month of service, unmatched lines in the month of issue"
collection_leak = "Open amounts of invoices whose receivable finding is a leak, and what was written off; everything else that is open is exposure"
fx = "The rate of the month's last day, or of as_of in the running month; the newest of the six days before where that day has none; never 1"
rounding = "Reporting amounts are rounded per row and stand outside the tie"
---*/
with account as (
    select
        account_id,
        name
    from account
),

account_owner as (
    select
        account_id,
        owner_id,
        owner_role
    from account_owner
),

money_month as (
    select
        account_id,
        currency,
        month_date,
        invoice_id,
        earned,
        invoiced,
        unmatched,
        credited,
        collected,
        written_off
    from money_month
),

obligation as (
    select
        account_id,
        currency,
        cast(date_trunc('month', coalesce(billable_date, period_start_date)) as date) as month_date,
        expected_amount,
        underbilled_amount,
        overbilled_amount,
        waived_amount,
        corrected_amount
    from obligation
    where verdict = 'verified'
),

leaking_invoice as (
    select
        invoice_id
    from receivable_finding
    where class = 'leak'
),

fx_rate as (
    select
        rate_date,
        from_currency,
        rate
    from fx_rate
    where to_currency = cast($reporting_currency as varchar)
        and rate_date <= cast($as_of as date)
),

currency_minor_unit as (
    select
        currency,
        minor_digits
    from currency_minor_unit
    where currency = cast($reporting_currency as varchar)
),

-- What is invoiced and neither credited, collected nor written off is open: leak by the receivable's age, else exposure.
classed as (
    select
        money_month.*,
        cast(invoiced - credited - collected - written_off as decimal(18, 4)) as open_amount,
        leaking_invoice.invoice_id is not null as is_leaking
    from money_month
    left join leaking_invoice
        on money_month.invoice_id = leaking_invoice.invoice_id
),

-- What was due comes from obligations, what moved from invoices and payments; they meet in the month, never line by line.
every_amount as (
    select
        account_id,
        currency,
        month_date,
        earned,
        cast(0 as decimal(18, 4)) as billable,
        invoiced,
        unmatched,
        credited,
        collected,
        written_off,
        cast(0 as decimal(18, 4)) as underbilled,
        cast(0 as decimal(18, 4)) as overbilled,
        cast(0 as decimal(18, 4)) as waived,
        cast(0 as decimal(18, 4)) as corrected,
        cast(case when is_leaking then written_off + open_amount else written_off end as decimal(18, 4)) as collection_leak,
        cast(case when is_leaking then 0 else open_amount end as decimal(18, 4)) as exposure
    from classed
    union all
    select
        account_id,
        currency,
        month_date,
        cast(0 as decimal(18, 4)) as earned,
        expected_amount as billable,
        cast(0 as decimal(18, 4)) as invoiced,
        cast(0 as decimal(18, 4)) as unmatched,
        cast(0 as decimal(18, 4)) as credited,
        cast(0 as decimal(18, 4)) as collected,
        cast(0 as decimal(18, 4)) as written_off,
        underbilled_amount as underbilled,
        overbilled_amount as overbilled,
        waived_amount as waived,
        corrected_amount as corrected,
        cast(0 as decimal(18, 4)) as collection_leak,
        cast(0 as decimal(18, 4)) as exposure
    from obligation
),

summed as (
    select
        account_id,
        currency,
        month_date,
        cast(sum(earned) as decimal(18, 4)) as earned,
        cast(sum(billable) as decimal(18, 4)) as billable,
        cast(sum(invoiced) as decimal(18, 4)) as invoiced,
        cast(sum(unmatched) as decimal(18, 4)) as unmatched,
        cast(sum(credited) as decimal(18, 4)) as credited,
        cast(sum(collected) as decimal(18, 4)) as collected,
        cast(sum(written_off) as decimal(18, 4)) as written_off,
        cast(sum(underbilled) as decimal(18, 4)) as underbilled,
        cast(sum(overbilled) as decimal(18, 4)) as overbilled,
        cast(sum(waived) as decimal(18, 4)) as waived,
        cast(sum(corrected) as decimal(18, 4)) as corrected,
        cast(sum(collection_leak) as decimal(18, 4)) as collection_leak,
        cast(sum(exposure) as decimal(18, 4)) as exposure
    from every_amount
    group by account_id, currency, month_date
),

rate_day as (
    select distinct
        currency,
        month_date,
        least(cast(date_trunc('month', month_date + 31) as date) - 1, cast($as_of as date)) as wanted_date
    from summed
),

dated_rate as (
    select
        rate_day.currency,
        rate_day.month_date,
        fx_rate.rate,
        row_number() over (partition by rate_day.currency, rate_day.month_date order by fx_rate.rate_date desc) as recency
    from rate_day
    inner join fx_rate
        on rate_day.currency = fx_rate.from_currency
        and fx_rate.rate_date <= rate_day.wanted_date
        and fx_rate.rate_date >= rate_day.wanted_date - 6
),

rated as (
    select
        summed.*,
        case
            when summed.currency = cast($reporting_currency as varchar) then cast(1 as decimal(18, 8))
            else dated_rate.rate
        end as fx_rate,
        coalesce(currency_minor_unit.minor_digits, 2) as reporting_digits
    from summed
    left join dated_rate
        on summed.currency = dated_rate.currency
        and summed.month_date = dated_rate.month_date
        and dated_rate.recency = 1
    left join currency_minor_unit
        on 1 = 1
),

converted as (
    select
        rated.*,
        cast(cast(billable as double) * cast(fx_rate as double) as decimal(38, 10)) as billable_converted,
        cast(cast(invoiced as double) * cast(fx_rate as double) as decimal(38, 10)) as invoiced_converted,
        cast(cast(collected as double) * cast(fx_rate as double) as decimal(38, 10)) as collected_converted,
        cast(cast(underbilled as double) * cast(fx_rate as double) as decimal(38, 10)) as underbilled_converted,
        cast(cast(overbilled as double) * cast(fx_rate as double) as decimal(38, 10)) as overbilled_converted,
        cast(cast(collection_leak as double) * cast(fx_rate as double) as decimal(38, 10)) as collection_leak_converted,
        cast(cast(exposure as double) * cast(fx_rate as double) as decimal(38, 10)) as exposure_converted
    from rated
)

select
    converted.account_id,
    account.name as account_name,
    account_owner.owner_id,
    account_owner.owner_role,
    converted.currency,
    converted.month_date,
    cast($as_of as date) as as_of_date,
    cast(converted.earned as decimal(18, 4)) as earned,
    cast(converted.billable as decimal(18, 4)) as billable,
    cast(converted.invoiced as decimal(18, 4)) as invoiced,
    cast(converted.unmatched as decimal(18, 4)) as unmatched,
    cast(converted.credited as decimal(18, 4)) as credited,
    cast(converted.collected as decimal(18, 4)) as collected,
    cast(converted.written_off as decimal(18, 4)) as written_off,
    cast(converted.underbilled as decimal(18, 4)) as underbilled,
    cast(converted.overbilled as decimal(18, 4)) as overbilled,
    cast(converted.waived as decimal(18, 4)) as waived,
    cast(null as decimal(18, 4)) as absorbed,
    cast(converted.corrected as decimal(18, 4)) as corrected,
    cast(null as decimal(18, 4)) as credit_leak,
    cast(converted.collection_leak as decimal(18, 4)) as collection_leak,
    cast(converted.exposure as decimal(18, 4)) as exposure,
    cast(
        round(
            cast(cast(converted.underbilled as double) * 100 / cast(nullif(converted.billable, 0) as double) as decimal(38, 10)),
            4
        ) as decimal(18, 4)
    ) as billing_leakage_pct,
    cast(
        round(
            cast(cast(converted.collection_leak as double) * 100 / cast(nullif(converted.invoiced - converted.credited, 0) as double) as decimal(38, 10)),
            4
        ) as decimal(18, 4)
    ) as collection_leakage_pct,
    cast(
        round(
            cast(cast(converted.underbilled + converted.collection_leak as double) * 100 / cast(nullif(converted.billable, 0) as double) as decimal(38, 10)),
            4
        ) as decimal(18, 4)
    ) as total_leakage_pct,
    cast($reporting_currency as varchar) as reporting_currency,
    converted.fx_rate,
    case
        when converted.reporting_digits = 0 then cast(round(converted.billable_converted, 0) as decimal(18, 4))
        when converted.reporting_digits = 3 then cast(round(converted.billable_converted, 3) as decimal(18, 4))
        else cast(round(converted.billable_converted, 2) as decimal(18, 4))
    end as billable_reporting,
    case
        when converted.reporting_digits = 0 then cast(round(converted.invoiced_converted, 0) as decimal(18, 4))
        when converted.reporting_digits = 3 then cast(round(converted.invoiced_converted, 3) as decimal(18, 4))
        else cast(round(converted.invoiced_converted, 2) as decimal(18, 4))
    end as invoiced_reporting,
    case
        when converted.reporting_digits = 0 then cast(round(converted.collected_converted, 0) as decimal(18, 4))
        when converted.reporting_digits = 3 then cast(round(converted.collected_converted, 3) as decimal(18, 4))
        else cast(round(converted.collected_converted, 2) as decimal(18, 4))
    end as collected_reporting,
    case
        when converted.reporting_digits = 0 then cast(round(converted.underbilled_converted, 0) as decimal(18, 4))
        when converted.reporting_digits = 3 then cast(round(converted.underbilled_converted, 3) as decimal(18, 4))
        else cast(round(converted.underbilled_converted, 2) as decimal(18, 4))
    end as underbilled_reporting,
    case
        when converted.reporting_digits = 0 then cast(round(converted.overbilled_converted, 0) as decimal(18, 4))
        when converted.reporting_digits = 3 then cast(round(converted.overbilled_converted, 3) as decimal(18, 4))
        else cast(round(converted.overbilled_converted, 2) as decimal(18, 4))
    end as overbilled_reporting,
    case
        when converted.reporting_digits = 0 then cast(round(converted.collection_leak_converted, 0) as decimal(18, 4))
        when converted.reporting_digits = 3 then cast(round(converted.collection_leak_converted, 3) as decimal(18, 4))
        else cast(round(converted.collection_leak_converted, 2) as decimal(18, 4))
    end as collection_leak_reporting,
    case
        when converted.reporting_digits = 0 then cast(round(converted.exposure_converted, 0) as decimal(18, 4))
        when converted.reporting_digits = 3 then cast(round(converted.exposure_converted, 3) as decimal(18, 4))
        else cast(round(converted.exposure_converted, 2) as decimal(18, 4))
    end as exposure_reporting
from converted
left join account
    on converted.account_id = account.account_id
left join account_owner
    on converted.account_id = account_owner.account_id
