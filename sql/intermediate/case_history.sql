/*---
title = "The state of every case that is carried, from run to run"
owner = "finance"
grain = ["finding_id"]

[columns]
finding_id = { type = "text", doc = "The case" }
check_code = { type = "text", doc = "The check" }
class = { type = "text", doc = "leak, liability, opportunity, timing, exposure or unverifiable" }
status = { type = "text", doc = "open, confirmed, disputed; waived, absorbed, corrected, time_barred; recovered, reclassified, not_seen_again" }
account_id = { type = "text", doc = "The account" }
contract_id = { type = "text", doc = "The contract; empty where there is none" }
contract_line_id = { type = "text", doc = "The contract line; empty where there is none" }
product_id = { type = "text", doc = "The product; empty where there is none" }
subject_id = { type = "text", doc = "What it is about beside a contract line; else empty" }
currency = { type = "text", doc = "Currency of the amounts" }
is_found = { type = "boolean", doc = "Found by this run" }
began_date = { type = "date", doc = "Earliest day on which what is missing was billable" }
first_seen_date = { type = "date", doc = "First run that saw it, or the case it continues" }
opened_date = { type = "date", doc = "First run that saw it under this code" }
last_seen_date = { type = "date", doc = "Last run that saw it" }
grew_date = { type = "date", doc = "Last run that saw it grow" }
closed_date = { type = "date", doc = "Run that found it settled or gone; null while open" }
close_reason = { type = "text", doc = "recovered, corrected, waived, absorbed, reclassified, time_barred or not_seen_again; null while open" }
reopened_date = { type = "date", doc = "Last run that saw it open again" }
times_reopened = { type = "integer", doc = "How often that happened" }
supersedes_finding_id = { type = "text", doc = "The case it continues under another code" }
superseded_by_finding_id = { type = "text", doc = "The case that continues it" }
opened_amount = { type = "decimal(18,4)", doc = "Gap when it opened" }
grew_amount = { type = "decimal(18,4)", doc = "What was added since" }
recovered_amount = { type = "decimal(18,4)", doc = "Billed by later invoice lines, or paid" }
reclassified_amount = { type = "decimal(18,4)", doc = "Went on under another code" }
dropped_amount = { type = "decimal(18,4)", doc = "Not found again, for other reasons than these" }
gap_amount = { type = "decimal(18,4)", doc = "Gap of today" }
waived_amount = { type = "decimal(18,4)", doc = "Of it, waived" }
absorbed_amount = { type = "decimal(18,4)", doc = "Of it, absorbed by a true-up" }
corrected_amount = { type = "decimal(18,4)", doc = "Of it, given back by credits" }
open_amount = { type = "decimal(18,4)", doc = "What is left" }
time_barred_amount = { type = "decimal(18,4)", doc = "Of it, past the contract's limit for billing later" }
peak_amount = { type = "decimal(18,4)", doc = "Most that was ever open" }
resolved_by = { type = "text", doc = "Invoice lines, credits and payments that settled it so far" }
last_resolved_date = { type = "date", doc = "Latest date of these" }
invoice_lines = { type = "text", doc = "Posted invoice lines on its obligations, by id" }

[checks]
not_null = ["finding_id", "status", "is_found", "first_seen_date", "opened_date", "times_reopened", "gap_amount", "open_amount"]
expect.rolls_forward = "opened_amount + grew_amount - recovered_amount - reclassified_amount - dropped_amount = gap_amount"
expect.adds_up = "open_amount = gap_amount - waived_amount - absorbed_amount - corrected_amount"
expect.closed_has_a_reason = "(closed_date is null) = (close_reason is null)"

[decisions]
settled = "A case that is still found and has nothing left is closed as waived, else absorbed, else corrected: the first of these parts that is not zero"
gone = "A case that is not found again is reclassified where another code took money over in the same place, else recovered where new lines or payments took the last of it, else corrected where credits or voidings did, else waived where a write-off was approved, else not_seen_again"
time_barred = "Closed where all that is open has billable date plus the contract's back-billing limit before as_of; a dispute keeps it open"
continued = "A new case takes over first_seen_date from the oldest case that closed in its place in the same run"
between = "Where contract_drift was published after the last ledger, the first_seen_date of its newest partition counts"
carried = "A closed case that is not found any more is carried for ledger_closed_days, so that it is known when it comes back"
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
        currency
    from settled_finding
),

case_row as (
    select
        finding_id,
        component,
        period_start_date,
        contract_id,
        billable_date,
        is_found,
        gap_amount,
        waived_amount,
        absorbed_amount,
        corrected_amount,
        open_amount,
        grown_amount
    from case_row
),

case_before as (
    select *
    from case_before
),

case_flow as (
    select
        finding_id,
        recovered_amount,
        reclassified_amount,
        next_finding_id
    from case_flow
),

case_successor as (
    select distinct
        finding_id,
        next_finding_id
    from case_successor
    where is_new
),

case_resolution as (
    select
        finding_id,
        resolved_by,
        last_resolved_date,
        has_credit,
        has_write_off
    from case_resolution
),

case_line as (
    select distinct
        finding_id,
        line_id
    from case_line
    where kind = 'invoice line'
),

contract_version as (
    select
        contract_id,
        backbill_limit_days
    from contract_version
    where is_current
),

finding_review as (
    select
        finding_id,
        decision,
        decided_at,
        expires_date
    from finding_review
    where decided_at < cast($as_of_end as timestamp)
),

earlier_drift as (
    select
        finding_id,
        first_seen_date,
        as_of_date
    from published.contract_drift
    where as_of_date < cast($as_of as date)
),

last_run as (
    select max(ledger_date) as ledger_date
    from case_before
),

last_drift as (
    select max(as_of_date) as drift_date
    from earlier_drift
),

-- Seen by runs that published contract_drift and no ledger: the last of them knows since when.
seen_between as (
    select
        earlier_drift.finding_id,
        earlier_drift.first_seen_date
    from earlier_drift
    inner join last_drift
        on earlier_drift.as_of_date = last_drift.drift_date
    cross join last_run
    where last_run.ledger_date is null
        or earlier_drift.as_of_date > last_run.ledger_date
),

latest_review as (
    select
        finding_id,
        case when expires_date is null or expires_date > cast($as_of as date) then decision end as decision
    from finding_review
    qualify row_number() over (partition by finding_id order by decided_at desc) = 1
),

named as (
    select
        finding_id,
        max(check_code) as check_code,
        max(class) as class,
        max(account_id) as account_id,
        max(contract_id) as contract_id,
        max(contract_line_id) as contract_line_id,
        max(product_id) as product_id,
        max(subject_id) as subject_id,
        max(currency) as currency
    from settled_finding
    group by finding_id
),

row_today as (
    select
        case_row.*,
        case_row.component <> '' and case_row.open_amount > 0
            and coalesce(case_row.billable_date + cast(contract_version.backbill_limit_days as int) < cast($as_of as date), false) as is_barred
    from case_row
    left join contract_version
        on case_row.contract_id = contract_version.contract_id
),

today as (
    select
        finding_id,
        bool_or(is_found) as is_found,
        min(case when is_found then coalesce(billable_date, period_start_date) end) as began_date,
        sum(gap_amount) as gap_amount,
        sum(waived_amount) as waived_amount,
        sum(absorbed_amount) as absorbed_amount,
        sum(corrected_amount) as corrected_amount,
        sum(open_amount) as open_amount,
        sum(case when is_barred then open_amount end) as barred_amount,
        sum(grown_amount) as grown_amount
    from row_today
    group by finding_id
),

flowed as (
    select
        finding_id,
        sum(recovered_amount) as recovered_amount,
        sum(reclassified_amount) as reclassified_amount,
        min(case when reclassified_amount <> 0 then next_finding_id end) as next_finding_id
    from case_flow
    group by finding_id
),

listed as (
    select
        finding_id,
        string_agg(line_id, ', ' order by line_id) as invoice_lines
    from case_line
    group by finding_id
),

-- Only a case that is gone altogether is continued; of several the oldest.
continued as (
    select
        case_successor.next_finding_id as finding_id,
        case_before.finding_id as supersedes_finding_id,
        case_before.first_seen_date,
        case_before.began_date
    from case_successor
    inner join case_before
        on case_successor.finding_id = case_before.finding_id
    inner join today
        on case_successor.finding_id = today.finding_id
    where not today.is_found
    qualify row_number() over (
        partition by case_successor.next_finding_id
        order by case_before.first_seen_date, case_before.finding_id
    ) = 1
),

-- Everything found today beside everything carried so far.
joined as (
    select
        coalesce(named.finding_id, case_before.finding_id) as finding_id,
        coalesce(named.check_code, case_before.check_code) as check_code,
        coalesce(named.class, case_before.class) as class,
        coalesce(named.account_id, case_before.account_id) as account_id,
        coalesce(named.contract_id, case_before.contract_id, '') as contract_id,
        coalesce(named.contract_line_id, case_before.contract_line_id, '') as contract_line_id,
        coalesce(named.product_id, case_before.product_id, '') as product_id,
        coalesce(named.subject_id, case_before.subject_id, '') as subject_id,
        coalesce(named.currency, case_before.currency) as currency,
        named.finding_id is not null as is_found,
        case_before.finding_id is not null as is_known,
        case_before.status as status_before,
        case_before.began_date as began_before,
        case_before.first_seen_date as first_seen_before,
        case_before.opened_date as opened_before,
        case_before.last_seen_date as last_seen_before,
        case_before.grew_date as grew_before,
        case_before.closed_date as closed_before,
        case_before.close_reason as reason_before,
        case_before.reopened_date as reopened_before,
        coalesce(case_before.times_reopened, 0) as reopened_count_before,
        case_before.supersedes_finding_id as supersedes_before,
        case_before.superseded_by_finding_id as superseded_by_before,
        coalesce(case_before.opened_amount, 0) as opened_before_amount,
        coalesce(case_before.grew_amount, 0) as grew_before_amount,
        coalesce(case_before.recovered_amount, 0) as recovered_before_amount,
        coalesce(case_before.reclassified_amount, 0) as reclassified_before_amount,
        coalesce(case_before.gap_amount, 0) as gap_before_amount,
        coalesce(case_before.dropped_amount, 0) as dropped_before_amount,
        coalesce(case_before.peak_amount, 0) as peak_before_amount,
        case_before.resolved_by as resolved_before,
        case_before.last_resolved_date as last_resolved_before,
        case_before.invoice_lines as invoice_lines_before
    from named
    full outer join case_before
        on named.finding_id = case_before.finding_id
),

weighed as (
    select
        joined.*,
        coalesce(today.began_date, joined.began_before) as began_today,
        coalesce(today.gap_amount, 0) as gap_amount,
        coalesce(today.waived_amount, 0) as waived_amount,
        coalesce(today.absorbed_amount, 0) as absorbed_amount,
        coalesce(today.corrected_amount, 0) as corrected_amount,
        coalesce(today.open_amount, 0) as open_amount,
        coalesce(today.barred_amount, 0) as barred_amount,
        case when joined.is_known then coalesce(today.grown_amount, 0) else 0 end as grown_amount,
        coalesce(flowed.recovered_amount, 0) as recovered_today,
        coalesce(flowed.reclassified_amount, 0) as reclassified_today,
        flowed.next_finding_id,
        continued.supersedes_finding_id,
        continued.first_seen_date as continued_date,
        continued.began_date as continued_began_date,
        seen_between.first_seen_date as between_date,
        case_resolution.resolved_by as resolved_today,
        case_resolution.last_resolved_date as last_resolved_today,
        coalesce(case_resolution.has_credit, false) as has_credit,
        coalesce(case_resolution.has_write_off, false) as has_write_off,
        listed.invoice_lines as invoice_lines_today,
        latest_review.decision
    from joined
    left join today
        on joined.finding_id = today.finding_id
    left join flowed
        on joined.finding_id = flowed.finding_id
    left join continued
        on joined.finding_id = continued.finding_id
        and not joined.is_known
    left join seen_between
        on joined.finding_id = seen_between.finding_id
        and not joined.is_known
    left join case_resolution
        on joined.finding_id = case_resolution.finding_id
    left join listed
        on joined.finding_id = listed.finding_id
    left join latest_review
        on joined.finding_id = latest_review.finding_id
),

judged as (
    select
        weighed.*,
        case
            when not is_found and closed_before is not null then reason_before
            when not is_found and reclassified_today <> 0 then 'reclassified'
            when not is_found and recovered_today <> 0 then 'recovered'
            when not is_found and has_credit then 'corrected'
            when not is_found and has_write_off then 'waived'
            when not is_found then 'not_seen_again'
            when open_amount = 0 and waived_amount <> 0 then 'waived'
            when open_amount = 0 and absorbed_amount <> 0 then 'absorbed'
            when open_amount = 0 and corrected_amount <> 0 then 'corrected'
            when open_amount = 0 and decision = 'waived' then 'waived'
            when decision = 'disputed' then 'disputed'
            when open_amount > 0 and barred_amount = open_amount then 'time_barred'
            when decision = 'confirmed' then 'confirmed'
            else 'open'
        end as status
    from weighed
),

stated as (
    select
        judged.*,
        status not in ('open', 'confirmed', 'disputed') as is_closed,
        grew_before_amount + grown_amount as grew_amount,
        recovered_before_amount + recovered_today as recovered_amount,
        reclassified_before_amount + reclassified_today as reclassified_amount,
        case when is_known then opened_before_amount else gap_amount end as opened_amount
    from judged
)

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
    cast(least(began_today, began_before, continued_began_date) as date) as began_date,
    cast(coalesce(first_seen_before, least(continued_date, between_date), cast($as_of as date)) as date) as first_seen_date,
    cast(coalesce(opened_before, cast($as_of as date)) as date) as opened_date,
    cast(case when is_found then cast($as_of as date) else last_seen_before end as date) as last_seen_date,
    cast(case when grown_amount <> 0 then cast($as_of as date) else grew_before end as date) as grew_date,
    cast(case when is_closed then coalesce(closed_before, cast($as_of as date)) end as date) as closed_date,
    case when is_closed then status end as close_reason,
    cast(case when closed_before is not null and not is_closed then cast($as_of as date) else reopened_before end as date) as reopened_date,
    cast(reopened_count_before + case when closed_before is not null and not is_closed then 1 else 0 end as bigint) as times_reopened,
    coalesce(supersedes_before, supersedes_finding_id) as supersedes_finding_id,
    case
        when is_found then null
        when closed_before is null then next_finding_id
        else superseded_by_before
    end as superseded_by_finding_id,
    cast(opened_amount as decimal(18,4)) as opened_amount,
    cast(grew_amount as decimal(18,4)) as grew_amount,
    cast(recovered_amount as decimal(18,4)) as recovered_amount,
    cast(reclassified_amount as decimal(18,4)) as reclassified_amount,
    cast(opened_amount + grew_amount - recovered_amount - reclassified_amount - gap_amount as decimal(18,4)) as dropped_amount,
    cast(gap_amount as decimal(18,4)) as gap_amount,
    cast(waived_amount as decimal(18,4)) as waived_amount,
    cast(absorbed_amount as decimal(18,4)) as absorbed_amount,
    cast(corrected_amount as decimal(18,4)) as corrected_amount,
    cast(open_amount as decimal(18,4)) as open_amount,
    cast(barred_amount as decimal(18,4)) as time_barred_amount,
    cast(case when abs(open_amount) > abs(peak_before_amount) then open_amount else peak_before_amount end as decimal(18,4)) as peak_amount,
    case when resolved_before is not null and resolved_today is not null then concat(resolved_before, '; ', resolved_today) else coalesce(resolved_before, resolved_today) end as resolved_by,
    cast(greatest(last_resolved_before, last_resolved_today) as date) as last_resolved_date,
    case when is_found then invoice_lines_today else invoice_lines_before end as invoice_lines
from stated
where is_found
    or not is_closed
    or closed_before is null
    or closed_before >= cast($as_of as date) - cast(cast($ledger_closed_days as bigint) as int)
