/*---
title = "Contract drift by service period and step"
owner = "finance"
grain = ["finding_id", "component", "period_start_date", "step", "as_of_date"]
partition_by = ["as_of_date"]

[columns]
finding_id = { type = "text", doc = "The case, same id on every run" }
check_code = { type = "text", doc = "The check that fired" }
class = { type = "text", doc = "leak, liability, opportunity, timing, exposure or unverifiable" }
account_id = { type = "text", doc = "The account" }
account_name = { type = "text", doc = "Its name" }
owner_id = { type = "text", doc = "Who is to act" }
owner_role = { type = "text", doc = "In which role" }
contract_id = { type = "text", doc = "The contract; empty where there is none" }
contract_line_id = { type = "text", doc = "The contract line; empty where there is none" }
product_id = { type = "text", doc = "The product; empty where there is none" }
subject_id = { type = "text", doc = "What it is about where that is no contract line: invoice, credit note, invoice line or commitment; else empty" }
component = { type = "text", doc = "charge, usage or one_off; empty where the finding is no step" }
period_start_date = { type = "date", doc = "First day of the service period, or the subject's date" }
period_end_date = { type = "date", doc = "First day after it" }
step = { type = "text", doc = "O1, E0, S1, S2, S3a, S4; empty where no money moves in a step" }
step_from_amount = { type = "decimal(18,4)", doc = "Value of the obligation before this cause is put right" }
step_to_amount = { type = "decimal(18,4)", doc = "Value after it" }
gap_amount = { type = "decimal(18,4)", doc = "What this cause adds to expected minus billed" }
waived_amount = { type = "decimal(18,4)", doc = "Of it, waived by an approved exception or a review" }
absorbed_amount = { type = "decimal(18,4)", doc = "Of it, made up for by a commitment's true-up; signed like the gap" }
corrected_amount = { type = "decimal(18,4)", doc = "Of it, given back by credits; signed like the gap" }
leak_amount = { type = "decimal(18,4)", doc = "Gap less waived, absorbed and corrected" }
currency = { type = "text", doc = "Currency of the amounts" }
as_of_date = { type = "date", doc = "Business date of the run" }

[checks]
not_null = ["finding_id", "check_code", "class", "account_id", "component", "period_start_date", "step", "gap_amount", "leak_amount", "currency", "as_of_date"]
expect.leak_sign = "class <> 'leak' or leak_amount >= 0"
expect.liability_sign = "class <> 'liability' or leak_amount <= 0"
expect.adds_up = "leak_amount = gap_amount - waived_amount - absorbed_amount - corrected_amount"

[decisions]
nothing_nets = "A leak and an overbilling of the same period stand beside each other; neither is taken from the other"
corrected_sign = "corrected_amount is signed like its gap, so that the sum of the parts is the gap for leaks and liabilities alike"
---*/
with settled_finding as (
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
        step,
        period_start_date,
        period_end_date,
        from_amount,
        to_amount,
        gap_amount,
        waived_amount,
        absorbed_amount,
        corrected_amount,
        leak_amount,
        currency
    from settled_finding
),

finding_owner as (
    select
        account_id,
        account_name,
        check_code,
        owner_role,
        owner_id
    from finding_owner
)

select
    settled_finding.finding_id,
    settled_finding.check_code,
    settled_finding.class,
    settled_finding.account_id,
    finding_owner.account_name,
    finding_owner.owner_id,
    finding_owner.owner_role,
    settled_finding.contract_id,
    settled_finding.contract_line_id,
    settled_finding.product_id,
    settled_finding.subject_id,
    settled_finding.component,
    settled_finding.period_start_date,
    settled_finding.period_end_date,
    settled_finding.step,
    settled_finding.from_amount as step_from_amount,
    settled_finding.to_amount as step_to_amount,
    settled_finding.gap_amount,
    settled_finding.waived_amount,
    settled_finding.absorbed_amount,
    settled_finding.corrected_amount,
    settled_finding.leak_amount,
    settled_finding.currency,
    cast($as_of as date) as as_of_date
from settled_finding
left join finding_owner
    on settled_finding.account_id = finding_owner.account_id
    and settled_finding.check_code = finding_owner.check_code
