/*---
title = "Findings of the waterfall over all their periods, and the latest of them"
owner = "finance"
grain = ["finding_id"]

[columns]
finding_id = { type = "text", doc = "The case" }
check_code = { type = "text", doc = "The check" }
account_id = { type = "text", doc = "The account" }
contract_id = { type = "text", doc = "Canonical contract" }
owed_id = { type = "text", doc = "The contract line, or the commitment of a true-up" }
product_id = { type = "text", doc = "Canonical product" }
subject_id = { type = "text", doc = "Invoice or commitment; else empty" }
component = { type = "text", doc = "charge, usage, one_off or true_up" }
periods = { type = "integer", doc = "Service periods it touches" }
period_start_date = { type = "date", doc = "First day of the first period" }
period_end_date = { type = "date", doc = "First day after the last" }
first_billable_date = { type = "date", doc = "Earliest billable date" }
last_billable_date = { type = "date", doc = "Latest billable date" }
gap_amount = { type = "decimal(18,4)", doc = "Gap of all periods" }
waived_amount = { type = "decimal(18,4)", doc = "Of it, waived" }
absorbed_amount = { type = "decimal(18,4)", doc = "Of it, made up for by a true-up" }
corrected_amount = { type = "decimal(18,4)", doc = "Of it, given back by credits" }
waiver_reason = { type = "text", doc = "The exceptions or the review" }
last_cell_no = { type = "integer", doc = "Cell of the latest period" }
last_step = { type = "text", doc = "Its step, the last of several" }
last_start_date = { type = "date", doc = "Its first day" }
last_end_date = { type = "date", doc = "First day after it" }
last_from_amount = { type = "decimal(18,4)", doc = "Value before that step" }
last_to_amount = { type = "decimal(18,4)", doc = "Value after it" }
last_gap_amount = { type = "decimal(18,4)", doc = "What that step adds" }
currency = { type = "text", doc = "Currency of the amounts" }
minor_digits = { type = "integer", doc = "Decimals of the currency" }

[checks]
not_null = ["finding_id", "check_code", "owed_id", "component", "periods", "gap_amount", "last_cell_no", "last_step", "last_gap_amount"]
---*/
with settled_finding as (
    select
        finding_id,
        check_code,
        account_id,
        contract_id,
        owed_id,
        product_id,
        subject_id,
        component,
        cell_no,
        step,
        period_start_date,
        period_end_date,
        billable_date,
        from_amount,
        to_amount,
        gap_amount,
        waived_amount,
        absorbed_amount,
        corrected_amount,
        waiver_reason,
        currency,
        minor_digits
    from settled_finding
    where component <> ''
),

counted as (
    select
        finding_id,
        count(*) as periods
    from (
        select distinct
            finding_id,
            cell_no
        from settled_finding
    ) as period
    group by finding_id
),

summed as (
    select
        finding_id,
        max(check_code) as check_code,
        max(account_id) as account_id,
        max(contract_id) as contract_id,
        max(owed_id) as owed_id,
        max(product_id) as product_id,
        max(subject_id) as subject_id,
        max(component) as component,
        max(currency) as currency,
        max(minor_digits) as minor_digits,
        min(period_start_date) as period_start_date,
        max(period_end_date) as period_end_date,
        min(billable_date) as first_billable_date,
        max(billable_date) as last_billable_date,
        sum(gap_amount) as gap_amount,
        sum(waived_amount) as waived_amount,
        sum(absorbed_amount) as absorbed_amount,
        sum(corrected_amount) as corrected_amount,
        max(waiver_reason) as waiver_reason
    from settled_finding
    group by finding_id
),

-- The last step of the last period, by one narrow key.
last_key as (
    select
        finding_id,
        max(concat(cast(period_start_date as varchar), step)) as row_key
    from settled_finding
    group by finding_id
),

latest as (
    select
        settled_finding.finding_id,
        settled_finding.cell_no,
        settled_finding.step,
        settled_finding.period_start_date,
        settled_finding.period_end_date,
        settled_finding.from_amount,
        settled_finding.to_amount,
        settled_finding.gap_amount
    from settled_finding
    inner join last_key
        on settled_finding.finding_id = last_key.finding_id
        and concat(cast(settled_finding.period_start_date as varchar), settled_finding.step) = last_key.row_key
)

select
    summed.finding_id,
    summed.check_code,
    summed.account_id,
    summed.contract_id,
    summed.owed_id,
    summed.product_id,
    summed.subject_id,
    summed.component,
    counted.periods,
    summed.period_start_date,
    summed.period_end_date,
    summed.first_billable_date,
    summed.last_billable_date,
    cast(summed.gap_amount as decimal(18,4)) as gap_amount,
    cast(summed.waived_amount as decimal(18,4)) as waived_amount,
    cast(summed.absorbed_amount as decimal(18,4)) as absorbed_amount,
    cast(summed.corrected_amount as decimal(18,4)) as corrected_amount,
    summed.waiver_reason,
    latest.cell_no as last_cell_no,
    latest.step as last_step,
    latest.period_start_date as last_start_date,
    latest.period_end_date as last_end_date,
    latest.from_amount as last_from_amount,
    latest.to_amount as last_to_amount,
    latest.gap_amount as last_gap_amount,
    summed.currency,
    summed.minor_digits
from summed
inner join latest
    on summed.finding_id = latest.finding_id
inner join counted
    on summed.finding_id = counted.finding_id
