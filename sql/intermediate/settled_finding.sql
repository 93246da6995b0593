/*---
title = "Findings by obligation and step, after waivers, true-ups and credits"
owner = "finance"
grain = ["finding_id", "component", "period_start_date", "step"]

[columns]
finding_id = { type = "text", doc = "Same case, same id, on every run" }
check_code = { type = "text", doc = "The check" }
class = { type = "text", doc = "leak, liability, opportunity, timing, exposure or unverifiable" }
account_id = { type = "text", doc = "The account" }
contract_id = { type = "text", doc = "Canonical contract; empty where none" }
contract_line_id = { type = "text", doc = "Canonical contract line; empty where none" }
product_id = { type = "text", doc = "Canonical product; empty where none" }
subject_id = { type = "text", doc = "Invoice, credit note, invoice line or commitment it is about; else empty" }
owed_id = { type = "text", doc = "The contract line, or the commitment of a true-up, whose obligation it stands on; empty where the finding is no step" }
component = { type = "text", doc = "charge, usage, one_off or true_up; empty where the finding is no step" }
cell_no = { type = "integer", doc = "Number of the cell in the line's grid, or of the commitment's period" }
step = { type = "text", doc = "Step of the waterfall; empty where there is none" }
period_start_date = { type = "date", doc = "First day of the service period, or the subject's date" }
period_end_date = { type = "date", doc = "First day after it" }
billable_date = { type = "date", doc = "Contractual invoice date" }
from_amount = { type = "decimal(18,4)", doc = "Value before the step" }
to_amount = { type = "decimal(18,4)", doc = "Value after it" }
gap_amount = { type = "decimal(18,4)", doc = "What it adds up to" }
waived_amount = { type = "decimal(18,4)", doc = "Of it, waived by exception or review" }
absorbed_amount = { type = "decimal(18,4)", doc = "Of it, made up for by a commitment's true-up; signed like the gap" }
corrected_amount = { type = "decimal(18,4)", doc = "Of it, given back by credits; signed like the gap" }
leak_amount = { type = "decimal(18,4)", doc = "What is left of the gap" }
waiver_reason = { type = "text", doc = "The exceptions or the review" }
currency = { type = "text", doc = "Currency of the amounts" }
minor_digits = { type = "integer", doc = "Decimals of the currency" }

[checks]
not_null = ["finding_id", "check_code", "class", "component", "period_start_date", "step", "gap_amount", "waived_amount", "absorbed_amount", "corrected_amount", "leak_amount", "currency"]

[decisions]
order = "Waived first, then absorbed by a true-up; of an overbilling credits come first, then the true-up; what is left is leak or liability"
---*/
with finding_row as (
    select
        finding_id,
        check_code,
        class,
        account_id,
        contract_id,
        contract_line_id,
        product_id,
        subject_id,
        owed_id,
        component,
        cell_no,
        step,
        period_start_date,
        period_end_date,
        billable_date,
        from_amount,
        to_amount,
        gap_amount,
        currency,
        minor_digits
    from finding_row
),

finding_waiver as (
    select
        finding_id,
        component,
        period_start_date,
        step,
        waived_amount,
        reason
    from finding_waiver
),

finding_absorption as (
    select
        finding_id,
        component,
        period_start_date,
        step,
        absorbed_amount
    from finding_absorption
),

finding_correction as (
    select
        finding_id,
        component,
        period_start_date,
        step,
        corrected_amount
    from finding_correction
),

joined as (
    select
        finding_row.*,
        coalesce(finding_waiver.waived_amount, 0) as waived_amount,
        coalesce(finding_absorption.absorbed_amount, 0) as absorbed_amount,
        coalesce(finding_correction.corrected_amount, 0) as corrected_amount,
        finding_waiver.reason as waiver_reason
    from finding_row
    left join finding_waiver
        on finding_row.finding_id = finding_waiver.finding_id
        and finding_row.component = finding_waiver.component
        and finding_row.period_start_date = finding_waiver.period_start_date
        and finding_row.step = finding_waiver.step
    left join finding_absorption
        on finding_row.finding_id = finding_absorption.finding_id
        and finding_row.component = finding_absorption.component
        and finding_row.period_start_date = finding_absorption.period_start_date
        and finding_row.step = finding_absorption.step
    left join finding_correction
        on finding_row.finding_id = finding_correction.finding_id
        and finding_row.component = finding_correction.component
        and finding_row.period_start_date = finding_correction.period_start_date
        and finding_row.step = finding_correction.step
)

select
    finding_id,
    check_code,
    class,
    account_id,
    contract_id,
    contract_line_id,
    product_id,
    subject_id,
    owed_id,
    component,
    cell_no,
    step,
    period_start_date,
    period_end_date,
    billable_date,
    from_amount,
    to_amount,
    gap_amount,
    cast(waived_amount as decimal(18,4)) as waived_amount,
    cast(absorbed_amount as decimal(18,4)) as absorbed_amount,
    cast(corrected_amount as decimal(18,4)) as corrected_amount,
    cast(gap_amount - waived_amount - absorbed_amount - corrected_amount as decimal(18,4)) as leak_amount,
    waiver_reason,
    currency,
    minor_digits
from joined
