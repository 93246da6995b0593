/*---
title = "Cases as the last earlier run left them"
owner = "finance"
grain = ["finding_id"]

[columns]
finding_id = { type = "text", doc = "The case" }
check_code = { type = "text", doc = "The check" }
class = { type = "text", doc = "Its class" }
status = { type = "text", doc = "Its status then" }
account_id = { type = "text", doc = "The account" }
owner_id = { type = "text", doc = "Who was to act" }
owner_role = { type = "text", doc = "In which role" }
contract_id = { type = "text", doc = "The contract; empty where there is none" }
contract_line_id = { type = "text", doc = "The contract line; empty where there is none" }
product_id = { type = "text", doc = "The product; empty where there is none" }
subject_id = { type = "text", doc = "What it is about beside a contract line; else empty" }
currency = { type = "text", doc = "Currency of the amounts" }
began_date = { type = "date", doc = "Day it began to hold" }
first_seen_date = { type = "date", doc = "First run that saw it, or the case it continues" }
opened_date = { type = "date", doc = "First run that saw it under this code" }
last_seen_date = { type = "date", doc = "Last run that saw it" }
grew_date = { type = "date", doc = "Last run that saw it grow" }
closed_date = { type = "date", doc = "Run that found it settled or gone; null while open" }
close_reason = { type = "text", doc = "Why; null while open" }
reopened_date = { type = "date", doc = "Last run that saw it open again" }
times_reopened = { type = "integer", doc = "How often that happened" }
supersedes_finding_id = { type = "text", doc = "The case it continues under another code" }
superseded_by_finding_id = { type = "text", doc = "The case that continues it" }
opened_amount = { type = "decimal(18,4)", doc = "Gap when it opened" }
grew_amount = { type = "decimal(18,4)", doc = "What was added since" }
recovered_amount = { type = "decimal(18,4)", doc = "What was billed or paid since" }
reclassified_amount = { type = "decimal(18,4)", doc = "What went on under another code" }
dropped_amount = { type = "decimal(18,4)", doc = "What was not found again" }
gap_amount = { type = "decimal(18,4)", doc = "Gap then" }
peak_amount = { type = "decimal(18,4)", doc = "Most that was ever open" }
resolved_by = { type = "text", doc = "What settled it so far" }
last_resolved_date = { type = "date", doc = "Latest date of that" }
invoice_lines = { type = "text", doc = "Posted invoice lines on its obligations, by id" }
ledger_date = { type = "date", doc = "Date of that run" }

[checks]
not_null = ["finding_id", "ledger_date"]

[decisions]
one_partition = "Every partition carries all that is open: the newest earlier one is enough, whatever dates are missing between"
---*/
with earlier as (
    select
        finding_id,
        check_code,
        class,
        status,
        account_id,
        owner_id,
        owner_role,
        contract_id,
        contract_line_id,
        product_id,
        subject_id,
        currency,
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
        peak_amount,
        resolved_by,
        last_resolved_date,
        invoice_lines,
        as_of_date
    from published.recovery_ledger
    where as_of_date < cast($as_of as date)
),

last_run as (
    select max(as_of_date) as ledger_date
    from earlier
)

select
    earlier.finding_id,
    earlier.check_code,
    earlier.class,
    earlier.status,
    earlier.account_id,
    earlier.owner_id,
    earlier.owner_role,
    earlier.contract_id,
    earlier.contract_line_id,
    earlier.product_id,
    earlier.subject_id,
    earlier.currency,
    earlier.began_date,
    earlier.first_seen_date,
    earlier.opened_date,
    earlier.last_seen_date,
    earlier.grew_date,
    earlier.closed_date,
    earlier.close_reason,
    earlier.reopened_date,
    earlier.times_reopened,
    earlier.supersedes_finding_id,
    earlier.superseded_by_finding_id,
    earlier.opened_amount,
    earlier.grew_amount,
    earlier.recovered_amount,
    earlier.reclassified_amount,
    earlier.dropped_amount,
    earlier.gap_amount,
    earlier.peak_amount,
    earlier.resolved_by,
    earlier.last_resolved_date,
    earlier.invoice_lines,
    last_run.ledger_date
from earlier
inner join last_run
    on earlier.as_of_date = last_run.ledger_date
