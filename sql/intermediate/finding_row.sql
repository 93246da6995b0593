/*---
title = "Findings by obligation and step, before waivers and credits"
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
subject_id = { type = "text", doc = "Invoice of C12, O1, A2 and R, credit note of A1, invoice line of an unmatched D2, commitment of Q4 and Q5; else empty" }
owed_id = { type = "text", doc = "The contract line, or the commitment of a true-up, whose obligation it stands on; empty where the finding is no step" }
component = { type = "text", doc = "charge, usage, one_off or true_up; empty where the finding is no step" }
cell_no = { type = "integer", doc = "Number of the cell in the line's grid, or of the commitment's period" }
step = { type = "text", doc = "Step of the waterfall; empty where there is none" }
place = { type = "integer", doc = "Order within the obligation" }
period_start_date = { type = "date", doc = "First day of the service period, or the subject's date" }
period_end_date = { type = "date", doc = "First day after it" }
billable_date = { type = "date", doc = "Contractual invoice date" }
from_amount = { type = "decimal(18,4)", doc = "Value before the step" }
to_amount = { type = "decimal(18,4)", doc = "Value after it" }
gap_amount = { type = "decimal(18,4)", doc = "What it adds up to" }
currency = { type = "text", doc = "Currency of the amounts" }
minor_digits = { type = "integer", doc = "Decimals of the currency" }

[checks]
not_null = ["finding_id", "check_code", "class", "owed_id", "component", "period_start_date", "step", "gap_amount", "currency"]

[decisions]
finding_id = "md5 of check_code, account_id, contract_id, contract_line_id, product_id and subject_id, joined by |, nulls as nothing: no period, so that five months are one case"
true_up = "A missing true-up stands on its commitment, the subject, and on no line; what else is wrong with a true-up has the commitment in place of the line"
class = "Of the waterfall O1 and O2 are liability, C11 is timing, everything else is leak; the others say it themselves"
---*/
with waterfall_finding as (
    select
        contract_line_id,
        cell_no,
        step,
        check_code,
        subject_id,
        place,
        gap_amount,
        from_amount,
        to_amount
    from waterfall_finding
),

waterfall as (
    select
        contract_line_id,
        cell_no,
        component,
        period_start_date,
        period_end_date,
        billable_date
    from waterfall
),

true_up_finding as (
    select
        commitment_id,
        period_no,
        step,
        check_code,
        subject_id,
        place,
        gap_amount,
        from_amount,
        to_amount
    from true_up_finding
),

commitment_period as (
    select
        commitment_id,
        period_no,
        contract_id,
        account_id,
        currency,
        minor_digits,
        period_start_date,
        period_end_date
    from commitment_period
),

line_grid as (
    select
        contract_line_id,
        contract_id,
        account_id,
        product_id,
        currency,
        minor_digits
    from line_grid
),

subject_finding as (
    select
        check_code,
        class,
        account_id,
        contract_id,
        contract_line_id,
        product_id,
        subject_id,
        period_start_date,
        period_end_date,
        billable_date,
        gap_amount,
        currency
    from subject_finding
),

currency_minor_unit as (
    select
        currency,
        minor_digits
    from currency_minor_unit
),

every_row as (
    select
        waterfall_finding.check_code,
        case
            when waterfall_finding.check_code in ('O1', 'O2') then 'liability'
            when waterfall_finding.check_code = 'C11' then 'timing'
            else 'leak'
        end as class,
        line_grid.account_id,
        line_grid.contract_id,
        line_grid.contract_line_id,
        line_grid.product_id,
        waterfall_finding.subject_id,
        line_grid.contract_line_id as owed_id,
        waterfall.component,
        waterfall.cell_no,
        waterfall_finding.step,
        waterfall_finding.place,
        waterfall.period_start_date,
        waterfall.period_end_date,
        waterfall.billable_date,
        waterfall_finding.from_amount,
        waterfall_finding.to_amount,
        waterfall_finding.gap_amount,
        line_grid.currency,
        line_grid.minor_digits
    from waterfall_finding
    inner join waterfall
        on waterfall_finding.contract_line_id = waterfall.contract_line_id
        and waterfall_finding.cell_no = waterfall.cell_no
    inner join line_grid
        on waterfall_finding.contract_line_id = line_grid.contract_line_id
    union all
    select
        true_up_finding.check_code,
        case
            when true_up_finding.check_code in ('O1', 'O2') then 'liability'
            when true_up_finding.check_code = 'C11' then 'timing'
            else 'leak'
        end as class,
        commitment_period.account_id,
        commitment_period.contract_id,
        case when true_up_finding.check_code = 'Q4' then '' else commitment_period.commitment_id end as contract_line_id,
        '' as product_id,
        true_up_finding.subject_id,
        commitment_period.commitment_id as owed_id,
        'true_up' as component,
        commitment_period.period_no as cell_no,
        true_up_finding.step,
        true_up_finding.place,
        commitment_period.period_start_date,
        commitment_period.period_end_date,
        commitment_period.period_end_date as billable_date,
        true_up_finding.from_amount,
        true_up_finding.to_amount,
        true_up_finding.gap_amount,
        commitment_period.currency,
        commitment_period.minor_digits
    from true_up_finding
    inner join commitment_period
        on true_up_finding.commitment_id = commitment_period.commitment_id
        and true_up_finding.period_no = commitment_period.period_no
    union all
    select
        subject_finding.check_code,
        subject_finding.class,
        subject_finding.account_id,
        subject_finding.contract_id,
        subject_finding.contract_line_id,
        subject_finding.product_id,
        subject_finding.subject_id,
        '' as owed_id,
        '' as component,
        cast(0 as bigint) as cell_no,
        '' as step,
        cast(0 as bigint) as place,
        subject_finding.period_start_date,
        subject_finding.period_end_date,
        subject_finding.billable_date,
        cast(0 as decimal(18,4)) as from_amount,
        subject_finding.gap_amount as to_amount,
        subject_finding.gap_amount,
        subject_finding.currency,
        coalesce(currency_minor_unit.minor_digits, cast(2 as bigint)) as minor_digits
    from subject_finding
    left join currency_minor_unit
        on subject_finding.currency = currency_minor_unit.currency
)

select
    md5(concat_ws(
        '|',
        check_code,
        coalesce(account_id, ''),
        coalesce(contract_id, ''),
        coalesce(contract_line_id, ''),
        coalesce(product_id, ''),
        coalesce(subject_id, '')
    )) as finding_id,
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
    place,
    period_start_date,
    period_end_date,
    billable_date,
    from_amount,
    to_amount,
    gap_amount,
    currency,
    minor_digits
from every_row
