/*---
title = "Cases by period and step, beside what the last earlier run found"
owner = "finance"
grain = ["finding_id", "component", "period_start_date", "step"]

[columns]
finding_id = { type = "text", doc = "The case" }
component = { type = "text", doc = "charge, usage, one_off or true_up; empty where no obligation is concerned" }
period_start_date = { type = "date", doc = "First day of the service period, or the subject's date" }
step = { type = "text", doc = "Step of the waterfall; empty where there is none" }
check_code = { type = "text", doc = "The check" }
account_id = { type = "text", doc = "The account" }
contract_id = { type = "text", doc = "The contract; empty where there is none" }
contract_line_id = { type = "text", doc = "The contract line, or the commitment of a true-up; empty where there is none" }
subject_id = { type = "text", doc = "What it is about beside a contract line" }
billable_date = { type = "date", doc = "Contractual invoice date; null where the row is not found today" }
is_found = { type = "boolean", doc = "Found today" }
gap_before = { type = "decimal(18,4)", doc = "Gap of the last earlier run; 0 where it had none" }
gap_amount = { type = "decimal(18,4)", doc = "Gap today; 0 where it is not found" }
waived_amount = { type = "decimal(18,4)", doc = "Of it, waived" }
absorbed_amount = { type = "decimal(18,4)", doc = "Of it, absorbed by a true-up" }
corrected_before = { type = "decimal(18,4)", doc = "Credited by the last earlier run" }
corrected_amount = { type = "decimal(18,4)", doc = "Of the gap, given back by credits" }
open_amount = { type = "decimal(18,4)", doc = "What is left of the gap" }
grown_amount = { type = "decimal(18,4)", doc = "What the gap has gained since, signed like it" }
fallen_amount = { type = "decimal(18,4)", doc = "What the gap has lost since, signed like it" }

[checks]
not_null = ["finding_id", "component", "period_start_date", "step", "gap_before", "gap_amount", "grown_amount", "fallen_amount"]

[decisions]
same_run = "The rows before are those of the date whose ledger is continued, so that both speak of the same run"
---*/
with settled_finding as (
    select
        finding_id,
        check_code,
        account_id,
        contract_id,
        contract_line_id,
        subject_id,
        component,
        period_start_date,
        step,
        billable_date,
        gap_amount,
        waived_amount,
        gap_amount - waived_amount - corrected_amount - leak_amount as absorbed_amount,
        corrected_amount,
        leak_amount
    from settled_finding
),

last_run as (
    select max(ledger_date) as ledger_date
    from case_before
),

published_period as (
    select
        finding_id,
        check_code,
        account_id,
        contract_id,
        contract_line_id,
        subject_id,
        component,
        period_start_date,
        step,
        gap_amount,
        corrected_amount,
        as_of_date
    from published.contract_drift_period
    where as_of_date < cast($as_of as date)
),

before as (
    select published_period.*
    from published_period
    inner join last_run
        on published_period.as_of_date = last_run.ledger_date
),

paired as (
    select
        coalesce(settled_finding.finding_id, before.finding_id) as finding_id,
        coalesce(settled_finding.component, before.component, '') as component,
        coalesce(settled_finding.period_start_date, before.period_start_date) as period_start_date,
        coalesce(settled_finding.step, before.step, '') as step,
        coalesce(settled_finding.check_code, before.check_code) as check_code,
        coalesce(settled_finding.account_id, before.account_id) as account_id,
        coalesce(settled_finding.contract_id, before.contract_id, '') as contract_id,
        coalesce(settled_finding.contract_line_id, before.contract_line_id, '') as contract_line_id,
        coalesce(settled_finding.subject_id, before.subject_id, '') as subject_id,
        settled_finding.billable_date,
        settled_finding.finding_id is not null as is_found,
        coalesce(before.gap_amount, 0) as gap_before,
        coalesce(settled_finding.gap_amount, 0) as gap_amount,
        coalesce(settled_finding.waived_amount, 0) as waived_amount,
        coalesce(settled_finding.absorbed_amount, 0) as absorbed_amount,
        coalesce(before.corrected_amount, 0) as corrected_before,
        coalesce(settled_finding.corrected_amount, 0) as corrected_amount,
        coalesce(settled_finding.leak_amount, 0) as open_amount
    from settled_finding
    full outer join before
        on settled_finding.finding_id = before.finding_id
        and settled_finding.component = coalesce(before.component, '')
        and settled_finding.period_start_date = before.period_start_date
        and settled_finding.step = coalesce(before.step, '')
)

select
    finding_id,
    component,
    period_start_date,
    step,
    check_code,
    account_id,
    contract_id,
    case when component = 'true_up' and contract_line_id = '' then subject_id else contract_line_id end as contract_line_id,
    subject_id,
    billable_date,
    is_found,
    cast(gap_before as decimal(18,4)) as gap_before,
    cast(gap_amount as decimal(18,4)) as gap_amount,
    cast(waived_amount as decimal(18,4)) as waived_amount,
    cast(absorbed_amount as decimal(18,4)) as absorbed_amount,
    cast(corrected_before as decimal(18,4)) as corrected_before,
    cast(corrected_amount as decimal(18,4)) as corrected_amount,
    cast(open_amount as decimal(18,4)) as open_amount,
    cast(case when abs(gap_amount) > abs(gap_before) then gap_amount - gap_before else 0 end as decimal(18,4)) as grown_amount,
    cast(case when abs(gap_amount) < abs(gap_before) then gap_before - gap_amount else 0 end as decimal(18,4)) as fallen_amount
from paired
