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
written_off_unapproved = { type = "decimal(18,4)", doc = "Of it, without approver or reason and not waived since (A2)" }
underbilled = { type = "decimal(18,4)", doc = "Due and not billed, after waivers" }
overbilled = { type = "decimal(18,4)", doc = "Billed and not due, after corrections; never netted against underbilled" }
waived = { type = "decimal(18,4)", doc = "Given up by approved exceptions and reviews" }
absorbed = { type = "decimal(18,4)", doc = "Made up for by commitments' true-ups: positive in the months of the leaks, negative in the month of the true-up that paid them" }
corrected = { type = "decimal(18,4)", doc = "Overbilling given back" }
credit_leak = { type = "decimal(18,4)", doc = "Credited beyond policy (A1), in the month of issue of the note" }
collection_leak = { type = "decimal(18,4)", doc = "Written off without approval (A2), or open and longer past due than the policy allows (R)" }
exposure = { type = "decimal(18,4)", doc = "The rest of what is open: invoiced, and neither credited nor collected nor written off" }
billing_leakage_pct = { type = "decimal(18,4)", doc = "underbilled of billable, percent points; null where nothing was billable" }
collection_leakage_pct = { type = "decimal(18,4)", doc = "collection_leak of invoiced less credited, percent points" }
total_leakage_pct = { type = "decimal(18,4)", doc = "underbilled, credit_leak and collection_leak of billable, percent points" }
reporting_currency = { type = "text", doc = "The company's currency" }
fx_rate = { type = "decimal(18,8)", doc = "Rate of the month's last day; null where none is known, and then no reporting amount" }
is_rate_missing = { type = "boolean", doc = "No rate is known: the amounts in reporting currency are unknown" }
earned_reporting = { type = "decimal(18,4)", doc = "earned in reporting currency" }
billable_reporting = { type = "decimal(18,4)", doc = "billable in reporting currency" }
invoiced_reporting = { type = "decimal(18,4)", doc = "invoiced in reporting currency" }
credited_reporting = { type = "decimal(18,4)", doc = "credited in reporting currency" }
collected_reporting = { type = "decimal(18,4)", doc = "collected in reporting currency" }
written_off_reporting = { type = "decimal(18,4)", doc = "written_off in reporting currency" }
underbilled_reporting = { type = "decimal(18,4)", doc = "underbilled in reporting currency" }
overbilled_reporting = { type = "decimal(18,4)", doc = "overbilled in reporting currency" }
waived_reporting = { type = "decimal(18,4)", doc = "waived in reporting currency" }
absorbed_reporting = { type = "decimal(18,4)", doc = "absorbed in reporting currency" }
corrected_reporting = { type = "decimal(18,4)", doc = "corrected in reporting currency" }
credit_leak_reporting = { type = "decimal(18,4)", doc = "credit_leak in reporting currency" }
collection_leak_reporting = { type = "decimal(18,4)", doc = "collection_leak in reporting currency" }
exposure_reporting = { type = "decimal(18,4)", doc = "exposure in reporting currency" }

[checks]
not_null = ["currency", "month_date", "as_of_date", "earned", "billable", "invoiced", "credited", "collected"]
expect.nothing_nets = "underbilled >= 0 and overbilled >= 0 and waived >= 0 and corrected >= 0"
expect.money_adds_up = "invoiced = credited + collected + written_off - written_off_unapproved + collection_leak + exposure"
expect.no_rate_no_amount = "is_rate_missing = (fx_rate is null) and is_rate_missing = (billable_reporting is null)"

[decisions]
month = "Billable, invoiced, credited, collected, under- and overbilled, waived and corrected stand in the month of the obligation's billable date, earned in the month of service, unmatched lines in the month of issue"
collection_leak = "Open amounts of invoices whose receivable finding is a leak, and write-offs without approver or reason, neither waived; an approved write-off is in written_off alone, everything else that is open is exposure"
credit_leak = "What A1 finds in a credit note and nobody waived, in the month of issue: it may be more than what the note gave back in any one month of service"
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
        written_off,
        written_off_unapproved
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
        absorbed_amount,
        corrected_amount
    from obligation
    where verdict = 'verified'
),

settled_finding as (
    select
        check_code,
        class,
        account_id,
        subject_id,
        period_start_date,
        leak_amount,
        currency
    from settled_finding
    where class = 'leak'
        and leak_amount > 0
        and check_code in ('R1', 'R2', 'R3', 'R4', 'A1', 'A2')
),

leaking_invoice as (
    select
        subject_id as invoice_id,
        bool_or(check_code <> 'A2') as is_leaking,
        bool_or(check_code = 'A2') as is_written_off
    from settled_finding
    where check_code <> 'A1'
    group by subject_id
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
        cast(money_month.invoiced - money_month.credited - money_month.collected - money_month.written_off as decimal(18, 4)) as open_amount,
        coalesce(leaking_invoice.is_leaking, false) as is_leaking,
        cast(case when leaking_invoice.is_written_off then money_month.written_off_unapproved else 0 end as decimal(18, 4)) as unapproved
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
        unapproved as written_off_unapproved,
        cast(0 as decimal(18, 4)) as underbilled,
        cast(0 as decimal(18, 4)) as overbilled,
        cast(0 as decimal(18, 4)) as waived,
        cast(0 as decimal(18, 4)) as absorbed,
        cast(0 as decimal(18, 4)) as corrected,
        cast(0 as decimal(18, 4)) as credit_leak,
        cast(case when is_leaking then unapproved + open_amount else unapproved end as decimal(18, 4)) as collection_leak,
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
        cast(0 as decimal(18, 4)) as written_off_unapproved,
        underbilled_amount as underbilled,
        overbilled_amount as overbilled,
        waived_amount as waived,
        absorbed_amount as absorbed,
        corrected_amount as corrected,
        cast(0 as decimal(18, 4)) as credit_leak,
        cast(0 as decimal(18, 4)) as collection_leak,
        cast(0 as decimal(18, 4)) as exposure
    from obligation
    union all
    select
        account_id,
        currency,
        cast(date_trunc('month', period_start_date) as date) as month_date,
        cast(0 as decimal(18, 4)) as earned,
        cast(0 as decimal(18, 4)) as billable,
        cast(0 as decimal(18, 4)) as invoiced,
        cast(0 as decimal(18, 4)) as unmatched,
        cast(0 as decimal(18, 4)) as credited,
        cast(0 as decimal(18, 4)) as collected,
        cast(0 as decimal(18, 4)) as written_off,
        cast(0 as decimal(18, 4)) as written_off_unapproved,
        cast(0 as decimal(18, 4)) as underbilled,
        cast(0 as decimal(18, 4)) as overbilled,
        cast(0 as decimal(18, 4)) as waived,
        cast(0 as decimal(18, 4)) as absorbed,
        cast(0 as decimal(18, 4)) as corrected,
        leak_amount as credit_leak,
        cast(0 as decimal(18, 4)) as collection_leak,
        cast(0 as decimal(18, 4)) as exposure
    from settled_finding
    where check_code = 'A1'
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
        cast(sum(written_off_unapproved) as decimal(18, 4)) as written_off_unapproved,
        cast(sum(underbilled) as decimal(18, 4)) as underbilled,
        cast(sum(overbilled) as decimal(18, 4)) as overbilled,
        cast(sum(waived) as decimal(18, 4)) as waived,
        cast(sum(absorbed) as decimal(18, 4)) as absorbed,
        cast(sum(corrected) as decimal(18, 4)) as corrected,
        cast(sum(credit_leak) as decimal(18, 4)) as credit_leak,
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
        cast(cast(earned as double) * cast(fx_rate as double) as decimal(38, 10)) as earned_converted,
        cast(cast(billable as double) * cast(fx_rate as double) as decimal(38, 10)) as billable_converted,
        cast(cast(invoiced as double) * cast(fx_rate as double) as decimal(38, 10)) as invoiced_converted,
        cast(cast(credited as double) * cast(fx_rate as double) as decimal(38, 10)) as credited_converted,
        cast(cast(collected as double) * cast(fx_rate as double) as decimal(38, 10)) as collected_converted,
        cast(cast(written_off as double) * cast(fx_rate as double) as decimal(38, 10)) as written_off_converted,
        cast(cast(underbilled as double) * cast(fx_rate as double) as decimal(38, 10)) as underbilled_converted,
        cast(cast(overbilled as double) * cast(fx_rate as double) as decimal(38, 10)) as overbilled_converted,
        cast(cast(waived as double) * cast(fx_rate as double) as decimal(38, 10)) as waived_converted,
        cast(cast(absorbed as double) * cast(fx_rate as double) as decimal(38, 10)) as absorbed_converted,
        cast(cast(corrected as double) * cast(fx_rate as double) as decimal(38, 10)) as corrected_converted,
        cast(cast(credit_leak as double) * cast(fx_rate as double) as decimal(38, 10)) as credit_leak_converted,
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
    converted.written_off_unapproved,
    cast(converted.underbilled as decimal(18, 4)) as underbilled,
    cast(converted.overbilled as decimal(18, 4)) as overbilled,
    cast(converted.waived as decimal(18, 4)) as waived,
    converted.absorbed,
    cast(converted.corrected as decimal(18, 4)) as corrected,
    converted.credit_leak,
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
            cast(cast(converted.underbilled + converted.credit_leak + converted.collection_leak as double) * 100 / cast(nullif(converted.billable, 0) as double) as decimal(38, 10)),
            4
        ) as decimal(18, 4)
    ) as total_leakage_pct,
    cast($reporting_currency as varchar) as reporting_currency,
    converted.fx_rate,
    converted.fx_rate is null as is_rate_missing,
    case
        when converted.reporting_digits = 0 then cast(round(converted.earned_converted, 0) as decimal(18, 4))
        when converted.reporting_digits = 3 then cast(round(converted.earned_converted, 3) as decimal(18, 4))
        else cast(round(converted.earned_converted, 2) as decimal(18, 4))
    end as earned_reporting,
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
        when converted.reporting_digits = 0 then cast(round(converted.credited_converted, 0) as decimal(18, 4))
        when converted.reporting_digits = 3 then cast(round(converted.credited_converted, 3) as decimal(18, 4))
        else cast(round(converted.credited_converted, 2) as decimal(18, 4))
    end as credited_reporting,
    case
        when converted.reporting_digits = 0 then cast(round(converted.collected_converted, 0) as decimal(18, 4))
        when converted.reporting_digits = 3 then cast(round(converted.collected_converted, 3) as decimal(18, 4))
        else cast(round(converted.collected_converted, 2) as decimal(18, 4))
    end as collected_reporting,
    case
        when converted.reporting_digits = 0 then cast(round(converted.written_off_converted, 0) as decimal(18, 4))
        when converted.reporting_digits = 3 then cast(round(converted.written_off_converted, 3) as decimal(18, 4))
        else cast(round(converted.written_off_converted, 2) as decimal(18, 4))
    end as written_off_reporting,
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
        when converted.reporting_digits = 0 then cast(round(converted.waived_converted, 0) as decimal(18, 4))
        when converted.reporting_digits = 3 then cast(round(converted.waived_converted, 3) as decimal(18, 4))
        else cast(round(converted.waived_converted, 2) as decimal(18, 4))
    end as waived_reporting,
    case
        when converted.reporting_digits = 0 then cast(round(converted.absorbed_converted, 0) as decimal(18, 4))
        when converted.reporting_digits = 3 then cast(round(converted.absorbed_converted, 3) as decimal(18, 4))
        else cast(round(converted.absorbed_converted, 2) as decimal(18, 4))
    end as absorbed_reporting,
    case
        when converted.reporting_digits = 0 then cast(round(converted.corrected_converted, 0) as decimal(18, 4))
        when converted.reporting_digits = 3 then cast(round(converted.corrected_converted, 3) as decimal(18, 4))
        else cast(round(converted.corrected_converted, 2) as decimal(18, 4))
    end as corrected_reporting,
    case
        when converted.reporting_digits = 0 then cast(round(converted.credit_leak_converted, 0) as decimal(18, 4))
        when converted.reporting_digits = 3 then cast(round(converted.credit_leak_converted, 3) as decimal(18, 4))
        else cast(round(converted.credit_leak_converted, 2) as decimal(18, 4))
    end as credit_leak_reporting,
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
