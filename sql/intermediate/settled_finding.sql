/*---
title = "Findings by obligation and step, after waivers and credits"
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
component = { type = "text", doc = "charge, usage or one_off; empty where the finding is no step" }
cell_no = { type = "integer", doc = "Number of the cell in the line's grid" }
step = { type = "text", doc = "Step of the waterfall; empty where there is none" }
period_start_date = { type = "date", doc = "First day of the service period, or the subject's date" }
period_end_date = { type = "date", doc = "First day after it" }
billable_date = { type = "date", doc = "Contractual invoice date" }
from_amount = { type = "decimal(18,4)", doc = "Value before the step" }
to_amount = { type = "decimal(18,4)", doc = "Value after it" }
gap_amount = { type = "decimal(18,4)", doc = "What it adds up to" }
waived_amount = { type = "decimal(18,4)", doc = "Of it, waived by exception or review" }
corrected_amount = { type = "decimal(18,4)", doc = "Of it, given back by credits; signed like the gap" }
leak_amount = { type = "decimal(18,4)", doc = "What is left of the gap" }
waiver_reason = { type = "text", doc = "The exceptions or the review" }
currency = { type = "text", doc = "Currency of the amounts" }
minor_digits = { type = "integer", doc = "Decimals of the currency" }

[checks]
not_null = ["finding_id", "check_code", "class", "component", "period_start_date", "step", "gap_amount", "leak_amount", "currency"]

[decisions]
credits = "Credit lines and notes of an obligation are used up by its negative steps in order O1, E0, S1 to S4; what is left over is not netted against anything"
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
        component,
        cell_no,
        step,
        place,
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

waterfall as (
    select
        contract_line_id,
        cell_no,
        credited_amount
    from waterfall
    where credited_amount > 0
),

negative_row as (
    select
        finding_row.finding_id,
        finding_row.component,
        finding_row.period_start_date,
        finding_row.step,
        finding_row.gap_amount,
        waterfall.credited_amount,
        coalesce(sum(- finding_row.gap_amount) over (
            partition by finding_row.contract_line_id, finding_row.cell_no
            order by finding_row.place
            rows between unbounded preceding and 1 preceding
        ), 0) as used_before
    from finding_row
    inner join waterfall
        on finding_row.contract_line_id = waterfall.contract_line_id
        and finding_row.cell_no = waterfall.cell_no
    where finding_row.gap_amount < 0
),

corrected as (
    select
        finding_id,
        component,
        period_start_date,
        step,
        - least(- gap_amount, greatest(credited_amount - used_before, 0)) as corrected_amount
    from negative_row
),

joined as (
    select
        finding_row.*,
        coalesce(finding_waiver.waived_amount, 0) as waived_amount,
        coalesce(corrected.corrected_amount, 0) as corrected_amount,
        finding_waiver.reason as waiver_reason
    from finding_row
    left join finding_waiver
        on finding_row.finding_id = finding_waiver.finding_id
        and finding_row.component = finding_waiver.component
        and finding_row.period_start_date = finding_waiver.period_start_date
        and finding_row.step = finding_waiver.step
    left join corrected
        on finding_row.finding_id = corrected.finding_id
        and finding_row.component = corrected.component
        and finding_row.period_start_date = corrected.period_start_date
        and finding_row.step = corrected.step
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
    cast(corrected_amount as decimal(18,4)) as corrected_amount,
    cast(gap_amount - waived_amount - corrected_amount as decimal(18,4)) as leak_amount,
    waiver_reason,
    currency,
    minor_digits
from joined
