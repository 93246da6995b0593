/*---
title = "Recovery ledger: every case from the day it was seen to the day it was settled"
owner = "finance"
grain = ["finding_id", "as_of_date"]
partition_by = ["as_of_date"]

[columns]
finding_id = { type = "text", doc = "Same case, same id, on every run" }
check_code = { type = "text", doc = "The check that fired" }
class = { type = "text", doc = "leak, liability, opportunity, timing, exposure or unverifiable" }
status = { type = "text", doc = "open, confirmed, disputed; else why it is closed" }
severity = { type = "text", doc = "high, medium, low or info while it is found; null once it is gone" }
account_id = { type = "text", doc = "The account" }
account_name = { type = "text", doc = "Its name" }
owner_id = { type = "text", doc = "Who is to act" }
owner_role = { type = "text", doc = "In which role" }
contract_id = { type = "text", doc = "The contract; empty where there is none" }
contract_line_id = { type = "text", doc = "The contract line; empty where there is none" }
product_id = { type = "text", doc = "The product; empty where there is none" }
subject_id = { type = "text", doc = "Invoice, credit note, invoice line or commitment the case is about; else empty" }
currency = { type = "text", doc = "Currency of the amounts" }
began_date = { type = "date", doc = "Earliest day on which what is missing was billable" }
first_seen_date = { type = "date", doc = "First run that saw it, or the case it continues" }
days_to_detect = { type = "integer", doc = "Days from began_date to first_seen_date" }
opened_date = { type = "date", doc = "First run that saw it under this code" }
last_seen_date = { type = "date", doc = "Last run that saw it" }
opened_amount = { type = "decimal(18,4)", doc = "Gap when it opened; negative where too much was billed, as all amounts here" }
grew_amount = { type = "decimal(18,4)", doc = "What was added since" }
grew_date = { type = "date", doc = "Last run that saw it grow" }
recovered_amount = { type = "decimal(18,4)", doc = "Billed by invoice lines first seen after the case, on the same obligation; for receivables, paid" }
reclassified_amount = { type = "decimal(18,4)", doc = "Went on under another code" }
dropped_amount = { type = "decimal(18,4)", doc = "Not found again, for other reasons than these" }
gap_amount = { type = "decimal(18,4)", doc = "Gap of today: opened and grew less recovered, reclassified and dropped" }
waived_amount = { type = "decimal(18,4)", doc = "Of it, waived" }
absorbed_amount = { type = "decimal(18,4)", doc = "Of it, paid through a commitment's true-up" }
corrected_amount = { type = "decimal(18,4)", doc = "Of it, given back by credits" }
open_amount = { type = "decimal(18,4)", doc = "What is left: the leak_amount of contract_drift, 0 where the case is gone" }
open_amount_reporting = { type = "decimal(18,4)", doc = "open_amount in the reporting currency; null where no rate is known" }
time_barred_amount = { type = "decimal(18,4)", doc = "Of it, past the contract's limit for billing later" }
peak_amount = { type = "decimal(18,4)", doc = "Most that was ever open" }
closed_date = { type = "date", doc = "Run that found it settled or gone; null while open" }
close_reason = { type = "text", doc = "recovered, corrected, waived, absorbed, reclassified, time_barred or not_seen_again; null while open" }
resolved_by = { type = "text", doc = "The invoice lines, credits and payments that settled it, with their dates" }
last_resolved_date = { type = "date", doc = "Latest date of these" }
reopened_date = { type = "date", doc = "Last run that saw it open again after it was closed" }
times_reopened = { type = "integer", doc = "How often that happened" }
supersedes_finding_id = { type = "text", doc = "The case it continues under another code" }
superseded_by_finding_id = { type = "text", doc = "The case that continues it under another code" }
days_open = { type = "integer", doc = "Days from first_seen_date to the day it closed, or to as_of" }
invoice_lines = { type = "text", doc = "Posted invoice lines on its obligations when it was last seen: what a later run tells new lines from" }
as_of_date = { type = "date", doc = "Business date of the run" }

[checks]
not_null = ["finding_id", "check_code", "class", "status", "account_id", "currency", "first_seen_date", "opened_date", "times_reopened", "days_open", "open_amount", "as_of_date"]
expect.rolls_forward = "opened_amount + grew_amount - recovered_amount - reclassified_amount - dropped_amount = gap_amount"
expect.adds_up = "open_amount = gap_amount - waived_amount - absorbed_amount - corrected_amount"
expect.recovered_is_not_negative = "recovered_amount >= 0"

[decisions]
carried = "Every partition holds all open cases and those closed within ledger_closed_days, so that earlier partitions may expire"
recovered = "Only invoice lines first seen after the case recover money, on the same obligation and never more than the gap lost; a receivable is recovered by payment"
class = "Cases of different class are never netted: sum amounts within a class and currency"
history = "A date is computed from earlier dates only; runs that were left out are bridged by the newest earlier ledger"
---*/
with case_history as (
    select
        finding_id,
        check_code,
        class,
        status,
        account_id,
        contract_id,
        contract_line_id,
        product_id,
        subject_id,
        currency,
        is_found,
        began_date,
        first_seen_date,
        opened_date,
        last_seen_date,
        grew_date,
        closed_date,
        close_reason,
        reopened_date,
        times_reopened,
        supersedes_finding_id,
        superseded_by_finding_id,
        opened_amount,
        grew_amount,
        recovered_amount,
        reclassified_amount,
        dropped_amount,
        gap_amount,
        waived_amount,
        absorbed_amount,
        corrected_amount,
        open_amount,
        time_barred_amount,
        peak_amount,
        resolved_by,
        last_resolved_date,
        invoice_lines
    from case_history
),

-- Published in the same runs, so that the next one finds the rows this ledger speaks of.
contract_drift as (
    select
        finding_id,
        severity,
        leak_amount_reporting
    from contract_drift
),

case_before as (
    select
        finding_id,
        owner_id,
        owner_role
    from case_before
),

finding_owner as (
    select
        account_id,
        check_code,
        owner_id,
        owner_role
    from finding_owner
),

account as (
    select
        account_id,
        name
    from account
)

select
    case_history.finding_id,
    case_history.check_code,
    case_history.class,
    case_history.status,
    contract_drift.severity,
    case_history.account_id,
    account.name as account_name,
    case when finding_owner.account_id is null then case_before.owner_id else finding_owner.owner_id end as owner_id,
    case when finding_owner.account_id is null then case_before.owner_role else finding_owner.owner_role end as owner_role,
    case_history.contract_id,
    case_history.contract_line_id,
    case_history.product_id,
    case_history.subject_id,
    case_history.currency,
    case_history.began_date,
    case_history.first_seen_date,
    cast(case_history.first_seen_date - case_history.began_date as bigint) as days_to_detect,
    case_history.opened_date,
    case_history.last_seen_date,
    case_history.opened_amount,
    case_history.grew_amount,
    case_history.grew_date,
    case_history.recovered_amount,
    case_history.reclassified_amount,
    case_history.dropped_amount,
    case_history.gap_amount,
    case_history.waived_amount,
    case_history.absorbed_amount,
    case_history.corrected_amount,
    case_history.open_amount,
    case when case_history.is_found then contract_drift.leak_amount_reporting else cast(0 as decimal(18,4)) end as open_amount_reporting,
    case_history.time_barred_amount,
    case_history.peak_amount,
    case_history.closed_date,
    case_history.close_reason,
    case_history.resolved_by,
    case_history.last_resolved_date,
    case_history.reopened_date,
    case_history.times_reopened,
    case_history.supersedes_finding_id,
    case_history.superseded_by_finding_id,
    cast(coalesce(case_history.closed_date, cast($as_of as date)) - case_history.first_seen_date as bigint) as days_open,
    case_history.invoice_lines,
    cast($as_of as date) as as_of_date
from case_history
left join contract_drift
    on case_history.finding_id = contract_drift.finding_id
left join case_before
    on case_history.finding_id = case_before.finding_id
left join finding_owner
    on case_history.account_id = finding_owner.account_id
    and case_history.check_code = finding_owner.check_code
left join account
    on case_history.account_id = account.account_id
